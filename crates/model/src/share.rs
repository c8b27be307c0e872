//! Shares of units, exact to one part in a million.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BUCKETS, VariantKey};

/// A share between 0 % and 100 %, in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share(u32);

/// Why a text or a number is not a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// No percent sign: `20` could mean 20 % or twenty times.
    #[error("`{0}` is not a share: the percent sign is missing")]
    NoPercentSign(String),
    /// Not a decimal number before the percent sign.
    #[error("`{0}` is not a share such as `20%` or `0.5%`")]
    NotANumber(String),
    /// More than four decimals of a percent.
    #[error("`{0}` is finer than one part in a million (four decimals of a percent)")]
    TooFine(String),
    /// Outside 0 % to 100 %.
    #[error("`{0}` is not between 0% and 100%")]
    OutOfRange(String),
}

impl Share {
    /// All units.
    pub const ALL: Share = Share(1_000_000);
    /// No unit.
    pub const NONE: Share = Share(0);

    /// Makes a share of parts per million; `None` above one million.
    pub const fn from_ppm(ppm: u32) -> Option<Self> {
        if ppm <= 1_000_000 { Some(Self(ppm)) } else { None }
    }

    /// Makes a share of whole percents; `None` above 100.
    pub const fn from_percent(percent: u32) -> Option<Self> {
        if percent <= 100 { Some(Self(percent * 10_000)) } else { None }
    }

    /// Reads `20%`, `0.5%` or `12.3456%`, exactly.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let Some(number) = text.strip_suffix('%') else {
            return Err(if text.trim().parse::<f64>().is_ok() {
                ShareError::NoPercentSign(text.into())
            } else {
                ShareError::NotANumber(text.into())
            });
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || number.ends_with('.') {
            return Err(ShareError::NotANumber(text.into()));
        }
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > 4 {
            return Err(ShareError::TooFine(text.into()));
        }
        let parse = |s: &str| s.parse::<u64>().map_err(|_| ShareError::OutOfRange(text.into()));
        let whole = parse(whole)?;
        let fraction = parse(&format!("{decimals:0<4}"))?;
        let ppm = whole.checked_mul(10_000).and_then(|ppm| ppm.checked_add(fraction));
        ppm.and_then(|ppm| u32::try_from(ppm).ok())
            .and_then(Self::from_ppm)
            .ok_or_else(|| ShareError::OutOfRange(text.into()))
    }

    /// Returns the parts per million.
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// Returns the fraction, between 0 and 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// Returns how many of 10,000 buckets the share is, or `None` where it is not a whole number of them.
    pub fn buckets(self) -> Option<u32> {
        let per_bucket = 1_000_000 / BUCKETS;
        self.0.is_multiple_of(per_bucket).then_some(self.0 / per_bucket)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 10_000, self.0 % 10_000);
        if fraction == 0 {
            write!(f, "{whole}%")
        } else {
            write!(f, "{whole}.{}%", format!("{fraction:04}").trim_end_matches('0'))
        }
    }
}

impl TryFrom<String> for Share {
    type Error = ShareError;
    fn try_from(text: String) -> Result<Self, ShareError> {
        Self::parse(&text)
    }
}

impl From<Share> for String {
    fn from(share: Share) -> String {
        share.to_string()
    }
}

/// How an experiment's units are divided among its variants; the shares sum to exactly one million.
///
/// Variants stand in byte order of their keys: the order in which weights are laid out in a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(VariantKey, Share)>", into = "Vec<(VariantKey, Share)>")]
pub struct Split(Vec<(VariantKey, Share)>);

/// Why shares do not make a split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A comparison needs two variants.
    #[error("an experiment needs at least two variants, not {0}")]
    TooFew(usize),
    /// A variant that nobody gets.
    #[error("variant `{0}` has a share of 0%")]
    Empty(VariantKey),
    /// The same variant twice.
    #[error("variant `{0}` appears twice")]
    Repeated(VariantKey),
    /// The shares do not sum to 100 %.
    #[error("the shares sum to {}.{:04}%, not to 100%", .0 / 10_000, .0 % 10_000)]
    Sum(u64),
}

