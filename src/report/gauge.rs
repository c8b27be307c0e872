//! An interval as a drawing of a few characters, on a scale that all drawings of a metric share.

use super::number::NBSP;

/// How many characters a drawing has.
pub const WIDTH: usize = 17;

/// The scale of a metric's drawings: from the least to the greatest of zero, the margin and every finite
/// end of an interval, in the unit of the change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// Makes the scale that shows zero and all of these. Values that are not finite do not count.
    pub fn containing(values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (low, high) = finite.fold((0.0, 0.0), |(low, high): (f64, f64), v| (low.min(v), high.max(v)));
        Self { low, high }
    }

    /// Tells whether a value is on the scale.
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Returns the column of a value, between 1 and `WIDTH - 2`; nothing has an extent: the middle.
    fn column(self, value: f64) -> usize {
        let span = self.high - self.low;
        if span <= 0.0 || !span.is_finite() {
            return WIDTH / 2;
        }
        let last = (WIDTH - 3) as f64;
        let place = ((value - self.low) / span * last).round();
        1 + place.clamp(0.0, last) as usize
    }
}

/// An interval with its estimate, and what it is to be compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gauge {
    /// The scale.
    pub scale: Scale,
    /// The estimate; `None`: not known.
    pub estimate: Option<f64>,
    /// The lower end, perhaps negative infinity.
    pub low: f64,
    /// The upper end, perhaps infinity.
    pub high: f64,
    /// The margin of a guardrail, on the side that hurts.
    pub margin: Option<f64>,
}

impl Gauge {
    /// Draws it: `├──●──┤` for the interval, `│` for no change, `┊` for the margin, an arrow for an end that is
    /// nowhere. As wide as every other, filled with no-break spaces.
    pub fn draw(&self) -> String {
        let mut cells = [NBSP; WIDTH];
        let mut put = |column: usize, glyph: char| {
            if let Some(cell) = cells.get_mut(column) {
                *cell = glyph;
            }
        };
        let open_low = self.low == f64::NEG_INFINITY;
        let open_high = self.high == f64::INFINITY;
        let from = if open_low { 0 } else { self.scale.column(self.low) };
        let to = if open_high { WIDTH - 1 } else { self.scale.column(self.high) };
        for column in from..=to {
            put(column, '─');
        }
        put(from, if open_low { '◄' } else { '├' });
        put(to, if open_high { '►' } else { '┤' });
        // What lies outside the interval stands outside, and what lies inside, inside, however close it is.
        let beside = |value: f64| match self.scale.column(value) {
            column if column == from && value < self.low => column.saturating_sub(1),
            column if column == from && value > self.low && to > from + 1 => column + 1,
            column if column == to && value > self.high => column + 1,
            column if column == to && value < self.high && to > from + 1 => column.saturating_sub(1),
            column => column,
        };
        let zero = beside(0.0);
        put(zero, if from < zero && zero < to { '┼' } else { '│' });
        if let Some(margin) = self.margin {
            put(beside(margin), '┊');
        }
        if let Some(estimate) = self.estimate {
            put(self.scale.column(estimate), '●');
        }
        cells.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(estimate: f64, low: f64, high: f64, margin: Option<f64>) -> String {
        let scale = Scale::containing([low, high, margin.unwrap_or(0.0)]);
        Gauge { scale, estimate: Some(estimate), low, high, margin }.draw().replace(NBSP, " ")
    }

    #[test]
    fn an_interval_shows_zero_and_the_margin() {
        insta::assert_snapshot!(
            [
                drawn(3.1, 1.2, 5.0, None),
                drawn(-0.4, -1.6, 0.8, Some(1.0)),
                drawn(-0.4, -1.6, 2.8, Some(1.0)),
                drawn(4.0, 0.5, 7.5, Some(-10.0)),
                drawn(0.1, 0.05, 0.15, Some(10.0)),
                drawn(3.0, f64::NEG_INFINITY, 5.0, None),
                drawn(0.0, 0.0, 0.0, None),
                drawn(5.0, 0.1, 9.9, Some(-9.9)),
                drawn(0.1, -1.0, 1.2, Some(1.19)),
            ]
            .map(|line| format!("[{line}]"))
            .join("\n"),
            @r"
        [ │  ├─────●────┤ ]
        [ ├─────●──┼───┤┊ ]
        [ ├───●┼──┊─────┤ ]
        [ ┊      │├──●──┤ ]
        [│●             ┊ ]
        [◄┼───────●─────┤ ]
        [        ●        ]
        [ ┊     │├───●──┤ ]
        [ ├─────┼●─────┊┤ ]
        "
        );
    }

    proptest! {
        #[test]
        fn a_drawing_has_its_width_whatever_the_numbers(
            estimate in proptest::num::f64::ANY,
            low in proptest::num::f64::ANY,
            high in proptest::num::f64::ANY,
            margin in proptest::option::of(proptest::num::f64::ANY),
        ) {
            let scale = Scale::containing([low, high, margin.unwrap_or(0.0)]);
            let gauge = Gauge { scale, estimate: Some(estimate), low, high, margin };
            prop_assert_eq!(gauge.draw().chars().count(), WIDTH);
        }
    }
}
