//! Lowering a flag.

use std::collections::BTreeMap;

use super::audience;
use super::declarations::{Declarations, Index};
use super::sink::Sink;
use crate::load::advice::Advice;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::load::syntax::flag::{FlagFile, RuleSyntax};
use crate::load::syntax::{List, Map, inexact};
use crate::load::yaml::{ScalarNode, Typed};
use trialbook_model::span::Spanned;
use trialbook_model::{
    Flag, FlagKey, HoldoutKey, Override, Rule, SurfaceKey, TargetKey, ValueType, VariantKey,
};

/// Lowers a flag.
pub(super) fn lower(
    key: &str,
    file: &FlagFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Flag> {
    let surfaces = surfaces(file.surfaces.as_ref(), context, sink);
    if let Some(entity) = &file.entity {
        context.entities.check("entity", entity.value.as_str(), entity.span, sink);
    }
    let variants = variants(file, sink);
    if let (Some(schema), Some(kind)) = (&file.schema, &file.kind)
        && kind.value != ValueType::Object
    {
        let message = format!(
            "a `schema` is for values of type `object`, and these are of type `{}`",
            kind.value.as_str()
        );
        sink.error(rules::WRONG_TYPE, schema.span, message, "take it out: the flag's `type` is checked");
    }
    no_arms(file, index, sink);
    if let Some(default) = &file.default {
        check_variant(file, default, sink);
    }
    let rules = match &file.rules {
        Some(list) => rules_of(&list.value, file, context, index, sink),
        None => Some(Vec::new()),
    };
    let overrides = overrides(file, context, index, sink);
    let holdouts = holdouts(file, index, sink);
    let expires = match &file.expires {
        None => None,
        Some(when) => Some(context.instant(when, sink)?),
    };
    Some(Flag {
        key: FlagKey::new(key).ok()?,
        description: file.description.as_ref()?.value.0.clone(),
        owner: file.owner.as_ref()?.value.0.clone(),
        surfaces,
        entity: file.entity.as_ref()?.value.clone(),
        kind: file.kind.as_ref()?.value,
        schema: file.schema.as_ref().map(|schema| schema.value.0.clone()),
        variants: variants?,
        default: file.default.as_ref()?.value.clone(),
        overrides: overrides?,
        holdouts: holdouts?,
        rules: rules?,
        enabled: file.enabled.as_ref().is_none_or(|enabled| enabled.value),
        archived: file.archived.as_ref().is_some_and(|archived| archived.value),
        expires,
    })
}

fn rules_of(
    list: &List<RuleSyntax>,
    file: &FlagFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Vec<Rule>> {
    let mut rules = Vec::new();
    let mut complete = true;
    for rule in &list.0 {
        let when =
            rule.value.when.as_ref().and_then(|when| audience::lower(&when.value, context, index, sink));
        if let Some(serve) = &rule.value.serve {
            check_variant(file, serve, sink);
        }
        match (when, &rule.value.serve) {
            (Some(when), Some(serve)) => rules.push(Rule { when, serve: serve.value.clone() }),
            _ => complete = false,
        }
    }
    complete.then_some(rules)
}

/// Lowers what targets serve differently.
fn overrides(
    file: &FlagFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<BTreeMap<TargetKey, Override>> {
    let mut overrides = BTreeMap::new();
    let mut complete = true;
    for (target, syntax) in file.overrides.iter().flat_map(|section| &section.value.0) {
        context.targets.check("target", target.value.as_str(), target.span, sink);
        let Some(Spanned { value: syntax, span }) = syntax else {
            complete = false;
            continue;
        };
        if let Some(default) = &syntax.default {
            check_variant(file, default, sink);
        }
        let rules = match &syntax.rules {
            Some(list) => rules_of(&list.value, file, context, index, sink).map(Some),
            None => Some(None),
        };
        let Some(rules) = rules else {
            complete = false;
            continue;
        };
        let differently = Override {
            enabled: syntax.enabled.as_ref().map(|enabled| enabled.value),
            default: syntax.default.as_ref().map(|default| default.value.clone()),
            rules,
        };
        // What was written and not understood is reported already.
        if sink.file().slice(*span).trim_matches(['{', '}']).trim().is_empty() {
            let message = format!("nothing declares what `{}` serves differently", target.value);
            let help = "write `enabled`, `default` or `rules`, or remove the target";
            sink.error(rules::EMPTY_CONDITION, *span, message, help);
        }
        overrides.insert(target.value.clone(), differently);
    }
    complete.then_some(overrides)
}

/// Lowers what the units of holdouts are served.
fn holdouts(
    file: &FlagFile,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<BTreeMap<HoldoutKey, VariantKey>> {
    let mut holdouts = BTreeMap::new();
    let mut complete = true;
    for (holdout, variant) in file.holdouts.iter().flat_map(|section| &section.value.0) {
        index.holdouts.referred("holdout", holdout.value.as_str(), holdout.span, sink);
        match variant {
            Some(variant) => {
                check_variant(file, variant, sink);
                holdouts.insert(holdout.value.clone(), variant.value.clone());
            }
            None => complete = false,
        }
    }
    complete.then_some(holdouts)
}

/// Lowers a list of surfaces; a surface that is given twice is one.
pub(super) fn surfaces(
    list: Option<&Spanned<List<SurfaceKey>>>,
    context: &Declarations<'_>,
    sink: &mut Sink<'_>,
) -> Vec<SurfaceKey> {
    let mut surfaces = Vec::new();
    for surface in list.iter().flat_map(|list| &list.value.0) {
        context.surfaces.check("surface", surface.value.as_str(), surface.span, sink);
        if surfaces.contains(&surface.value) {
            let message = format!("surface `{}` is given twice", surface.value);
            sink.error(rules::DUPLICATE_KEY, surface.span, message, "keep one of them");
        } else {
            surfaces.push(surface.value.clone());
        }
    }
    surfaces
}

fn variants(file: &FlagFile, sink: &mut Sink<'_>) -> Option<BTreeMap<VariantKey, serde_json::Value>> {
    let section = file.variants.as_ref()?;
    let kind = file.kind.as_ref().map(|kind| kind.value);
    if section.value.0.is_empty() {
        sink.error(
            rules::MISSING_KEY,
            section.span,
            "a flag needs at least one variant",
            "write such as `{off: false, on: true}`",
        );
    }
    let mut variants = BTreeMap::new();
    let mut complete = true;
    for (key, value) in &section.value.0 {
        let Some(value) = value else {
            complete = false;
            continue;
        };
        let scalar = ScalarNode { text: sink.file().slice(value.span).into(), plain: true };
        if kind == Some(ValueType::Number)
            && value.value.0.is_number()
            && let Some((message, help)) = inexact(&scalar)
        {
            sink.error(rules::BAD_NUMBER, value.span, message, help);
        }
        if let Some(kind) = kind
            && !kind.admits(&value.value.0)
        {
            let message = format!(
                "the flag's type is {}, and the value of `{}` is {}",
                kind.as_str(),
                key.value,
                json_type(&value.value.0)
            );
            // As it is written: `007` and `1e5` are other texts than the numbers that they are.
            let written = &scalar.text;
            let help = match &value.value.0 {
                serde_json::Value::Number(_) | serde_json::Value::Bool(_) if kind == ValueType::String => {
                    Advice::quote(written)
                }
                serde_json::Value::String(text) if unquoted(text, kind) => {
                    format!("write `{text}` without quotes").into()
                }
                _ => format!("write a {}, or change `type`", kind.as_str()).into(),
            };
            sink.error(rules::WRONG_TYPE, value.span, message, help);
        }
        variants.insert(key.value.clone(), value.value.0.clone());
    }
    complete.then_some(variants)
}

/// Tells whether a text is a value of a type where it stands without quotes.
fn unquoted(text: &str, kind: ValueType) -> bool {
    let plain = ScalarNode { text: text.into(), plain: true };
    match (plain.typed(), kind) {
        (Typed::Boolean(_), ValueType::Boolean) => true,
        (Typed::Number(number), ValueType::Number) => {
            number.is_finite() && !plain.is_ambiguous() && !plain.is_padded_number()
        }
        _ => false,
    }
}

/// Reports variants that data could not tell from the arm of an experiment, which is served as `EXPERIMENT.VARIANT`.
fn no_arms(file: &FlagFile, index: &Index<'_>, sink: &mut Sink<'_>) {
    for (key, _) in file.variants.iter().flat_map(|variants| &variants.value.0) {
        if let Some((experiment, variant)) = key.value.as_str().split_once('.')
            && index.experiments.contains(experiment)
        {
            let message = format!(
                "variant `{}` is served under the same name as variant `{variant}` of experiment `{experiment}`",
                key.value
            );
            let help = "give the experiment another key before it is launched";
            sink.error(rules::DUPLICATE_KEY, key.span, message, help);
        }
    }
}

fn json_type(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "nothing",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "a list",
        serde_json::Value::Object(_) => "an object",
    }
}

/// Reports a variant that a flag does not have.
pub(super) fn check_variant(flag: &FlagFile, variant: &Spanned<VariantKey>, sink: &mut Sink<'_>) {
    let Some(Spanned { value: Map(variants), .. }) = &flag.variants else { return };
    if !variants.iter().any(|(key, _)| key.value == variant.value) {
        let known = variants.iter().map(|(key, _)| key.value.as_str());
        let message = format!("the flag has no variant `{}`", variant.value);
        sink.error(
            rules::DANGLING_REFERENCE,
            variant.span,
            message,
            suggestion(variant.value.as_str(), known),
        );
    }
}
