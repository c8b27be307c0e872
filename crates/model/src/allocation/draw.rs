//! Draws: from a unit's id to a bucket, and to a variant.

use std::fmt;

use crate::capability::HashProfile;
use crate::{BUCKETS, Book, Experiment, Salt, Split, VariantKey};

use super::BucketSet;
use super::utf16::murmur3_utf16;

/// What a draw decides. Draws of different purposes are independent, whatever their salts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Whether a unit is enrolled: its bucket among [`BUCKETS`].
    Layer,
    /// Which variant an enrolled unit gets.
    Variant,
    /// Whether a rollout has come to a unit: its bucket among [`BUCKETS`].
    Rollout,
    /// Whether a unit is held out: its bucket among [`BUCKETS`].
    Holdout,
}

impl Purpose {
    /// Returns the word that is hashed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Variant => "variant",
            Self::Rollout => "rollout",
            Self::Holdout => "holdout",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A draw: a purpose and a salt. It gives every unit the same bucket each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw<'a> {
    /// What it decides.
    pub purpose: Purpose,
    /// Whose draw it is.
    pub salt: &'a Salt,
}

impl<'a> Draw<'a> {
    /// Makes the draw that enrols units.
    pub const fn layer(salt: &'a Salt) -> Self {
        Self { purpose: Purpose::Layer, salt }
    }

    /// Makes the draw that gives enrolled units a variant.
    pub const fn variant(salt: &'a Salt) -> Self {
        Self { purpose: Purpose::Variant, salt }
    }

    /// Makes the draw that decides when a rollout reaches a unit.
    pub const fn rollout(salt: &'a Salt) -> Self {
        Self { purpose: Purpose::Rollout, salt }
    }

    /// Makes the draw that decides whether a unit is held out.
    pub const fn holdout(salt: &'a Salt) -> Self {
        Self { purpose: Purpose::Holdout, salt }
    }

    /// Returns the text that stands before a unit's id in what is hashed: `PURPOSE/SALT/`.
    ///
    /// A salt holds no slash, so neither a longer salt nor a unit's id can be taken for a part of another draw.
    pub fn prefix(&self) -> String {
        format!("{}/{}/", self.purpose, self.salt)
    }

    /// Returns the group of a strategy of Unleash that draws this: `PURPOSE/SALT`.
    pub fn group(&self) -> String {
        format!("{}/{}", self.purpose, self.salt)
    }

    /// Returns a unit's bucket, below `total`, a multiple of 100: `(hash * total) >> 32`.
    ///
    /// The mapping is that of flagd's `fractional` with integer weights that sum to `total`. Unleash's clients divide units
    /// into hundredths: a unit's bucket is the first one of its hundredth.
    pub fn bucket(&self, profile: HashProfile, unit: &str, total: u32) -> u32 {
        if profile.is_unleash() {
            let text = format!("{}:{unit}", self.group());
            return seeded_hash(profile, &text, 0) % 100 * (total / 100);
        }
        let mut text = self.prefix();
        text.push_str(unit);
        scale(hash(profile, &text), total)
    }

    /// Returns which of a million equal parts a unit has in a draw of arms. `enrolment` is the draw that enrols the
    /// experiment's units: Unleash's clients hash its group, with another seed, and know thousandths.
    fn part(&self, profile: HashProfile, unit: &str, enrolment: &Draw<'_>) -> u32 {
        if profile.is_unleash() {
            let text = format!("{}:{unit}", enrolment.group());
            return seeded_hash(profile, &text, UNLEASH_VARIANT_SEED) % 1_000 * 1_000;
        }
        self.bucket(profile, unit, 1_000_000)
    }

    /// Returns a unit's variant, where `enrolment` is the draw that enrols the experiment's units. Weights stand in byte
    /// order of the variants' keys, as [`Split`] holds them.
    pub fn pick<'s>(
        &self,
        profile: HashProfile,
        unit: &str,
        enrolment: &Draw<'_>,
        split: &'s Split,
    ) -> &'s VariantKey {
        let bucket = self.part(profile, unit, enrolment);
        let mut end = 0;
        let hit = split.shares().iter().find(|(_, share)| {
            end += share.ppm();
            bucket < end
        });
        hit.map_or_else(|| unreachable!("a split sums to one million"), |(variant, _)| variant)
    }
}

/// The seed with which Unleash's clients draw variants (`VARIANT_SEED` in `unleash-client` 6.12.1, read 2026-11).
///
/// Test: `tests/unleash/run`, with the clients themselves.
const UNLEASH_VARIANT_SEED: u32 = 86_028_157;

/// Maps a hash onto `0..total`, in order.
fn scale(hash: u32, total: u32) -> u32 {
    u32::try_from((u64::from(hash) * u64::from(total)) >> 32).unwrap_or(u32::MAX)
}

/// Returns `murmur3_x86_32` with seed 0 of what an evaluator hashes for a text.
pub fn hash(profile: HashProfile, text: &str) -> u32 {
    seeded_hash(profile, text, 0)
}

