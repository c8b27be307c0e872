//! What a book can say and this version does not compute: it is refused or shown as not measured, never computed by
//! something near.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::example_book::ExampleBook;
use trialbook_analysis::warehouse::{
    Column, ColumnType, Dialect, DuckDbDialect, Engine, Row, Sql, Value, Warehouse, WarehouseError,
};
use trialbook_analysis::{AnalysisError, Estimate, Outcome, Request, VerdictKind, analyse};
use trialbook_language::load::{RawFile, load};
use trialbook_model::{Book, ExperimentKey, Method};

const EXPERIMENT: &str = "
title: A button
hypothesis: It sells more.
owner: team
flag: button
allocation: 100%
control: 'off'
variants: {'off': 50%, 'on': 50%}
schedule: {start: 2026-03-01, end: 2026-03-11}
metrics:
  success: [{metric: average-order, mde: 5%}]
  guardrails: [{metric: dear-orders, margin: 5%}]
";

fn book(experiment: &str) -> Book {
    let files = [
        (
            "trialbook.yaml",
            "book: shop\nentities: {user: {column: user_id}}\nwarehouse: {engine: duckdb}\n\
             targets: {live: {type: flagd, store: file://live.json}}\n",
        ),
        (
            "button.flag.yaml",
            "description: A button.\nowner: team\nentity: user\ntype: boolean\nvariants: {'off': false, 'on': true}\ndefault: 'off'\n",
        ),
        (
            "average-order.metric.yaml",
            "description: Revenue per order.\nentity: user\ntype: ratio\nwindow: 2d\nincrease_is: good\n\
             numerator: {source: orders, measure: {sum: amount}}\n\
             denominator: {source: orders, measure: {count: rows}, where: amount > 0}\n",
        ),
        (
            "dear-orders.metric.yaml",
            "description: The 95th percentile of the orders.\nentity: user\ntype: quantile\nat: 95%\nwindow: 2d\n\
             increase_is: good\nsource: orders\nmeasure: {value: amount}\n",
        ),
        (
            "orders.source.yaml",
            "table: orders\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: amount}\n",
        ),
        ("seen.source.yaml", "table: seen\ntimestamp: at\nentities: {user: user_id}\nserved: served\n"),
        ("button.experiment.yaml", experiment),
    ];
    let files = files.map(|(path, text)| RawFile { path: path.into(), bytes: text.as_bytes().to_vec() });
    let loaded = load(files.into());
    loaded.book.unwrap_or_else(|| panic!("{:?}", loaded.findings))
}

/// A warehouse that has every table, holds nothing, and remembers what it was asked.
struct Empty {
    asked: RefCell<Vec<String>>,
    dialect: DuckDbDialect,
}

impl Warehouse for Empty {
    fn dialect(&self) -> &dyn Dialect {
        &self.dialect
    }

    fn engine(&self) -> Engine {
        Engine { name: "made-up".into(), version: "1".into() }
    }

    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError> {
        self.asked.borrow_mut().push(relation.to_string());
        let column = |name: &str, kind| Column { name: name.into(), kind };
        Ok(vec![
            column("user_id", ColumnType::Text),
            column("at", ColumnType::Timestamp),
            column("served", ColumnType::Text),
            column("amount", ColumnType::Fraction),
        ])
    }

    fn files(&self, pattern: &str, _: &[&str]) -> Result<Sql, WarehouseError> {
        panic!("no file is read: {pattern}")
    }

