//! Durations, dates and instants.

use super::reader::{Reader, Syntax};
use super::shape::{Grammar, Shape};
use crate::load::advice::Advice;
use crate::load::rules;
use crate::load::yaml::Node;
use trialbook_model::Duration;

/// Reads a duration as people write it elsewhere: `60 days`, `2w`, `P7D`.
fn in_words(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let iso = text.strip_prefix("pt").or_else(|| text.strip_prefix('p').filter(|rest| !rest.ends_with('m')));
    let text = iso.unwrap_or(&text);
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u32 = number.parse().ok()?;
    let (number, unit) = match unit.trim() {
        "d" | "day" | "days" => (number, 'd'),
        "h" | "hour" | "hours" | "hr" | "hrs" => (number, 'h'),
        "m" | "min" | "mins" | "minute" | "minutes" => (number, 'm'),
        "w" | "week" | "weeks" => (number.checked_mul(7)?, 'd'),
        _ => return None,
    };
    Duration::parse(&format!("{number}{unit}")).ok()
}

impl Syntax for Duration {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node, rules::BAD_DURATION, "a duration such as `7d`, `12h` or `30m`")?;
        match Duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let help = match in_words(text) {
                    Some(duration) => Advice::write(duration),
                    None if digits => {
                        format!("write `{text}d` for days, `{text}h` for hours or `{text}m` for minutes")
                            .into()
                    }
                    None => "write a whole number with `d`, `h` or `m` behind it".into(),
                };
                reader.error(rules::BAD_DURATION, node.span, error.to_string(), help);
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Text(Grammar {
            expected: "a duration such as `7d`, `12h` or `30m`",
            pattern: "^[0-9]+[dhm]$",
            examples: &["7d", "12h"],
        })
    }
}

/// A date of the book's time zone, or an instant with its offset.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// The day, which begins at midnight.
    Day(jiff::civil::Date),
    /// An instant.
    Instant(jiff::Timestamp),
}

/// Reads a day as it is written where the day comes first: `25.11.2026`. With slashes it has two readings.
fn dotted(text: &str) -> Option<jiff::civil::Date> {
    let mut parts = text.split('.');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let rest = parts.next().is_none();
    let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    (rest && year.len() == 4).then_some(date)
}

impl Syntax for When {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        const EXPECTED: &str = "a date such as `2026-11-25`, or `2026-11-25T09:00:00Z`";
        let text = reader.string(node, EXPECTED)?;
        let day = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let problem = if day {
            match text.parse() {
                Ok(day) => return Some(Self::Day(day)),
                Err(_) => format!("there is no day `{text}`"),
            }
        } else if text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['T', 't']) {
            match text.parse() {
                Ok(instant) => return Some(Self::Instant(instant)),
                Err(_) => format!("`{text}` is not an instant with its offset from UTC"),
            }
        } else {
            let help = dotted(text).map(Advice::write);
            reader.expected(rules::BAD_DATE, node, EXPECTED, help.unwrap_or_default());
            return None;
        };
        let help = match format!("{text}Z").parse::<jiff::Timestamp>() {
            Ok(_) => format!("write `{text}Z` for UTC, or another offset such as `+01:00`"),
            Err(_) => format!("write {EXPECTED}"),
        };
        reader.error(rules::BAD_DATE, node.span, problem, help);
        None
    }

    fn shape() -> Shape {
        Shape::Text(Grammar {
            expected: "a date such as `2026-11-25`, or `2026-11-25T09:00:00Z`",
            pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].+)?$",
            examples: &["2026-11-25"],
        })
    }
}
