//! `*.experiment.yaml`.

use super::audience::Audience;
use super::leaf::{List, Map, Positive, Text, When};
use super::mapping::mapping;
use super::reader::{Reader, Syntax};
use super::shape::{Shape, Word};
use super::step::StepSyntax;
use crate::load::rules;
use crate::load::yaml::{Content, Node, Typed};
use trialbook_model::{
    DecisionOutcome, ExperimentKey, FlagKey, LayerKey, Margin, Method, MetricKey, MinimumEffect, Salt, Share,
    SurfaceKey, VariantKey,
};

mapping! {
    /// A randomised test of a flag's variants on an audience, with its analysis plan. The file's stem is its key.
    struct ExperimentFile: "an experiment" {
        /// What people call it.
        "title" required title: Text,
        /// What is expected, and why.
        "hypothesis" required hypothesis: Text,
        /// Who answers for it.
        "owner" required owner: Text,
        /// Where in the product it is seen: surfaces of trialbook.yaml. Their default metrics are added.
        "surfaces" optional surfaces: List<SurfaceKey>,
        /// The flag whose variants are tested.
        "flag" required flag: FlagKey,
        /// Who may be enrolled; everybody unless given.
        "audience" optional audience: Audience,
        /// The layer whose slots hold its units. Left out: a draw of its own, meeting others at random.
        "layer" optional layer: LayerKey,
        /// The share of the audience that is enrolled, in whole buckets of 0.01%; or a list of steps that only grow.
        "allocation" required allocation: Allocation,
        /// The variant that the others are compared with.
        "control" required control: VariantKey,
        /// The share of each variant among the enrolled, summing to 100%; or `equal` for all of the flag's variants.
        "variants" required variants: Weights,
        /// When units are enrolled.
        "schedule" required schedule: ScheduleSyntax,
        /// What is measured.
        "metrics" required metrics: MetricsSyntax,
        /// How it is judged; each field has the book's default.
        "analysis" optional analysis: AnalysisSyntax,
        /// The salt of its own draws; the experiment's key unless given.
        "salt" optional salt: Salt,
        /// The experiment that this one repeats.
        "previous" optional previous: ExperimentKey,
        /// How it ended; added by the pull request that concludes it.
        "decision" optional decision: DecisionSyntax,
    }
    reserved {
        "flags" => "an experiment tests one flag: write `flag: KEY`",
        "requires" => "prerequisites are not supported yet; say the condition in `audience`",
    }
}

mapping! {
    /// The interval of enrolment; the end is the first moment outside it.
    struct ScheduleSyntax: "a schedule" {
        /// The first day of enrolment, or the instant.
        "start" required start: When,
        /// The first day after enrolment, or the instant.
        "end" required end: When,
    }
}

mapping! {
    /// The metrics of an experiment by role. Guardrails and exploratory metrics of the surfaces and the book are
    /// added, where the experiment does not use the metric itself.
    struct MetricsSyntax: "the metrics" {
        /// Metrics that can show that the change was worth making.
        "success" optional success: List<SuccessSyntax>,
        /// Metrics that must be shown not to get worse than a margin.
        "guardrails" optional guardrails: List<GuardrailSyntax>,
        /// Metrics that are looked at and decide nothing.
        "exploratory" optional exploratory: List<MetricKey>,
    }
}

mapping! {
    /// A metric that can show that the change was worth making.
    struct SuccessSyntax: "a success metric" {
        /// Which metric.
        "metric" required metric: MetricKey,
        /// The smallest effect worth finding: relative, such as `2%`, or `{absolute: 0.01}`.
        "mde" required mde: MinimumEffect,
    }
}

mapping! {
    /// A metric that must be shown not to get worse than a margin.
    struct GuardrailSyntax: "a guardrail" {
        /// Which metric.
        "metric" required metric: MetricKey,
        /// How much worse is still acceptable: relative, such as `3%`, or `{absolute: 0.01}`.
        "margin" required margin: Margin,
    }
}

mapping! {
    /// How an experiment is judged.
    struct AnalysisSyntax: "an analysis" {
        /// When the data may be looked at. `fixed-horizon`: once, when the last window has closed. `group-sequential`:
        /// daily, with the level spent over the schedule. `always-valid`: at any time.
        "method" optional method: Method = "fixed-horizon",
        /// The two-sided level of the decision; 5% unless given.
        "alpha" optional alpha: Share = "5%",
        /// The power that the whole decision should have; 80% unless given.
        "power" optional power: Share = "80%",
        /// The level shared by the tests for harm and the quality checks; 1% unless given.
        "deterioration_alpha" optional deterioration_alpha: Share = "1%",
        /// Whether covariates are used to reduce variance, where a metric has one; `true` unless given.
        "adjust" optional adjust: bool = true,
    }
}

