//! One directional test over its looks, by either method.
//!
//! Every metric comes down to the same: how many standard errors of the normal distribution a look's p-value stands for, and
//! how many units there were. So Student's t and exact tests keep their exactness, and a bound is met exactly where the
//! interval at that bound leaves out what is tested against.

use trialbook_decision as decision;
use trialbook_model::{Analysis, Method};
use trialbook_stats::Probability;
use trialbook_stats::distribution::normal;
use trialbook_stats::sequential::always_valid::{one_sided_p, one_sided_rho_squared, one_sided_width};
use trialbook_stats::sequential::{Designs, Monitor, Seen, Stopped};

/// Beyond so many standard errors a p-value is not a double any more.
const FARTHEST: f64 = 38.0;

/// A look at a metric in two arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Its place among the looks of the experiment.
    pub(super) look: usize,
    /// The units of the control and of the treatment.
    pub(super) units: [u64; 2],
    /// The share of the schedule that has passed for the metric: 1 from its last look on.
    pub(super) time: f64,
    /// The statistic in the direction that is tested for.
    pub(super) z: f64,
}

impl Point {
    /// Returns the statistic that a one-sided p-value of a single look stands for.
    pub(super) fn statistic(p_once: f64) -> f64 {
        normal::upper_quantile(p_once).clamp(-FARTHEST, FARTHEST)
    }

    fn all(&self) -> f64 {
        self.units.iter().sum::<u64>() as f64
    }

    /// What is known: the variance of a difference of means falls as its inverse. Unlike one over the squared standard error
    /// it never falls by chance.
    fn information(&self) -> f64 {
        let [control, treatment] = self.units.map(|units| units as f64);
        control * treatment / (control + treatment)
    }
}

/// A directional test with its bounds at the looks.
#[derive(Debug)]
pub(super) struct Test {
    level: Probability,
    points: Vec<Point>,
    /// The bound of each point; `None` where nothing can be significant.
    bounds: Vec<Option<f64>>,
    /// The first point that met its bound.
    met: Option<usize>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    GroupSequential(Monitor),
    AlwaysValid {
        rho_squared: f64,
    },
    /// No look has counted yet.
    Nothing,
}

impl Test {
    /// Makes the test of the points, which are in order of their looks.
    pub(super) fn new(
        plan: &Analysis,
        level: Probability,
        points: Vec<Point>,
        designs: &mut Designs,
    ) -> Self {
        if plan.method == Method::AlwaysValid {
            return Self::always_valid(plan, level, points);
        }
        // What comes after a metric's last look has nothing to spend.
        let last = points.iter().position(|point| point.time >= 1.0);
        let points: Vec<Point> = points.into_iter().take(last.map_or(usize::MAX, |last| last + 1)).collect();
        let seen: Vec<Seen> = points
            .iter()
            .map(|point| Seen {
                estimate: point.z,
                standard_error: 1.0,
                information: point.information(),
                time: point.time,
            })
            .collect();
        match designs.monitor(&seen, decision::spending(plan.spending), level) {
            Ok(monitor) => Self {
                level,
                bounds: monitor.looks().iter().map(|look| look.bound).collect(),
                met: monitor.stopped(),
                points,
                way: Way::GroupSequential(monitor),
            },
            Err(_) => Self { level, points: Vec::new(), bounds: Vec::new(), met: None, way: Way::Nothing },
        }
    }

    fn always_valid(plan: &Analysis, level: Probability, points: Vec<Point>) -> Self {
        let rho_squared = one_sided_rho_squared(level, plan.planned_units.0 as f64);
        let bound = |point: &Point| one_sided_width(level, point.all(), rho_squared);
        let bounds: Vec<_> =
            points.iter().map(|point| Some(bound(point)).filter(|b| b.is_finite())).collect();
        let met = points.iter().zip(&bounds).position(|(point, bound)| bound.is_some_and(|b| point.z >= b));
        Self { level, points, bounds, met, way: Way::AlwaysValid { rho_squared } }
    }

    /// Returns the points up to a look.
    pub(super) fn until(&self, look: usize) -> impl Iterator<Item = (&Point, Option<f64>)> {
        let points = self.points.iter().zip(self.bounds.iter().copied());
        points.take_while(move |(point, _)| point.look <= look)
    }

