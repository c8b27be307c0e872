//! Whether a literal is a value that its attribute declares.

use super::sink::Sink;
use crate::load::nearest::suggestion;
use crate::load::rules;
use trialbook_model::{Attribute, Number, Scalar};

/// Returns which declared values are near a literal that is none of them.
pub(super) fn check_declared(
    attribute: &Attribute,
    scalar: &Scalar,
    span: trialbook_model::span::Span,
    sink: &mut Sink<'_>,
) {
    if !attribute.values.is_empty() && !attribute.values.iter().any(|(value, _)| value == scalar) {
        let known: Vec<_> = attribute.values.iter().map(|(value, _)| value.to_string()).collect();
        let message = format!("`{scalar}` is not a declared value of `{}`", attribute.key);
        let help = suggestion(&scalar.to_string(), known.iter().map(String::as_str));
        sink.error(rules::UNKNOWN_VALUE, span, message, help);
    }
    if let Scalar::Number(number) = scalar {
        outside(attribute, *number, span, sink);
    }
}

fn outside(attribute: &Attribute, number: Number, span: trialbook_model::span::Span, sink: &mut Sink<'_>) {
    let number = number.get();
    let bound = match (attribute.min, attribute.max) {
        (Some(min), _) if number < min => format!("below its `min` of {min}"),
        (_, Some(max)) if number > max => format!("above its `max` of {max}"),
        _ => return,
    };
    let message = format!("`{number}` is not a value of `{}`: it is {bound}", attribute.key);
    sink.error(
        rules::UNKNOWN_VALUE,
        span,
        message,
        "correct the value, or the declaration in trialbook.yaml",
    );
}
