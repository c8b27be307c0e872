//! What the embedded warehouse reads, and what it refuses.

use super::*;

fn book() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(root.path().join("data")).expect("a folder");
    std::fs::write(
        root.path().join("data/a.csv"),
        "id,at,amount\n007,2026-01-01T00:00:00+02:00,1.5\n008,2026-01-02T00:00:00Z,2\n",
    )
    .expect("a file");
    root
}

fn open(root: &Path) -> Duckdb {
    Duckdb::open(Embedded::new(root, None).installing()).expect("a warehouse")
}

fn number(warehouse: &Duckdb, sql: &'static str) -> Option<f64> {
    let rows = warehouse.select(&Sql::code(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.first().and_then(|row| row.number(0))
}

#[test]
fn files_are_read_and_ids_stay_text() {
    let root = book();
    let warehouse = open(root.path());
    let relation = warehouse.files("data/*.csv", &["id", "no-such-column"]).expect("a relation");
    let columns = warehouse.columns(&relation).expect("columns");
    let kinds: Vec<_> = columns.iter().map(|column| (column.name.as_str(), column.kind.clone())).collect();
    assert_eq!(
        kinds,
        [("id", ColumnType::Text), ("at", ColumnType::Instant), ("amount", ColumnType::Fraction)]
    );
    let rows = warehouse
        .select(&Sql::fill("SELECT id, epoch_us(\"at\") FROM {r} ORDER BY id", &[("r", &relation)]))
        .expect("rows");
    assert_eq!(rows.first().and_then(|row| row.text(0)), Some("007"));
    assert_eq!(rows.first().and_then(|row| row.integer(1)), Some(1_767_218_400_000_000));
}

#[test]
fn text_with_an_offset_is_the_instant_it_says() {
    let root = book();
    let warehouse = open(root.path());
    for (literal, expected) in [
        ("'2026-01-01T00:00:00+02:00'", Some(1_767_218_400_000_000)),
        ("'2026-01-01T00:00:00Z'", Some(1_767_225_600_000_000)),
        ("'2026-01-01 00:00:00.5'", Some(1_767_225_600_500_000)),
        ("'2026-01-01'", Some(1_767_225_600_000_000)),
        ("'yesterday'", None),
        ("'infinity'", None),
    ] {
        let time = DuckDbDialect.microseconds(&Sql::code(literal), &ColumnType::Text).expect("text");
        let rows = warehouse.select(&Sql::fill("SELECT {t}", &[("t", &time)])).expect("rows");
        assert_eq!(rows.first().and_then(|row| row.integer(0)), expected, "{literal}");
    }
}

#[test]
fn no_query_reaches_what_is_outside_the_book() {
    let root = book();
    let warehouse = open(root.path());
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("b.csv"), "x\n1\n").expect("a file");
    let path = outside.path().join("b.csv").to_string_lossy().into_owned();
    let read = Sql::fill("SELECT * FROM read_csv({p})", &[("p", &DuckDbDialect.text(&path))]);
    assert!(warehouse.select(&read).is_err(), "{read}");
    for sql in [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('data/../../../etc/passwd')",
        "SELECT * FROM read_csv('https://example.com/a.csv')",
        "ATTACH '/tmp/trialbook-no-such.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1TB'",
        "RESET allowed_directories",
    ] {
        assert!(warehouse.select(&Sql::code(sql)).is_err(), "{sql}");
    }
    let inside = warehouse.paths("data/a.csv").expect("a path").remove(0);
    let read = Sql::fill("SELECT count(*) FROM read_csv({p})", &[("p", &DuckDbDialect.text(&inside))]);
    assert_eq!(warehouse.select(&read).expect("rows").first().and_then(|row| row.count(0)), Some(2));
}

#[test]
fn a_database_is_only_read() {
    let root = book();
    drop(open(root.path()));
    {
        let database = NewDatabase::create(Some(&root.path().join("w.duckdb"))).expect("a database");
        database.run("CREATE TABLE t AS SELECT 42 AS x").expect("a table");
    }
    let warehouse = Duckdb::open(Embedded::new(root.path(), Some("w.duckdb")).installing()).expect("a warehouse");
    assert_eq!(number(&warehouse, "SELECT x FROM t"), Some(42.0));
    for sql in ["INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE u AS SELECT 1"] {
        assert!(warehouse.select(&Sql::code(sql)).is_err(), "{sql}");
    }
}

#[test]
fn a_database_that_is_not_there_says_so() {
    let root = book();
    let open = |database| match Duckdb::open(Embedded::new(root.path(), Some(database)).installing()) {
        Ok(_) => panic!("{database} was opened"),
        Err(error) => error,
    };
    assert!(matches!(open("no.duckdb"), WarehouseError::NoDatabase { .. }));
    assert!(matches!(open("../no.duckdb"), WarehouseError::Files(_)));
    assert!(matches!(open("data/a.csv"), WarehouseError::Open { .. }));
    assert!(!root.path().join("no.duckdb").exists());
}

#[test]
fn a_missing_table_is_named() {
    let root = book();
    let error = open(root.path()).select(&Sql::code("SELECT * FROM purchases")).expect_err("no table");
    assert!(error.to_string().contains("purchases"), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn the_mean_and_the_variance_survive_a_large_offset() {
    // n = 2e5 around 1e8 with steps of 0.01: plain sums of squares would leave nothing.
    let root = book();
    let warehouse = open(root.path());
    let values = "FROM (SELECT 1e8 + 0.01 * (range % 5 - 2) AS y FROM range(200000))";
    let mean = DuckDbDialect.mean(&Sql::code("y - 1e8"));
    let rows = warehouse.select(&Sql::fill(
        "SELECT {mean}, var_pop(y - 1e8) FROM (SELECT 1e8 + 0.01 * (range % 5 - 2) AS y FROM range(200000))",
        &[("mean", &mean)],
    ));
    let row = rows.expect(values).into_iter().next().expect("a row");
    assert!(row.number(0).expect("a mean").abs() < 1e-8, "{row:?}");
    assert!((row.number(1).expect("a variance") / 2e-4 - 1.0).abs() < 1e-5, "{row:?}");
}

#[test]
fn a_quantile_is_the_inverted_cdf() {
    let root = book();
    let warehouse = open(root.path());
    for (share, expected) in [(0.999, 999.0), (0.95, 950.0), (0.5005, 501.0), (1.0, 1000.0)] {
        let quantile = DuckDbDialect.quantile(&Sql::code("CAST(range AS DOUBLE)"), share);
        let rows = warehouse.select(&Sql::fill("SELECT {q} FROM range(1, 1001)", &[("q", &quantile)]));
        let row = rows.expect("rows").into_iter().next().expect("a row");
        assert_eq!(row.number(0), Some(expected), "{share}");
    }
}

#[test]
fn a_time_that_cannot_be_read_is_null() {
    let root = book();
    std::fs::write(root.path().join("data/b.csv"), "id,at\na,2026-01-01T00:00:00Z\nb,sometime\n")
        .expect("a file");
    let warehouse = open(root.path());
    let relation = warehouse.files("data/b.csv", &["id", "at"]).expect("a relation");
    let time = DuckDbDialect.microseconds(&DuckDbDialect.identifier("at"), &ColumnType::Text).expect("text");
    let sql = Sql::fill(
        "SELECT count(*), count(t) FROM (SELECT {t} AS t FROM {r})",
        &[("t", &time), ("r", &relation)],
    );
    let rows = warehouse.select(&sql).expect("rows");
    assert_eq!(rows.first().map(|row| (row.count(0), row.count(1))), Some((Some(2), Some(1))));
}
