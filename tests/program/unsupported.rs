//! What a book can say and this version does not compute: it is refused or shown as not measured, never computed by
//! something near.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::example_book::ExampleBook;
use trialbook_analysis::warehouse::{
    Column, ColumnType, Dialect, DuckDbDialect, Engine, Row, Sql, Value, Warehouse, WarehouseError,
};
use trialbook_analysis::{AnalysisError, Estimate, Outcome, Request, VerdictKind, WhyNot, analyse};
use trialbook_language::load::{RawFile, load};
use trialbook_model::{Book, ExperimentKey};

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
            "description: Revenue per visit.\nentity: user\ntype: ratio\nwindow: 2d\nincrease_is: good\n\
             numerator: {source: orders, measure: {sum: amount}}\n\
             denominator: {source: visits, measure: {count: rows}}\n",
        ),
        (
            "orders.source.yaml",
            "table: orders\ntimestamp: at\ngranularity: day\ntimezone: Europe/Stockholm\nentities: {user: user_id}\n\
             measures: {amount: amount}\n",
        ),
        (
            "visits.source.yaml",
            "table: visits\ntimestamp: at\ngranularity: day\nentities: {user: user_id}\nmeasures: {amount: amount}\n",
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
        let columns = ["n", "without_unit", "without_time", "until", "stamped", "quarters", "span"];
        let row = || Row::new(columns.map(str::to_owned).into(), vec![Value::Integer(0); columns.len()]);
        Ok(if first { vec![row()] } else { Vec::new() })
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
        changes: BTreeMap::new(),
    };
    let outcomes = analyse(book, &warehouse, &request, &mut |_| ());
    (outcomes, warehouse.asked.into_inner())
}

#[test]
fn a_ratio_of_days_in_two_zones_is_not_measured_and_its_data_is_not_asked_for() {
    for as_of in ["2026-03-05T00:00:00Z", "2026-06-01T00:00:00Z"] {
        let (outcomes, asked) = analysed(&book(EXPERIMENT), as_of);
        let outcome = outcomes.expect("an outcome").remove(0);
        let messages: Vec<String> = outcome
            .metrics
            .iter()
            .flat_map(|metric| &metric.comparisons)
            .map(|comparison| match &comparison.estimate {
                Estimate::NotMeasured(why) => match &why.detail {
                    WhyNot::Refused { cause } => format!("{}: {cause}", why.reason),
                    other => panic!("{other:?}"),
                },
                Estimate::Measured(_) => "measured".into(),
            })
            .collect();
        assert_eq!(messages, ["unsupported: this version does not compute ratios of days of two time zones"]);
        assert!(
            !asked.is_empty() && asked.iter().all(|sql| !sql.contains("orders") && !sql.contains("visits")),
            "{asked:?}"
        );
        assert!(outcome.verdicts.iter().all(|verdict| verdict.kind != VerdictKind::Ship));
    }
}

/// Runs the program in a book and returns the exit code and what was said on stderr.
fn run(book: &ExampleBook, args: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    let output = command.current_dir(book.path()).env("NO_COLOR", "1").args(args).output().expect("a run");
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn analyze_names_the_variable_that_should_hold_the_address_of_a_server() {
    let book = ExampleBook::new();
    let server = "{engine: postgres, uri_env: TRIALBOOK_NO_SUCH_URI}";
    book.edit("trialbook.yaml", "{engine: duckdb, database: warehouse.duckdb}", server);
    let (code, messages) = run(&book, &["analyze", "bold-checkout-button", "--as-of", "2026-12-10"]);
    assert_eq!(code, 6, "{messages}");
    assert!(messages.contains("TRIALBOOK_NO_SUCH_URI") && messages.contains("is not set"), "{messages}");
}

#[test]
fn plan_names_the_variable_that_should_hold_the_token_of_a_server() {
    let unleash = "{type: unleash, url: https://unleash.acme.test, project: default, environment: production, \
                   token_env: TRIALBOOK_NO_SUCH_TOKEN, journal: file://live/unleash, primary: true}";
    let book = ExampleBook::new();
    let text = std::fs::read_to_string(book.path().join("trialbook.yaml")).expect("the book");
    let begin = text.find("  production:").expect("the target");
    let end = text.find("  staging:").expect("the target after it");
    book.edit("trialbook.yaml", &text[begin..end], &format!("  production: {unleash}\n"));
    // It had the buckets of another experiment before that one, and Unleash would divide both alike.
    std::fs::remove_file(book.path().join("search/filters-sidebar.experiment.yaml")).expect("an experiment");
    let slot = "  - {buckets: 0-4999, experiment: filters-sidebar} # ended before autocomplete began\n";
    book.edit("search/search.layer.yaml", slot, "");
    let (code, messages) = run(&book, &["plan", "--at", "2026-11-01"]);
    assert_eq!(code, 6, "{messages}");
    assert!(messages.contains("TRIALBOOK_NO_SUCH_TOKEN") && messages.contains("is not set"), "{messages}");
}
