//! What lint takes for a mistake in a `where`, held against the engine.

use trialbook_analysis::warehouse::{Embedded, Sql, Warehouse, expression};
use trialbook_gate::{Columns, Kind, Regexes, mistake};

const DATA: &str = "user_id,status,amount,paid,at\nu1,paid,5.5,true,2026-11-25T10:00:00Z\nu2,open,7,false,2026-11-26T11:30:00Z\n";

/// Returns how many rows fulfil a condition; `None` where the engine or what stands before it refuses it.
fn fulfilled(warehouse: &dyn Warehouse, text: &str) -> Option<u64> {
    let relation = warehouse.files("orders.csv", &["user_id"]).expect("the file");
    let columns = warehouse.columns(&relation).expect("its columns");
    let condition = expression(text, &columns, warehouse.dialect()).ok()?;
    let sql =
        Sql::fill("SELECT count(*) FILTER (WHERE {c}) AS n FROM {r}", &[("c", &condition), ("r", &relation)]);
    warehouse.select(&sql).ok()?.first()?.count("n")
}

fn mistaken(text: &str) -> Option<String> {
    let mut columns = Columns::default();
    for (name, kind) in [("user_id", Kind::Unknown), ("at", Kind::Unknown), ("amount", Kind::Number)] {
        columns.hold(name, kind);
    }
    mistake(text, &columns, Regexes::Re2)
        .map(|wrong| format!("{} at `{}`", wrong.message, &text[wrong.range]))
}

