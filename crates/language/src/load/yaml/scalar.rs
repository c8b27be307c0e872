//! The types of plain scalars: the core schema of YAML 1.2.2, chapter 10.3.

use super::tree::{Content, Node, ScalarNode};

/// A scalar with its type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Typed<'a> {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// An integer or a decimal number; may be infinite or NaN.
    Number(f64),
    /// Text.
    Text(&'a str),
}

impl ScalarNode {
    /// Returns the value with its type; a scalar in quotes is text.
    pub fn typed(&self) -> Typed<'_> {
        if !self.plain {
            return Typed::Text(&self.text);
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => Typed::Null,
            "true" | "True" | "TRUE" => Typed::Boolean(true),
            "false" | "False" | "FALSE" => Typed::Boolean(false),
            text => number(text).map_or(Typed::Text(text), Typed::Number),
        }
    }

    /// Returns what a plain number becomes as a 64-bit floating-point number where that has other digits than are written;
    /// `None` where it keeps them, and for what is no finite number.
    ///
    /// The digits that are compared are the significant ones: `1.10` and `1.1` are one number, `9007199254740993` and its
    /// neighbour 9007199254740992 are two.
    pub fn altered_number(&self) -> Option<f64> {
        let Typed::Number(number) = self.typed() else { return None };
        if !number.is_finite() {
            return None;
        }
        let radix =
            |mark: &str, radix| self.text.strip_prefix(mark).map(|digits| u64::from_str_radix(digits, radix));
        if let Some(whole) = radix("0x", 16).or_else(|| radix("0o", 8)) {
            let same = whole.is_ok_and(|whole| number as u128 == u128::from(whole));
            return (!same).then_some(number);
        }
        (significant(&self.text) != significant(&format!("{number:e}"))).then_some(number)
    }

    /// Tells whether this is a number that begins with a needless zero: `010` is 10 here, 8 to tools that read YAML 1.1, and
    /// text to who wrote a postal code.
    pub fn is_padded_number(&self) -> bool {
        let body = self.text.trim_start_matches(['-', '+']);
        let padded =
            body.len() > 1 && body.starts_with('0') && body.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        padded && matches!(self.typed(), Typed::Number(_))
    }

    /// Tells whether this is a number that is written as no JSON writes one, in a way that texts have: with a plus, as
    /// `+46701234567`, or with zeros at the end that mean nothing, as `1.10`. `1.0` is a number to everybody.
    pub fn loses_characters(&self) -> bool {
        let trailing = self.text.split_once('.').is_some_and(|(_, decimals)| {
            decimals.len() > 1 && decimals.ends_with('0') && decimals.bytes().all(|b| b.is_ascii_digit())
        });
        (self.text.starts_with('+') || trailing) && matches!(self.typed(), Typed::Number(_))
    }

    /// Tells whether tools that speak YAML 1.1 give this plain text another type than YAML 1.2 does.
    ///
    /// The words for booleans, octal, binary, underscored and base-60 numbers; not dates, which every
    /// tool prints back as they were.
    pub fn is_ambiguous(&self) -> bool {
        const WORDS: [&str; 12] =
            ["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"];
        if !self.plain {
            return false;
        }
        if WORDS.contains(&&*self.text) {
            return true;
        }
        let body = self.text.trim_start_matches(['-', '+']);
        if !body.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let octal = (body.len() > 1 && body.starts_with('0') && body.bytes().all(|b| b.is_ascii_digit()))
            || body
                .strip_prefix("0o")
                .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
        let binary = body
            .strip_prefix("0b")
            .is_some_and(|bits| !bits.is_empty() && bits.bytes().all(|b| matches!(b, b'0' | b'1' | b'_')));
        let underscored =
            body.contains('_') && body.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'.'));
        let hexadecimal = body.contains('_')
            && body
                .strip_prefix("0x")
                .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_'));
        let mut parts = body.split(':');
        let base_60 = body.contains(':')
            && parts.next().is_some_and(|first| first.bytes().all(|b| b.is_ascii_digit()))
            && parts.all(|part| {
                matches!(part.len(), 1 | 2)
                    && part.bytes().all(|b| b.is_ascii_digit())
                    && part.parse().is_ok_and(|n: u8| n < 60)
            });
        octal || binary || underscored || hexadecimal || base_60
    }
}