    /// Returns the look at which a bound was first met, where that was not after a look.
    pub(super) fn met_by(&self, look: usize) -> Option<usize> {
        self.met.and_then(|met| self.points.get(met)).map(|point| point.look).filter(|met| *met <= look)
    }

    /// Returns the p-value that is valid at every look up to one; `None` where no look has counted.
    pub(super) fn p_by(&self, look: usize) -> Option<f64> {
        let (count, (last, _)) = self.until(look).enumerate().last()?;
        match &self.way {
            Way::Nothing => None,
            Way::AlwaysValid { rho_squared } => {
                let p = self.until(look).map(|(point, _)| one_sided_p(point.z, point.all() * rho_squared));
                p.reduce(f64::min)
            }
            Way::GroupSequential(monitor) => {
                let p = |place| monitor.result_at(place).map(|result| result.p_value());
                match self.met.filter(|met| *met <= count) {
                    // At the bound itself it is what has been spent, but for the last digits.
                    Some(met) => Some(p(met).unwrap_or(self.level.get()).min(self.level.get())),
                    None if last.time >= 1.0 => {
                        Some(p(count).filter(|p| *p > self.level.get()).unwrap_or(1.0))
                    }
                    None => Some(1.0),
                }
            }
        }
    }

    /// Returns the result of a group sequential test that met its bound before its last look, and not after this one; with the
    /// statistic.
    pub(super) fn stopped_early(&self, look: usize) -> Option<(Stopped, f64)> {
        let Way::GroupSequential(monitor) = &self.way else { return None };
        let met = self.met?;
        let point = self.points.get(met).filter(|point| point.look <= look && point.time < 1.0)?;
        Some((monitor.result_at(met)?, point.z))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level() -> Probability {
        Probability::new(0.025).unwrap()
    }

    fn plan(method: Method) -> Analysis {
        Analysis { method, ..Analysis::default() }
    }

    /// Ten looks with so many standard errors each.
    fn points(z: impl Fn(usize) -> f64) -> Vec<Point> {
        let point = |look: usize| {
            let units = 100 * (look as u64 + 1);
            Point { look, units: [units, units], time: (look + 1) as f64 / 10.0, z: z(look) }
        };
        (0..10).map(point).collect()
    }

    #[test]
    fn a_p_value_is_below_the_level_exactly_where_a_bound_was_met() {
        for method in [Method::GroupSequential, Method::AlwaysValid] {
            for strength in [0.5, 1.0, 2.0, 4.0, 8.0] {
                let z = |look: usize| strength * ((look + 1) as f64 / 10.0).sqrt();
                let test = Test::new(&plan(method), level(), points(z), &mut Designs::default());
                for look in 0..10 {
                    let p = test.p_by(look).unwrap();
                    assert_eq!(p <= 0.025, test.met_by(look).is_some(), "{method:?} {strength} {look}: {p}");
                }
            }
        }
    }

    #[test]
    fn a_look_that_comes_later_changes_no_earlier_one() {
        for method in [Method::GroupSequential, Method::AlwaysValid] {
            let all = points(|look| if look == 6 { 4.0 } else { 1.0 });
            let whole = Test::new(&plan(method), level(), all.clone(), &mut Designs::default());
            for upto in 1..10 {
                let part = Test::new(&plan(method), level(), all[..upto].to_vec(), &mut Designs::default());
                let (p, q) = (part.p_by(upto - 1).unwrap(), whole.p_by(upto - 1).unwrap());
                assert!((p - q).abs() < 1e-9, "{method:?} {upto}: {p} {q}");
                assert_eq!(part.met_by(upto - 1), whole.met_by(upto - 1));
            }
        }
    }

    #[test]
    fn the_last_look_of_a_metric_is_its_last() {
        let mut late = points(|_| 1.0);
        late.push(Point { look: 10, units: [2000, 2000], time: 1.0, z: 9.0 });
        let test = Test::new(&plan(Method::GroupSequential), level(), late, &mut Designs::default());
        assert_eq!(test.met_by(10), None);
        assert!(test.p_by(10).is_some_and(|p| p > 0.025 && p < 0.5));
    }

    #[test]
    fn without_a_look_there_is_no_p_value() {
        let test = Test::new(&plan(Method::GroupSequential), level(), Vec::new(), &mut Designs::default());
        assert_eq!((test.p_by(3), test.met_by(3)), (None, None));
    }
}