#[test]
fn what_is_called_a_mistake_measures_nothing_and_what_measures_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("orders.csv"), DATA).expect("a file");
    let warehouse = Embedded::new(folder.path(), None).open().expect("a warehouse");
    for (text, why) in [
        ("status = \"paid_out\"", "a text has single quotes, 'paid_out'"),
        ("status IN (\"a\", \"b\")", "single quotes"),
        ("lower(status) LIKE \"p%\"", "single quotes"),
        ("sum(amount) > 100", "the function `sum`"),
        ("count(*) > 1", "the function `count`"),
        ("row_number() OVER () = 1", "the function `row_number`"),
        ("date_trunc('day', at) = DATE '2026-11-25'", "the function `date_trunc`"),
        ("status ~ 'p.*'", "operator"),
        ("amount > 'high'", "`'high'` is a text and is compared with a number"),
        ("'high' < amount", "compared with a number"),
        ("amount IN (1, 'two')", "compared with a number"),
        ("amount BETWEEN 'a' AND 5", "compared with a number"),
        ("amount BETWEEN 10 AND 5", "at least 10 and at most 5"),
        ("status = NULL", "write `status IS NULL`"),
        ("status <> NULL", "write `status IS NOT NULL`"),
        ("status NOT IN ('a', NULL)", "leave NULL out"),
        ("false", "no row fulfils"),
        ("NULL", "no row fulfils"),
        ("'paid'", "not a condition"),
        ("lower(status)", "not a condition"),
        ("NOT 'paid'", "not a condition"),
        ("amount > 1 AND 'paid'", "not a condition"),
        ("lower(amount) = 'a'", "takes a text"),
        ("length(amount) > 1", "takes a text"),
        ("abs(lower(status)) > 1", "takes a number"),
        ("abs('x') > 1", "takes a number"),
        ("lower(status, 'x') = 'a'", "at most 1"),
        ("nullif(status) = 'a'", "at least 2"),
        ("round(amount, 'x') > 1", "takes a number"),
        ("amount + 'x' > 1", "`+` takes a number"),
        ("- lower(status) = 1", "takes a number"),
        ("at > DATE '2026-13-01'", "'2026-13-01' is not a time"),
        ("CAST('x' AS INTEGER) = 1", "is not a number"),
        ("DATE '2026-01-01' > 5", "compared with"),
        ("regexp_matches(status, '(')", "is not a regular expression"),
        ("regexp_matches(status, 'p{1001}')", "more than 1000 repetitions"),
        ("regexp_matches(status, '((p{100}){20})?')", "more than 1000 repetitions"),
        ("regexp_matches(status, '(?x)p a')", "no flag `x`"),
        ("regexp_matches(status, '(?=p)')", "is not a regular expression"),
        ("regexp_matches(status, '(p)\\1')", "is not a regular expression"),
        ("regexp_matches(status, '\\u0070')", "written `\\x{70}`"),
        ("regexp_matches(status, '(?<n>p)')", "written `(?P<n>`"),
        ("regexp_matches(status, '[[:letters:]]')", "no class `[:letters:]`"),
        ("regexp_matches(status, '[a--b]')", "takes nothing away"),
        ("regexp_matches(status, '\\p{Nope}')", "is not a regular expression"),
        ("regexp_matches(status, '\\p{L}(')", "is not a regular expression"),
        ("regexp_matches(status, 'p**')", "a repetition is repeated"),
        ("regexp_matches(status, 'p', 'q')", "`q` is no option"),
        ("CAST('99999' AS SMALLINT) = 1", "too large for SMALLINT"),
        ("CAST(3000000000 AS INTEGER) = amount", "too large for INTEGER"),
        ("at > TIMESTAMP '2026-11-25 25:00:00'", "is not a time"),
        ("CAST(amount AS DATE) > DATE '2026-01-01'", "none becomes a time"),
        ("CAST(true AS DATE) IS NULL", "none becomes a time"),
        ("CAST(DATE '2026-01-01' AS INTEGER) > 1", "none becomes a number"),
        ("substr(status) = 'a'", "`substr` takes a text, the place"),
        ("ceil(amount, 2) > 1", "take one value"),
        ("round(amount, 1.5) = 1", "no whole number"),
        ("left(status, 1.5) = 'p'", "no whole number"),
        ("amount = 5.5 = true", "join comparisons by AND"),
        ("10 > amount > 5", "join comparisons by AND"),
        ("1 = 2", "no row fulfils"),
        ("status = 'paid' AND false", "no row fulfils"),
        ("NOT true", "no row fulfils"),
        ("amount / 0 > 1", "no row fulfils"),
        ("random() > 0.5", "the function `random`"),
        ("at > now()", "the function `now`"),
        ("status LIKE 'a' ESCAPE 'ab'", "not one character"),
        ("coalesce(amount, lower(status)) > 1", "compared with a number"),
        ("true = 'paid'", "compared with true or false"),
        ("amount LIKE '5%'", "LIKE takes a text"),
        ("user_id = ", "expected"),
        ("amount > (SELECT 1)", "subquery"),
    ] {
        let found = mistaken(text).unwrap_or_else(|| panic!("{text}: no mistake is found"));
        assert!(found.contains(why), "{text}: {found}");
        assert!(
            matches!(fulfilled(&*warehouse, text), None | Some(0)),
            "{text}: {found}, and the engine measures it"
        );
    }
    for text in [
        "status = 'paid'",
        "\"status\" = 'paid'",
        "\"status\" = \"status\"",
        "paid",
        "NOT paid",
        "paid = true",
        "amount > '5'",
        "amount > 5 AND status <> 'open'",
        "status IN ('paid', 'open', NULL)",
        "status IS NOT NULL AND NOT (status IS DISTINCT FROM 'paid')",
        "status LIKE 'p%' OR status ILIKE 'OP_N'",
        "at >= TIMESTAMP '2026-11-25 10:00:00'",
        "at >= '2026-11-25'",
        "CAST(at AS DATE) >= DATE '2026-11-25'",
        "lower(trim(status)) = 'paid'",
        "coalesce(status, 'none') <> 'none'",
        "coalesce(amount, 0) > 1",
        // A text that is never needed is never read as a number.
        "coalesce(amount, 'none') > 1",
        "CASE WHEN amount > 1 THEN amount ELSE 'none' END > 1",
        "CASE WHEN paid THEN amount ELSE 0 END > 1",
        "CASE status WHEN 'paid' THEN 1 WHEN 'open' THEN 2 END = 1",
        "round(amount, 1) * 2 - 1 > 3 % 2",
        "length(status) = 4",
        "left(status, 2) || right(status, 2) = 'paid'",
        "concat(status, amount) = 'paid5.5'",
        "greatest(amount, 1) > least(amount, 2)",
        "nullif(status, 'open') = 'paid'",
        "regexp_matches(status, '^p(a|b)id$', 'i')",
        "NOT regexp_matches(status, '{\"id\"')",
        "regexp_matches(status, '[[:alpha:]]{1,1000}')",
        "regexp_matches(status, '^(p{1,100}){0,10}\\p{L}+$', 's')",
        "regexp_matches(status, '(?i:P)\\x{61}')",
        "1 = 1 OR amount / 0 > 1",
        "CAST(32767 AS SMALLINT) > amount",
        "(amount > 5) = true",
        "at > TIMESTAMP '2026-11-25 10:00:00.5'",
        "starts_with(status, 'p') AND ends_with(status, 'd') AND contains(status, 'ai')",
        "TRY_CAST(status AS DOUBLE) IS NULL",
        "amount::BIGINT = 5 OR amount BETWEEN 5 AND 10",
        "substr(status, 1, 2) = 'pa' AND strpos(status, 'a') = 2",
        "replace(status, 'p', 'q') = 'qaid'",
        "sign(amount) = 1 AND abs(amount) > 1 AND ceil(amount) > floor(amount)",
        "amount > 0 OR status = 'x'",
        "TRUE",
    ] {
        assert_eq!(mistaken(text), None, "{text}");
        assert!(
            fulfilled(&*warehouse, text).is_some_and(|rows| rows > 0),
            "{text}: the engine measures nothing"
        );
    }
}

#[test]
fn columns_that_a_query_does_not_give_are_mistakes() {
    let columns = Columns::of_select("SELECT user_id, at, state AS status FROM orders");
    let wrong = |text: &str| mistake(text, &columns, Regexes::Re2).map(|wrong| wrong.message);
    assert_eq!(wrong("status = 'paid'"), None);
    let described = wrong("state = 'paid'").expect("a mistake");
    assert!(
        described.contains("no column `state`") && described.contains("`user_id`, `at`, `status`"),
        "{described}"
    );
    assert!(wrong("status = \"paid\"").expect("a mistake").contains("single quotes, 'paid'"));
}
