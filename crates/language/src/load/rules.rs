//! The names of what `load` finds, as `explain` takes them.

/// Names of rules that come from reading files, not from judging their meaning.
pub const RULES: &[&str] = &[
    MISSING_BOOK,
    UNREADABLE_FILE,
    TOO_LARGE,
    UNKNOWN_FILE_KIND,
    STRAY_FILE,
    DUPLICATE_FILE,
    SYNTAX_ERROR,
    UNSUPPORTED_YAML,
    AMBIGUOUS_SCALAR,
    HIDDEN_CHARACTER,
    DUPLICATE_KEY,
    UNKNOWN_KEY,
    MISSING_KEY,
    WRONG_TYPE,
    RESERVED_WORD,
    UNKNOWN_WORD,
    BAD_KEY,
    BAD_SHARE,
    BAD_DURATION,
    BAD_DATE,
    BAD_VERSION,
    BAD_NUMBER,
    BAD_RANGE,
    BAD_PATTERN,
    BAD_SQL,
    BAD_TIMEZONE,
    BAD_TARGET,
    BAD_SPLIT,
    BAD_ALLOCATION,
    BAD_SCHEDULE,
    BAD_DECISION,
    BAD_ANALYSIS,
    BAD_OVERRIDE,
    DANGLING_REFERENCE,
    SEGMENT_CYCLE,
    WRONG_OPERATOR,
    UNKNOWN_VALUE,
    EMPTY_CONDITION,
    REPEATED_CONDITION,
    CONTROL_OUTSIDE_SPLIT,
    METRIC_IN_TWO_ROLES,
    ENTITY_MISMATCH,
    EXPOSURE_SOURCES,
    INVALID_BOOK,
];

pub(super) const MISSING_BOOK: &str = "missing-book";
pub(super) const UNREADABLE_FILE: &str = "unreadable-file";
pub(super) const TOO_LARGE: &str = "too-large";
pub(super) const UNKNOWN_FILE_KIND: &str = "unknown-file-kind";
pub(super) const STRAY_FILE: &str = "stray-file";
pub(super) const DUPLICATE_FILE: &str = "duplicate-file";
pub(super) const SYNTAX_ERROR: &str = "syntax-error";
pub(super) const UNSUPPORTED_YAML: &str = "unsupported-yaml";
pub(super) const AMBIGUOUS_SCALAR: &str = "ambiguous-scalar";
pub(super) const HIDDEN_CHARACTER: &str = "hidden-character";
pub(super) const DUPLICATE_KEY: &str = "duplicate-key";
pub(super) const UNKNOWN_KEY: &str = "unknown-key";
pub(super) const MISSING_KEY: &str = "missing-key";
pub(super) const WRONG_TYPE: &str = "wrong-type";
pub(super) const RESERVED_WORD: &str = "reserved-word";
pub(super) const UNKNOWN_WORD: &str = "unknown-word";
pub(super) const BAD_KEY: &str = "bad-key";
pub(super) const BAD_SHARE: &str = "bad-share";
pub(super) const BAD_DURATION: &str = "bad-duration";
pub(super) const BAD_DATE: &str = "bad-date";
pub(super) const BAD_VERSION: &str = "bad-version";
pub(super) const BAD_NUMBER: &str = "bad-number";
pub(super) const BAD_RANGE: &str = "bad-range";
pub(super) const BAD_PATTERN: &str = "bad-pattern";
pub(super) const BAD_SQL: &str = "bad-sql";
pub(super) const BAD_TIMEZONE: &str = "bad-timezone";
pub(super) const BAD_TARGET: &str = "bad-target";
pub(super) const BAD_SPLIT: &str = "bad-split";
pub(super) const BAD_ALLOCATION: &str = "bad-allocation";
pub(super) const BAD_SCHEDULE: &str = "bad-schedule";
pub(super) const BAD_DECISION: &str = "bad-decision";
pub(super) const BAD_ANALYSIS: &str = "bad-analysis";
pub(super) const BAD_OVERRIDE: &str = "bad-override";
pub(super) const DANGLING_REFERENCE: &str = "dangling-reference";
pub(super) const SEGMENT_CYCLE: &str = "segment-cycle";
pub(super) const WRONG_OPERATOR: &str = "wrong-operator";
pub(super) const UNKNOWN_VALUE: &str = "unknown-value";
pub(super) const EMPTY_CONDITION: &str = "empty-condition";
pub(super) const REPEATED_CONDITION: &str = "repeated-condition";
pub(super) const CONTROL_OUTSIDE_SPLIT: &str = "control-outside-split";
pub(super) const METRIC_IN_TWO_ROLES: &str = "metric-in-two-roles";
pub(super) const ENTITY_MISMATCH: &str = "entity-mismatch";
pub(super) const EXPOSURE_SOURCES: &str = "exposure-sources";
pub(super) const INVALID_BOOK: &str = "invalid-book";

/// Rules whose findings the JSON Schema of the file's kind makes too: the file has the wrong shape.
pub const STRUCTURAL: &[&str] =
    &[UNKNOWN_KEY, MISSING_KEY, WRONG_TYPE, RESERVED_WORD, UNKNOWN_WORD, BAD_SHARE, BAD_DURATION, BAD_KEY];
