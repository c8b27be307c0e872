//! Numbers as people read them: as many digits as are known, a real minus, thousands apart.

use super::clean;

/// Stands before what is missing from zero.
pub const MINUS: char = '\u{2212}';
/// Between thousands: a narrow space at which no line breaks.
pub const THIN: char = '\u{202f}';
/// Between a number and its unit: a space at which no line breaks.
pub const NBSP: char = '\u{a0}';

/// Returns how many decimals show `digits` significant digits of an uncertainty, between 0 and 9.
///
/// The uncertainty, not the number, decides what is known: 0.41237 ± 0.008 is 0.412.
pub fn decimals(uncertainty: f64, digits: u8) -> usize {
    let uncertainty = uncertainty.abs();
    if !uncertainty.is_finite() || uncertainty == 0.0 {
        return 2;
    }
    let places = f64::from(digits) - 1.0 - uncertainty.log10().floor();
    places.clamp(0.0, 9.0) as usize
}

/// Writes a number with a fixed count of decimals. A number that rounds to zero has no sign.
///
/// What is not finite is written in words, for it is not a number.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let negative = value < 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    if negative {
        out.push(MINUS);
    }
    out.push_str(&grouped(whole));
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// Writes a number as [`fixed`], with a plus where it is above zero.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let above = value > 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    if above { format!("+{text}") } else { text }
}

/// Writes a fraction as a percentage, `0.031` as `3.1 %`.
pub fn percent(fraction: f64, decimals: usize) -> String {
    format!("{}{NBSP}%", fixed(fraction * 100.0, decimals))
}

/// Writes a fraction as a percentage with its sign, `0.031` as `+3.1 %`.
pub fn signed_percent(fraction: f64, decimals: usize) -> String {
    format!("{}{NBSP}%", signed(fraction * 100.0, decimals))
}

/// Writes a percentage that is exact, without decimals that mean nothing: `5 %`, `0.5 %`.
pub fn exact_percent(fraction: f64) -> String {
    let text = fixed(fraction * 100.0, 4);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{NBSP}%")
}

/// Writes a number of which no uncertainty is known with some significant digits, without trailing zeros.
pub fn significant(value: f64, digits: u8) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = fixed(value, decimals(value, digits));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Writes a count, thousands apart.
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// Writes a count that is only an estimate with three significant digits: 172 608 is about 173 000.
pub fn about(n: u64) -> String {
    let unit = 10u64.pow(n.checked_ilog10().unwrap_or(0).saturating_sub(2));
    count(n.saturating_add(unit / 2) / unit * unit)
}

/// Writes a count and what is counted, in the singular for one.
pub fn counted(n: u64, singular: &str, plural: &str) -> String {
    format!("{}{NBSP}{}", count(n), if n == 1 { singular } else { plural })
}

/// Writes a probability as a reader compares it: two or three decimals, and a bound where it is tiny.
/// Never zero: below 1e-15 only that bound is shown.
pub fn p_value(p: f64) -> String {
    match p {
        p if !(0.0..=1.0).contains(&p) => format!("p = {}", not_finite(p)),
        p if p >= 0.995 => "p > 0.99".to_owned(),
        p if p >= 0.1 => format!("p = {p:.2}"),
        p if p >= 0.001 => format!("p = {p:.3}"),
        p if p >= 0.000_1 => format!("p = {p:.4}"),
        p if p >= 1e-15 => format!("p < 1e{}", p.log10().floor() as i32 + 1),
        _ => "p < 1e-15".to_owned(),
    }
}