mapping! {
    /// How an experiment ended.
    struct DecisionSyntax: "a decision" {
        /// What was decided.
        "outcome" required outcome: DecisionOutcome,
        /// The variant that ships; only with `outcome: ship`.
        "variant" optional variant: VariantKey,
        /// When; serving ends then.
        "date" required date: When,
        /// Why, in prose.
        "reason" required reason: Text,
    }
}

mapping! {
    /// An amount in the metric's own unit.
    struct AbsoluteSyntax: "an absolute amount" {
        /// The amount, in the metric's own unit.
        "absolute" required absolute: Positive,
    }
}

/// A relative share above zero, or an absolute amount.
enum Amount {
    Relative(Share),
    Absolute(f64),
}

impl Syntax for Amount {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Mapping(_) if node.entry("relative").is_some() => {
                let share = node.entry("relative").map(|entry| &entry.value.content);
                let help = match share {
                    Some(Content::Scalar(share)) => format!("write `{}`", share.text),
                    _ => "write a share such as `2%`".into(),
                };
                let message = "an amount relative to the control's mean is a bare share";
                reader.error(rules::UNKNOWN_KEY, node.span, message, help);
                None
            }
            Content::Mapping(_) => {
                AbsoluteSyntax::read(node, reader)?.absolute.map(|amount| Self::Absolute(amount.value.0))
            }
            Content::Scalar(scalar) if matches!(scalar.typed(), Typed::Number(_)) => {
                let number = &scalar.text;
                let share = match number.parse::<f64>() {
                    Ok(fraction) if fraction > 0.0 && fraction < 1.0 => {
                        format!("`{}%` (or `{number}%`, if that was meant)", (fraction * 1e6).round() / 1e4)
                    }
                    _ => format!("`{number}%`"),
                };
                reader.expected(
                    rules::BAD_SHARE,
                    node,
                    "a share such as `2%` or `{absolute: 0.01}`",
                    format!("write {share} for a share of the control's mean, or `{{absolute: {number}}}` in the metric's own unit"),
                );
                None
            }
            Content::Scalar(_) | Content::Sequence(_) => match Share::read(node, reader)? {
                Share::NONE => {
                    reader.expected(rules::BAD_SHARE, node, "a share above 0%", "");
                    None
                }
                share => Some(Self::Relative(share)),
            },
        }
    }

    fn shape() -> Shape {
        Shape::Either(&[Share::shape, AbsoluteSyntax::shape])
    }
}

impl Syntax for MinimumEffect {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        Some(match Amount::read(node, reader)? {
            Amount::Relative(share) => Self::Relative(share),
            Amount::Absolute(amount) => Self::Absolute(amount),
        })
    }

    fn shape() -> Shape {
        Amount::shape()
    }
}

impl Syntax for Margin {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        Some(match Amount::read(node, reader)? {
            Amount::Relative(share) => Self::Relative(share),
            Amount::Absolute(amount) => Self::Absolute(amount),
        })
    }

    fn shape() -> Shape {
        Amount::shape()
    }
}

/// A share throughout, or the steps of a ramp.
#[derive(Debug)]
pub enum Allocation {
    /// From the start on.
    Fixed(Share),
    /// Step by step.
    Ramp(List<StepSyntax>),
}

impl Syntax for Allocation {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Sequence(_) => List::read(node, reader).map(Self::Ramp),
            Content::Scalar(_) => Share::read(node, reader).map(Self::Fixed),
            Content::Mapping(_) => {
                let expected =
                    "a share such as `20%`, or a list of steps such as `[{at: 2026-11-25, share: 5%}]`";
                reader.expected(rules::WRONG_TYPE, node, expected, "");
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Either(&[Share::shape, List::<StepSyntax>::shape])
    }
}

/// How the enrolled are divided.
#[derive(Debug)]
pub enum Weights {
    /// Every variant of the flag, in equal shares.
    Equal,
    /// As given.
    Shares(Map<VariantKey, Share>),
}

impl Syntax for Weights {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Scalar(scalar) if &*scalar.text == "equal" => Some(Self::Equal),
            Content::Mapping(_) => Map::read(node, reader).map(Self::Shares),
            Content::Scalar(_) | Content::Sequence(_) => {
                let expected = "a mapping such as `{plain: 50%, bold: 50%}`, or `equal`";
                reader.expected(rules::WRONG_TYPE, node, expected, "");
                None
            }
        }
    }

    fn shape() -> Shape {
        const EQUAL: Word = Word { word: "equal", doc: "Every variant of the flag, in equal shares." };
        Shape::Either(&[|| Shape::Words(&[EQUAL]), Map::<VariantKey, Share>::shape])
    }
}
