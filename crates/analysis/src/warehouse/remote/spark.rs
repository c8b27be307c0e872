//! Apache Spark 4, through Spark Connect.

use super::words::{Microseconds, Rows, Text, Types, Words};
use super::{Definition, driver};
use trialbook_model::ServerEngine;

pub(super) static ENGINE: Definition = Definition {
    server: ServerEngine::Spark,
    title: "Spark",
    driver: driver::remote(
        "spark",
        "TRIALBOOK_SPARK",
        "adbc_driver_spark",
        "run `pip install adbc-driver-spark`, and name the file `libadbc_driver_spark.so` in its folder in TRIALBOOK_SPARK",
    ),
    example: "sc://HOST:15002/;use_ssl=true;token=TOKEN",
    session: &[
        "SET spark.sql.session.timeZone = UTC",
        // A sum or a cast that does not fit is an error, not null.
        "SET spark.sql.ansi.enabled = true",
        "SET spark.sql.caseSensitive = false",
    ],
    settings: "",
    version: "SELECT version() AS version",
    words: WORDS,
};

pub(super) const WORDS: Words = Words {
    quote: '`',
    names_escape: false,
    folds_up: false,
    text: Text::Escaped("\\u0027"),
    rows: Rows::Values,
    types: Types {
        boolean: "BOOLEAN",
        small: "SMALLINT",
        integer: "INT",
        big: "BIGINT",
        real: "FLOAT",
        double: "DOUBLE",
        date: "DATE",
        timestamp: "TIMESTAMP_NTZ",
        text: "STRING",
        whole: "DECIMAL(38, 0)",
        decimal: "DECIMAL(38, 9)",
    },
    microseconds: Microseconds {
        timestamp: "unix_micros(CAST({e} AS TIMESTAMP))",
        instant: "unix_micros({e})",
        date: "unix_micros(CAST({e} AS TIMESTAMP))",
        text: "unix_micros(TRY_CAST({e} AS TIMESTAMP))",
    },
    position: "instr({t}, {p})",
    matches: "({t} RLIKE {p})",
    found: "regexp_extract({t}, {p}, 0)",
    unremembered: true,
    without: "regexp_replace({t}, {p}, '')",
    // The hash of several passes over nulls: the text does not.
    fingerprint: "xxhash64(CAST(struct({columns}) AS STRING), {columns})",
    // There is no other function for it that keeps a double.
    truncated: "({e} - {e} % CAST(1 AS DOUBLE))",
    remainder: "({a} % {b})",
    reduced: "{e}",
    quantile: "percentile_disc({q}) WITHIN GROUP (ORDER BY {e})",
    try_cast: "TRY_CAST({e} AS {type})",
    try_date: "TRY_CAST({e} AS DATE)",
    rounded: "round({n}, {places})",
    extremes: ["greatest({list})", "least({list})"],
    like_escapes: true,
    ilike: true,
};
