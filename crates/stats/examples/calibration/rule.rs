//! The whole decision: how often rule 2 ships, with metrics that share nothing but their treatments' control.

use trialbook_stats::Probability;
use trialbook_stats::decision_rule::{
    DecisionLevels, ErrorRates, Evidence, SuccessCorrection, TestCounts, decide,
};
use trialbook_stats::distribution::normal;

use super::population::Draws;

/// The declared rates: two-sided alpha 5 %, power 80 %, deterioration 1 %.
const RATES: [f64; 3] = [0.025, 0.2, 0.01];

/// A plan: how many metrics and treatments.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub success: usize,
    pub guardrails: usize,
    pub treatments: usize,
}

/// How many of the decisions were what.
#[derive(Debug, Clone, Copy, Default)]
pub struct Decisions {
    /// No metric moves: at least one treatment ships.
    pub shipped_without_effect: u32,
    /// Every success metric has its declared effect and a guardrail is worse by its margin: at least one ships.
    pub shipped_with_harm: u32,
    /// One success metric has its declared effect, nothing else moves: the first treatment ships.
    pub shipped_with_effect: u32,
    /// A guardrail is worse by twice its margin: the first treatment has a metric that is significantly worse, or is
    /// not shipped.
    pub stopped_with_harm: u32,
}

/// What the metrics of every treatment do.
#[derive(Clone, Copy, PartialEq)]
enum Truth {
    Nothing,
    Harm { margins: f64 },
    OneEffect,
}

impl Plan {
    pub fn all() -> impl Iterator<Item = Self> {
        let counts = (1..=3).flat_map(|t| (1..=5).flat_map(move |s| (1..=5).map(move |g| (s, g, t))));
        counts.map(|(success, guardrails, treatments)| Self { success, guardrails, treatments })
    }

    fn levels(self) -> DecisionLevels {
        let counts = TestCounts {
            success: self.success as u64,
            guardrails: self.guardrails as u64,
            deterioration_only: 0,
            quality_tests: 1,
            treatments: self.treatments as u64,
        };
        let [alpha, beta, minus] = RATES.map(|rate| Probability::new(rate).expect("a rate"));
        DecisionLevels::new(counts, ErrorRates::new(alpha, beta, minus).expect("rates")).expect("levels")
    }

    pub fn run(self, experiments: u32, seed: u64) -> Decisions {
        let levels = self.levels();
        let mut draws = Draws::seeded(seed);
        let mut found = Decisions::default();
        for _ in 0..experiments {
            let ships = self.ships(&levels, Truth::Nothing, &mut draws);
            found.shipped_without_effect += u32::from(ships.contains(&true));
            let ships = self.ships(&levels, Truth::Harm { margins: 1.0 }, &mut draws);
            found.shipped_with_harm += u32::from(ships.contains(&true));
            let ships = self.ships(&levels, Truth::OneEffect, &mut draws);
            found.shipped_with_effect += u32::from(ships[0]);
            let ships = self.ships(&levels, Truth::Harm { margins: 2.0 }, &mut draws);
            found.stopped_with_harm += u32::from(!ships[0]);
        }
        found
    }

    /// Whether each treatment ships.
    fn ships(self, levels: &DecisionLevels, truth: Truth, draws: &mut Draws) -> Vec<bool> {
        let power = normal::quantile(levels.power());
        // Effects and margins in standard errors of a difference that the plan is powered for.
        let effect = normal::upper_quantile(levels.success.get()) + power;
        let margin = normal::upper_quantile(levels.guardrail.get()) + power;
        let metrics = self.success + self.guardrails;
        let control: Vec<f64> = (0..metrics).map(|_| draws.normal()).collect();
        let quality = [Some(normal::sf(draws.normal()))];
        let mut ships = Vec::with_capacity(self.treatments);
        for _ in 0..self.treatments {
            let z: Vec<f64> = (0..metrics)
                .map(|metric| {
                    let mean = match truth {
                        Truth::Nothing => 0.0,
                        Truth::Harm { margins } if metric == self.success => -margins * margin,
                        Truth::Harm { .. } if metric < self.success => effect,
                        Truth::OneEffect if metric == 0 => effect,
                        Truth::Harm { .. } | Truth::OneEffect => 0.0,
                    };
                    mean + (draws.normal() - control[metric]) / 2f64.sqrt()
                })
                .collect();
            let p = |z: f64| Some(normal::sf(z));
            let (success, guardrails) = z.split_at(self.success);
            let evidence = Evidence {
                success: &success.iter().map(|z| p(*z)).collect::<Vec<_>>(),
                guardrails: &guardrails.iter().map(|z| p(z + margin)).collect::<Vec<_>>(),
                deterioration: &z.iter().map(|z| p(-z)).collect::<Vec<_>>(),
                quality: &quality,
            };
            ships.push(decide(evidence, levels, SuccessCorrection::Bonferroni).rule_2_ships);
        }
        ships
    }
}