    fn paths(&self, pattern: &str) -> Result<Vec<String>, WarehouseError> {
        panic!("no file is read: {pattern}")
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError> {
        let first = self.asked.borrow().len() <= 1;
        self.asked.borrow_mut().push(sql.to_string());
        Ok(if first { vec![Row::new(vec![Value::Integer(0); 12])] } else { Vec::new() })
    }
}

fn analysed(book: &Book, as_of: &str) -> (Result<Vec<Outcome>, AnalysisError>, Vec<String>) {
    let warehouse = Empty { asked: RefCell::default(), dialect: DuckDbDialect };
    let request = Request {
        experiments: vec![ExperimentKey::new("button").expect("a key")],
        as_of: as_of.parse().expect("an instant"),
        commit: None,
        files: BTreeMap::new(),
        preregistrations: BTreeMap::new(),
    };
    let outcomes = analyse(book, &warehouse, &request, &mut |_| ());
    (outcomes, warehouse.asked.into_inner())
}

#[test]
fn a_ratio_and_a_quantile_are_not_measured_and_their_data_is_not_asked_for() {
    for as_of in ["2026-03-05T00:00:00Z", "2026-06-01T00:00:00Z"] {
        let (outcomes, asked) = analysed(&book(EXPERIMENT), as_of);
        let outcome = outcomes.expect("an outcome").remove(0);
        let said: Vec<String> = outcome
            .metrics
            .iter()
            .flat_map(|metric| &metric.comparisons)
            .map(|comparison| match &comparison.estimate {
                Estimate::NotMeasured(why) => format!("{}: {}", why.reason, why.detail),
                Estimate::Measured(_) => "measured".into(),
            })
            .collect();
        let expected = [
            "unsupported: this version does not compute ratios",
            "unsupported: this version does not compute quantiles",
        ];
        assert_eq!(said, expected);
        assert!(!asked.is_empty() && asked.iter().all(|sql| !sql.contains("orders")), "{asked:?}");
        assert!(outcome.verdicts.iter().all(|verdict| verdict.kind != VerdictKind::Ship));
    }
}

#[test]
fn another_method_than_a_fixed_horizon_is_not_analysed_at_all() {
    for method in [Method::GroupSequential, Method::AlwaysValid] {
        let text = format!("{EXPERIMENT}analysis: {{method: {}}}\n", method.as_str());
        let (outcomes, asked) = analysed(&book(&text), "2026-06-01T00:00:00Z");
        let error = outcomes.expect_err("a refusal");
        assert!(
            matches!(&error, AnalysisError::Method { method: refused, .. } if *refused == method),
            "{error}"
        );
        assert!(error.hint().is_some() && asked.is_empty());
    }
}

/// Runs the program in a book and returns the exit code and what was said on stderr.
fn run(book: &ExampleBook, args: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    let output = command.current_dir(book.path()).env("NO_COLOR", "1").args(args).output().expect("a run");
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn analyze_refuses_an_experiment_of_another_method_by_name() {
    let book = ExampleBook::new();
    let path = "checkout/bold-checkout-button.experiment.yaml";
    book.edit(path, "metrics:", "analysis: {method: always-valid}\nmetrics:");
    let (code, said) = run(&book, &["analyze", "bold-checkout-button", "--as-of", "2026-12-10"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("`bold-checkout-button` is to be judged by `always-valid`"), "{said}");
    assert!(said.contains("method: fixed-horizon"), "{said}");
}

#[test]
fn analyze_refuses_a_warehouse_that_it_cannot_open() {
    let book = ExampleBook::new();
    let adbc = "{engine: adbc, driver: adbc_driver_postgresql, dialect: postgres, uri_env: WAREHOUSE_URI}";
    book.edit("trialbook.yaml", "{engine: duckdb, database: warehouse.duckdb}", adbc);
    let (code, said) = run(&book, &["analyze", "bold-checkout-button", "--as-of", "2026-12-10"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("ADBC") && said.contains("engine: duckdb"), "{said}");
}

#[test]
fn plan_refuses_a_target_that_it_cannot_write() {
    for (store, says) in [
        (
            "{type: flagd, store: s3://acme-flags/production.json, primary: true}",
            "s3://acme-flags/production.json",
        ),
        (
            "{type: unleash, url: https://unleash.acme.test, project: default, environment: production, token_env: UNLEASH_TOKEN, primary: true}",
            "unleash",
        ),
    ] {
        let book = ExampleBook::new();
        let text = std::fs::read_to_string(book.path().join("trialbook.yaml")).expect("the book");
        let begin = text.find("  production:").expect("the target");
        let end = text.find("  staging:").expect("the target after it");
        book.edit("trialbook.yaml", &text[begin..end], &format!("  production: {store}\n"));
        let (code, said) = run(&book, &["plan", "--at", "2026-11-01"]);
        assert_ne!(code, 0, "{said}");
        assert!(said.contains("this version cannot") && said.contains(says), "{said}");
    }
}
