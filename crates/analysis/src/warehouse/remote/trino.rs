//! Trino.

use super::words::{Microseconds, Rows, Text, Types, Words};
use super::{Definition, driver};
use trialbook_model::ServerEngine;

pub(super) static ENGINE: Definition = Definition {
    server: ServerEngine::Trino,
    title: "Trino",
    driver: driver::remote("trino", "TRIALBOOK_TRINO", "adbc_driver_trino", "run `dbc install trino`"),
    example: "trino://USER:PASSWORD@HOST:8443/CATALOG/SCHEMA",
    session: &["SET TIME ZONE 'UTC'", "SET SESSION query_max_run_time = '{seconds}s'"],
    settings: "",
    version: "SELECT version() AS version",
    words: Words {
        quote: '"',
        names_escape: false,
        folds_up: false,
        text: Text::Plain,
        rows: Rows::Values,
        types: Types {
            boolean: "BOOLEAN",
            small: "SMALLINT",
            integer: "INTEGER",
            big: "BIGINT",
            real: "REAL",
            double: "DOUBLE",
            date: "DATE",
            timestamp: "TIMESTAMP(6)",
            text: "VARCHAR",
            whole: "DECIMAL(38, 0)",
            decimal: "DECIMAL(38, 9)",
        },
        microseconds: Microseconds {
            timestamp: "CAST(round(to_unixtime(with_timezone({e}, 'UTC')) * 1000000) AS BIGINT)",
            instant: "CAST(round(to_unixtime({e}) * 1000000) AS BIGINT)",
            date: "(date_diff('day', DATE '1970-01-01', {e}) * 86400000000)",
            // A T between date and time, and nothing before the offset.
            text: "CAST(round(to_unixtime(try(from_iso8601_timestamp_nanos(CASE WHEN length({e}) = 10 THEN {e} \
                   ELSE concat(substr({e}, 1, 10), 'T', replace(replace(substr({e}, 12), ' ', ''), 'UTC', 'Z')) END))) \
                   * 1000000) AS BIGINT)",
        },
        position: "strpos({t}, {p})",
        matches: "regexp_like({t}, {p})",
        found: "regexp_extract({t}, {p})",
        unremembered: true,
        without: "regexp_replace({t}, {p}, '')",
        fingerprint: "xxhash64(to_utf8(json_format(CAST(ROW({columns}) AS JSON))))",
        truncated: "truncate({e})",
        remainder: "({a} % {b})",
        reduced: "{e}",
        quantile: "element_at(array_sort(array_agg({e}) FILTER (WHERE {e} IS NOT NULL)), \
                   greatest(CAST(ceil({q} * count({e})) AS BIGINT), 1))",
        try_cast: "TRY_CAST({e} AS {type})",
        try_date: "TRY_CAST({e} AS DATE)",
        rounded: "round({n}, {places})",
        extremes: [
            "array_max(filter(ARRAY[{list}], v -> v IS NOT NULL))",
            "array_min(filter(ARRAY[{list}], v -> v IS NOT NULL))",
        ],
        like_escapes: false,
        ilike: false,
    },
};
