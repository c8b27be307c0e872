//! `*.experiment.yaml`.

use super::audience::Audience;
use super::collection::{List, Map};
use super::leaf::{Positive, Text};
use super::mapping::{mapping, words};
use super::moment::When;
use super::reader::{Reader, Syntax};
use super::shape::{Grammar, Shape, Word};
use super::step::StepSyntax;
use crate::load::advice::Advice;
use crate::load::rules;
use crate::load::yaml::{Content, Node, Typed};
use trialbook_model::{
    DecisionOutcome, Duration, ExperimentKey, FlagKey, LayerKey, Margin, Method, MetricKey, MinimumEffect,
    Multiplicity, Salt, SegmentKey, Share, Spending, SurfaceKey, VariantKey,
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
        /// Which units are served a variant without a draw, to try the test out: the first that fits. They are never analysed, and
        /// may change at any time.
        "overrides" optional overrides: List<ForcedSyntax>,
        /// How it ended; added by the pull request that concludes it.
        "decision" optional decision: DecisionSyntax,
    }
    reserved {
        "flags" => "an experiment tests one flag: write `flag: KEY`",
        "requires" => "prerequisites are not supported yet; write the condition into `audience`",
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
        /// When the data may be looked at. `group-sequential`: daily, with the level spent over the schedule. `fixed-horizon`:
        /// once, when the last window has closed. `always-valid`: at any time. `group-sequential` unless given; `fixed-horizon`
        /// where a success metric or a guardrail has an open window.
        "method" optional method: Method = "group-sequential",
        /// How the success metrics share the level, over all treatments; `shared`, in equal shares, unless given. `holm`, step by step from
        /// the smallest p-value, finds at least as much, and is only for `method: fixed-horizon`.
        "multiplicity" optional multiplicity: Multiplicity = "shared",
        /// How a group sequential test spends its level over the looks; `obrien-fleming`, nearly nothing early, unless given.
        "spending" optional spending: Spending = "obrien-fleming",
        /// How long enrolment must have lasted, in the data of a look, before a treatment ships at it; a week unless given,
        /// because weekdays differ. The last look may be earlier.
        "min_duration" optional min_duration: Duration = "7d",
        /// The units over both arms of a comparison at which the intervals of an always-valid test are narrowest; 20,000
        /// unless given. With ten times as many they are some 10% wider than they could be.
        "planned_units" optional planned_units: u32 = 20000,
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

words! { NamedSpending: "`obrien-fleming`, `pocock`, `{power: 2}` or `{hwang-shih-decani: -4}`" {
    /// Nearly nothing early, so that the last look is nearly that of a single one.
    "obrien-fleming" => NamedSpending(Spending::ObrienFleming),
    /// Early and late alike: large effects end a test sooner, and small ones need more units.
    "pocock" => NamedSpending(Spending::Pocock),
} }

/// A spending function that has no parameter.
#[derive(Debug, Clone, Copy)]
struct NamedSpending(Spending);

mapping! {
    /// A spending function with its parameter.
    struct SpendingFamily: "a family of spending functions" {
        /// α times this power of the time: 1 spends evenly, 3 later. Above 0, at most 20.
        "power" optional power: f64,
        /// γ of Hwang, Shih and DeCani: -4 is near `obrien-fleming`, 1 near `pocock`, 0 spends evenly. From -20 to 20.
        "hwang-shih-decani" optional hwang_shih_decani: f64,
    }
    exactly one of "power" | "hwang-shih-decani";
}

impl Syntax for Spending {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Content::Mapping(_) = &node.content else { return Some(NamedSpending::read(node, reader)?.0) };
        let family = SpendingFamily::read(node, reader)?;
        let (spending, sound, expected) = match (family.power, family.hwang_shih_decani) {
            (Some(power), _) => {
                let power = power.value;
                (Self::Power(power), power > 0.0 && power <= 20.0, "a power above 0 and at most 20")
            }
            (None, gamma) => {
                let gamma = gamma?.value;
                (Self::HwangShihDecani(gamma), gamma.abs() <= 20.0, "a number from -20 to 20")
            }
        };
        if !sound {
            reader.expected(rules::BAD_ANALYSIS, node, expected, "`spending: obrien-fleming` is usual");
            return None;
        }
        Some(spending)
    }

    fn shape() -> Shape {
        Shape::Either(&[NamedSpending::shape, SpendingFamily::shape])
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
                    Some(Content::Scalar(share)) => Advice::write(&share.text),
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

mapping! {
    /// Units that are served a variant without a draw, before the flag's rules.
    struct ForcedSyntax: "an override" {
        /// The ids of test units, 100 at most in all of the experiment's overrides.
        "units" optional units: List<UnitId>,
        /// Whoever is in this segment.
        "segment" optional segment: SegmentKey,
        /// The variant that they are served, one of the experiment's.
        "serve" required serve: VariantKey,
    }
    exactly one of "units" | "segment";
}

/// The id of a unit, as programs give it in the context.
#[derive(Debug)]
pub struct UnitId(pub String);

impl UnitId {
    /// The longest id that can be named, in bytes.
    const LONGEST: usize = 256;
}

impl Syntax for UnitId {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let expected = "the id of a unit: text of at most 256 bytes without control characters";
        let text = reader.string(node, expected)?;
        if text.is_empty() || text.len() > Self::LONGEST || text.chars().any(char::is_control) {
            reader.expected(rules::WRONG_TYPE, node, expected, "");
            return None;
        }
        Some(Self(text.to_owned()))
    }

    fn shape() -> Shape {
        Shape::Text(Grammar {
            expected: "the id of a unit, as programs give it in the context",
            pattern: r"^[^\x00-\x1F\x7F]+$",
            examples: &["qa-1"],
        })
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
