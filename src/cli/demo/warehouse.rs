//! The generated shop: users, who is served what, and what they do, with known effects.
//!
//! Who is in which arm is drawn by the resolver, so the data is what the book's clients would have written. All
//! else is SQL over one hash of the seed, so that a seed gives the same data everywhere.

use std::collections::BTreeMap;
use std::path::Path;

use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use serde_json::{Map, Value};

use crate::cli::{Exit, Failure, Session, sink};
use trialbook_analysis::warehouse::{NewDatabase, Row, WarehouseError};
use trialbook_language::load::{self, discover};
use trialbook_model::capability::HashProfile;
use trialbook_model::resolve::Resolver;
use trialbook_model::targeting::Context;
use trialbook_model::{Book, Experiment};

/// What the treatments truly do: the factor on the rate at which a treated user buys, or sees a slow page.
pub const BOLD_BUYS: f64 = 1.12;
/// Checkout on one page sells a little less.
pub const ONE_PAGE_BUYS: f64 = 0.97;
/// And its pages are slow more often.
pub const ONE_PAGE_SLOW: f64 = 1.30;
/// Recommendations sell a little more.
pub const RECOMMENDED_BUYS: f64 = 1.02;

/// Generates `warehouse.duckdb` in the demo's folder.
///
/// # Errors
///
/// Where the database cannot be written.
pub fn generate(dir: &Path, users: u32, seed: u64, session: &Session) -> Result<(), Failure> {
    let book = read_book(dir)?;
    let database = NewDatabase::create(Some(&dir.join("warehouse.duckdb"))).map_err(failed)?;
    let fill = |sql: &str| {
        sql.replace("$seed", &format!("{seed}::UBIGINT"))
            .replace("$users", &users.to_string())
            .replace("$slower", &ONE_PAGE_SLOW.to_string())
            .replace("$bold", &BOLD_BUYS.to_string())
            .replace("$one_page", &ONE_PAGE_BUYS.to_string())
            .replace("$recommended", &RECOMMENDED_BUYS.to_string())
    };
    let steps = [
        ("users", include_str!("sql/users.sql")),
        ("visits", include_str!("sql/visits.sql")),
        ("assignments", ""),
        ("exposures", include_str!("sql/exposures.sql")),
        ("page views", include_str!("sql/page_views.sql")),
        ("searches", include_str!("sql/searches.sql")),
        ("purchases", include_str!("sql/purchases.sql")),
    ];
    let bar = session.progress(steps.len() as u64, "generating");
    for (what, sql) in steps {
        bar.set_message(format!("generating {what}"));
        match sql {
            "" => assign(&database, &book, &bar)?,
            sql => database.run(&fill(sql)).map_err(failed)?,
        }
        bar.inc(1);
    }
    database.run("DROP TABLE assignments").map_err(failed)?;
    bar.finish_and_clear();
    let mut events = 0u64;
    let mut counts = Vec::new();
    for table in ["exposures", "page_views", "searches", "purchases"] {
        let rows = database.rows(&format!("SELECT count(*) AS n FROM {table}")).map_err(failed)?;
        let rows = rows.first().and_then(|row| row.count("n")).unwrap_or_default();
        events += rows;
        counts.push(format!("{rows} {}", table.replace('_', " ")));
    }
    sink::line(format_args!("  {users} users, {events} events: {}", counts.join(", ")))?;
    // Into the file itself, so that it can be read without its log.
    database.run("CHECKPOINT").map_err(failed)
}

fn failed(error: WarehouseError) -> Failure {
    Failure::new(Exit::Unreachable, "cannot generate the warehouse").because(&error).advised(&error)
}

fn read_book(dir: &Path) -> Result<Book, Failure> {
    let files = discover::read_folder(dir).map_err(|error| Failure::of(Exit::Unreachable, &error))?;
    load::load(files).book.ok_or_else(|| {
        Failure::new(Exit::Findings, "the demo's book has errors").help("run `trialbook lint`")
    })
}

