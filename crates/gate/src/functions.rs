//! The functions that a book's `sql` may call.

/// Functions in FROM that read files: their files are resolved within the book.
const READERS: &[&str] = &["parquet_scan", "read_csv", "read_csv_auto", "read_parquet"];

/// Other functions in FROM.
const TABLES: &[&str] = &["generate_series", "range", "unnest"];

/// Options of the functions that read files: how the files are read, and nothing that writes or reads others.
const OPTIONS: &[&str] = &[
    "all_varchar",
    "allow_quoted_nulls",
    "auto_detect",
    "auto_type_candidates",
    "binary_as_string",
    "columns",
    "comment",
    "compression",
    "dateformat",
    "decimal_separator",
    "delim",
    "dtypes",
    "escape",
    "file_row_number",
    "filename",
    "force_not_null",
    "header",
    "hive_partitioning",
    "hive_types",
    "hive_types_autocast",
    "ignore_errors",
    "max_line_size",
    "names",
    "new_line",
    "normalize_names",
    "null_padding",
    "nullstr",
    "parallel",
    "quote",
    "sample_size",
    "sep",
    "skip",
    "strict_mode",
    "timestampformat",
    "types",
    "union_by_name",
];

/// Functions of values: none reads a file, a setting or the environment, none makes a text longer without bound.
const PLAIN: &[&str] = &[
    "abs", "acos", "age", "any_value", "approx_count_distinct", "approx_quantile", "arbitrary", "arg_max", "arg_min",
    "argmax", "argmin", "array_agg", "array_append", "array_cat", "array_concat", "array_contains", "array_distinct",
    "array_extract", "array_filter", "array_has", "array_has_all", "array_has_any", "array_indexof", "array_length",
    "array_position", "array_prepend", "array_slice", "array_sort", "array_to_string", "array_unique", "ascii", "asin",
    "atan", "atan2", "avg", "bar", "bit_and", "bit_count", "bit_or", "bit_xor", "bool_and", "bool_or", "cardinality",
    "cbrt", "ceil", "ceiling", "century", "chr", "coalesce", "columns", "concat", "concat_ws", "contains", "corr",
    "cos", "cot", "count", "count_if", "count_star", "countif", "covar_pop", "covar_samp", "cume_dist", "damerau_levenshtein",
    "date", "date_add", "date_diff", "date_part", "date_sub", "date_trunc", "datediff", "datepart", "datesub",
    "datetrunc", "day", "dayname", "dayofmonth", "dayofweek", "dayofyear", "decade", "degrees", "dense_rank", "element_at",
    "ends_with", "entropy", "epoch", "epoch_ms", "epoch_ns", "epoch_us", "era", "even", "exp", "extract", "factorial",
    "favg", "first", "first_value", "flatten", "floor", "fmod", "fsum", "gamma", "gcd", "geomean", "geometric_mean",
    "greatest", "group_concat", "grouping", "hamming", "hash", "histogram", "hour", "if", "ifnull", "instr", "isfinite",
    "isinf", "isnan", "isodow", "isoyear", "jaccard", "jaro_similarity", "jaro_winkler_similarity", "json_array_length",
    "json_contains", "json_exists", "json_extract", "json_extract_path", "json_extract_path_text", "json_extract_string",
    "json_keys", "json_type", "json_valid", "json_value", "julian", "kahan_sum", "kurtosis", "kurtosis_pop", "lag",
    "last", "last_day", "last_value", "lcase", "lcm", "lead", "least", "left", "len", "length", "levenshtein", "lgamma",
    "list", "list_aggregate", "list_any_value", "list_append", "list_avg", "list_concat", "list_contains", "list_count",
    "list_distinct", "list_extract", "list_filter", "list_first", "list_has", "list_has_all", "list_has_any",
    "list_indexof", "list_last", "list_max", "list_mean", "list_median", "list_min", "list_position", "list_prepend",
    "list_reverse_sort", "list_slice", "list_sort", "list_sum", "list_transform", "list_unique", "list_value",
    "list_where", "list_zip", "listagg", "ln", "log", "log10", "log2", "lower", "ltrim", "mad", "make_date",
    "make_time", "make_timestamp", "map", "map_contains", "map_entries", "map_extract", "map_from_entries", "map_keys",
    "map_values", "max", "max_by", "md5", "mean", "median", "microsecond", "millennium", "millisecond", "min", "min_by",
    "minute", "mod", "mode", "month", "monthname", "nanosecond", "nextafter", "nth_value", "ntile", "nullif", "ord",
    "percent_rank", "percentile_cont", "percentile_disc", "pi", "position", "pow", "power", "product", "quantile",
    "quantile_cont", "quantile_disc", "quarter", "radians", "rank", "rank_dense", "regexp_extract", "regexp_extract_all",
    "regexp_full_match", "regexp_matches", "regexp_split_to_array", "regr_avgx", "regr_avgy", "regr_count",
    "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "replace", "reverse", "right",
    "round", "round_even", "roundbankers", "row", "row_number", "rtrim", "second", "sem", "sha1", "sha256", "sign",
    "signbit", "sin", "skewness", "split", "split_part", "sqrt", "starts_with", "stddev", "stddev_pop", "stddev_samp",
    "str_split", "str_split_regex", "strftime", "string_agg", "string_split", "string_split_regex", "string_to_array",
    "strip_accents", "strlen", "strpos", "strptime", "struct_extract", "struct_pack", "substr", "substring", "sum",
    "sumkahan", "tan", "time_bucket", "timezone", "to_days", "to_hours", "to_microseconds", "to_milliseconds",
    "to_minutes", "to_months", "to_seconds", "to_timestamp", "to_weeks", "to_years", "translate", "trim", "trunc",
    "try_strptime", "typeof", "ucase", "unicode", "unnest", "upper", "var_pop", "var_samp", "variance", "week", "weekday",
    "weekofyear", "xor", "year", "yearweek",
];

/// Tells whether a function, in lower case, reads files that a book names.
pub fn is_file_reader(name: &str) -> bool {
    READERS.contains(&name)
}

pub(super) fn is_plain_table(name: &str) -> bool {
    TABLES.contains(&name)
}

pub(super) fn is_reader_option(name: &str) -> bool {
    OPTIONS.contains(&name.to_ascii_lowercase().as_str())
}

pub(super) fn is_plain(name: &str) -> bool {
    PLAIN.binary_search(&name).is_ok()
}

/// Returns the functions that may stand in FROM.
pub(super) fn table_functions() -> String {
    let names: Vec<_> = READERS.iter().chain(TABLES).copied().collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_lower_case() {
        assert!(PLAIN.is_sorted_by(|a, b| a < b), "{:?}", PLAIN.windows(2).find(|pair| pair[0] >= pair[1]));
        assert!(PLAIN.iter().all(|name| *name == name.to_lowercase()));
    }
}