impl Split {
    /// Makes a split of shares that sum to 100 %.
    pub fn new(mut shares: Vec<(VariantKey, Share)>) -> Result<Self, SplitError> {
        if shares.len() < 2 {
            return Err(SplitError::TooFew(shares.len()));
        }
        shares.sort();
        for pair in shares.windows(2) {
            if let [(a, _), (b, _)] = pair
                && a == b
            {
                return Err(SplitError::Repeated(a.clone()));
            }
        }
        if let Some((variant, _)) = shares.iter().find(|(_, share)| *share == Share::NONE) {
            return Err(SplitError::Empty(variant.clone()));
        }
        let sum: u64 = shares.iter().map(|(_, share)| u64::from(share.ppm())).sum();
        if sum == 1_000_000 { Ok(Self(shares)) } else { Err(SplitError::Sum(sum)) }
    }

    /// Makes a split of equal shares; what does not divide evenly goes to the first variants, one part each.
    pub fn equal(mut variants: Vec<VariantKey>) -> Result<Self, SplitError> {
        variants.sort();
        let Some(n) = u32::try_from(variants.len()).ok().filter(|n| *n >= 2) else {
            return Err(SplitError::TooFew(variants.len()));
        };
        let shares = variants
            .into_iter()
            .zip(0u32..)
            .map(|(variant, i)| (variant, Share(1_000_000 / n + u32::from(i < 1_000_000 % n))));
        Self::new(shares.collect())
    }

    /// Returns the variants with their shares, in byte order of the keys.
    pub fn shares(&self) -> &[(VariantKey, Share)] {
        &self.0
    }

    /// Returns the variants in byte order.
    pub fn variants(&self) -> impl Iterator<Item = &VariantKey> {
        self.0.iter().map(|(variant, _)| variant)
    }

    /// Returns the share of a variant; `None` where it is not in the split.
    pub fn share(&self, variant: &VariantKey) -> Option<Share> {
        self.0.iter().find(|(v, _)| v == variant).map(|(_, share)| *share)
    }
}

impl TryFrom<Vec<(VariantKey, Share)>> for Split {
    type Error = SplitError;
    fn try_from(shares: Vec<(VariantKey, Share)>) -> Result<Self, SplitError> {
        Self::new(shares)
    }
}

impl From<Split> for Vec<(VariantKey, Share)> {
    fn from(split: Split) -> Self {
        split.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_and_prints_as_it_was_written() {
        for text in ["0%", "0.5%", "20%", "33.3333%", "100%", "0.0001%"] {
            assert_eq!(Share::parse(text).map(|s| s.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(Share::parse("0.50%"), Ok(Share(5_000)));
    }

    #[test]
    fn what_is_not_a_share_says_why() {
        assert!(matches!(Share::parse("20"), Err(ShareError::NoPercentSign(_))));
        assert!(matches!(Share::parse("twenty"), Err(ShareError::NotANumber(_))));
        assert!(matches!(Share::parse("1.%"), Err(ShareError::NotANumber(_))));
        assert!(matches!(Share::parse("-1%"), Err(ShareError::NotANumber(_))));
        assert!(matches!(Share::parse("0.00001%"), Err(ShareError::TooFine(_))));
        assert!(matches!(Share::parse("101%"), Err(ShareError::OutOfRange(_))));
        assert!(matches!(Share::parse("99999999999999999999%"), Err(ShareError::OutOfRange(_))));
    }

    #[test]
    fn an_equal_split_of_three_sums_to_one_million() {
        let keys = ["c", "a", "b"].map(|k| VariantKey::new(k).expect("a valid key"));
        let split = Split::equal(keys.to_vec()).expect("three variants");
        let ppm: Vec<_> = split.shares().iter().map(|(v, s)| (v.as_str(), s.ppm())).collect();
        assert_eq!(ppm, [("a", 333_334), ("b", 333_333), ("c", 333_333)]);
    }
}
