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

use super::DemoError;
use trialbook_analysis::warehouse::{NewDatabase, Row};
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

/// How many steps [`generate`] takes.
pub const STEPS: usize = 7;

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// How many users the shop has.
    pub users: u32,
    /// How many rows each table of events has.
    pub events: Vec<(&'static str, u64)>,
}

/// Generates `warehouse.duckdb` in the demo's folder. `begins` gets the number and the name of each step before it.
///
/// # Errors
///
/// Where the database cannot be written.
pub fn generate(
    dir: &Path,
    users: u32,
    seed: u64,
    begins: &mut dyn FnMut(usize, &str),
) -> Result<Generated, DemoError> {
    let book = read_book(dir)?;
    let database = NewDatabase::create(Some(&dir.join("warehouse.duckdb"))).map_err(DemoError::Warehouse)?;
    let fill = |sql: &str| {
        sql.replace("$seed", &format!("{seed}::UBIGINT"))
            .replace("$users", &users.to_string())
            .replace("$slower", &ONE_PAGE_SLOW.to_string())
            .replace("$bold", &BOLD_BUYS.to_string())
            .replace("$one_page", &ONE_PAGE_BUYS.to_string())
            .replace("$recommended", &RECOMMENDED_BUYS.to_string())
    };
    let steps: [_; STEPS] = [
        ("users", include_str!("sql/users.sql")),
        ("visits", include_str!("sql/visits.sql")),
        ("assignments", ""),
        ("exposures", include_str!("sql/exposures.sql")),
        ("page views", include_str!("sql/page_views.sql")),
        ("searches", include_str!("sql/searches.sql")),
        ("purchases", include_str!("sql/purchases.sql")),
    ];
    for (number, (what, sql)) in steps.into_iter().enumerate() {
        begins(number, what);
        match sql {
            "" => assign(&database, &book)?,
            sql => database.run(&fill(sql)).map_err(DemoError::Warehouse)?,
        }
    }
    database.run("DROP TABLE assignments").map_err(DemoError::Warehouse)?;
    let mut events = Vec::new();
    for table in ["exposures", "page_views", "searches", "purchases"] {
        let rows =
            database.rows(&format!("SELECT count(*) AS n FROM {table}")).map_err(DemoError::Warehouse)?;
        events.push((table, rows.first().and_then(|row| row.count("n")).unwrap_or_default()));
    }
    // Into the file itself, so that it can be read without its log.
    database.run("CHECKPOINT").map_err(DemoError::Warehouse)?;
    Ok(Generated { users, events })
}

fn read_book(dir: &Path) -> Result<Book, DemoError> {
    let files = discover::read_folder(dir).map_err(DemoError::Unread)?;
    load::load(files).book.ok_or(DemoError::NoBook)
}

/// Writes one row for each user and experiment that enrols it, as the book's clients would draw.
fn assign(database: &NewDatabase, book: &Book) -> Result<(), DemoError> {
    database
        .run("CREATE TABLE assignments (n INTEGER, served VARCHAR, starts TIMESTAMP, ends TIMESTAMP)")
        .map_err(DemoError::Warehouse)?;
    let live: Vec<&Experiment> =
        book.experiments.values().filter(|experiment| experiment.decision.is_none()).collect();
    let resolvers: Vec<_> =
        live.iter().map(|e| (*e, Resolver::new(book, e.schedule.start(), HashProfile::Utf8))).collect();
    let rows = database
        .rows("SELECT n, user_id, country, platform, app_version, age_days, email, employee FROM users ORDER BY n")
        .map_err(DemoError::Warehouse)?;
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
        let batch = assignments.batch().map_err(DemoError::Rows)?;
        database.append("assignments", batch).map_err(DemoError::Warehouse)?;
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