/// Returns the digits of a decimal number from the first to the last that is not zero.
fn significant(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Reads an integer or float of the core schema; `None`: it is text.
fn number(text: &str) -> Option<f64> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    let radix = |digits: &str, radix: u32| {
        let legal = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        // Past 64 bits the value is no longer exact anyway; infinity makes every reader refuse it.
        legal.then(|| u64::from_str_radix(digits, radix).map_or(f64::INFINITY, |n| n as f64))
    };
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    match text {
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_is_number = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let legal =
        digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_is_number;
    legal.then(|| text.parse().ok()).flatten()
}

/// Returns a node as JSON; `None` where it holds a number that JSON cannot carry.
///
/// Integers stay integers, so that `1` and `1.0` print as they were written.
pub fn to_json(node: &Node) -> Option<serde_json::Value> {
    use serde_json::Value;
    Some(match &node.content {
        Content::Sequence(items) => Value::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Content::Mapping(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| Some((entry.key.to_string(), to_json(&entry.value)?)))
                .collect::<Option<_>>()?,
        ),
        Content::Scalar(scalar) => match scalar.typed() {
            Typed::Null => Value::Null,
            Typed::Boolean(boolean) => Value::Bool(boolean),
            Typed::Text(text) => Value::String(text.to_owned()),
            Typed::Number(number) => match scalar.text.trim_start_matches('+').parse::<i64>() {
                Ok(integer) => Value::from(integer),
                Err(_)
                    if number.fract() == 0.0
                        && number.abs() < 9e15
                        && !scalar.text.contains(['.', 'e', 'E']) =>
                {
                    Value::from(number as i64)
                }
                Err(_) => Value::Number(serde_json::Number::from_f64(number)?),
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> ScalarNode {
        ScalarNode { text: text.into(), plain: true }
    }

    #[test]
    fn plain_scalars_have_the_types_of_the_core_schema() {
        for (text, number) in [
            ("0", 0.0),
            ("-12", -12.0),
            ("+3", 3.0),
            ("0o14", 12.0),
            ("0xFF", 255.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("12.", 12.0),
        ] {
            assert_eq!(plain(text).typed(), Typed::Number(number), "{text}");
        }
        for text in [
            "no",
            "on",
            "1_000",
            "8.2.0",
            "1:30",
            "20%",
            "7d",
            "-",
            ".",
            "e3",
            "0x",
            "+.5.",
            "2026-11-25",
            "0b1",
            "infinity",
            "nan",
        ] {
            assert_eq!(plain(text).typed(), Typed::Text(text), "{text}");
        }
        assert_eq!(plain("~").typed(), Typed::Null);
        assert_eq!(plain("True").typed(), Typed::Boolean(true));
        assert_eq!(ScalarNode { text: "1".into(), plain: false }.typed(), Typed::Text("1"));
    }

    #[test]
    fn a_number_that_loses_digits_is_noticed() {
        for text in [
            "0",
            "-0.0",
            "1.10",
            "1e5",
            "1e300",
            "0x1F",
            "0o17",
            ".5",
            "12.",
            "0.1",
            "0.30000000000000004",
            "007",
            "9007199254740992",
            "-9007199254740992",
            "9007199254740994",
            "0x20000000000000",
            "100000000000000000000000",
            "no",
            "8.2.0",
            ".inf",
        ] {
            assert_eq!(plain(text).altered_number(), None, "{text}");
        }
        for (text, becomes) in [
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("-9007199254740993", -9_007_199_254_740_992.0),
            ("9007199254740993.0", 9_007_199_254_740_992.0),
            ("9007199254740993e0", 9_007_199_254_740_992.0),
            ("0x20000000000001", 9_007_199_254_740_992.0),
            ("0.12345678901234567890", 0.123_456_789_012_345_68),
            ("1e-400", 0.0),
        ] {
            assert_eq!(plain(text).altered_number(), Some(becomes), "{text}");
        }
        assert_eq!(ScalarNode { text: "9007199254740993".into(), plain: false }.altered_number(), None);
    }

    #[test]
    fn a_number_with_a_needless_zero_is_noticed() {
        for text in ["010", "-007", "+01", "00", "01.5", "08e1"] {
            assert!(plain(text).is_padded_number(), "{text}");
        }
        for text in ["0", "0.5", "10", "0x10", "0o10", "01a", "1.0"] {
            assert!(!plain(text).is_padded_number(), "{text}");
        }
        for text in ["+46701234567", "+1.5", "1.10", "1.00", "-2.50"] {
            assert!(plain(text).loses_characters(), "{text}");
        }
        for text in ["1.1", "1.0", "10", "1e5", "0.5", ".5", "-1", "1.10.0", "+x"] {
            assert!(!plain(text).loses_characters(), "{text}");
        }
        assert!(!ScalarNode { text: "1.10".into(), plain: false }.loses_characters());
    }

    #[test]
    fn what_yaml_1_1_reads_otherwise_is_ambiguous() {
        for text in ["no", "NO", "On", "0123", "0o17", "1_000", "0x1_F", "12:30", "190:20:30", "0b101"] {
            assert!(plain(text).is_ambiguous(), "{text}");
        }
        for text in ["nope", "n", "0", "10", "1.5", "2026-11-25", "8.2.0", "a:b", "10:75", "true"] {
            assert!(!plain(text).is_ambiguous(), "{text}");
        }
    }
}
