//! The generated shop: users, who is served what, and what they do, with known effects.
//!
//! Who is in which arm is drawn by the resolver, so the data is what the book's clients would have written. All
//! else is SQL over one hash of the seed, so that a seed gives the same data everywhere.

use std::collections::BTreeMap;
use std::path::Path;

use duckdb::types::ValueRef;
use duckdb::{Connection, params};
use serde_json::{Map, Value};

use crate::cli::{Exit, Failure, Session, sink};
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
    let failed = |error: duckdb::Error| {
        Failure::new(Exit::Unreachable, "cannot generate the warehouse").because(&error)
    };
    let connection = Connection::open(dir.join("warehouse.duckdb")).map_err(failed)?;
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
            "" => assign(&connection, &book, &bar)?,
            sql => connection.execute_batch(&fill(sql)).map_err(failed)?,
        }
        bar.inc(1);
    }
    connection.execute_batch("DROP TABLE assignments").map_err(failed)?;
    bar.finish_and_clear();
    let mut events = 0u64;
    let mut counts = Vec::new();
    for table in ["exposures", "page_views", "searches", "purchases"] {
        let count = |row: &duckdb::Row<'_>| row.get::<_, u64>(0);
        let rows =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], count).map_err(failed)?;
        events += rows;
        counts.push(format!("{rows} {}", table.replace('_', " ")));
    }
    sink::line(format_args!("  {users} users, {events} events: {}", counts.join(", ")))?;
    connection.close().map_err(|(_, error)| failed(error))
}

fn read_book(dir: &Path) -> Result<Book, Failure> {
    let files = discover::read_folder(dir).map_err(|error| Failure::of(Exit::Unreachable, &error))?;
    load::load(files).book.ok_or_else(|| {
        Failure::new(Exit::Findings, "the demo's book has errors").help("run `trialbook lint`")
    })
}

/// Writes one row for each user and experiment that enrols it, as the book's clients would draw.
fn assign(connection: &Connection, book: &Book, bar: &indicatif::ProgressBar) -> Result<(), Failure> {
    let failed = |error: duckdb::Error| {
        Failure::new(Exit::Unreachable, "cannot generate the warehouse").because(&error)
    };
    connection
        .execute_batch(
            "CREATE TABLE assignments (n INTEGER, served VARCHAR, starts TIMESTAMP, ends TIMESTAMP)",
        )
        .map_err(failed)?;
    let live: Vec<&Experiment> =
        book.experiments.values().filter(|experiment| experiment.decision.is_none()).collect();
    let resolvers: Vec<_> =
        live.iter().map(|e| (*e, Resolver::new(book, e.schedule.start(), HashProfile::Utf8))).collect();
    let mut appender = connection.appender("assignments").map_err(failed)?;
    let mut statement = connection
        .prepare("SELECT n, user_id AS targetingKey, country, platform, app_version, age_days, email, employee FROM users")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let n: i32 = row.get(0).map_err(failed)?;
        let context = Context::new(context_of(row).map_err(failed)?, &book.attributes);
        for (experiment, resolver) in &resolvers {
            let Some(resolution) = resolver.resolve(&experiment.flag, &context) else { continue };
            if resolution.served.experiment() == Some(&experiment.key) {
                let (starts, ends) = (experiment.schedule.start(), experiment.schedule.end());
                let served = resolution.served.to_string();
                let (starts, ends) = (starts.as_microsecond(), ends.as_microsecond());
                let timestamp =
                    |us| duckdb::types::Value::Timestamp(duckdb::types::TimeUnit::Microsecond, us);
                appender
                    .append_row(params![n, served, timestamp(starts), timestamp(ends)])
                    .map_err(failed)?;
            }
        }
        if n % 10_000 == 0 {
            bar.tick();
        }
    }
    appender.flush().map_err(failed)
}

/// Reads a row of `users` as an evaluation context: an attribute that is NULL is absent.
fn context_of(row: &duckdb::Row<'_>) -> Result<Map<String, Value>, duckdb::Error> {
    const NAMES: [&str; 7] =
        ["targetingKey", "country", "platform", "app_version", "age_days", "email", "employee"];
    let mut context = Map::new();
    for (index, name) in NAMES.iter().enumerate() {
        let value = match row.get_ref(index + 1)? {
            ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text)),
            ValueRef::Int(number) => Value::from(number),
            ValueRef::Boolean(boolean) => Value::from(boolean),
            _ => continue,
        };
        context.insert((*name).to_owned(), value);
    }
    Ok(context)
}

/// What the treatments truly do, for those effects that a metric of the example book shows.
pub fn true_effects() -> BTreeMap<(&'static str, &'static str), f64> {
    BTreeMap::from([
        (("bold-checkout-button", "purchases-per-user"), BOLD_BUYS - 1.0),
        (("one-page-checkout", "items-per-user"), ONE_PAGE_BUYS - 1.0),
        (("one-page-checkout", "slow-pages-per-user"), ONE_PAGE_SLOW - 1.0),
    ])
}
