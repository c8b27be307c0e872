//! BigQuery.

use super::words::{Microseconds, Rows, Text, Types, Words};
use super::{Definition, driver};
use trialbook_model::ServerEngine;

pub(super) static ENGINE: Definition = Definition {
    server: ServerEngine::Bigquery,
    title: "BigQuery",
    driver: driver::remote(
        "bigquery",
        "TRIALBOOK_BIGQUERY",
        "adbc_driver_bigquery",
        "run `dbc install bigquery`",
    ),
    example: "bigquery:///PROJECT?DatasetId=DATASET",
    session: &[],
    settings: "",
    version: "SELECT 'managed' AS version",
    words: Words {
        quote: '`',
        names_escape: true,
        folds_up: false,
        text: Text::Escaped("\\x27"),
        rows: Rows::Structures,
        types: Types {
            boolean: "BOOL",
            small: "INT64",
            integer: "INT64",
            big: "INT64",
            real: "FLOAT64",
            double: "FLOAT64",
            date: "DATE",
            timestamp: "DATETIME",
            text: "STRING",
            whole: "BIGNUMERIC",
            decimal: "BIGNUMERIC",
        },
        microseconds: Microseconds {
            timestamp: "UNIX_MICROS(TIMESTAMP({e}))",
            instant: "UNIX_MICROS({e})",
            date: "UNIX_MICROS(TIMESTAMP({e}))",
            text: "UNIX_MICROS(SAFE_CAST({e} AS TIMESTAMP))",
        },
        position: "STRPOS({t}, {p})",
        matches: "REGEXP_CONTAINS({t}, {p})",
        found: "REGEXP_EXTRACT({t}, {p})",
        unremembered: true,
        without: "REGEXP_REPLACE({t}, {p}, '')",
        fingerprint: "FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({columns})))",
        truncated: "TRUNC({e})",
        remainder: "MOD({a}, {b})",
        reduced: "CAST({e} AS BIGNUMERIC)",
        // PERCENTILE_DISC is a window function alone.
        quantile: "ARRAY_AGG({e} IGNORE NULLS ORDER BY {e})[SAFE_OFFSET(GREATEST(CAST(CEIL({q} * COUNT({e})) AS INT64), 1) - 1)]",
        try_cast: "SAFE_CAST({e} AS {type})",
        try_date: "SAFE_CAST({e} AS DATE)",
        rounded: "ROUND({n}, {places})",
        extremes: [
            "(SELECT MAX(v) FROM UNNEST([{list}]) AS v)",
            "(SELECT MIN(v) FROM UNNEST([{list}]) AS v)",
        ],
        like_escapes: true,
        ilike: false,
    },
};
