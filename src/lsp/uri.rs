//! Paths as `file:` addresses (RFC 8089), and back.

use std::path::{Path, PathBuf};

use url::Url;

/// Returns the path of a `file:` address on this machine; `None` for any other address.
pub fn path_of(uri: &str) -> Option<PathBuf> {
    let url = Url::parse(uri).ok().filter(|url| url.scheme() == "file")?;
    url.to_file_path().ok()
}

/// Returns the address of an absolute path.
pub fn of_path(path: &Path) -> String {
    Url::from_file_path(path).map_or_else(|()| path.display().to_string(), String::from)
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
        for uri in ["untitled:Untitled-1", "https://x.test/a", "file://server/share/a", "a/b", ""] {
            assert_eq!(path_of(uri), None, "{uri}");
        }
    }
}
