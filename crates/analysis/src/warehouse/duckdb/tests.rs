//! What the embedded warehouse reads, and what it refuses.

use super::super::Value;
use super::*;
use miette::Diagnostic as _;

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
    let named = Sql::fill("SELECT * FROM ({q}) AS t(n)", &[("q", &Sql::code(sql))]);
    let rows = warehouse.select(&named).unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.first().and_then(|row| row.number("n"))
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
        .select(&Sql::fill("SELECT id, epoch_us(\"at\") AS t FROM {r} ORDER BY id", &[("r", &relation)]))
        .expect("rows");
    assert_eq!(rows.first().and_then(|row| row.text("id")), Some("007"));
    assert_eq!(rows.first().and_then(|row| row.integer("t")), Some(1_767_218_400_000_000));
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
        let rows = warehouse.select(&Sql::fill("SELECT {t} AS t", &[("t", &time)])).expect("rows");
        assert_eq!(rows.first().and_then(|row| row.integer("t")), expected, "{literal}");
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
    let read = Sql::fill("SELECT count(*) AS n FROM read_csv({p})", &[("p", &DuckDbDialect.text(&inside))]);
    assert_eq!(warehouse.select(&read).expect("rows").first().and_then(|row| row.count("n")), Some(2));
}

#[test]
fn a_database_is_only_read() {
    let root = book();
    drop(open(root.path()));
    {
        let database = NewDatabase::create(Some(&root.path().join("w.duckdb"))).expect("a database");
        database.run("CREATE TABLE t AS SELECT 42 AS x").expect("a table");
    }
    let warehouse =
        Duckdb::open(Embedded::new(root.path(), Some("w.duckdb")).installing()).expect("a warehouse");
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
    assert!(error.help().is_some());
}

#[test]
fn a_sum_survives_a_large_offset() {
    // n = 2e5 around 1e8 with steps of 0.01: plain sums of squares would leave nothing.
    let root = book();
    let warehouse = open(root.path());
    let values = "FROM (SELECT 1e8 + 0.01 * (range % 5 - 2) AS y FROM range(200000))";
    let sum = DuckDbDialect.sum(&Sql::code("y"), &Sql::code("TRUE"));
    let rows = warehouse.select(&Sql::fill(
        "SELECT {sum} AS n, {none} AS none FROM (SELECT 1e8 + 0.01 * (range % 5 - 2) AS y FROM range(200000))",
        &[("sum", &sum), ("none", &DuckDbDialect.sum(&Sql::code("y"), &Sql::code("FALSE")))],
    ));
    let row = rows.expect(values).into_iter().next().expect("a row");
    assert!((row.number("n").expect("a sum") / 2e13 - 1.0).abs() < 1e-15, "{row:?}");
    assert_eq!(row.number("none"), Some(0.0));
}

#[test]
fn a_quantile_is_the_inverted_cdf() {
    let root = book();
    let warehouse = open(root.path());
    for (share, expected) in [(0.999, 999.0), (0.95, 950.0), (0.5005, 501.0), (1.0, 1000.0)] {
        let quantile = DuckDbDialect.quantile(&Sql::code("CAST(range AS DOUBLE)"), share);
        let rows = warehouse.select(&Sql::fill("SELECT {q} AS q FROM range(1, 1001)", &[("q", &quantile)]));
        let row = rows.expect("rows").into_iter().next().expect("a row");
        assert_eq!(row.number("q"), Some(expected), "{share}");
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
        "SELECT count(*) AS n, count(t) AS times FROM (SELECT {t} AS t FROM {r})",
        &[("t", &time), ("r", &relation)],
    );
    let rows = warehouse.select(&sql).expect("rows");
    assert_eq!(rows.first().map(|row| (row.count("n"), row.count("times"))), Some((Some(2), Some(1))));
}

/// With DuckDB 1.5 both write files out of a SELECT, wherever they like, also after the configuration is locked.
#[test]
fn no_function_writes_files_or_reads_settings() {
    let root = book();
    let warehouse = open(root.path());
    let outside = tempfile::tempdir().expect("a folder");
    let place = DuckDbDialect.text(&outside.path().join("written").to_string_lossy());
    for template in [
        "SELECT * FROM enable_profiling(save_location := {p})",
        "SELECT * FROM enable_logging(storage_path := {p})",
        "SELECT * FROM \"enable_logging\" (storage_path := {p})",
        "SELECT 1 FROM (SELECT * FROM Enable_Logging(storage_path := {p})) AS t",
    ] {
        let sql = Sql::fill(template, &[("p", &place)]);
        assert!(warehouse.select(&sql).is_err(), "{sql}");
        let read = super::super::select(sql.as_str(), &mut |_| Ok(Vec::new()));
        assert!(read.is_err(), "{sql}");
    }
    assert_eq!(number(&warehouse, "SELECT 1"), Some(1.0));
    assert_eq!(std::fs::read_dir(outside.path()).expect("a folder").count(), 0);
    for sql in ["SELECT getenv('HOME')", "SELECT * FROM duckdb_settings()", "SELECT * FROM glob('*')"] {
        assert!(warehouse.select(&Sql::code(sql)).is_err(), "{sql}");
    }
}

