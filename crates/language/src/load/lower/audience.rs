//! Audiences: sugar to predicates, literals to the declared types.

use std::collections::{BTreeMap, HashMap};

use super::declarations::{Declarations, Index};
use super::declared::check_declared;
use super::sink::{MAX_PATTERNS, Sink};
use crate::load::advice::Advice;
use crate::load::rules;
use crate::load::syntax::audience::{Audience, ClauseTest, Comparison, Literal, Operator};
use crate::load::syntax::inexact;
use crate::load::yaml::Typed;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{Span, Spanned};
use trialbook_model::{
    Attribute, AttributeKey, AttributeType, Bound, Number, Pattern, Predicate, Scalar, Test, Version,
    VersionError, canonical_json,
};

/// The longest regular expression, in bytes.
const LONGEST_PATTERN: usize = 1000;

/// Lowers an audience. `None` where a part of it has a problem, all of which are reported.
pub(super) fn lower(
    audience: &Audience,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Predicate> {
    let mut parts = Vec::with_capacity(audience.0.len());
    let mut complete = true;
    for clause in &audience.0 {
        match &clause.test {
            ClauseTest::All(list) | ClauseTest::Any(list) => {
                let mut lowered = Vec::with_capacity(list.len());
                let mut seen = HashMap::new();
                for part in list {
                    match lower(&part.value, context, index, sink) {
                        Some(predicate) => {
                            let form = canonical_json(&predicate.canonical()).ok();
                            if let Some(first) = form.and_then(|form| seen.insert(form, part.span)) {
                                repeated("the same condition stands above".into(), part.span, first, sink);
                            }
                            lowered.push(predicate);
                        }
                        None => complete = false,
                    }
                }
                let all = matches!(clause.test, ClauseTest::All(_));
                parts.push(if all { Predicate::All(lowered) } else { Predicate::Any(lowered) });
            }
            ClauseTest::Not(part) => match lower(part, context, index, sink) {
                Some(part) => parts.push(Predicate::Not(Box::new(part))),
                None => complete = false,
            },
            ClauseTest::Segment(key) => {
                index.segments.referred("segment", key.value.as_str(), key.span, sink);
                parts.push(Predicate::Segment(key.value.clone()));
            }
            ClauseTest::Attribute(key, comparisons) => {
                let Some(attribute) =
                    context.attributes.get("attribute", key.as_str(), clause.key_span, sink)
                else {
                    complete = false;
                    continue;
                };
                for comparison in comparisons {
                    match test(attribute, comparison, sink) {
                        Some(test) => parts.push(Predicate::Attribute(key.clone(), test)),
                        None => complete = false,
                    }
                }
            }
        }
    }
    let one = parts.len() == 1;
    let predicate = if one { parts.pop()? } else { Predicate::All(parts) };
    complete.then_some(predicate)
}

fn test(attribute: &Attribute, comparison: &Spanned<Comparison>, sink: &mut Sink<'_>) -> Option<Test> {
    let Comparison { operator, operator_span, literals } = &comparison.value;
    let kind = attribute.kind;
    let types = operator.types();
    if !types.is_empty() && !types.contains(&kind) {
        let mut words: Vec<_> = types.iter().map(|kind| format!("a {}", kind.as_str())).collect();
        // Both kinds of versions have one name.
        words.dedup();
        let wants = words.join(" or ");
        let message =
            format!("`{}` wants {wants}, and `{}` is a {}", operator.as_str(), attribute.key, kind.as_str());
        let help = format!(
            "compare `{}` with a value or with `in`, or correct its type in trialbook.yaml",
            attribute.key
        );
        sink.error(rules::WRONG_OPERATOR, *operator_span, message, help);
        return None;
    }
    let first = literals.first();
    Some(match operator {
        Operator::Equals | Operator::In => {
            let mut seen = BTreeMap::new();
            let mut complete = true;
            for literal in literals {
                match value(attribute, literal, sink) {
                    Some(scalar) => {
                        if let Some(first) = seen.get(&scalar) {
                            repeated(format!("`{scalar}` is listed twice"), literal.span, *first, sink);
                        }
                        seen.entry(scalar).or_insert(literal.span);
                    }
                    None => complete = false,
                }
            }
            Test::In(complete.then(|| seen.into_keys().collect())?)
        }
        Operator::AtLeast => Test::AtLeast(bound(attribute, first?, sink)?),
        Operator::Above => Test::Above(bound(attribute, first?, sink)?),
        Operator::AtMost => Test::AtMost(bound(attribute, first?, sink)?),
        Operator::Below => Test::Below(bound(attribute, first?, sink)?),
        Operator::StartsWith => Test::StartsWith(text(first?)),
        Operator::EndsWith => Test::EndsWith(text(first?)),
        Operator::Contains => Test::Contains(text(first?)),
        Operator::Matches => Test::Matches(pattern(first?, sink)?),
        Operator::Present => Test::Present(first?.value.0.typed() == Typed::Boolean(true)),
    })
}

/// Reports what stands in a list twice: it changes nothing, and another one was probably meant.
fn repeated(message: String, span: Span, first: Span, sink: &mut Sink<'_>) {
    // Of a condition over several lines the first one shows which it is.
    let head = |span: Span| {
        let line = sink.file().slice(span).lines().next().unwrap_or_default().trim_end();
        Span::new(span.start, span.start + line.len())
    };
    let finding = Diagnostic::warning(rules::REPEATED_CONDITION, message, sink.file(), head(span));
    let finding = finding.related(sink.file(), head(first), "first given here");
    sink.push(finding.help("take one of them out, or write the one that is meant"));
}

fn text(literal: &Spanned<Literal>) -> String {
    literal.value.0.text.to_string()
}

fn value(attribute: &Attribute, literal: &Spanned<Literal>, sink: &mut Sink<'_>) -> Option<Scalar> {
    let scalar = typed(&attribute.key, attribute.kind, literal, sink)?;
    check_declared(attribute, &scalar, literal.span, sink);
    Some(scalar)
}

fn bound(attribute: &Attribute, literal: &Spanned<Literal>, sink: &mut Sink<'_>) -> Option<Bound> {
    match typed(&attribute.key, attribute.kind, literal, sink)? {
        Scalar::Number(number) => Some(Bound::Number(number)),
        Scalar::Version(version) => Some(Bound::Version(version)),
        Scalar::String(_) | Scalar::Boolean(_) => None,
    }
}

fn pattern(literal: &Spanned<Literal>, sink: &mut Sink<'_>) -> Option<Pattern> {
    let text = &literal.value.0.text;
    if text.len() > LONGEST_PATTERN {
        let message = format!("a regular expression of more than {LONGEST_PATTERN} bytes");
        sink.error(
            rules::BAD_PATTERN,
            literal.span,
            message,
            "use `in`, `starts_with` or several conditions",
        );
        return None;
    }
    if !sink.another_pattern() {
        let message = format!("more than {MAX_PATTERNS} regular expressions in one file");
        sink.error(rules::TOO_LARGE, literal.span, message, "use `in`, or join them with `|`");
        return None;
    }
    match Pattern::new(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            // The parser's message is a drawing of several lines; its last one has what is wrong.
            let cause = error.cause.to_string();
            let reason =
                cause.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
            let around = text.contains("(?=") || text.contains("(?!") || text.contains("(?<");
            let help = if around {
                "look-around cannot be used: write it with `not` or several conditions"
            } else {
                "correct it, or write it with `in`, `starts_with` or `contains`"
            };
            sink.error(
                rules::BAD_PATTERN,
                literal.span,
                format!("this is not a regular expression: {reason}"),
                help,
            );
            None
        }
    }
}

