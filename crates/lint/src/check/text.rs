//! Words for lists and numbers.

use std::fmt::Display;

/// Returns `a`, `a and b`, `a, b and c`; with the word that is given instead of "and".
pub(super) fn listed<T: Display>(items: impl IntoIterator<Item = T>, word: &str) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} {word} {last}", head.join(", ")),
    }
}

/// Returns a share as `20.0 %`; what is above zero is never written as zero.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.05 { format!("{percent:.1e} %") } else { format!("{percent:.1} %") }
}

/// Returns `1 bucket`, `2 buckets`.
pub(super) fn counted(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_shares_read_as_sentences() {
        assert_eq!(listed(["SE"], "or"), "SE");
        assert_eq!(listed(["SE", "FI", "DK"], "or"), "SE, FI or DK");
        assert_eq!(percent(0.2), "20.0 %");
        assert_eq!(percent(0.0001), "1.0e-2 %");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(counted(1, "bucket"), "1 bucket");
    }
}
