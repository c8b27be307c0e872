//! `trialbook.yaml` to the book's settings.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;

use super::audience;
use super::baseline;
use super::declarations::{Declarations, Declared, Index, instant};
use super::defaults;
use super::sink::Sink;
use super::target;
use crate::load::advice::Advice;
use crate::load::documents::Documents;
use crate::load::rules;
use crate::load::syntax::Map;
use crate::load::syntax::audience::COMBINATORS;
use crate::load::syntax::book::{AttributeSyntax, BookFile, PolicySyntax, SurfaceSyntax, Values};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::Spanned;
use trialbook_model::{
    Attribute, AttributeKey, AttributeType, Contents, Entity, EntityKey, Freeze, Github, Kind, LargeChange,
    Policy, QualityPolicy, Scalar, Share, Surface, Traffic,
};

/// Lowers `trialbook.yaml`. The context stands even where it has problems, so that other files are checked.
pub(super) fn lower<'a>(
    documents: &'a Documents,
    index: &Index<'a>,
    findings: &mut Vec<Diagnostic>,
) -> (Option<Contents>, Declarations<'a>) {
    static EMPTY: LazyLock<BookFile> = LazyLock::new(BookFile::default);
    let place = documents.place(Kind::Book, "", "");
    let mut sink = Sink::new(&place.file);
    let file: &'a BookFile = index.book.unwrap_or(&EMPTY);
    let root = documents.get(Kind::Book, "").and_then(|document| document.root.as_ref());
    // A section that stands in the file and could not be read has names that nobody knows.
    let complete = |name: &str, read: bool| {
        index.book.is_some() && (read || root.is_none_or(|root| root.entry(name).is_none()))
    };

    let timezone = timezone(file, &mut sink);
    let entities = Declared {
        complete: complete("entities", file.entities.is_some()),
        entries: section(&file.entities, |key, entity| {
            Some(Entity {
                key: key.clone(),
                column: entity.column.as_ref()?.value.clone(),
                context: entity.context.as_ref().map(|context| context.value.clone()),
                traffic: match &entity.traffic {
                    None => None,
                    Some(traffic) => Some(baseline::traffic(traffic, &mut sink)?),
                },
            })
        }),
    };
    if let Some(section) = &file.entities
        && section.value.0.is_empty()
        && entities.complete
    {
        sink.error(
            rules::MISSING_KEY,
            section.span,
            "a book needs at least one entity",
            "write `user: {column: user_id}`",
        );
    }
    let surfaces = Declared {
        complete: complete("surfaces", file.surfaces.is_some()),
        entries: section(&file.surfaces, |key, surface| {
            Some(Surface {
                key: key.clone(),
                owner: surface.owner.as_ref().map(|owner| owner.value.0.clone()),
                traffic: surface_traffic(surface, &entities, &mut sink)?,
            })
        }),
    };
    let attributes = Declared {
        complete: complete("attributes", file.attributes.is_some()),
        entries: attributes(file, &mut sink),
    };
    let analysis = defaults::book_analysis(file, &mut sink);
    let targets = Declared {
        complete: complete("targets", file.targets.is_some()),
        entries: target::targets(file, &mut sink),
    };
    let context = Declarations {
        timezone,
        entities,
        attributes,
        surfaces,
        targets,
        defaults: file.defaults.as_ref().map(|defaults| &defaults.value),
        analysis,
    };
    defaults::check(&context, index, &mut sink);
    let contents = contents(file, &context, &mut sink);
    findings.extend(sink.into_findings());
    (contents.filter(|_| index.book.is_some()), context)
}

/// Lowers the entries of a section that do not depend on each other.
fn section<K: Clone + Ord, S, V>(
    section: &Option<Spanned<Map<K, S>>>,
    mut lower: impl FnMut(&K, &S) -> Option<V>,
) -> BTreeMap<K, Option<V>> {
    let entries = section.iter().flat_map(|section| &section.value.0);
    entries
        .map(|(key, value)| {
            (key.value.clone(), value.as_ref().and_then(|value| lower(&key.value, &value.value)))
        })
        .collect()
}

/// Lowers the traffic of a surface, by entity.
fn surface_traffic(
    surface: &SurfaceSyntax,
    entities: &Declared<EntityKey, Entity>,
    sink: &mut Sink<'_>,
) -> Option<BTreeMap<EntityKey, Traffic>> {
    let mut by_entity = BTreeMap::new();
    for (entity, traffic) in surface.traffic.iter().flat_map(|section| &section.value.0) {
        entities.check("entity", entity.value.as_str(), entity.span, sink);
        by_entity.insert(entity.value.clone(), baseline::traffic(traffic.as_ref()?, sink)?);
    }
    Some(by_entity)
}

