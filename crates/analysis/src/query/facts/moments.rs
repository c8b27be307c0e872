//! The SQL of centred moments per arm.
//!
//! Everything is added up in whole numbers, so that the same data gives the same bits whatever the number of threads.
//! A proportion is counted. Any other value is centred at its arm's mean and divided by its arm's largest distance
//! from that mean, which makes fractions of values as large as 1e45 and as small as they get.

use super::prepared::{Names, Prepared};
use crate::warehouse::{Dialect, Sql};
use trialbook_model::Cap;

/// The columns of moments in the result, each with the metric's position behind its name.
///
/// Of moments a proportion has the units with a value, with a covariate and with both; any other metric has the mean,
/// the largest distance from it, the sum and the sum of squares of the distances as fractions of that; the same of
/// its other quantities; and of each pair of quantities the sum of the products of both fractions.
pub(super) const ONES: &str = "ones";
pub(super) const ONES_BEFORE: &str = "ones_before";
pub(super) const ONES_BOTH: &str = "ones_both";
/// The pairs of quantities, with the names of the sums of their products.
pub(super) const PRODUCTS: [(usize, usize, &str); 6] = [
    (0, 1, "products"),
    (0, 2, "products_yp"),
    (0, 3, "products_yq"),
    (1, 2, "products_xp"),
    (1, 3, "products_xq"),
    (2, 3, "products_pq"),
];
/// Of a proportion, its value.
const VALUE: &str = "y";
/// And its covariate.
const BEFORE: &str = "x";

/// The columns of `numbers` by which units are put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    /// The units that a cap's quantile is taken of.
    limits: &'static [&'static str],
    /// Those whose values are centred at one mean.
    means: &'static [&'static str],
    /// Those of a row of the result.
    pub(super) rows: &'static [&'static str],
}

impl Keys {
    /// A row for each arm.
    pub(super) const ARMS: Self =
        Self { limits: &["experiment"], means: &["experiment", "arm"], rows: &["experiment", "arm"] };
    /// A row for the units of an arm that come and go with the same looks; the rows of an arm add up.
    pub(super) const PERIODS: Self = Self { rows: &["experiment", "arm", "entry", "leave"], ..Self::ARMS };
    /// A row for each arm and look, with caps of their own.
    pub(super) const LOOKS: Self = Self {
        limits: &["experiment", "look"],
        means: &["experiment", "arm", "look"],
        rows: &["experiment", "arm", "look"],
    };

    /// Lists those of a row of the result, each of a table where one is given.
    pub(super) fn of_rows(&self, table: &'static str) -> Sql {
        Self::list(self.rows, table)
    }

