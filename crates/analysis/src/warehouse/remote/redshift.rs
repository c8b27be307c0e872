//! Amazon Redshift.

use super::words::{Microseconds, Rows, Text, Types, Words};
use super::{Definition, driver};
use trialbook_model::ServerEngine;

pub(super) static ENGINE: Definition = Definition {
    server: ServerEngine::Redshift,
    title: "Redshift",
    driver: driver::remote(
        "redshift",
        "TRIALBOOK_REDSHIFT",
        "adbc_driver_redshift",
        "run `dbc install redshift`",
    ),
    example: "redshift://USER:PASSWORD@HOST:5439/DATABASE?sslmode=verify-full",
    session: &["SET timezone = 'UTC'", "SET statement_timeout = {milliseconds}"],
    settings: "",
    // `PostgreSQL 8.0.2 on …, Redshift 1.0.N`.
    version: "SELECT SUBSTRING(version(), STRPOS(version(), 'Redshift ') + 9) AS version",
    words: Words {
        quote: '"',
        names_escape: false,
        folds_up: false,
        text: Text::Backslash,
        rows: Rows::Union,
        types: Types {
            boolean: "BOOLEAN",
            small: "SMALLINT",
            integer: "INTEGER",
            big: "BIGINT",
            real: "REAL",
            double: "DOUBLE PRECISION",
            date: "DATE",
            timestamp: "TIMESTAMP",
            // Without a length it is one of 256 bytes.
            text: "VARCHAR(65535)",
            whole: "DECIMAL(38, 0)",
            decimal: "DECIMAL(38, 9)",
        },
        microseconds: Microseconds {
            timestamp: "DATEDIFF(microsecond, CAST('1970-01-01 00:00:00' AS TIMESTAMP), {e})",
            instant: "DATEDIFF(microsecond, CAST('1970-01-01 00:00:00+00' AS TIMESTAMPTZ), {e})",
            date: "(CAST(DATEDIFF(day, CAST('1970-01-01' AS DATE), {e}) AS BIGINT) * 86400000000)",
            text: "DATEDIFF(microsecond, CAST('1970-01-01 00:00:00+00' AS TIMESTAMPTZ), TRY_CAST({e} AS TIMESTAMPTZ))",
        },
        position: "STRPOS({t}, {p})",
        matches: "({t} ~ {p})",
        found: "REGEXP_SUBSTR({t}, {p})",
        unremembered: false,
        without: "REGEXP_REPLACE({t}, {p}, '')",
        // A seed alone would carry on where the last text ended, so that `ab`, `c` were the same as `a`, `bc`.
        fingerprint: "FNV_HASH({e}, FNV_HASH({e} IS NULL, {seed}))",
        truncated: "TRUNC({e})",
        remainder: "({a} % {b})",
        // Doubles have no remainder there.
        reduced: "CAST({e} AS DECIMAL(38, 9))",
        quantile: "PERCENTILE_DISC({q}) WITHIN GROUP (ORDER BY {e})",
        try_cast: "TRY_CAST({e} AS {type})",
        try_date: "TRY_CAST({e} AS DATE)",
        rounded: "ROUND({n}, {places})",
        extremes: ["GREATEST({list})", "LEAST({list})"],
        like_escapes: true,
        ilike: true,
    },
};