/// Reads a literal as the attribute's declared type, from its source text.
pub(super) fn typed(
    key: &AttributeKey,
    kind: AttributeType,
    literal: &Spanned<Literal>,
    sink: &mut Sink<'_>,
) -> Option<Scalar> {
    let scalar = &literal.value.0;
    let found = match scalar.typed() {
        Typed::Text(_) => "text",
        Typed::Number(number) if !number.is_finite() => "not a finite one",
        Typed::Number(_) => "a number",
        Typed::Boolean(_) => "a boolean",
        Typed::Null => "nothing",
    };
    let source = &scalar.text;
    let help = match (kind, scalar.typed()) {
        (AttributeType::String, Typed::Text(text)) => return Some(Scalar::String(text.to_owned())),
        (AttributeType::Boolean, Typed::Boolean(boolean)) => return Some(Scalar::Boolean(boolean)),
        (AttributeType::Number, Typed::Number(number)) if number.is_finite() => {
            if let Some((message, help)) = inexact(scalar) {
                sink.error(rules::BAD_NUMBER, literal.span, message, help);
                return None;
            }
            return Number::new(number).map(Scalar::Number);
        }
        (AttributeType::Version | AttributeType::LenientVersion, _) => match kind.version(source) {
            Some(version) if version.is_exact() => return Some(Scalar::Version(version)),
            Some(_) => {
                let message =
                    format!("a number in `{source}` is 2^53 or more, and evaluators do not compare it alike");
                let help = "compare with a version whose numbers are below 9007199254740992";
                sink.error(rules::BAD_VERSION, literal.span, message, help);
                return None;
            }
            None => {
                let bare = source.trim_start_matches(['v', 'V', '>', '<', '=', '^', '~', ' ']);
                let help = match kind.version(bare) {
                    Some(_) if source.starts_with(['>', '<']) => format!(
                        "write an operator: `{key}: {{at_least: {bare}}}`, or `above`, `at_most`, `below`"
                    )
                    .into(),
                    Some(_) => Advice::write(bare),
                    None if Version::parse_lenient(source).is_ok() => format!(
                        "write at most three numbers, or declare `{key}: {{type: {{version: lenient}}}}` in trialbook.yaml"
                    )
                    .into(),
                    None => "write one to three numbers, and perhaps a pre-release".into(),
                };
                let message = VersionError(source.to_string()).to_string();
                sink.error(rules::BAD_VERSION, literal.span, message, help);
                return None;
            }
        },
        (AttributeType::String, _) => Advice::quote(source),
        (AttributeType::Number | AttributeType::Boolean, Typed::Text(_)) if !scalar.plain => {
            "leave out the quotes".into()
        }
        (AttributeType::Boolean, _) => "write `true` or `false`".into(),
        (AttributeType::Number, _) => "write a number such as `30`".into(),
    };
    let message = format!("`{key}` is a {}, and `{source}` is {found}", kind.as_str());
    sink.error(rules::WRONG_TYPE, literal.span, message, help);
    None
}
