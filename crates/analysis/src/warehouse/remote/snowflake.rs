//! Snowflake.

use super::words::{Microseconds, Rows, Text, Types, Words};
use super::{Definition, driver};
use trialbook_model::ServerEngine;

pub(super) static ENGINE: Definition = Definition {
    server: ServerEngine::Snowflake,
    title: "Snowflake",
    driver: driver::remote(
        "snowflake",
        "TRIALBOOK_SNOWFLAKE",
        "adbc_driver_snowflake",
        "run `dbc install snowflake`; or `pip install adbc-driver-snowflake`, and name the library in its folder in TRIALBOOK_SNOWFLAKE",
    ),
    example: "USER:PASSWORD@ACCOUNT/DATABASE/SCHEMA?warehouse=WAREHOUSE&role=TRIALBOOK",
    session: &[
        "ALTER SESSION SET TIMEZONE = 'UTC'",
        "ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = {seconds}",
    ],
    settings: "",
    version: "SELECT CURRENT_VERSION() AS version",
    words: Words {
        quote: '"',
        names_escape: false,
        folds_up: true,
        text: Text::Backslash,
        rows: Rows::Values,
        types: Types {
            boolean: "BOOLEAN",
            small: "SMALLINT",
            integer: "INTEGER",
            big: "BIGINT",
            real: "FLOAT",
            double: "DOUBLE",
            date: "DATE",
            timestamp: "TIMESTAMP_NTZ",
            text: "VARCHAR",
            whole: "NUMBER(38, 0)",
            decimal: "NUMBER(38, 9)",
        },
        microseconds: Microseconds {
            timestamp: "DATE_PART(epoch_microsecond, {e})",
            instant: "DATE_PART(epoch_microsecond, {e})",
            date: "DATE_PART(epoch_microsecond, CAST({e} AS TIMESTAMP_NTZ))",
            text: "DATE_PART(epoch_microsecond, TRY_CAST({e} AS TIMESTAMP_TZ))",
        },
        position: "POSITION({p} IN {t})",
        // It must match the whole text there.
        matches: "REGEXP_LIKE({t}, '.*(' || {p} || ').*', 's')",
        found: "REGEXP_SUBSTR({t}, {p})",
        unremembered: false,
        without: "REGEXP_REPLACE({t}, {p}, '')",
        fingerprint: "HASH({columns})",
        truncated: "TRUNC({e})",
        remainder: "({a} % {b})",
        reduced: "{e}",
        quantile: "PERCENTILE_DISC({q}) WITHIN GROUP (ORDER BY {e})",
        try_cast: "TRY_CAST({e} AS {type})",
        try_date: "TRY_CAST({e} AS DATE)",
        rounded: "ROUND({n}, {places})",
        extremes: ["GREATEST_IGNORE_NULLS({list})", "LEAST_IGNORE_NULLS({list})"],
        like_escapes: false,
        ilike: true,
    },
};
