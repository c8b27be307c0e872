//! The parts of a book: what has a file of its own, and which parts lead to which.

use std::fmt;
use std::sync::Arc;

use super::{Contents, Experiment, Flag, Holdout, Kind, Layer, Metric, Predicate, Rollout, Segment, Source};

/// Which part of a book: its kind and its key.
///
/// The book itself has the empty key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartName {
    /// The kind.
    pub kind: Kind,
    /// The key.
    pub key: Arc<str>,
}

impl PartName {
    /// Names a part.
    pub fn new(kind: Kind, key: impl Into<Arc<str>>) -> Self {
        Self { kind, key: key.into() }
    }

    /// Names what `trialbook.yaml` declares.
    pub fn book() -> Self {
        Self::new(Kind::Book, "")
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.key)
    }
}

macro_rules! parts {
    ($($kind:ident: $map:ident,)*) => {
        /// A part of a book.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Part {
            $(
                #[doc = concat!("One of [`Contents::", stringify!($map), "`].")]
                $kind(Box<$kind>),
            )*
        }

        /// A part of a book, where it is.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum PartRef<'a> {
            $(
                #[doc = concat!("One of [`Contents::", stringify!($map), "`].")]
                $kind(&'a $kind),
            )*
        }

        impl Part {
            /// Returns the part as a reference.
            pub fn as_ref(&self) -> PartRef<'_> {
                match self { $(Self::$kind(part) => PartRef::$kind(part),)* }
            }
        }

        impl PartRef<'_> {
            /// Returns its name.
            pub fn name(&self) -> PartName {
                match self { $(Self::$kind(part) => PartName::new(Kind::$kind, part.key.shared()),)* }
            }
        }

        impl Contents {
            /// Returns every part, by kind and key.
            pub fn parts(&self) -> impl Iterator<Item = PartRef<'_>> {
                std::iter::empty()$(.chain(self.$map.values().map(PartRef::$kind)))*
            }

            /// Returns a part; `None` for the book itself, and where there is none.
            pub fn part(&self, kind: Kind, key: &str) -> Option<PartRef<'_>> {
                match kind {
                    Kind::Book => None,
                    $(Kind::$kind => self.$map.get(key).map(PartRef::$kind),)*
                }
            }

            /// Adds a part; returns the one that had its name.
            pub fn insert(&mut self, part: Part) -> Option<Part> {
                match part {
                    $(Part::$kind(part) => {
                        self.$map.insert(part.key.clone(), *part).map(|old| Part::$kind(Box::new(old)))
                    })*
                }
            }

            /// Takes over every part of other contents, in place of its own.
            pub fn take_parts(&mut self, other: Contents) {
                $(self.$map = other.$map;)*
            }

            /// Returns every part.
            pub fn into_parts(self) -> impl Iterator<Item = Part> {
                std::iter::empty()
                    $(.chain(self.$map.into_values().map(|part| Part::$kind(Box::new(part)))))*
            }

            /// Removes a part and returns it.
            pub fn remove(&mut self, kind: Kind, key: &str) -> Option<Part> {
                match kind {
                    Kind::Book => None,
                    $(Kind::$kind => self.$map.remove(key).map(|old| Part::$kind(Box::new(old))),)*
                }
            }
        }
    };
}

parts! {
    Flag: flags,
    Experiment: experiments,
    Rollout: rollouts,
    Holdout: holdouts,
    Layer: layers,
    Segment: segments,
    Metric: metrics,
    Source: sources,
}

impl<'a> PartRef<'a> {
    /// Returns the parts that this one names, each once; whether it depends on their content or, as a layer does with the
    /// experiments in its slots, only keeps a place for them, [`Uses`](super::Uses) distinguishes.
    pub fn names(&self) -> Vec<PartName> {
        let mut names = Vec::new();
        let mut name = |kind: Kind, key: Arc<str>| names.push(PartName { kind, key });
        match self {
            Self::Flag(flag) => {
                let overrides = flag.overrides.values().flat_map(|o| o.rules.iter().flatten());
                flag.rules.iter().chain(overrides).for_each(|rule| segments(&rule.when, &mut name));
                flag.holdouts.keys().for_each(|holdout| name(Kind::Holdout, holdout.shared()));
            }
            Self::Experiment(experiment) => {
                name(Kind::Flag, experiment.flag.shared());
                experiment.layer.iter().for_each(|layer| name(Kind::Layer, layer.shared()));
                experiment.metrics.all().for_each(|metric| name(Kind::Metric, metric.shared()));
                experiment.previous.iter().for_each(|previous| name(Kind::Experiment, previous.shared()));
                segments(&experiment.audience, &mut name);
                let forced = experiment.overrides.iter().filter_map(|forced| forced.segment());
                forced.for_each(|segment| name(Kind::Segment, segment.shared()));
            }
            Self::Rollout(rollout) => {
                name(Kind::Flag, rollout.flag.shared());
                rollout.guardrails.iter().for_each(|g| name(Kind::Metric, g.metric.shared()));
                segments(&rollout.audience, &mut name);
            }
            Self::Holdout(holdout) => {
                holdout.metrics.iter().for_each(|metric| name(Kind::Metric, metric.shared()));
            }
            Self::Layer(layer) => {
                layer.slots.iter().for_each(|slot| name(Kind::Experiment, slot.experiment.shared()));
            }
            Self::Segment(segment) => segments(&segment.audience, &mut name),
            Self::Metric(metric) => {
                metric.kind.measurements().for_each(|m| name(Kind::Source, m.source.shared()));
            }
            Self::Source(_) => {}
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn segments(audience: &Predicate, name: &mut impl FnMut(Kind, Arc<str>)) {
    audience.walk(&mut |_, _| (), &mut |segment| name(Kind::Segment, segment.shared()));
}
