//! The hash of `@openfeature/flagd-core` 4.x, for texts that are not ASCII.

/// Returns what imurmurhash 0.1.4 returns for a text, with seed 0.
///
/// It is `murmur3_x86_32` over UTF-16 code units in place of bytes: a unit above 255 runs over into its neighbours'
/// bits, and the length is counted in units. For ASCII that is the hash of the bytes. (`imurmurhash.js`, which
/// `@openfeature/flagd-core` 4.0.1 calls; read in November 2026. `tests/parity` compares it with the original.)
pub(super) fn murmur3_utf16(text: &str) -> u32 {
    let units: Vec<u32> = text.encode_utf16().map(u32::from).collect();
    let mut blocks = units.chunks_exact(4);
    let mut hash = 0u32;
    for block in &mut blocks {
        if let [a, b, c, d] = *block {
            let word = a ^ (b << 8) ^ (c << 16) ^ ((d & 0xff) << 24) ^ ((d & 0xff00) >> 8);
            hash = (hash ^ scrambled(word)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
        }
    }
    let tail =
        blocks.remainder().iter().zip([0, 8, 16]).fold(0, |word, (unit, shift)| word ^ (unit << shift));
    // The original compares signed numbers: a tail with the highest bit set is left out.
    if tail.cast_signed() > 0 {
        hash ^= scrambled(tail);
    }
    // Lengths beyond 2^32 do not occur: the text is in memory as JSON.
    finished(hash ^ units.len() as u32)
}

fn scrambled(word: u32) -> u32 {
    word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

fn finished(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made with imurmurhash 0.1.4 under Node.js 20.
    #[test]
    fn it_agrees_with_the_original() {
        for (text, expected) in [
            ("layer/checkout-2026/user-0", 0x683d_8547),
            ("variant/bold-checkout-button/ünït-☃", 0x4e4b_0be2),
            ("layer/a/😀", 0x4043_f24a),
            ("layer/a/日本語", 0xe286_16ac),
            ("ä", 0xa1ea_e10a),
            ("aé", 0xf466_de26),
            ("abé", 0x2893_1b53),
            ("abcé", 0xea64_76ac),
            ("abcdé", 0x2137_6158),
            ("\u{10ffff}", 0x00de_bba4),
            ("layer/a/一丁丂", 0x2838_1e03),
        ] {
            assert_eq!(murmur3_utf16(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn for_ascii_it_is_the_hash_of_the_bytes(text in "[ -~]{0,40}") {
            let bytes = murmur3::murmur3_32(&mut text.as_bytes(), 0).expect("reading from memory");
            prop_assert_eq!(murmur3_utf16(&text), bytes);
        }
    }
}
