//! What passes the gate, and what does not.

use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;

use super::*;

fn read(text: &str) -> Result<(), Refusal> {
    match Parser::parse_sql(&DuckDbDialect {}, text).expect(text).as_slice() {
        [Statement::Query(query)] => check(query),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_sources_need_passes() {
    for text in [
        "SELECT user_id, viewed_at, load_ms / 1000.0 AS seconds FROM page_views WHERE NOT is_bot",
        "SELECT * FROM read_csv('data/a.csv', header = true) AS t",
        "SELECT * FROM READ_PARQUET(['a.parquet', 'b.parquet'], union_by_name := true)",
        "SELECT * FROM analytics.main.events JOIN users USING (id)",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT sum(x) AS y FROM a) SELECT * FROM b UNION ALL SELECT 2",
        "SELECT range FROM range(10) WHERE range > 3",
        "SELECT x FROM (SELECT unnest([1, 2]) AS x) LEFT JOIN LATERAL (SELECT 1) AS l ON true",
        "SELECT date_trunc('day', at), CAST(x AS DOUBLE), TRY_CAST(y AS BIGINT) FROM t GROUP BY ALL",
        "SELECT row_number() OVER (PARTITION BY u ORDER BY at) FROM t",
        "SELECT extract(epoch FROM at), substring(a FROM 2 FOR 3), trim(a), position('x' IN a) FROM t",
        "SELECT payload ->> '$.a' FROM t",
        "SELECT list_transform(xs, x -> x + 1) FROM t",
        "SELECT 'job-' || variant || '.' || replace(a, '-', '_') FROM t",
        "SELECT * FROM \"my table\"",
        "SELECT * FROM csv",
    ] {
        assert_eq!(read(text), Ok(()), "{text}");
    }
}

/// Each of them reads or writes what is not the book's with DuckDB 1.5.
#[test]
fn no_function_reaches_files_settings_or_the_environment() {
    let attacks = [
        "enable_profiling(save_location := '/tmp/x')",
        "enable_logging(storage_path := '/tmp/x')",
        "read_text('.git/config')",
        "read_csv('.git/config.csv')",
        "read_csv('/etc/passwd')",
        "read_csv(['a.csv', '../b.csv'])",
        "read_parquet('https://a.test/x.parquet')",
        "read_blob('.env')",
        "read_json('a.json')",
        "read_csv(getenv('HOME'))",
        "read_csv('a.csv' || '')",
        "read_csv(['a.csv', getenv('HOME')])",
        "read_csv('a.csv', 'b.csv')",
        "read_csv('a.csv', store_rejects = true)",
        "read_csv(header = true)",
        "read_csv((SELECT 'a.csv'))",
        "sniff_csv('a.csv')",
        "glob('*')",
        "parquet_metadata('a.parquet')",
        "parquet_schema('a.parquet')",
        "duckdb_settings()",
        "duckdb_secrets()",
        "pragma_database_list()",
        "query('SELECT 1')",
        "query_table('t')",
        "sqlite_scan('a.db', 't')",
        "postgres_scan('', '', '')",
        "main.read_text('a')",
        "\"read_text\"('a')",
        "repeat('x', 1000000000)",
        "duckdb_settings",
        "pragma_database_list",
        "information_schema.tables",
        "pg_catalog.pg_settings",
        "sqlite_master",
        "'a.csv'",
        "\"a.csv\"",
        "\"data/a\"",
        "\"data/a.parquet\"",
        "\"s3://bucket/a\"",
        "\"data/*\"",
        "data.csv",
        "a.b.parquet",
        "\".env\"",
    ];
    for attack in attacks {
        for text in [
            format!("SELECT * FROM {attack}"),
            format!("SELECT * FROM t JOIN {attack} AS u ON true"),
            format!("SELECT * FROM t, LATERAL (SELECT * FROM {attack}) AS u"),
            format!("WITH a AS (SELECT * FROM {attack}) SELECT * FROM a"),
            format!("SELECT 1 UNION ALL SELECT * FROM {attack}"),
            format!("SELECT (SELECT count(*) FROM {attack})"),
            format!("SELECT 1 WHERE EXISTS (SELECT * FROM {attack})"),
            format!("SELECT 1 FROM t ORDER BY (SELECT 1 FROM {attack})"),
        ] {
            let refused = read(&text);
            assert!(refused.is_err(), "{text}");
        }
    }
    for scalar in [
        "getenv('HOME')",
        "read_text('.env')",
        "current_setting('home_directory')",
        "getvariable('x')",
        "error('x')",
        "query('SELECT 1')",
        "main.getenv('HOME')",
        "system.main.getenv('HOME')",
        "\"getenv\"('HOME')",
        "sum(length(getenv('HOME')))",
        "current_database()",
        "repeat('x', 1000000000)",
        "lpad('x', 1000000000, 'x')",
        "printf('%1000000000d', 1)",
        "format('{:>1000000000}', 'x')",
        "range(1000000000000)",
        "list_transform(['HOME'], x -> getenv(x))",
    ] {
        for text in [
            format!("SELECT {scalar}"),
            format!("SELECT 1 FROM t WHERE {scalar} IS NULL"),
            format!("SELECT 1 FROM t GROUP BY {scalar}"),
            format!("SELECT 1 FROM t ORDER BY {scalar}"),
            format!("SELECT CASE WHEN {scalar} IS NULL THEN 1 END FROM t"),
            format!("SELECT 1 FROM t JOIN u ON {scalar} = a"),
            format!("SELECT sum(x) OVER (PARTITION BY {scalar}) FROM t"),
            format!("SELECT 1 LIMIT {scalar}"),
            format!("VALUES ({scalar})"),
            format!("SELECT * FROM range({scalar})"),
            format!("SELECT * FROM unnest([{scalar}])"),
        ] {
            assert!(read(&text).is_err(), "{text}");
        }
    }
}

#[test]
fn a_refusal_says_where() {
    let refusal = read("SELECT *\nFROM enable_logging(storage_path := 'x')").expect_err("refused");
    assert_eq!(refusal.at, Some((2, 6)));
    assert!(refusal.message.contains("enable_logging"), "{refusal}");
}

#[test]
fn texts_cannot_grow_without_bound() {
    let doubling = |n: usize| {
        let steps: Vec<_> = (1..n).map(|i| format!("t{i} AS (SELECT x || x AS x FROM t{})", i - 1)).collect();
        format!("WITH t0 AS (SELECT 'x' AS x), {} SELECT x FROM t{}", steps.join(", "), n - 1)
    };
    assert_eq!(read(&doubling(10)), Ok(()));
    assert!(read(&doubling(30)).is_err());
    let nested = |n: usize| (0..n).fold("x".to_owned(), |e, _| format!("replace({e}, 'a', 'aaaaaaaaaa')"));
    assert_eq!(read(&format!("SELECT {} FROM t", nested(2))), Ok(()));
    assert!(read(&format!("SELECT {} FROM t", nested(9))).is_err());
    assert!(read("SELECT replace(x, 'a', x) FROM t").is_err());
    let chain = vec!["x"; 200].join(" || ");
    assert_eq!(read(&format!("SELECT {chain} FROM t")), Ok(()));
    // As long as a source's `sql` may be: it is decided, and no stack overflows.
    let long = vec!["x"; 900].join(" || ");
    assert_eq!(read(&format!("SELECT {long} FROM t")), Ok(()));
}

#[test]
fn a_type_cannot_end_and_go_on_as_sql() {
    for wrong in [
        "SELECT CAST('a' AS bpchar('1)) AS zz, ((SELECT length(version())')) AS x FROM t",
        "SELECT 'a'::bpchar('1)) FROM t')",
        "SELECT CAST(a AS ENUM('x)', 'y')) FROM t",
        "SELECT CAST(a AS STRUCT(b bpchar('1)'))) FROM t",
        "SELECT CAST(a AS \"odd type\") FROM t",
        "SELECT TRY_CAST(a AS bpchar('1)')[]) FROM t",
        "WITH c(a bpchar('1)')) AS (SELECT 1) SELECT a FROM c",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    for fine in [
        "CAST(a AS VARCHAR(10))",
        "a::DECIMAL(18, 3)",
        "a::INTEGER[]",
        "CAST(a AS TIMESTAMP WITH TIME ZONE)",
        "a::HUGEINT",
    ] {
        assert_eq!(read(&format!("SELECT {fine} FROM t")), Ok(()), "{fine}");
    }
}

#[test]
fn methods_and_arrays_lengthen_texts_too() {
    let method = |n: usize| (0..n).fold("(x)".to_owned(), |e, _| format!("{e}.concat(x)"));
    assert!(read(&format!("SELECT {} FROM t", method(40))).is_err());
    let array =
        |n: usize| (0..n).fold("x".to_owned(), |e, _| format!("CAST([{e}, {e}, {e}, {e}] AS VARCHAR)"));
    assert!(read(&format!("SELECT {} FROM t", array(9))).is_err());
}

#[test]
fn wildcards_multiply_columns_so_often_and_no_more() {
    let doubled = |n: usize| {
        let levels = (0..n).map(|i| format!("d{} AS (SELECT *, * FROM d{i})", i + 1)).collect::<Vec<_>>();
        format!("WITH d0 AS (SELECT x FROM t), {} SELECT count(*) FROM d{n}", levels.join(", "))
    };
    assert_eq!(read(&doubled(5)), Ok(()));
    assert!(read(&doubled(30)).is_err());
    let joined = |n: usize| {
        let levels =
            (0..n).map(|i| format!("d{} AS (SELECT * FROM d{i} a, d{i} b)", i + 1)).collect::<Vec<_>>();
        format!("WITH d0 AS (SELECT x FROM t), {} SELECT count(*) FROM d{n}", levels.join(", "))
    };
    assert!(read(&joined(30)).is_err());
    let columns = |n: usize| {
        let levels = (0..n).map(|i| format!("d{} AS (SELECT columns('a'), columns('b') FROM d{i})", i + 1));
        format!("WITH d0 AS (SELECT x FROM t), {} SELECT 1 FROM d{n}", levels.collect::<Vec<_>>().join(", "))
    };
    assert!(read(&columns(30)).is_err());
    // Many that stand beside each other multiply nothing.
    let union = vec!["SELECT * FROM t"; 200].join(" UNION ALL ");
    assert_eq!(read(&union), Ok(()));
}

#[test]
fn a_lambda_is_in_no_other() {
    assert_eq!(read("SELECT list_filter(v, lambda x: x > 0), list_transform(v, x -> x + 1) FROM t"), Ok(()));
    assert!(
        read("SELECT list_filter(v, lambda x: len(list_filter(v, lambda y: x + y < 0)) > 0) FROM t").is_err()
    );
    assert!(read("SELECT list_filter(v, x -> len(list_filter(v, y -> x + y < 0)) > 0) FROM t").is_err());
}

#[test]
fn structs_and_lists_lengthen_texts_too() {
    for made in [
        "struct_pack(a := x, b := x, c := x, d := x)",
        "list_value(x, x, x, x)",
        "row(x, x, x, x)",
        "{'a': x, 'b': x, 'c': x, 'd': x}",
    ] {
        let levels =
            (0..9).map(|i| format!("d{} AS (SELECT {made} AS x FROM d{i})", i + 1)).collect::<Vec<_>>();
        let query =
            format!("WITH d0 AS (SELECT x FROM t), {} SELECT CAST(x AS VARCHAR) FROM d9", levels.join(", "));
        assert!(read(&query).is_err(), "{made}");
        assert_eq!(read(&format!("SELECT {made} FROM t")), Ok(()), "{made}");
    }
    let written_out = vec!["list_value('a', 'b', 'c', 'd')"; 20].join(", ");
    assert_eq!(read(&format!("SELECT {written_out} FROM t")), Ok(()));
}
