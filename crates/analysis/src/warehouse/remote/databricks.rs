//! Databricks SQL: the dialect of Spark.

use super::{Definition, driver, spark};
use trialbook_model::ServerEngine;

pub(super) static ENGINE: Definition = Definition {
    server: ServerEngine::Databricks,
    title: "Databricks",
    driver: driver::remote(
        "databricks",
        "TRIALBOOK_DATABRICKS",
        "adbc_driver_databricks",
        "run `dbc install databricks`",
    ),
    example: "databricks://token:TOKEN@HOST:443/sql/1.0/warehouses/ID?catalog=CATALOG",
    session: &["SET TIME ZONE 'UTC'", "SET ansi_mode = true", "SET statement_timeout = {seconds}"],
    settings: "",
    version: "SELECT current_version().dbsql_version AS version",
    words: spark::WORDS,
};