/// Returns `murmur3_x86_32` with a seed; that of [`HashProfile::Utf16`] is always 0.
fn seeded_hash(profile: HashProfile, text: &str, seed: u32) -> u32 {
    let hashed = match profile {
        HashProfile::Utf16 => Ok(murmur3_utf16(text)),
        HashProfile::Utf8 | HashProfile::Unleash => murmur3::murmur3_32(&mut text.as_bytes(), seed),
        HashProfile::UnleashUtf16 => {
            let low_bytes: Vec<u8> = text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect();
            murmur3::murmur3_32(&mut low_bytes.as_slice(), seed)
        }
        HashProfile::CborText => {
            let mut bytes = cbor_text_header(text.len());
            bytes.extend_from_slice(text.as_bytes());
            murmur3::murmur3_32(&mut bytes.as_slice(), seed)
        }
    };
    hashed.unwrap_or_else(|_| unreachable!("reading from memory does not fail"))
}

/// Returns the head of a CBOR text string in its shortest form (RFC 8949, section 3.1, major type 3).
fn cbor_text_header(length: usize) -> Vec<u8> {
    const TEXT: u8 = 3 << 5;
    let long = |kind: u8, bytes: &[u8]| [&[TEXT | kind], bytes].concat();
    if let Ok(short) = u8::try_from(length) {
        if short < 24 { vec![TEXT | short] } else { long(24, &[short]) }
    } else if let Ok(length) = u16::try_from(length) {
        long(25, &length.to_be_bytes())
    } else if let Ok(length) = u32::try_from(length) {
        long(26, &length.to_be_bytes())
    } else {
        long(27, &(length as u64).to_be_bytes())
    }
}

/// How an experiment enrols units: who draws one of the buckets is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment<'a> {
    /// The draw, onto [`BUCKETS`].
    pub draw: Draw<'a>,
    /// The buckets that are enrolled.
    pub buckets: BucketSet,
}

impl Enrolment<'_> {
    /// Returns a unit's bucket where that bucket is enrolled.
    pub fn bucket(&self, profile: HashProfile, unit: &str) -> Option<u32> {
        Some(self.draw.bucket(profile, unit, BUCKETS)).filter(|bucket| self.buckets.contains(*bucket))
    }

    /// Returns the share of units that are enrolled, between 0 and 1.
    pub fn share(&self) -> f64 {
        f64::from(self.buckets.count()) / f64::from(BUCKETS)
    }

    /// Returns the share of units that two enrolments have in common: the product of independent draws, the shared
    /// buckets of one draw.
    pub fn in_both(&self, other: &Enrolment<'_>) -> f64 {
        if self.draw == other.draw {
            f64::from(self.buckets.intersection(&other.buckets).count()) / f64::from(BUCKETS)
        } else {
            self.share() * other.share()
        }
    }
}