    /// Lists columns, each of a table where one is given.
    fn list(columns: &[&'static str], table: &'static str) -> Sql {
        let one =
            |name: &&'static str| Sql::fill("{t}{c}", &[("t", &Sql::code(table)), ("c", &Sql::code(name))]);
        Sql::join(columns.iter().map(one), ", ")
    }
}

/// Returns the rest of the query after `numbers`.
pub(super) fn sql(metrics: &[Prepared], keys: Keys, dialect: &dyn Dialect) -> Sql {
    let each = |make: &dyn Fn(usize, &Prepared) -> Sql| {
        Sql::join(metrics.iter().enumerate().map(|(k, metric)| make(k, metric)), "")
    };
    Sql::fill(
        "limits AS (\n  SELECT {limit_keys}{limits}\n  FROM numbers GROUP BY {limit_keys}\n),\n\
         capped AS (\n  SELECT {of_numbers}{capped}\n  FROM numbers n JOIN limits l USING ({limit_keys})\n),\n\
         arms AS (\n  SELECT {mean_keys}{means}\n  FROM capped GROUP BY {mean_keys}\n),\n\
         ranges AS (\n  SELECT {of_arms}{ranges}\n  FROM capped c JOIN arms a USING ({mean_keys})\n  \
         GROUP BY {of_arms}\n),\n\
         centred AS (\n  SELECT {of_capped}{centred}\n  FROM capped c JOIN ranges r USING ({mean_keys})\n)\n\
         SELECT {row_keys}{moments}\nFROM centred GROUP BY {row_keys} ORDER BY {row_keys}",
        &[
            ("limit_keys", &Keys::list(keys.limits, "")),
            ("mean_keys", &Keys::list(keys.means, "")),
            ("row_keys", &Keys::list(keys.rows, "")),
            ("of_numbers", &Keys::list(keys.rows, "n.")),
            ("of_arms", &Keys::list(keys.means, "c.")),
            ("of_capped", &Keys::list(keys.rows, "c.")),
            ("limits", &each(&|k, metric| limits(k, metric, dialect))),
            ("capped", &each(&capped)),
            ("means", &each(&|k, metric| means(k, metric, dialect))),
            ("ranges", &each(&ranges)),
            ("centred", &each(&|k, metric| centred(k, metric, dialect))),
            ("moments", &each(&|k, metric| moments(k, metric, dialect))),
        ],
    )
}

impl Names {
    /// Puts the names of metric `k` into a template's `{v}`, `{u}`, `{l}`, `{s}` and `{r}`.
    fn fill(self, k: usize, template: &'static str) -> Sql {
        Sql::fill(
            template,
            &[
                ("v", &Sql::name(self.value, k)),
                ("u", &Sql::name(self.unusable, k)),
                ("l", &Sql::name(self.limit, k)),
                ("s", &Sql::name(self.mean, k)),
                ("r", &Sql::name(self.range, k)),
            ],
        )
    }
}

fn over_quantities(k: usize, metric: &Prepared, template: &'static str) -> Sql {
    Sql::join(metric.quantities().iter().map(|names| names.fill(k, template)), "")
}

/// Per experiment: the cap's limit over all arms together.
fn limits(k: usize, metric: &Prepared, dialect: &dyn Dialect) -> Sql {
    let limit = |names: &Names| {
        let at = match metric.cap {
            None => dialect.double(&Sql::code("NULL")),
            Some(Cap::Value(value)) => dialect.float(value),
            Some(Cap::Quantile(share)) => dialect.quantile(&Sql::name(names.value, k), share.fraction()),
        };
        Sql::fill(",\n    {at} AS {l}", &[("at", &at), ("l", &Sql::name(names.limit, k))])
    };
    Sql::join(metric.quantities().iter().map(limit), "")
}

/// Per unit: the capped value and covariate.
fn capped(k: usize, metric: &Prepared) -> Sql {
    let values = over_quantities(
        k,
        metric,
        if metric.cap.is_some() {
            ", n.{u}, CASE WHEN n.{v} > l.{l} THEN l.{l} ELSE n.{v} END AS {v}"
        } else {
            ", n.{u}, n.{v}"
        },
    );
    let above = Sql::fill(
        if metric.cap.is_some() { "n.{y} > l.{l}" } else { "FALSE" },
        &[("y", &Sql::name(VALUE, k)), ("l", &Sql::name("l", k))],
    );
    Sql::fill(
        ",\n    n.{c}, n.{o}, l.{l}{values}, {above} AS {a},\n    n.{y} <> 0 AS {z}",
        &[
            ("c", &Sql::name("c", k)),
            ("o", &Sql::name("o", k)),
            ("l", &Sql::name("l", k)),
            ("values", &values),
            ("above", &above),
            ("a", &Sql::name("a", k)),
            ("y", &Sql::name("y", k)),
            ("z", &Sql::name("z", k)),
        ],
    )
}

/// Per arm: the means.
fn means(k: usize, metric: &Prepared, dialect: &dyn Dialect) -> Sql {
    if metric.positive {
        return Sql::code("");
    }
    let mean = |names: &Names| {
        let value = Sql::name(names.value, k);
        let known = Sql::fill("{v} IS NOT NULL", &[("v", &value)]);
        Sql::fill(
            ",\n    coalesce(({sum}) / nullif(count({v}), 0), 0) AS {s}",
            &[("sum", &dialect.sum(&value, &known)), ("v", &value), ("s", &Sql::name(names.mean, k))],
        )
    };
    Sql::join(metric.quantities().iter().map(mean), "")
}

/// Per arm: the means again, and the largest distances from them.
fn ranges(k: usize, metric: &Prepared) -> Sql {
    if metric.positive {
        return Sql::code("");
    }
    over_quantities(k, metric, ",\n    min(a.{s}) AS {s}, coalesce(max(abs(c.{v} - a.{s})), 0) AS {r}")
}

/// Per unit: the distances from the means as fractions of the largest.
fn centred(k: usize, metric: &Prepared, dialect: &dyn Dialect) -> Sql {
    let values = if metric.positive {
        over_quantities(k, metric, ", c.{u}, c.{v}")
    } else {
        let zero = dialect.float(0.0);
        let fraction = |names: &Names| {
            Sql::fill(
                ",\n    c.{u}, CASE WHEN r.{r} > 0 THEN (c.{v} - r.{s}) / r.{r} \
                 WHEN c.{v} IS NOT NULL THEN {zero} END AS {v}, r.{s}, r.{r}",
                &[
                    ("u", &Sql::name(names.unusable, k)),
                    ("v", &Sql::name(names.value, k)),
                    ("s", &Sql::name(names.mean, k)),
                    ("r", &Sql::name(names.range, k)),
                    ("zero", &zero),
                ],
            )
        };
        Sql::join(metric.quantities().iter().map(fraction), "")
    };
    Sql::fill(
        ",\n    c.{c}, c.{o}, c.{l}, c.{a}, c.{z}{values}",
        &[
            ("c", &Sql::name("c", k)),
            ("o", &Sql::name("o", k)),
            ("l", &Sql::name("l", k)),
            ("a", &Sql::name("a", k)),
            ("z", &Sql::name("z", k)),
            ("values", &values),
        ],
    )
}

/// Per arm: the columns of the result.
fn moments(k: usize, metric: &Prepared, dialect: &dyn Dialect) -> Sql {
    let (y, x) = (Sql::name(VALUE, k), Sql::name(BEFORE, k));
    let quantities = metric.quantities();
    let named = |value: Sql, name: &'static str| {
        Sql::fill("{value} AS {name}", &[("value", &value), ("name", &Sql::name(name, k))])
    };
    let columns = if metric.positive {
        let count = |condition: &Sql| Sql::fill("count(CASE WHEN {c} THEN 1 END)", &[("c", condition)]);
        let ones = |value: &Sql| Sql::fill("{v} = 1", &[("v", value)]);
        let mut columns = vec![named(count(&ones(&y)), ONES)];
        if metric.before.is_some() {
            let both = Sql::fill("{y} = 1 AND {x} = 1", &[("y", &y), ("x", &x)]);
            columns.push(named(count(&ones(&x)), ONES_BEFORE));
            columns.push(named(count(&both), ONES_BOTH));
        }
        columns
    } else {
        let of = |names: &Names| {
            let value = Sql::name(names.value, k);
            let square = Sql::fill("{v} * {v}", &[("v", &value)]);
            let least = |name| Sql::fill("min({v})", &[("v", &Sql::name(name, k))]);
            [
                named(least(names.mean), names.mean),
                named(least(names.range), names.range),
                named(dialect.sum_of_fractions(&value), names.sum),
                named(dialect.sum_of_fractions(&square), names.squares),
            ]
        };
        let mut columns: Vec<Sql> = quantities.iter().flat_map(of).collect();
        columns.extend(PRODUCTS.into_iter().filter_map(|(a, b, name)| {
            let value = |place: usize| quantities.get(place).map(|names| Sql::name(names.value, k));
            let products = Sql::fill("{a} * {b}", &[("a", &value(a)?), ("b", &value(b)?)]);
            Some(named(dialect.sum_of_fractions(&products), name))
        }));
        columns
    };
    let unusable = quantities.iter().map(|names| {
        Sql::fill(
            "CAST(coalesce(sum(CASE WHEN {c} THEN {u} END), 0) AS BIGINT) AS {u}",
            &[("c", &Sql::name("c", k)), ("u", &Sql::name(names.unusable, k))],
        )
    });
    Sql::fill(
        ",\n  count(CASE WHEN {c} THEN 1 END) AS {c}, {unusable}, \
         count(CASE WHEN {c} AND {o} THEN 1 END) AS {o}, {columns}, min({l}) AS {l}, \
         count(CASE WHEN {a} THEN 1 END) AS {a}, count(CASE WHEN {z} THEN 1 END) AS {z}",
        &[
            ("c", &Sql::name("c", k)),
            ("unusable", &Sql::join(unusable, ", ")),
            ("o", &Sql::name("o", k)),
            ("columns", &Sql::join(columns, ", ")),
            ("l", &Sql::name("l", k)),
            ("a", &Sql::name("a", k)),
            ("z", &Sql::name("z", k)),
        ],
    )
}
