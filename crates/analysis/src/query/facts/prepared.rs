//! A metric in SQL: what is taken of each row, and of each unit.

use crate::warehouse::{Dialect, LARGEST_SUMMAND, Sql};
use trialbook_model::Cap;

/// A metric in SQL: what is taken of each row, which rows count.
#[derive(Clone)]
pub(super) struct Prepared {
    /// What is measured; of a ratio the numerator. Of a ratio that has one part alone in these sources, that part.
    pub(super) part: Part,
    /// Of a ratio: what it is divided by.
    pub(super) denominator: Option<Part>,
    /// Whether the value is 1 where something was measured and 0 elsewhere: a proportion.
    pub(super) positive: bool,
    /// Microseconds, or days, after the exposure; `None`: open.
    pub(super) window: Option<i64>,
    /// Microseconds, or days, before the exposure.
    pub(super) before: Option<i64>,
    pub(super) cap: Option<Cap>,
}

impl Prepared {
    /// Returns whether a row counts for the value, and whether it counts for a denominator.
    pub(super) fn filters(&self) -> impl Iterator<Item = &Sql> {
        self.parts().map(|(part, _)| &part.filter)
    }

    /// Returns its parts, each with the names of its columns in `facts`.
    fn parts(&self) -> impl Iterator<Item = (&Part, (&'static str, &'static str))> {
        let denominator = self.denominator.as_ref().map(|part| (part, DENOMINATOR));
        std::iter::once((&self.part, PART)).chain(denominator)
    }

    /// Returns the quantities of a unit: the value, then a covariate; or of a ratio its parts, then the same before the
    /// exposure where it has a covariate.
    pub(super) fn quantities(&self) -> &'static [Names] {
        match (&self.denominator, self.before) {
            (None, None) => &ALL_NAMES[..1],
            (Some(_), None) | (None, Some(_)) => &ALL_NAMES[..2],
            (Some(_), Some(_)) => &ALL_NAMES,
        }
    }
}

/// What is taken of a unit's rows.
#[derive(Clone)]
pub(super) struct Part {
    /// The place of its source among the builder's.
    pub(super) side: usize,
    /// Whether the row counts, before its time is looked at.
    pub(super) filter: Sql,
    /// The measure, where it has one.
    pub(super) measure: Option<Sql>,
    pub(super) take: Take,
}

/// The names of a quantity in the query: its value, the unit's rows without a usable measure, the cap's limit, its mean, its
/// largest distance from the mean; and of the sums of its fractions and of their squares in the result.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) value: &'static str,
    pub(super) unusable: &'static str,
    pub(super) limit: &'static str,
    pub(super) mean: &'static str,
    pub(super) range: &'static str,
    pub(super) sum: &'static str,
    pub(super) squares: &'static str,
}

pub(super) const ALL_NAMES: [Names; 4] = [
    Names { value: "y", unusable: "b", limit: "l", mean: "s", range: "r", sum: "sum", squares: "squares" },
    Names {
        value: "x",
        unusable: "bx",
        limit: "lx",
        mean: "sx",
        range: "rx",
        sum: "sum_second",
        squares: "squares_second",
    },
    Names {
        value: "p",
        unusable: "bp",
        limit: "lp",
        mean: "sp",
        range: "rp",
        sum: "sum_third",
        squares: "squares_third",
    },
    Names {
        value: "q",
        unusable: "bq",
        limit: "lq",
        mean: "sq",
        range: "rq",
        sum: "sum_fourth",
        squares: "squares_fourth",
    },
];

/// The names of a part's columns in `facts`: whether the row counts, and its measure.
const PART: (&str, &str) = ("w", "m");
const DENOMINATOR: (&str, &str) = ("wd", "md");

#[derive(Clone, Copy)]
pub(super) enum Take {
    Rows,
    Sum,
    Max,
    Distinct,
    /// Each by itself; of a unit, how many it has.
    Each,
}

/// Per row of facts: the names of what [`row`] makes.
pub(super) fn carried(k: usize, metric: &Prepared, side: usize) -> Sql {
    let columns = |(part, (counts, measure)): (&Part, (&'static str, &'static str))| {
        let template = if part.measure.is_some() { ", {w}, {m}" } else { ", {w}" };
        Sql::fill(template, &[("w", &Sql::name(counts, k)), ("m", &Sql::name(measure, k))])
    };
    Sql::join(metric.parts().filter(|(part, _)| part.side == side).map(columns), "")
}

/// Per row of facts: whether it counts, and its measure.
pub(super) fn row(k: usize, metric: &Prepared, side: usize) -> Sql {
    let columns = |(part, (counts, measure)): (&Part, (&'static str, &'static str))| {
        let filter =
            Sql::fill(",\n    {filter} AS {w}", &[("filter", &part.filter), ("w", &Sql::name(counts, k))]);
        match &part.measure {
            None => filter,
            Some(taken) => Sql::fill(
                "{filter}, {measure} AS {m}",
                &[("filter", &filter), ("measure", taken), ("m", &Sql::name(measure, k))],
            ),
        }
    };
    Sql::join(metric.parts().filter(|(part, _)| part.side == side).map(columns), "")
}

/// What is taken of a part of a metric, within its window or before the exposure.
pub(super) struct Aggregate<'a> {
    pub(super) names: Names,
    pub(super) part: &'a Part,
    columns: (&'static str, &'static str),
    /// Whether it is taken before the exposure, for so long.
    before: Option<i64>,
}