/// Writes how often something as improbable happens: `once in 180 billion`.
pub fn once_in(p: f64) -> String {
    const NAMES: [(f64, &str); 4] =
        [(1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")];
    if !(0.0..=1.0).contains(&p) {
        return "with an unknown probability".to_owned();
    }
    if p < 1e-15 {
        return "less than once in a thousand trillion".to_owned();
    }
    let times = 1.0 / p;
    if times < 1.5 {
        return "nearly always".to_owned();
    }
    let digits = 10f64.powf(times.log10().floor() - 1.0);
    let rounded = (times / digits).round() * digits;
    let Some((scale, name)) = NAMES.into_iter().find(|(scale, _)| rounded >= *scale * 0.999) else {
        return format!("once in {}", fixed(times, 0));
    };
    if name == "thousand" {
        return format!("once in {}", fixed(rounded, 0));
    }
    format!("once in {}{NBSP}{name}", significant(rounded / scale, 2))
}

/// Joins phrases as a sentence does: `a, b and c`.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<_> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

/// Shortens a text to a number of characters, with an ellipsis in place of the rest. On one line, as [`clean::one_line`].
pub fn shortened(text: &str, characters: usize) -> String {
    let text = clean::one_line(text);
    if text.chars().count() <= characters {
        return text;
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "not a number"
    } else if value > 0.0 {
        "∞"
    } else if value < 0.0 {
        "−∞"
    } else {
        "out of range"
    }
}

/// Puts a narrow space before every third digit from the right.
fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * THIN.len_utf8());
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(THIN);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace([NBSP, THIN], " ")
    }

    #[test]
    fn the_uncertainty_states_how_many_decimals_there_are() {
        assert_eq!(decimals(0.019, 2), 3);
        assert_eq!(decimals(1.9, 2), 1);
        assert_eq!(decimals(19.0, 2), 0);
        assert_eq!(decimals(0.0084, 1), 3);
        assert_eq!(decimals(f64::NAN, 2), 2);
        assert_eq!(decimals(1e-300, 2), 9);
    }

    #[test]
    fn a_number_has_a_real_minus_and_its_thousands_apart() {
        assert_eq!(plain(&fixed(-1234567.891, 1)), "−1 234 567.9");
        assert_eq!(fixed(-0.004, 2), "0.00");
        assert_eq!(signed(0.0004, 2), "0.00");
        assert_eq!(plain(&signed_percent(0.0312, 1)), "+3.1 %");
        assert_eq!(plain(&signed_percent(-0.004, 1)), "−0.4 %");
        assert_eq!(plain(&exact_percent(0.05)), "5 %");
        assert_eq!(plain(&exact_percent(0.0025)), "0.25 %");
        assert_eq!(plain(&exact_percent(1.0)), "100 %");
        assert_eq!(significant(0.012345, 3), "0.0123");
        assert_eq!(plain(&significant(1840.2, 3)), "1 840");
        assert_eq!(plain(&count(182_404)), "182 404");
        assert_eq!(plain(&about(172_608)), "173 000");
        assert_eq!(about(7), "7");
        assert_eq!(about(u64::MAX).chars().filter(char::is_ascii_digit).count(), 20);
        assert_eq!(plain(&counted(1, "unit", "units")), "1 unit");
    }

    #[test]
    fn what_is_not_a_number_is_never_written_as_one() {
        assert_eq!(fixed(f64::NAN, 2), "not a number");
        assert_eq!(fixed(f64::NEG_INFINITY, 2), "−∞");
        assert_eq!(p_value(f64::NAN), "p = not a number");
        assert_eq!(once_in(-1.0), "with an unknown probability");
    }

    #[test]
    fn a_tiny_probability_is_a_bound_and_never_zero() {
        assert_eq!(p_value(0.614), "p = 0.61");
        assert_eq!(p_value(0.0456), "p = 0.046");
        assert_eq!(p_value(0.00044), "p = 0.0004");
        assert_eq!(p_value(3.2e-9), "p < 1e-8");
        assert_eq!(p_value(1e-171), "p < 1e-15");
        assert_eq!(p_value(0.0), "p < 1e-15");
        assert_eq!(p_value(1.0), "p > 0.99");
    }

    #[test]
    fn an_improbable_split_is_reported_in_words() {
        assert_eq!(plain(&once_in(5.6e-12)), "once in 180 billion");
        assert_eq!(plain(&once_in(1.02e-6)), "once in 980 000");
        assert_eq!(plain(&once_in(1e-6)), "once in 1 million");
        assert_eq!(plain(&once_in(0.0004)), "once in 2 500");
        assert_eq!(plain(&once_in(0.02)), "once in 50");
        assert_eq!(plain(&once_in(1e-300)), "less than once in a thousand trillion");
        assert_eq!(once_in(1.0), "nearly always");
    }

    #[test]
    fn phrases_are_joined_as_a_sentence_does() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(shortened("one two three", 8), "one two…");
    }
}
