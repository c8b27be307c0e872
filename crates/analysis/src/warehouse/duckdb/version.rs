//! Which versions of DuckDB this program knows.

use super::connection::{self, Access};
use super::{first_lines, refused};
use crate::warehouse::adbc::Limits;
use crate::warehouse::{WarehouseError, driver};

/// Returns the version of a library, such as `1.5.6`.
///
/// # Errors
///
/// Where it is not one that this program is tested with, or its version cannot be read.
pub(in crate::warehouse) fn supported(library: &driver::Loaded) -> Result<String, WarehouseError> {
    let connection = connection::open(library, None, Access::Read).map_err(refused)?;
    let rows = connection.rows("SELECT version() AS version", Limits::NONE).map_err(refused)?;
    let version = rows.first().and_then(|row| row.text("version")).unwrap_or_default();
    let version = version.strip_prefix('v').unwrap_or(version).to_owned();
    if is_supported(&version) { Ok(version) } else { Err(WarehouseError::Version { version }) }
}

/// Tells whether a version is 1.5.x or 2.x.
fn is_supported(version: &str) -> bool {
    let mut parts = version.split(['.', '-']).map(str::parse::<u32>);
    matches!((parts.next(), parts.next()), (Some(Ok(1)), Some(Ok(5))) | (Some(Ok(2)), Some(Ok(_))))
}

/// Explains why a database file cannot be opened.
pub(super) fn cannot_open(path: &str, version: &str, message: &str) -> WarehouseError {
    let message = first_lines(message);
    // Both: "… created with a newer version of DuckDB" or "… storage version" (1.5.6, seen 2026-11).
    let newer = message.contains("newer version") || message.contains("version number");
    match newer {
        true => WarehouseError::NewerFile { path: path.to_owned(), version: version.to_owned() },
        false => WarehouseError::Open { path: path.to_owned(), message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tested_versions_are_used() {
        for good in ["1.5.0", "1.5.6", "2.0.0", "2.1.3-dev12"] {
            assert!(is_supported(good), "{good}");
        }
        for bad in ["1.4.9", "1.6.0", "0.5.1", "3.0.0", "2", "x", ""] {
            assert!(!is_supported(bad), "{bad}");
        }
    }
}
