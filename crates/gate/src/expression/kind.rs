//! The type of a value, as far as the text of an expression shows it.

use sqlparser::ast::{DataType, Expr, Value};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A date or an instant.
    Time,
    /// A column of which nothing is known, null, or what differs from row to row.
    Unknown,
}

impl Kind {
    /// Returns what a value of a type is.
    pub(crate) fn of_type(data_type: &DataType) -> Self {
        match data_type.to_string().as_str() {
            "BIGINT" | "DOUBLE" | "FLOAT" | "INT" | "INTEGER" | "REAL" | "SMALLINT" => Self::Number,
            "BOOLEAN" => Self::Boolean,
            "DATE" | "TIMESTAMP" => Self::Time,
            "TEXT" | "VARCHAR" => Self::Text,
            _ => Self::Unknown,
        }
    }

    /// Returns the words for a value of it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Boolean => "true or false",
            Self::Time => "a time",
            Self::Unknown => "a value",
        }
    }

    /// Tells whether an engine can read a text in quotes as a value of it.
    pub(super) fn reads(self, text: &str) -> bool {
        match self {
            Self::Number => is_number(text),
            Self::Boolean => is_truth(text),
            Self::Time => is_time(text),
            Self::Text | Self::Unknown => true,
        }
    }
}

/// Returns a text in single quotes.
pub(super) fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Nested(inner) => literal(inner),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Returns a number that is written out.
pub(super) fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Nested(inner) => number(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_null(inner),
        Expr::Value(value) => matches!(value.value, Value::Null),
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    text.replace('_', "").parse::<f64>().is_ok() || text.starts_with("0x") || text.starts_with("0b")
}

fn is_truth(text: &str) -> bool {
    ["true", "false", "t", "f", "1", "0", "yes", "no", "y", "n"]
        .contains(&text.trim().to_lowercase().as_str())
}

/// Tells whether a text begins with a date of the calendar, as engines read one.
fn is_time(text: &str) -> bool {
    let text = text.trim();
    if ["infinity", "-infinity", "epoch"].contains(&text.to_lowercase().as_str()) {
        return true;
    }
    let date = text.split(['T', 't']).next().unwrap_or_default();
    let parts: Vec<&str> = date.splitn(3, ['-', '/', ' ']).collect();
    let [year, month, rest] = parts.as_slice() else { return false };
    let day: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>())
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    (1..=12).contains(&month) && (1..=days).contains(&day) && is_clock(text)
}

/// Tells whether what follows a date of ten characters is nothing, or begins with a time of day.
fn is_clock(text: &str) -> bool {
    let Some(rest) = text.get(10..).filter(|_| text.as_bytes().get(4) == Some(&b'-')) else { return true };
    let clock = rest.trim_start_matches([' ', 'T', 't']);
    // What is no time of day may be a zone.
    if clock.is_empty() || clock.starts_with(['+', '-', 'Z', 'z']) {
        return true;
    }
    let digits = |part: Option<&str>| {
        let part: String = part.unwrap_or("0").chars().take_while(char::is_ascii_digit).collect();
        part.parse::<u32>().unwrap_or(u32::MAX)
    };
    let mut parts = clock.splitn(3, ':');
    digits(parts.next()) <= 24 && digits(parts.next()) < 60 && digits(parts.next()) <= 60
}

/// Tells whether a type of whole numbers can hold a value that is written out.
pub(super) fn holds(data_type: &DataType, value: &Expr) -> bool {
    let most = match data_type.to_string().as_str() {
        "SMALLINT" => f64::from(i16::MAX),
        "INT" | "INTEGER" => f64::from(i32::MAX),
        // Of two numbers that a double cannot tell apart, none is refused.
        "BIGINT" => 9_223_372_036_854_775_807.0,
        _ => return true,
    };
    let value = number(value).or_else(|| literal(value).and_then(|text| text.trim().parse().ok()));
    value.is_none_or(|value: f64| value.abs() <= most + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_be_read_as_what_it_looks_like() {
        for (kind, text, reads) in [
            (Kind::Number, "5", true),
            (Kind::Number, " 1e5 ", true),
            (Kind::Number, "paid", false),
            (Kind::Boolean, "TRUE", true),
            (Kind::Boolean, "paid", false),
            (Kind::Time, "2026-11-25", true),
            (Kind::Time, "2026-11-25 10:00:00+01", true),
            (Kind::Time, "2026-11-25T10:00:00Z", true),
            (Kind::Time, "2028-02-29", true),
            (Kind::Time, "2026-02-29", false),
            (Kind::Time, "25.11.2026", false),
            (Kind::Time, "2026-13-01", false),
            (Kind::Time, "yesterday", false),
            (Kind::Time, "2026-11-25+01", true),
            (Kind::Time, "2026-11-25 25:00:00", false),
            (Kind::Time, "2026-11-25 10:61", false),
            (Kind::Time, "2026-11-25 noon", false),
            (Kind::Text, "anything", true),
        ] {
            assert_eq!(kind.reads(text), reads, "{kind:?} {text}");
        }
    }
}
