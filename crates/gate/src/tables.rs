//! Names of tables that are none: files, and the catalogues of engines.

/// Endings by which an engine takes a name for a file.
const ENDINGS: &[&str] = &[
    "arrow", "arrows", "avro", "blob", "bz2", "csv", "db", "ddb", "duckdb", "env", "feather", "fgb",
    "geojson", "gpkg", "gz", "ipc", "json", "jsonl", "ndjson", "orc", "parq", "parquet", "pq", "shp",
    "sqlite", "sqlite3", "tsv", "txt", "vortex", "xls", "xlsx", "zst",
];

/// Schemas of engines' catalogues, which hold settings and paths.
const CATALOGUES: &[&str] = &["information_schema", "pg_catalog", "system"];

/// Prefixes of an engine's own tables.
const OWN: &[&str] = &["duckdb_", "pg_", "pragma_", "sqlite_"];

/// Returns why a name cannot be a table's, to be read after the name; `None` where it can.
///
/// A name is given by its parts, each with whether it was quoted. DuckDB joins the parts with dots and, where there is
/// no such table, reads the file of that name.
pub fn not_a_table(parts: &[(&str, bool)]) -> Option<&'static str> {
    const FILE: &str = "looks like a file: use `file:` in the source, or `read_csv` or `read_parquet`";
    let sign = |c: char| matches!(c, '/' | '\\' | '*' | '?' | '[' | ']' | ':' | '~' | '$' | '\'' | '"' | '`');
    for (part, _) in parts {
        if part.contains(sign) || part.contains('.') || part.contains(char::is_control) || part.is_empty() {
            return Some(FILE);
        }
    }
    let lower: Vec<_> = parts.iter().map(|(part, _)| part.to_lowercase()).collect();
    if let [.., _, last] = lower.as_slice()
        && ENDINGS.contains(&last.as_str())
    {
        return Some(FILE);
    }
    let own = |part: &String| OWN.iter().any(|prefix| part.starts_with(prefix));
    if lower.iter().any(|part| CATALOGUES.contains(&part.as_str())) || lower.last().is_some_and(own) {
        return Some("belongs to the engine's catalogue, which a book may not read");
    }
    None
}
