//! One file out of a gzipped tar archive.

use std::io::{self, Read, Write};

use flate2::read::GzDecoder;

/// The size of a header and the unit of padding.
const BLOCK: usize = 512;

/// Copies the member of this exact name, a plain file of at most `most` bytes.
///
/// Nothing else of the archive is written, and no name in it becomes a path.
///
/// # Errors
///
/// Where the archive is damaged, the member is missing, is no plain file, or is larger.
pub(super) fn extract(archive: impl Read, member: &str, most: u64, into: &mut impl Write) -> io::Result<()> {
    let wrong = |message: String| Err(io::Error::new(io::ErrorKind::InvalidData, message));
    // What lies before the member is read too: it counts towards the limit.
    let mut archive = GzDecoder::new(archive).take(most.saturating_mul(2));
    let mut header = [0; BLOCK];
    loop {
        if archive.read_exact(&mut header).is_err() || header.iter().all(|byte| *byte == 0) {
            return wrong(format!("it does not hold `{member}`"));
        }
        let Some(size) = size(&header) else {
            return wrong("an entry of it has no readable size".to_owned());
        };
        let name = header.get(..100).unwrap_or_default();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let prefix_is_empty = header.get(345) == Some(&0);
        if name == member.as_bytes() && prefix_is_empty {
            if !matches!(header.get(156), Some(b'0' | 0)) {
                return wrong(format!("`{member}` in it is not a plain file"));
            }
            if size > most {
                return wrong(format!("`{member}` in it is larger than {most} bytes"));
            }
            return if io::copy(&mut archive.by_ref().take(size), into)? == size {
                Ok(())
            } else {
                wrong(format!("it ends within `{member}`"))
            };
        }
        let padded = size.next_multiple_of(BLOCK as u64);
        if io::copy(&mut archive.by_ref().take(padded), &mut io::sink())? != padded {
            return wrong("it ends within an entry".to_owned());
        }
    }
}

/// Reads an entry's size: octal digits; the binary form of sizes above 8 GiB is refused.
fn size(header: &[u8; BLOCK]) -> Option<u64> {
    let field = std::str::from_utf8(header.get(124..136)?).ok()?;
    let digits = field.trim_matches(|c: char| c == '\0' || c == ' ');
    let size = u64::from_str_radix(digits, 8).ok()?;
    (size < 1 << 33).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: u8, size: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        bytes[124..124 + size.len()].copy_from_slice(size.as_bytes());
        bytes[156] = kind;
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn packed(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        entries.iter().for_each(|entry| encoder.write_all(entry).expect("memory"));
        encoder.finish().expect("memory")
    }

    fn read(archive: &[u8], most: u64) -> io::Result<Vec<u8>> {
        let mut into = Vec::new();
        extract(archive, "package/lib.so", most, &mut into).map(|()| into)
    }

    #[test]
    fn only_the_named_file_is_taken() {
        let archive = packed(&[
            entry("package/readme", b'0', "00000000003", b"abc"),
            entry("../../package/lib.so", b'0', "00000000001", b"x"),
            entry("package/lib.so", b'0', "00000000004", b"code"),
        ]);
        assert_eq!(read(&archive, 1 << 16).expect("a file"), b"code");
    }

    #[test]
    fn an_archive_that_is_not_as_it_should_be_is_refused() {
        let library = entry("package/lib.so", b'0', "00000000004", b"code");
        for (what, archive, most) in [
            ("missing", packed(&[entry("package/readme", b'0', "0", b"")]), 1 << 16),
            ("a link", packed(&[entry("package/lib.so", b'2', "0", b"")]), 1 << 16),
            ("a folder", packed(&[entry("package/lib.so", b'5', "0", b"")]), 1 << 16),
            ("too large", packed(std::slice::from_ref(&library)), 3),
            ("much before it", packed(&[entry("a", b'0', "00000010000", &[0; 4096]), library.clone()]), 1024),
            ("cut", packed(&[library[..BLOCK + 2].to_vec()]), 1 << 16),
            ("no size", packed(&[entry("package/lib.so", b'0', "zzz", b"code")]), 1 << 16),
            ("no gzip", b"not an archive".to_vec(), 1 << 16),
            ("empty", Vec::new(), 1 << 16),
        ] {
            assert!(read(&archive, most).is_err(), "{what}");
        }
    }
}
