//! Numbers in messages: as many digits as help a reader.

/// Returns a number with three significant digits, as a power of ten where it is very large or small: `-9.76`,
/// `12300`, `4.57e-9`.
///
/// ```
/// use trialbook_stats::significant;
///
/// assert_eq!(significant(-9.762823333333333), "-9.76");
/// assert_eq!(significant(12345.6), "12300");
/// assert_eq!(significant(0.1), "0.1");
/// assert_eq!(significant(4.567e-9), "4.57e-9");
/// ```
pub fn significant(value: f64) -> String {
    let rounded = format!("{value:.2e}");
    let (Ok(number), true) = (rounded.parse::<f64>(), value.is_finite()) else { return value.to_string() };
    if number == 0.0 {
        return "0".to_owned();
    }
    if (1e-4..1e9).contains(&number.abs()) {
        return number.to_string();
    }
    let (digits, power) = rounded.split_once('e').unwrap_or((rounded.as_str(), "0"));
    format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
}