fn timezone(file: &BookFile, sink: &mut Sink<'_>) -> TimeZone {
    file.timezone.as_ref().and_then(|name| named_timezone(name, sink)).unwrap_or(TimeZone::UTC)
}

/// Returns the time zone of a name; reports one that there is not.
pub(super) fn named_timezone(
    name: &Spanned<crate::load::syntax::Text>,
    sink: &mut Sink<'_>,
) -> Option<TimeZone> {
    let timezone = trialbook_model::timezone(&name.value.0);
    if timezone.is_none() {
        let known = trialbook_model::timezones();
        let near = crate::load::nearest::nearest(&name.value.0, known.iter().map(String::as_str));
        let help = match near {
            Some(near) => Advice::meant(near),
            None => "write an IANA name such as `Europe/Stockholm`, or `UTC`".into(),
        };
        let message = format!("there is no time zone `{}`", name.value.0);
        sink.error(rules::BAD_TIMEZONE, name.span, message, help);
    }
    timezone
}

fn attributes(file: &BookFile, sink: &mut Sink<'_>) -> BTreeMap<AttributeKey, Option<Attribute>> {
    let mut attributes = BTreeMap::new();
    for (key, syntax) in file.attributes.iter().flat_map(|section| &section.value.0) {
        if COMBINATORS.contains(&key.value.as_str()) {
            let message = format!(
                "`{}` has a meaning of its own in audiences, so no attribute can be named so",
                key.value
            );
            sink.error(rules::BAD_KEY, key.span, message, "rename the attribute");
        }
        let attribute = syntax.as_ref().and_then(|syntax| attribute(&key.value, &syntax.value, sink));
        attributes.insert(key.value.clone(), attribute);
    }
    attributes
}

fn attribute(key: &AttributeKey, syntax: &AttributeSyntax, sink: &mut Sink<'_>) -> Option<Attribute> {
    let kind = syntax.kind.as_ref()?.value;
    for (name, bound) in [("min", &syntax.min), ("max", &syntax.max)] {
        if let Some(bound) = bound
            && kind != AttributeType::Number
        {
            let message = format!("`{name}` is for numbers, and `{key}` is a {}", kind.as_str());
            sink.error(rules::WRONG_TYPE, bound.span, message, format!("take `{name}` out"));
        }
    }
    let (min, max) = (syntax.min.as_ref().map(|min| min.value), syntax.max.as_ref().map(|max| max.value));
    if let (Some(low), Some(high), Some(place)) = (min, max, &syntax.max)
        && low > high
    {
        sink.error(
            rules::BAD_NUMBER,
            place.span,
            format!("`max` ({high}) is below `min` ({low})"),
            "swap them",
        );
    }
    let values = syntax.values.as_ref().and_then(|values| declared_values(key, kind, values, sink));
    if syntax.values.is_some() && values.is_none() {
        return None;
    }
    Some(Attribute {
        key: key.clone(),
        kind,
        stable: syntax.stable.as_ref().is_some_and(|stable| stable.value),
        values: values.unwrap_or_default(),
        min,
        max,
    })
}

fn declared_values(
    key: &AttributeKey,
    kind: AttributeType,
    values: &Spanned<Values>,
    sink: &mut Sink<'_>,
) -> Option<Vec<(Scalar, Option<Share>)>> {
    let mut seen = BTreeMap::new();
    let mut lowered = Vec::with_capacity(values.value.0.len());
    let mut sum = 0_u64;
    for (literal, share) in &values.value.0 {
        // A key of a mapping is text; its quotes do not matter.
        let scalar = match (kind, share) {
            (AttributeType::String, Some(_)) => Some(Scalar::String(literal.value.0.text.to_string())),
            _ => audience::typed(key, kind, literal, sink),
        };
        let Some(scalar) = scalar else { continue };
        if let Some(first) = seen.insert(scalar.clone(), literal.span) {
            let message = format!("`{scalar}` is declared twice");
            let finding = sink.finding(rules::DUPLICATE_KEY, literal.span, message);
            sink.push(finding.related(sink.file(), first, "first declared here").help("keep one of them"));
        }
        sum += share.as_ref().map_or(0, |share| u64::from(share.value.ppm()));
        lowered.push((scalar, share.as_ref().map(|share| share.value)));
    }
    if values.value.0.is_empty() {
        sink.error(
            rules::EMPTY_CONDITION,
            values.span,
            format!("`{key}` has no values"),
            "list them, or take `values` out: then any value may occur",
        );
    }
    if sum > u64::from(Share::ALL.ppm()) {
        let percent = sum as f64 / 10_000.0;
        sink.error(
            rules::BAD_SHARE,
            values.span,
            format!("the shares of `{key}` sum to {percent}%, which is more than 100%"),
            "they are shares of all traffic",
        );
    }
    (lowered.len() == values.value.0.len()).then_some(lowered)
}

