//! Paths as `file:` addresses (RFC 8089), and back.

use std::path::{Path, PathBuf};

/// Returns the path of a `file:` address on this machine; `None` for any other address.
pub fn path_of(uri: &str) -> Option<PathBuf> {
    let scheme = uri.get(..5)?;
    let rest = uri.get(5..).filter(|_| scheme.eq_ignore_ascii_case("file:"))?;
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, _) = rest.split_at(rest.find('/')?);
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return None;
            }
            rest.get(host.len()..)?
        }
        None => rest.strip_prefix('/').map(|_| rest)?,
    };
    let path = path.split(['?', '#']).next()?;
    let decoded = decoded(path)?;
    // `/C:/x` is a path with a drive.
    let drive = decoded.as_bytes();
    let has_drive = cfg!(windows) && drive.len() > 2 && drive.get(2) == Some(&b':');
    Some(PathBuf::from(if has_drive { decoded.trim_start_matches('/') } else { &decoded }))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Returns the address of an absolute path.
pub fn of_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() };
    let mut uri = String::from("file://");
    if !text.starts_with('/') {
        uri.push('/');
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_its_address() {
        for path in ["/a/b.flag.yaml", "/with space/å#?%/x.yaml", "/"] {
            assert_eq!(path_of(&of_path(Path::new(path))), Some(PathBuf::from(path)), "{path}");
        }
        assert_eq!(of_path(Path::new("/a b/ü")), "file:///a%20b/%C3%BC");
        assert_eq!(path_of("FILE://localhost/a"), Some(PathBuf::from("/a")));
        assert_eq!(path_of("file:/a"), Some(PathBuf::from("/a")));
    }

    #[test]
    fn an_address_elsewhere_has_no_path_here() {
        for uri in
            ["untitled:Untitled-1", "https://x.test/a", "file://server/share/a", "file:///%zz", "file:", ""]
        {
            assert_eq!(path_of(uri), None, "{uri}");
        }
    }
}
