//! A connection to DuckDB: what it is opened with, and its time zone.

use std::path::Path;

use crate::warehouse::adbc::{Connection, Limits, Trouble};
use crate::warehouse::driver;

/// What a database is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// To read what is there.
    Read,
    /// To make it.
    Write,
}

/// Opens a database file, or an empty database in memory.
pub(super) fn open(
    library: &driver::Loaded,
    file: Option<&Path>,
    access: Access,
) -> Result<Connection, Trouble> {
    let mut options = vec![
        ("autoload_known_extensions", "false".to_owned()),
        ("autoinstall_known_extensions", "false".to_owned()),
    ];
    if let Some(file) = file {
        let unicode =
            file.to_str().ok_or_else(|| Trouble::of(format!("`{}` is not Unicode", file.display())));
        options.push(("path", unicode?.to_owned()));
        if access == Access::Read {
            options.push(("access_mode", "READ_ONLY".to_owned()));
        }
    }
    Connection::open(library, options, &[])
}

/// Sets the session's zone to UTC. A library that knows time zones takes the machine's; one that knows none is in
/// UTC, and has no such setting.
pub(super) fn in_utc(connection: &Connection) -> Result<(), Trouble> {
    let mut knows_zones = false;
    let sql = "SELECT name FROM duckdb_settings() WHERE lower(name) = 'timezone'";
    connection.each(sql, Limits::NONE, &mut |batch| {
        knows_zones |= batch.num_rows() > 0;
        Ok(())
    })?;
    if knows_zones { connection.run("SET TimeZone = 'UTC'") } else { Ok(()) }
}
