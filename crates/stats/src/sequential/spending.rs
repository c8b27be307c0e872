//! How much of a level may be spent by when.

use serde::{Deserialize, Serialize};

use crate::distribution::normal;
use crate::probability::Probability;

/// A spending function of Lan and DeMets (1983): nothing at the start, the whole level at the end.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spending {
    /// Nearly nothing early: 2 − 2Φ(z / √t), with z the upper quantile of half of the level.
    #[default]
    OBrienFlemingLike,
    /// Early and late alike: α ln(1 + (e − 1) t).
    PocockLike,
    /// α tᵖ, with a power p above 0 (Kim and DeMets 1987).
    Power(f64),
    /// α (1 − e^(−γt)) / (1 − e^(−γ)); linear at γ = 0 (Hwang, Shih and DeCani 1990).
    HwangShihDeCani(f64),
}

impl Spending {
    /// Returns how much of a level may be spent by a share of the time; between nothing and the level.
    pub fn spent(self, level: Probability, time: f64) -> f64 {
        let alpha = level.get();
        if time <= 0.0 || time.is_nan() {
            return 0.0;
        }
        if time >= 1.0 {
            return alpha;
        }
        let spent = match self {
            Self::OBrienFlemingLike => 2.0 * normal::sf(normal::upper_quantile(0.5 * alpha) / time.sqrt()),
            Self::PocockLike => alpha * ((1f64.exp() - 1.0) * time).ln_1p(),
            Self::Power(power) => alpha * time.powf(power.max(0.0)),
            Self::HwangShihDeCani(gamma) if gamma.abs() < 1e-8 => alpha * time,
            Self::HwangShihDeCani(gamma) => alpha * (-gamma * time).exp_m1() / (-gamma).exp_m1(),
        };
        if spent.is_nan() { 0.0 } else { spent.clamp(0.0, alpha) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn families() -> impl Strategy<Value = Spending> {
        prop_oneof![
            Just(Spending::OBrienFlemingLike),
            Just(Spending::PocockLike),
            (0.1..6.0).prop_map(Spending::Power),
            (-8.0..8.0).prop_map(Spending::HwangShihDeCani),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_spent_at_first_and_all_of_it_at_last(
            family in families(), level in 1e-6..0.4, a in 0.0..1.0, b in 0.0..1.0,
        ) {
            let level = Probability::new(level).unwrap();
            let (early, late) = (family.spent(level, f64::min(a, b)), family.spent(level, f64::max(a, b)));
            prop_assert!(0.0 <= early && early <= late && late <= level.get());
            prop_assert_eq!(family.spent(level, 0.0), 0.0);
            prop_assert_eq!(family.spent(level, 1.0), level.get());
        }
    }

    #[test]
    fn an_odd_parameter_spends_within_the_level() {
        let level = Probability::new(0.05).unwrap();
        for odd in [f64::NAN, f64::INFINITY, -1e300, 1e300] {
            for family in [Spending::Power(odd), Spending::HwangShihDeCani(odd)] {
                assert!((0.0..=0.05).contains(&family.spent(level, 0.5)), "{family:?}");
            }
        }
    }
}
