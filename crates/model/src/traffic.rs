//! How many units come: distinct ones seen within spans of time.

use serde::{Deserialize, Serialize};

use super::Duration;

/// So many distinct units are seen within a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TrafficPoint {
    /// The span; longer than nothing.
    pub within: Duration,
    /// The units; at least one.
    pub units: u64,
}

/// How distinct units grow with time, as far as it is declared or measured.
///
/// Spans rise. Units never fall, and never grow faster than time: twice as long cannot show more than twice
/// as many.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<TrafficPoint>", into = "Vec<TrafficPoint>")]
pub struct Traffic(Vec<TrafficPoint>);

/// Why points are not traffic; each names the point that is wrong, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// There are none.
    #[error("there are no points")]
    Empty,
    /// A span is nothing, or no longer than the one before it.
    #[error("the span of point {0} is not longer than the one before it")]
    NotLonger(usize),
    /// There are no units, or fewer than within a shorter span.
    #[error("within a longer span, point {0} has fewer units than the one before it, or none")]
    Fewer(usize),
    /// Units grow faster than time.
    #[error("the units of point {0} grow faster than time")]
    TooMany(usize),
}

/// How many units are expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// The units, not rounded.
    pub units: f64,
    /// Whether this lies beyond the longest span that is known.
    pub extrapolated: bool,
}

impl Traffic {
    /// Makes traffic of points in order of their spans.
    ///
    /// # Errors
    ///
    /// Names the first point that does not fit those before it.
    pub fn new(points: Vec<TrafficPoint>) -> Result<Self, TrafficError> {
        if points.is_empty() {
            return Err(TrafficError::Empty);
        }
        for (at, point) in points.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| points.get(before));
            if point.within <= before.map_or(Duration::ZERO, |before| before.within) {
                return Err(TrafficError::NotLonger(at));
            }
            if point.units < before.map_or(1, |before| before.units) {
                return Err(TrafficError::Fewer(at));
            }
            if before.is_some_and(|before| per_day(point) > per_day(before) * (1.0 + 1e-12)) {
                return Err(TrafficError::TooMany(at));
            }
        }
        Ok(Self(points))
    }

    /// Returns the points, the shortest span first; never none.
    pub fn points(&self) -> &[TrafficPoint] {
        &self.0
    }

    /// Returns the longest span that is known.
    pub fn longest(&self) -> Duration {
        self.0.last().map_or(Duration::ZERO, |point| point.within)
    }

    /// Returns the distinct units that are expected within so many days.
    ///
    /// Between two points they follow the power of time that passes through both; before the first they grow
    /// with time; beyond the last they go on with the power of the last two, and with a single point not at
    /// all, because nothing shows that others come.
    pub fn within(&self, days: f64) -> Expected {
        let none = Expected { units: 0.0, extrapolated: false };
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return none };
        if days.is_nan() || days <= 0.0 {
            return none;
        }
        if days <= first.within.as_days() {
            let units = first.units as f64 * days / first.within.as_days();
            return Expected { units, extrapolated: false };
        }
        let extrapolated = days > last.within.as_days();
        let at = self.0.partition_point(|point| point.within.as_days() < days).min(self.0.len() - 1);
        let (Some(from), Some(to)) = (at.checked_sub(1).and_then(|from| self.0.get(from)), self.0.get(at))
        else {
            return Expected { units: last.units as f64, extrapolated };
        };
        let (from_days, to_days) = (from.within.as_days(), to.within.as_days());
        let power = (to.units as f64 / from.units as f64).ln() / (to_days / from_days).ln();
        Expected { units: from.units as f64 * (days / from_days).powf(power), extrapolated }
    }
}

fn per_day(point: &TrafficPoint) -> f64 {
    point.units as f64 / point.within.as_days()
}

impl TryFrom<Vec<TrafficPoint>> for Traffic {
    type Error = TrafficError;
    fn try_from(points: Vec<TrafficPoint>) -> Result<Self, TrafficError> {
        Self::new(points)
    }
}

impl From<Traffic> for Vec<TrafficPoint> {
    fn from(traffic: Traffic) -> Self {
        traffic.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn traffic(points: &[(u16, u64)]) -> Result<Traffic, TrafficError> {
        let point =
            |(days, units): &(u16, u64)| TrafficPoint { within: Duration::days(*days), units: *units };
        Traffic::new(points.iter().map(point).collect())
    }

    #[test]
    fn units_grow_with_time_and_no_faster() {
        assert!(traffic(&[(1, 9000), (7, 42_000), (28, 110_000)]).is_ok());
        assert_eq!(traffic(&[]), Err(TrafficError::Empty));
        assert_eq!(traffic(&[(0, 5)]), Err(TrafficError::NotLonger(0)));
        assert_eq!(traffic(&[(1, 5), (1, 6)]), Err(TrafficError::NotLonger(1)));
        assert_eq!(traffic(&[(1, 0)]), Err(TrafficError::Fewer(0)));
        assert_eq!(traffic(&[(1, 5), (7, 4)]), Err(TrafficError::Fewer(1)));
        assert_eq!(traffic(&[(1, 5), (7, 36)]), Err(TrafficError::TooMany(1)));
    }

    #[test]
    fn the_points_themselves_are_met_and_what_lies_beyond_is_said() {
        let known = traffic(&[(1, 9000), (7, 42_000), (28, 110_000)]).expect("traffic");
        for (days, units) in [(1.0, 9000.0), (7.0, 42_000.0), (28.0, 110_000.0)] {
            let expected = known.within(days);
            assert!((expected.units - units).abs() < 1e-6 && !expected.extrapolated);
        }
        assert!(known.within(28.1).extrapolated);
        assert_eq!(known.within(0.5).units, 4500.0);
        assert_eq!(known.within(-1.0).units, 0.0);
        let single = traffic(&[(7, 700)]).expect("traffic");
        assert_eq!(single.within(14.0), Expected { units: 700.0, extrapolated: true });
    }

    proptest! {
        #[test]
        fn more_time_never_shows_fewer_units_nor_more_than_in_proportion(
            grows in prop::collection::vec((1u16..30, 0.0..1.0), 1..6), a in 0.01..200.0, b in 0.01..200.0,
        ) {
            let mut points = Vec::new();
            let (mut days, mut units) = (0u16, 0.0);
            for (more, power) in grows {
                let next = days + more;
                units = if days == 0 { 1e6 } else { units * (f64::from(next) / f64::from(days)).powf(power) };
                days = next;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some units")]
                points.push((days, units as u64));
            }
            let known = traffic(&points).unwrap();
            let (short, long) = (f64::min(a, b), f64::max(a, b));
            let (few, many) = (known.within(short).units, known.within(long).units);
            prop_assert!(few <= many * (1.0 + 1e-9));
            prop_assert!(many <= few * (long / short) * (1.0 + 1e-5));
        }
    }
}