#[test]
fn only_files_that_a_source_resolved_can_be_read() {
    let root = book();
    std::fs::write(root.path().join("data/b.csv"), "x\n7\n").expect("a file");
    std::fs::create_dir(root.path().join(".git")).expect("a folder");
    std::fs::write(root.path().join(".git/config"), "secret\n").expect("a file");
    let warehouse = open(root.path());
    let read = |path: &str| {
        let path = root.path().canonicalize().expect("the folder").join(path);
        let path = DuckDbDialect.text(&path.to_string_lossy());
        warehouse.select(&Sql::fill("SELECT * FROM read_csv({p}, header = false)", &[("p", &path)]))
    };
    for file in ["data/a.csv", "data/b.csv", ".git/config"] {
        assert!(read(file).is_err(), "{file} was not declared");
    }
    warehouse.paths("data/b.csv").expect("a path");
    assert!(read("data/b.csv").is_ok());
    assert!(read("data/a.csv").is_err() && read(".git/config").is_err());
    // What was readable stays so.
    warehouse.paths("data/a.csv").expect("a path");
    assert!(read("data/a.csv").is_ok() && read("data/b.csv").is_ok());
    assert!(warehouse.paths(".git/config").is_err());
}

#[test]
fn what_a_book_selects_cannot_write_even_to_its_own_files() {
    let root = book();
    let warehouse = open(root.path());
    let file = warehouse.paths("data/a.csv").expect("a path").remove(0);
    let file = DuckDbDialect.text(&file);
    for template in ["COPY (SELECT 1) TO {f}", "ATTACH {f}", "EXPORT DATABASE {f}"] {
        let sql = Sql::fill(template, &[("f", &file)]);
        let wrapped = Sql::fill("SELECT * FROM ({sql}) q", &[("sql", &sql)]);
        assert!(warehouse.select(&wrapped).is_err(), "{wrapped}");
        assert!(warehouse.columns(&Sql::fill("({sql})", &[("sql", &sql)])).is_err(), "{sql}");
    }
    let text = std::fs::read_to_string(root.path().join("data/a.csv")).expect("the file");
    assert!(text.starts_with("id,at,amount"), "{text}");
}

#[test]
fn a_query_that_takes_too_long_is_stopped() {
    let root = book();
    let limit = std::time::Duration::from_millis(300);
    let embedded = Embedded { time_limit: limit, ..Embedded::new(root.path(), None).installing() };
    let warehouse = Duckdb::open(embedded).expect("a warehouse");
    let started = std::time::Instant::now();
    let endless = "SELECT sum(hash(a.range, b.range)) FROM range(10000000) AS a, range(10000000) AS b";
    let error = warehouse.select(&Sql::code(endless)).expect_err("too long");
    assert!(matches!(error, WarehouseError::Stopped(_)), "{error}");
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(number(&warehouse, "SELECT 1"), Some(1.0), "the warehouse can still be used");
}

#[test]
fn every_value_is_read_as_what_it_is_or_refused() {
    let root = book();
    let warehouse = open(root.path());
    let row = |sql: &'static str| {
        let named = Sql::fill("SELECT * FROM ({q}) AS t(v)", &[("q", &Sql::code(sql))]);
        let rows = warehouse.select(&named).unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.into_iter().next().expect("a row")
    };
    for (sql, value) in [
        ("SELECT NULL", Value::Null),
        ("SELECT CAST(NULL AS DOUBLE)", Value::Null),
        ("SELECT true", Value::Boolean(true)),
        ("SELECT CAST(-1 AS TINYINT)", Value::Integer(-1)),
        ("SELECT CAST(65535 AS USMALLINT)", Value::Integer(65_535)),
        ("SELECT CAST(18446744073709551615 AS UBIGINT)", Value::Float(18_446_744_073_709_551_615.0)),
        ("SELECT sum(range) FROM range(1000)", Value::Integer(499_500)),
        (
            "SELECT CAST(170141183460469231731687303715884105727 AS HUGEINT) - 1",
            Value::Float(1.701_411_834_604_692_3e38),
        ),
        ("SELECT CAST(-12.5 AS DECIMAL(10, 2))", Value::Float(-12.5)),
        ("SELECT CAST(1.5 AS FLOAT)", Value::Float(1.5)),
        ("SELECT 'a'", Value::Text("a".into())),
        ("SELECT CAST('b' AS ENUM ('a', 'b'))", Value::Text("b".into())),
    ] {
        assert_eq!(row(sql).value("v"), Some(&value), "{sql}");
    }
    let many = warehouse.select(&Sql::code("SELECT range AS n, 'é' AS e FROM range(5000)")).expect("rows");
    assert_eq!(many.len(), 5000);
    assert_eq!(many.last().map(|row| (row.integer("n"), row.text("e"))), Some((Some(4999), Some("é"))));
    for sql in ["SELECT [1, 2]", "SELECT {'a': 1}", "SELECT DATE '2026-01-01'", "SELECT INTERVAL 1 DAY"] {
        let error = warehouse.select(&Sql::code(sql)).expect_err(sql);
        assert!(error.to_string().contains("not read"), "{sql}: {error}");
    }
}