/// Writes one row for each user and experiment that enrols it, as the book's clients would draw.
fn assign(database: &NewDatabase, book: &Book, bar: &indicatif::ProgressBar) -> Result<(), Failure> {
    database
        .run("CREATE TABLE assignments (n INTEGER, served VARCHAR, starts TIMESTAMP, ends TIMESTAMP)")
        .map_err(failed)?;
    let live: Vec<&Experiment> =
        book.experiments.values().filter(|experiment| experiment.decision.is_none()).collect();
    let resolvers: Vec<_> =
        live.iter().map(|e| (*e, Resolver::new(book, e.schedule.start(), HashProfile::Utf8))).collect();
    let rows = database
        .rows("SELECT n, user_id, country, platform, app_version, age_days, email, employee FROM users ORDER BY n")
        .map_err(failed)?;
    for part in rows.chunks(10_000) {
        let mut assignments = Assignments::default();
        for row in part {
            let Some(n) = row.integer("n").and_then(|n| i32::try_from(n).ok()) else { continue };
            let context = Context::new(context_of(row), &book.attributes);
            for (experiment, resolver) in &resolvers {
                let Some(resolution) = resolver.resolve(&experiment.flag, &context) else { continue };
                if resolution.served.experiment() == Some(&experiment.key) {
                    assignments.push(n, resolution.served.to_string(), experiment);
                }
            }
        }
        let batch = assignments
            .batch()
            .map_err(|error| Failure::new(Exit::Bug, "cannot make rows of assignments").because(&error))?;
        database.append("assignments", batch).map_err(failed)?;
        bar.tick();
    }
    Ok(())
}

/// Rows of the table of assignments, by column.
#[derive(Default)]
struct Assignments {
    n: Vec<i32>,
    served: Vec<String>,
    starts: Vec<i64>,
    ends: Vec<i64>,
}

impl Assignments {
    fn push(&mut self, n: i32, served: String, experiment: &Experiment) {
        self.n.push(n);
        self.served.push(served);
        self.starts.push(experiment.schedule.start().as_microsecond());
        self.ends.push(experiment.schedule.end().as_microsecond());
    }

    fn batch(self) -> Result<RecordBatch, ArrowError> {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, None);
        let field = |name: &str, kind| Field::new(name, kind, false);
        let schema = Schema::new(vec![
            field("n", DataType::Int32),
            field("served", DataType::Utf8),
            field("starts", instant.clone()),
            field("ends", instant),
        ]);
        RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(Int32Array::from(self.n)),
                Arc::new(StringArray::from(self.served)),
                Arc::new(TimestampMicrosecondArray::from(self.starts)),
                Arc::new(TimestampMicrosecondArray::from(self.ends)),
            ],
        )
    }
}

/// Reads a row of `users` as an evaluation context: an attribute that is NULL is absent.
fn context_of(row: &Row) -> Map<String, Value> {
    let mut context = Map::new();
    for (column, name) in [
        ("user_id", "targetingKey"),
        ("country", "country"),
        ("platform", "platform"),
        ("app_version", "app_version"),
        ("email", "email"),
    ] {
        if let Some(text) = row.text(column) {
            context.insert(name.to_owned(), text.into());
        }
    }
    if let Some(days) = row.integer("age_days") {
        context.insert("age_days".to_owned(), days.into());
    }
    if let Some(employee) = row.boolean("employee") {
        context.insert("employee".to_owned(), employee.into());
    }
    context
}

/// What the treatments truly do, for those effects that a metric of the example book shows.
pub fn true_effects() -> BTreeMap<(&'static str, &'static str), f64> {
    BTreeMap::from([
        (("bold-checkout-button", "purchases-per-user"), BOLD_BUYS - 1.0),
        (("one-page-checkout", "items-per-user"), ONE_PAGE_BUYS - 1.0),
        (("one-page-checkout", "slow-pages-per-user"), ONE_PAGE_SLOW - 1.0),
    ])
}