impl Prepared {
    /// Returns what is taken for each of its quantities, in their order.
    pub(super) fn aggregates(&self) -> Vec<Aggregate<'_>> {
        let windows = [None, self.before].into_iter().enumerate();
        let windows = windows.filter(|(place, before)| *place == 0 || before.is_some());
        let taken =
            windows.flat_map(|(_, before)| self.parts().map(move |(part, columns)| (part, columns, before)));
        let named = self.quantities().iter().zip(taken);
        named
            .map(|(names, (part, columns, before))| Aggregate { names: *names, part, columns, before })
            .collect()
    }

    /// Over a row of facts `f` and a unit `u`: whether a row of its value counts, in the window.
    pub(super) fn counts(&self, k: usize) -> Sql {
        within(k, PART.0, self.window)
    }

    /// The measure of a row of its value.
    pub(super) fn measure(&self, k: usize) -> Sql {
        Sql::name(PART.1, k)
    }

    /// Tells whether it is about rows, each by itself.
    pub(super) fn is_of_rows(&self) -> bool {
        matches!(self.part.take, Take::Each)
    }
}

fn within(k: usize, counts: &'static str, window: Option<i64>) -> Sql {
    match window {
        Some(window) => Sql::fill(
            "f.{w} AND f.t >= u.exposed AND f.t < u.exposed + {window}",
            &[("w", &Sql::name(counts, k)), ("window", &Sql::integer(window))],
        ),
        None => Sql::fill("f.{w} AND f.t >= u.exposed", &[("w", &Sql::name(counts, k))]),
    }
}

/// Per unit: the quantities that a source has, and how many rows of each have no usable measure.
pub(super) fn taken(k: usize, metric: &Prepared, side: usize, dialect: &dyn Dialect) -> Sql {
    let of_side = metric.aggregates().into_iter().filter(|taken| taken.part.side == side);
    let sql = of_side.map(|Aggregate { names, part, columns: (counts, measure), before }| {
        let rows = match before {
            None => within(k, counts, metric.window),
            Some(before) => Sql::fill(
                "f.{w} AND f.t >= u.exposed - {before} AND f.t < u.exposed",
                &[("w", &Sql::name(counts, k)), ("before", &Sql::integer(before))],
            ),
        };
        aggregate(k, part, &Sql::name(measure, k), &rows, (names.value, names.unusable), dialect)
    });
    Sql::join(sql, "")
}

fn aggregate(
    k: usize,
    part: &Part,
    m: &Sql,
    rows: &Sql,
    (name, bad): (&'static str, &'static str),
    dialect: &dyn Dialect,
) -> Sql {
    let filled = |template| Sql::fill(template, &[("m", m), ("rows", rows)]);
    let value = match part.take {
        Take::Rows | Take::Each => dialect.double(&filled("count(CASE WHEN {rows} THEN 1 END)")),
        Take::Sum => dialect.sum(&filled("f.{m}"), rows),
        Take::Max => filled("coalesce(max(CASE WHEN {rows} THEN f.{m} END), 0)"),
        Take::Distinct => dialect.double(&filled("count(DISTINCT CASE WHEN {rows} THEN f.{m} END)")),
    };
    let unusable = match part.take {
        Take::Rows | Take::Distinct => Sql::integer(0),
        Take::Sum | Take::Max | Take::Each => filled("count(CASE WHEN {rows} AND f.{m} IS NULL THEN 1 END)"),
    };
    Sql::fill(
        ",\n    {value} AS {name}, {unusable} AS {bad}",
        &[
            ("value", &value),
            ("name", &Sql::name(name, k)),
            ("unusable", &unusable),
            ("bad", &Sql::name(bad, k)),
        ],
    )
}

/// Per unit: whether its window has closed; if so the value, null where it is too large to be summed.
pub(super) fn numbers(k: usize, metric: &Prepared, watermark: &Sql, dialect: &dyn Dialect) -> Sql {
    let closed = match metric.window {
        Some(window) => Sql::fill(
            "exposed + {window} <= {watermark}",
            &[("window", &Sql::integer(window)), ("watermark", watermark)],
        ),
        None => Sql::code("TRUE"),
    };
    let number = |raw: &Sql| {
        let template = if metric.positive {
            "CASE WHEN {closed} THEN CASE WHEN {raw} > 0 THEN {one} ELSE {zero} END END"
        } else {
            // An infinite sum fails the comparison.
            "CASE WHEN {closed} AND abs({raw}) < {limit} THEN {raw} END"
        };
        let (one, zero, limit) = (dialect.float(1.0), dialect.float(0.0), dialect.float(LARGEST_SUMMAND));
        Sql::fill(
            template,
            &[("closed", &closed), ("raw", raw), ("one", &one), ("zero", &zero), ("limit", &limit)],
        )
    };
    let quantities = metric.quantities();
    let values = quantities.iter().map(|names| {
        let value = Sql::name(names.value, k);
        let unusable = Sql::name(names.unusable, k);
        Sql::fill(", {n} AS {v}, {u} AS {u}", &[("n", &number(&value)), ("v", &value), ("u", &unusable)])
    });
    let out = if metric.positive {
        Sql::code("FALSE")
    } else {
        let limit = dialect.float(LARGEST_SUMMAND);
        let beyond = quantities.iter().map(|names| {
            let raw = Sql::name(names.value, k);
            Sql::fill("NOT (abs({raw}) < {limit})", &[("raw", &raw), ("limit", &limit)])
        });
        Sql::fill("({any})", &[("any", &Sql::join(beyond, " OR "))])
    };
    Sql::fill(
        ",\n    {closed} AS {c}{values}, {out} AS {o}",
        &[
            ("closed", &closed),
            ("c", &Sql::name("c", k)),
            ("values", &Sql::join(values, "")),
            ("out", &out),
            ("o", &Sql::name("o", k)),
        ],
    )
}