#[test]
fn the_engine_names_its_version_and_keeps_utc() {
    let root = book();
    let warehouse = open(root.path());
    let engine = warehouse.engine();
    assert_eq!(engine.name, "duckdb");
    assert!(engine.version.starts_with("1.5.") || engine.version.starts_with("2."), "{engine:?}");
    let rows =
        warehouse.select(&Sql::code("SELECT CAST(TIMESTAMPTZ '2026-06-01 12:00:00+02' AS VARCHAR) AS t"));
    let rows = rows.expect("rows");
    assert_eq!(rows.first().and_then(|row| row.text("t")), Some("2026-06-01 10:00:00+00"));
}

#[test]
fn an_engines_words_stay_out_of_what_is_published() {
    let root = book();
    std::fs::write(root.path().join("data/s.csv"), "x\nthe secret\n").expect("a file");
    let warehouse = open(root.path());
    let relation = warehouse.files("data/s.csv", &["x"]).expect("a relation");
    let error = warehouse.select(&Sql::fill("SELECT CAST(x AS BIGINT) FROM {r}", &[("r", &relation)]));
    let error = error.expect_err("no number");
    assert!(error.to_string().contains("the secret"), "{error}");
    assert!(!error.published().contains("secret"), "{}", error.published());
}

#[test]
fn objects_are_read_by_their_keys_and_their_texts_stay_as_written() {
    let root = tempfile::tempdir().expect("a folder");
    let lines = "{\"unit\":\"007\",\"at\":\"2026-11-25T10:00:00.5+02:00\",\"n\":1,\"id\":\"6BA7B810-9DAD-11D1-80B4-00C04FD430C8\"}\n\
                 {\"unit\":8,\"at\":\"soon\",\"n\":2.5,\"late\":true}\n";
    std::fs::write(root.path().join("a.ndjson"), lines).expect("a file");
    let warehouse = open(root.path());
    let relation = warehouse.files("a.ndjson", &["unit", "at", "none"]).expect("a relation");
    let columns = warehouse.columns(&relation).expect("columns");
    let kinds: Vec<_> = columns.iter().map(|column| (column.name.as_str(), column.kind.clone())).collect();
    assert_eq!(
        kinds,
        [
            ("unit", ColumnType::Text),
            ("at", ColumnType::Text),
            ("n", ColumnType::Fraction),
            ("id", ColumnType::Text),
            ("late", ColumnType::Boolean),
        ]
    );
    let dialect = warehouse.dialect();
    let us = dialect.microseconds(&dialect.identifier("at"), &ColumnType::Text).expect("a time");
    let sql = Sql::fill(
        "SELECT unit, id, n, late, {us} AS us FROM {relation} AS r",
        &[("us", &us), ("relation", &relation)],
    );
    let rows = warehouse.select(&sql).expect("rows");
    let [first, second] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(
        (first.text("unit"), first.text("id")),
        (Some("007"), Some("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"))
    );
    assert_eq!(first.integer("us"), Some(1_795_593_600_500_000));
    assert_eq!(first.value("late"), Some(&Value::Null));
    assert_eq!(
        (second.text("unit"), second.number("n"), second.boolean("late")),
        (Some("8"), Some(2.5), Some(true))
    );
    assert_eq!(second.value("us"), Some(&Value::Null));
}

#[test]
fn a_line_that_is_no_object_is_an_error_with_its_file() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::write(root.path().join("a.jsonl"), "{\"unit\":\"a\"}\nnot json\n").expect("a file");
    let warehouse = open(root.path());
    let error = warehouse.files("a.jsonl", &["unit"]).expect_err("no JSON");
    assert!(error.to_string().contains("a.jsonl"), "{error}");
}