/// Returns how an experiment of a book enrols units, once its ramp is complete; [`super::growth`] has how many when.
///
/// In a layer, its slots do, with the layer's salt: whatever its `allocation` declares, what a layer holds is what is
/// served. Without a layer, the first buckets of a draw of its own do, as many as its allocation is.
pub fn enrolment<'a>(book: &'a Book, experiment: &'a Experiment) -> Enrolment<'a> {
    match experiment.layer.as_ref().and_then(|key| book.layers.get(key)) {
        Some(layer) => {
            let buckets = layer.slots_of(&experiment.key).collect();
            Enrolment { draw: Draw::layer(&layer.salt), buckets }
        }
        None => {
            let buckets = BucketSet::first(experiment.allocation.buckets().unwrap_or(0));
            Enrolment { draw: Draw::layer(&experiment.salt), buckets }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Share;

    /// Values that the reference implementation gives, as its author and others publish them.
    #[test]
    fn the_hash_is_murmur3_x86_32() {
        for (text, expected) in [
            ("", 0),
            ("test", 0xba6b_d213),
            ("Hello, world!", 0xc036_3e43),
            ("The quick brown fox jumps over the lazy dog", 0x2e4f_f723),
        ] {
            assert_eq!(hash(HashProfile::Utf8, text), expected, "{text}");
        }
    }

    /// Made with Python's mmh3 5.3.1 and cbor2 6.3.0.
    #[test]
    fn draws_agree_with_another_implementation() {
        let long = format!("layer/a/{}", "x".repeat(300));
        for (text, utf8, cbor) in [
            ("layer/checkout-2026/user-0", (0x683d_8547, 4071), (0x38da_b7d6, 2220)),
            ("layer/checkout-2026/user-1", (0xf507_f44f, 9571), (0x6598_0bce, 3968)),
            ("variant/bold-checkout-button/user-0", (0xdf16_4cb4, 8714), (0xabd3_192c, 6711)),
            ("variant/bold-checkout-button/ünït-☃", (0x4371_fd3f, 2634), (0x6928_19b1, 4107)),
            (&long, (0xd0a9_347f, 8150), (0xb48a_c828, 7052)),
        ] {
            for (profile, (expected, bucket)) in [(HashProfile::Utf8, utf8), (HashProfile::CborText, cbor)] {
                let hash = hash(profile, text);
                assert_eq!((hash, scale(hash, BUCKETS)), (expected, bucket), "{text} as {profile:?}");
            }
        }
        let salt = Salt::new("checkout-2026").expect("a salt");
        assert_eq!(Draw::layer(&salt).bucket(HashProfile::Utf8, "user-0", BUCKETS), 4071);
    }

    #[test]
    fn a_cbor_text_has_the_shortest_header() {
        // RFC 8949, appendix A: "IETF" is 64 49455446.
        assert_eq!(cbor_text_header(4), [0x64]);
        assert_eq!(cbor_text_header(23), [0x77]);
        assert_eq!(cbor_text_header(24), [0x78, 24]);
        assert_eq!(cbor_text_header(255), [0x78, 255]);
        assert_eq!(cbor_text_header(256), [0x79, 1, 0]);
        assert_eq!(cbor_text_header(65_536), [0x7a, 0, 1, 0, 0]);
    }

    #[test]
    fn a_bucket_is_the_hash_scaled_down() {
        assert_eq!(scale(0, 10_000), 0);
        assert_eq!(scale(u32::MAX, 10_000), 9_999);
        assert_eq!(scale(1 << 31, 10_000), 5_000);
        assert_eq!(scale((1 << 31) - 1, 10_000), 4_999);
        assert_eq!(scale(u32::MAX, 1_000_000), 999_999);
    }

    #[test]
    fn every_share_of_a_split_gets_its_part_of_the_units() {
        let key = |text| VariantKey::new(text).expect("a key");
        let share = |text| Share::parse(text).expect("a share");
        let split =
            Split::new(vec![(key("a"), share("10%")), (key("b"), share("60%")), (key("C"), share("30%"))])
                .expect("a split");
        let salt = Salt::new("bold").expect("a salt");
        for profile in [HashProfile::Utf8, HashProfile::CborText, HashProfile::Unleash] {
            let mut counts = std::collections::BTreeMap::<&str, u32>::new();
            for unit in 0..20_000 {
                let variant =
                    Draw::variant(&salt).pick(profile, &format!("user-{unit}"), &Draw::layer(&salt), &split);
                *counts.entry(variant.as_str()).or_default() += 1;
            }
            // Standard deviations are 65 at most.
            for (variant, expected) in [("C", 6_000), ("a", 2_000), ("b", 12_000)] {
                let got = counts.get(variant).copied().unwrap_or_default();
                assert!(got.abs_diff(expected) < 300, "{variant}: {got}");
            }
        }
    }

    /// Made with `unleash-client` 6.12.1 (`normalizedStrategyValue`, `normalizedVariantValue`, less one).
    #[test]
    fn unleash_draws_as_its_clients_do() {
        for (salt, unit, by_clients, by_engine) in [
            ("checkout-2026", "user-0", (14, 62), (14, 62)),
            ("checkout-2026", "user-1", (12, 866), (12, 866)),
            ("bold-checkout-button", "user-2", (54, 636), (54, 636)),
            // Made with Python's mmh3 5.3.1 for the engine.
            ("checkout-2026", "ünït-☃", (38, 443), (63, 381)),
        ] {
            let salt = Salt::new(salt).expect("a salt");
            let (layer, arms) = (Draw::layer(&salt), Draw::variant(&salt));
            for (profile, expected) in
                [(HashProfile::UnleashUtf16, by_clients), (HashProfile::Unleash, by_engine)]
            {
                let drawn =
                    (layer.bucket(profile, unit, BUCKETS) / 100, arms.part(profile, unit, &layer) / 1_000);
                assert_eq!(drawn, expected, "{salt} {unit} {profile:?}");
            }
        }
    }

    #[test]
    fn purposes_and_salts_draw_apart() {
        let (one, two) = (Salt::new("one").expect("a salt"), Salt::new("two").expect("a salt"));
        assert_eq!(Draw::layer(&one).prefix(), "layer/one/");
        let both = |a: Draw<'_>, b: Draw<'_>| {
            let low = |draw: &Draw<'_>, unit: &str| draw.bucket(HashProfile::Utf8, unit, BUCKETS) < 5_000;
            let units = (0..10_000).map(|unit| format!("user-{unit}"));
            units.filter(|unit| low(&a, unit) && low(&b, unit)).count()
        };
        // A quarter of the units is in both halves; the standard deviation is 43.
        assert!(both(Draw::layer(&one), Draw::variant(&one)).abs_diff(2_500) < 200);
        assert!(both(Draw::layer(&one), Draw::layer(&two)).abs_diff(2_500) < 200);
    }
}