fn contents(file: &BookFile, context: &Declarations<'_>, sink: &mut Sink<'_>) -> Option<Contents> {
    let warehouse = target::warehouse(file, sink);
    let policy = policy(file.policy.as_ref().map(|policy| &policy.value), context, sink);
    Some(Contents {
        name: file.name.as_ref()?.value.0.clone(),
        timezone: file.timezone.as_ref().map_or_else(|| "UTC".into(), |name| name.value.0.clone()),
        entities: whole(&context.entities.entries)?,
        attributes: whole(&context.attributes.entries)?,
        surfaces: whole(&context.surfaces.entries)?,
        targets: whole(&context.targets.entries)?,
        warehouse: warehouse?,
        github: match &file.github {
            None => None,
            Some(github) => Some(Github { repository: github.value.repository.as_ref()?.value.0.clone() }),
        },
        policy: policy?,
        flags: BTreeMap::new(),
        experiments: BTreeMap::new(),
        rollouts: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        layers: BTreeMap::new(),
        segments: BTreeMap::new(),
        metrics: BTreeMap::new(),
        sources: BTreeMap::new(),
    })
}

fn whole<K: Ord + Clone, V: Clone>(entries: &BTreeMap<K, Option<V>>) -> Option<BTreeMap<K, V>> {
    entries.iter().map(|(key, value)| Some((key.clone(), value.clone()?))).collect()
}

fn policy(syntax: Option<&PolicySyntax>, context: &Declarations<'_>, sink: &mut Sink<'_>) -> Option<Policy> {
    let default = Policy::default();
    let Some(syntax) = syntax else { return Some(default) };
    let mut freezes = Vec::new();
    let mut complete = true;
    for freeze in syntax.freeze.iter().flat_map(|list| &list.value.0) {
        let freeze = &freeze.value;
        let from = freeze.from.as_ref().and_then(|from| instant(&context.timezone, from, sink));
        let until = freeze.until.as_ref().and_then(|until| instant(&context.timezone, until, sink));
        if let (Some(from), Some(until), Some(place)) = (from, until, &freeze.until)
            && until <= from
        {
            let help = "`until` is the first day after the freeze";
            sink.error(rules::BAD_SCHEDULE, place.span, "the freeze ends before it starts", help);
        }
        match (from, until, &freeze.reason) {
            (Some(from), Some(until), Some(reason)) => {
                freezes.push(Freeze { from, until, reason: reason.value.0.clone() });
            }
            _ => complete = false,
        }
    }
    let large = syntax.large_change.as_ref().map(|large| &large.value);
    let quality = syntax.quality.as_ref().map(|quality| &quality.value);
    let share = |given: Option<&Spanned<Share>>, default: Share| given.map_or(default, |share| share.value);
    let number = |given: Option<&Spanned<u32>>, default: u32| given.map_or(default, |number| number.value);
    let policy = Policy {
        max_duration: syntax.max_duration.as_ref().map(|duration| duration.value),
        freeze: freezes,
        large_change: LargeChange {
            share: share(large.and_then(|l| l.share.as_ref()), default.large_change.share),
            at_least: number(large.and_then(|l| l.at_least.as_ref()), default.large_change.at_least),
        },
        quality: QualityPolicy {
            sample_ratio_p: share(
                quality.and_then(|q| q.sample_ratio_p.as_ref()),
                default.quality.sample_ratio_p,
            ),
            in_two_variants: share(
                quality.and_then(|q| q.in_two_variants.as_ref()),
                default.quality.in_two_variants,
            ),
            outside_schedule: share(
                quality.and_then(|q| q.outside_schedule.as_ref()),
                default.quality.outside_schedule,
            ),
            min_units_per_variant: number(
                quality.and_then(|q| q.min_units_per_variant.as_ref()),
                default.quality.min_units_per_variant,
            ),
        },
    };
    complete.then_some(policy)
}
