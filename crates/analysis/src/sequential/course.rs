//! A metric of a treatment over the looks: its tests, and what is shown of them.

use std::cell::RefCell;

use jiff::Timestamp;

use super::test::{Point, Test};
use crate::compared::Compared;
use crate::effect::{DeclaredEffect, Effect, Estimate, Interval, Lift, NonInferiority, NotMeasured, WhyNot};
use crate::estimate::{Bench, not_computed};
use crate::outcome::{Corrected, EstimateLook, LookShown, Looked, MetricComparison, Role};
use crate::query::Measured;
use crate::work::Work;
use trialbook_decision::{self as decision, GuardrailTest, Judgement, MetricFinding, Part};
use trialbook_model::{Metric, VariantKey, Window};
use trialbook_stats::Better;
use trialbook_stats::Probability;
use trialbook_stats::distribution::normal;
use trialbook_stats::sequential::Designs;
use trialbook_stats::sequential::always_valid::{rho_squared, two_sided_p, two_sided_width};

/// A metric of a treatment over the looks up to the watermark.
pub(super) struct Course<'a> {
    work: Work<'a>,
    bench: Bench<'a>,
    treatment: &'a VariantKey,
    /// What was measured at each look, or why nothing was.
    measured: Vec<Result<&'a Measured, NotMeasured>>,
    /// The tests, for a metric that decides.
    tests: Option<Tests>,
    /// The p-value of *worse* at each look, valid at all looks up to it.
    p_worse: Vec<Option<f64>>,
}

/// The tests of a metric that decides.
struct Tests {
    /// That it is better; of a guardrail, within its margin.
    main: Test,
    /// That the declared effect is ruled out; of a guardrail, that it is beyond its margin.
    other: Test,
}

/// One look at a metric that decides.
struct Seen {
    main: f64,
    other: Option<f64>,
}

impl<'a> Course<'a> {
    pub(super) fn new(
        work: &Work<'a>,
        bench: Bench<'a>,
        treatment: &'a VariantKey,
        designs: &RefCell<Designs>,
    ) -> Self {
        let mut course = Self {
            work: *work,
            treatment,
            measured: work.looks().iter().map(|look| measured(work, look, bench.metric)).collect(),
            bench,
            tests: None,
            p_worse: Vec::new(),
        };
        if !matches!(course.bench.role, Role::Exploratory) {
            course.tests = course.bench.level.map(|level| course.tests(level, designs));
            course.p_worse = course.harm();
        }
        course
    }

    fn look(&self, place: usize) -> Result<&'a Measured, NotMeasured> {
        self.measured.get(place).cloned().unwrap_or_else(|| Err(no_look()))
    }

    fn at(&self, place: usize) -> Timestamp {
        self.work.looks().get(place).map_or(self.work.as_of, |look| look.at)
    }

    /// Returns the units of the control and the treatment at a look, where both are enough for a result.
    fn units(&self, measured: &Measured) -> Option<[u64; 2]> {
        let units = |variant: &VariantKey| {
            measured.arms.iter().find(|arm| arm.variant == *variant).map(|arm| arm.units)
        };
        let both = [units(&self.work.experiment.control)?, units(self.treatment)?];
        both.iter().all(|units| *units >= self.bench.fewest.max(1)).then_some(both)
    }

    /// Returns the share of the schedule that has passed at a look: of the time in which units come whose windows have
    /// closed.
    fn time(&self, place: usize) -> f64 {
        let Window::Closed(window) = self.bench.metric.window else { return 0.0 };
        let (start, end) = (self.work.experiment.schedule.start(), self.work.experiment.schedule.end());
        let seconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
        let passed = seconds(start, window.before(self.at(place)));
        (passed / seconds(start, end)).clamp(0.0, 1.0)
    }

    fn compared(&self, measured: &Measured, alpha: Probability) -> Result<Compared, NotMeasured> {
        self.bench.measure(measured, &self.work.experiment.control, self.treatment, alpha)
    }

    /// Returns the p-values of a single look at a metric that decides.
    fn seen(&self, measured: &Measured, level: Probability) -> Option<Seen> {
        let compared = self.compared(measured, twice(level)).ok()?;
        match self.bench.role {
            Role::Success { mde } => {
                let main = self.towards(&compared.effect);
                let other = match compared.declared_effect(mde, self.bench.direction, level) {
                    DeclaredEffect::Tested { p_smaller, .. } => Some(p_smaller),
                    DeclaredEffect::NotTested(_) => None,
                };
                Some(Seen { main, other })
            }
            Role::Guardrail { margin } => {
                match compared.non_inferiority(margin, self.bench.direction, level) {
                    NonInferiority::Tested(test) => {
                        Some(Seen { main: test.p_value, other: Some(test.p_breached) })
                    }
                    NonInferiority::NotTested(_) => None,
                }
            }
            Role::Exploratory => None,
        }
    }

    /// Returns the p-value of "better" at a single look.
    fn towards(&self, effect: &Effect) -> f64 {
        match self.bench.direction {
            Better::Higher => effect.p_greater,
            Better::Lower => effect.p_less,
        }
    }

    fn tests(&self, level: Probability, designs: &RefCell<Designs>) -> Tests {
        let (mut main, mut other) = (Vec::new(), Vec::new());
        for (look, measured) in self.measured.iter().enumerate() {
            let time = self.time(look);
            let Ok(measured) = measured else { continue };
            let (Some(units), true) = (self.units(measured), time > 0.0) else { continue };
            let Some(seen) = self.seen(measured, level) else { continue };
            let point = |p: f64| Point { look, units, time, z: Point::statistic(p) };
            main.push(point(seen.main));
            other.extend(seen.other.map(point));
        }
        let plan = &self.work.experiment.analysis;
        let test = |points| Test::new(plan, level, points, &mut designs.borrow_mut());
        Tests { main: test(main), other: test(other) }
    }

    fn harm(&self) -> Vec<Option<f64>> {
        let mut least: Option<f64> = None;
        let control = &self.work.experiment.control;
        let at = |measured: &Result<&Measured, NotMeasured>| {
            let watched = measured.as_ref().ok().and_then(|m| self.bench.watch(m, control, self.treatment));
            if let Some(watched) = watched {
                least = Some(least.map_or(watched.p_worse, |least| least.min(watched.p_worse)));
            }
            least
        };
        self.measured.iter().map(at).collect()
    }

    /// Returns what the rule needs to know at a look.
    pub(super) fn finding(&self, place: usize) -> MetricFinding {
        // A number that was there at an earlier look and is not at this one is none.
        let usable = self.look(place).is_ok_and(|measured| {
            self.bench.level.is_some_and(|level| self.compared(measured, twice(level)).is_ok())
        });
        let tests = self.tests.as_ref().filter(|_| usable);
        let p = |test: fn(&Tests) -> &Test| tests.and_then(|tests| test(tests).p_by(place));
        let (main, other) = (p(|tests| &tests.main), p(|tests| &tests.other));
        let part = match self.bench.role {
            Role::Guardrail { .. } => Part::Guardrail(match (main, other) {
                (Some(p_safe), Some(p_breached)) => Some(GuardrailTest { p_safe, p_breached }),
                _ => None,
            }),
            Role::Success { .. } | Role::Exploratory => Part::Success { p_ruled_out: other },
        };
        // Of a guardrail it tells no more than that there is a number.
        let p_better =
            if matches!(self.bench.role, Role::Guardrail { .. }) { tests.map(|_| 1.0) } else { main };
        let lift = self.bench.level.and_then(|level| {
            let compared = self.compared(self.look(self.shown_at(place)).ok()?, twice(level)).ok()?;
            compared.effect.lift.value()
        });
        MetricFinding {
            metric: self.bench.metric.key.clone(),
            part,
            p_better,
            p_worse: self.p_worse.get(place).copied().flatten(),
            lift,
            step: None,
        }
    }

    /// Returns the look whose numbers are shown at a look: the one at which a bound was first met, or itself.
    fn shown_at(&self, place: usize) -> usize {
        let Some(tests) = &self.tests else { return place };
        let breached =
            matches!(self.bench.role, Role::Guardrail { .. }).then(|| tests.other.met_by(place)).flatten();
        let met = tests.main.met_by(place).into_iter().chain(breached);
        met.chain(self.harmed_at(place)).min().unwrap_or(place)
    }

    /// Returns the first look up to one at which the metric was significantly worse.
    fn harmed_at(&self, place: usize) -> Option<usize> {
        let level = self.bench.levels?.deterioration;
        let worse = |p: &Option<f64>| p.is_some_and(|p| level.rejects(p));
        self.p_worse.iter().take(place + 1).position(worse)
    }

    /// Returns what is shown of the metric at a look; `last` tells whether the plan has no look after it.
    pub(super) fn comparison(&self, place: usize, last: bool) -> MetricComparison {
        if matches!(self.bench.role, Role::Exploratory) {
            let estimate = self.explored(place).map_or_else(Estimate::NotMeasured, Estimate::Measured);
            let look = estimate.effect().and_then(|_| self.estimate_look(place, place));
            let shown = self.bench.shown(self.treatment, estimate, Judgement::NotMeasured);
            return MetricComparison { look, ..shown };
        }
        let finding = self.finding(place);
        let judgement =
            self.bench.levels.map_or(Judgement::NotMeasured, |levels| decision::judge(&finding, &levels));
        let judgement = match judgement {
            Judgement::NoDifference | Judgement::NotSafe if !last => Judgement::NotDecided,
            // Nobody has come whose window has closed, or too few.
            Judgement::NotMeasured if !last && self.until(place).next().is_none() => Judgement::NotDecided,
            judgement => judgement,
        };
        let shown = self.shown_at(place);
        let harmed = self.harmed_at(place) == Some(shown);
        let (effect, of) = if harmed {
            (self.watched(shown), Some(shown))
        } else {
            (self.effect(shown), self.until(shown).last().map(|(point, _)| point.look))
        };
        let look = effect.as_ref().ok().and(of).and_then(|of| self.estimate_look(of, place));
        let (mut non_inferiority, mut declared_effect) = (None, None);
        if let (Some(level), Ok(measured)) = (self.bench.level, self.look(shown))
            && let Ok(compared) = self.compared(measured, twice(level))
        {
            match self.bench.role {
                Role::Guardrail { margin } => {
                    let mut tested = compared.non_inferiority(margin, self.bench.direction, level);
                    if let (NonInferiority::Tested(test), Part::Guardrail(Some(found))) =
                        (&mut tested, &finding.part)
                    {
                        (test.p_value, test.p_breached) = (found.p_safe, found.p_breached);
                    }
                    non_inferiority = Some(tested);
                }
                Role::Success { mde } => {
                    let mut tested = compared.declared_effect(mde, self.bench.direction, level);
                    if let (
                        DeclaredEffect::Tested { p_smaller, .. },
                        Part::Success { p_ruled_out: Some(p) },
                    ) = (&mut tested, &finding.part)
                    {
                        *p_smaller = *p;
                    }
                    declared_effect = Some(tested);
                }
                Role::Exploratory => {}
            }
        }
        let estimate = effect.map_or_else(Estimate::NotMeasured, Estimate::Measured);
        MetricComparison {
            non_inferiority,
            declared_effect,
            p_worse: finding.p_worse,
            looks: self.looked(place, shown),
            look,
            ..self.bench.shown(self.treatment, estimate, judgement)
        }
    }

    /// Returns the points of the main test up to a look.
    fn until(&self, place: usize) -> impl Iterator<Item = (&Point, Option<f64>)> {
        self.tests.iter().flat_map(move |tests| tests.main.until(place))
    }

    /// Returns the effect at a look with its repeated interval.
    fn effect(&self, place: usize) -> Result<Effect, NotMeasured> {
        let measured = self.look(place)?;
        let level = self.bench.level.ok_or_else(|| NotMeasured::new("no-level", WhyNot::NoLevel))?;
        // What cannot be compared has its own reason.
        self.compared(measured, twice(level))?;
        let point = self.until(place).last().ok_or_else(too_few)?;
        let at = self.look(point.0.look)?;
        let bound = point.1.ok_or_else(nothing_spent)?;
        let mut compared = self.compared(at, once(bound)?)?;
        compared.effect.alpha = 2.0 * level.get();
        Ok(compared.effect)
    }

    /// Returns the effect of a look at which the metric is significantly worse.
    fn watched(&self, place: usize) -> Result<Effect, NotMeasured> {
        let control = &self.work.experiment.control;
        let watched = self.bench.watch(self.look(place)?, control, self.treatment);
        watched.map(|watched| watched.compared.effect).ok_or_else(too_few)
    }

    /// Returns the effect on a metric that decides nothing, with an interval that is valid at every look.
    fn explored(&self, place: usize) -> Result<Effect, NotMeasured> {
        let measured = self.look(place)?;
        let units = self.units(measured).ok_or_else(too_few)?;
        let plan = &self.work.experiment.analysis;
        let alpha = Probability::new(plan.alpha.fraction()).map_err(|_| too_few())?;
        let rho = rho_squared(alpha, plan.planned_units.0 as f64);
        let all = units.iter().sum::<u64>() as f64;
        let mut compared = self.compared(measured, once(two_sided_width(alpha, all, rho))?)?;
        let statistic = Point::statistic(0.5 * compared.effect.p_two_sided);
        compared.effect.p_two_sided = two_sided_p(statistic, all * rho);
        compared.effect.alpha = alpha.get();
        Ok(compared.effect)
    }

    fn looked(&self, place: usize, shown: usize) -> Option<Looked> {
        let tests = self.tests.as_ref()?;
        let p_value = tests.main.p_by(place)?;
        let path = self.until(shown).filter_map(|(point, bound)| self.path(point, bound)).collect();
        let met_at = tests.main.met_by(place).map(|look| self.at(look));
        Some(Looked { p_value, met_at, path, corrected: self.corrected(tests, place) })
    }

    /// Names the look that an estimate is of, where the verdict is that of the look at `place`.
    fn estimate_look(&self, of: usize, place: usize) -> Option<EstimateLook> {
        let compared = [&self.work.experiment.control, self.treatment];
        let arms = self.look(of).ok()?.arms.iter().filter(|arm| compared.contains(&&arm.variant));
        Some(EstimateLook { at: self.at(of), units: arms.map(|arm| arm.units).sum(), is_earlier: of < place })
    }

    fn path(&self, point: &Point, bound: Option<f64>) -> Option<LookShown> {
        let level = self.bench.level?;
        let at_bound = bound.and_then(|bound| once(bound).ok());
        let measured = self.look(point.look).ok()?;
        let effect = self.compared(measured, at_bound.unwrap_or(twice(level))).ok()?.effect;
        let (lift, lift_interval) = match effect.lift {
            Lift::Defined { lift, interval, .. } => (Some(lift), at_bound.map(|_| interval)),
            Lift::Undefined(_) => (None, None),
        };
        Some(LookShown {
            at: self.at(point.look),
            units: point.units.iter().sum(),
            difference: effect.difference,
            interval: at_bound.map(|_| effect.interval),
            lift,
            lift_interval,
            statistic: point.z,
            bound,
        })
    }

    /// Corrects the estimate of a test of *better* that stopped early. It is linear in the standard errors that it stands out by.
    fn corrected(&self, tests: &Tests, place: usize) -> Option<Corrected> {
        let (Role::Success { .. }, Some(level)) = (self.bench.role, self.bench.level) else { return None };
        let (stopped, _) = tests.main.stopped_early(place)?;
        let met = tests.main.met_by(place)?;
        let effect = self.compared(self.look(met).ok()?, twice(level)).ok()?.effect;
        let sign = if self.bench.direction == Better::Higher { 1.0 } else { -1.0 };
        let of = |errors: f64| sign * errors * effect.standard_error;
        let interval = |(lower, upper): (f64, f64)| {
            let (a, b) = (of(lower), of(upper));
            Interval { lower: a.min(b), upper: a.max(b) }
        };
        let difference = of(stopped.median_unbiased());
        let interval = interval(stopped.interval(twice(level)));
        let size = effect.lift.value().map(|_| effect.control_mean.abs());
        Some(Corrected {
            difference,
            interval,
            lift: size.map(|size| difference / size),
            lift_interval: size
                .map(|size| Interval { lower: interval.lower / size, upper: interval.upper / size }),
        })
    }
}

fn measured<'a>(
    work: &Work<'a>,
    look: &'a crate::query::Look,
    metric: &Metric,
) -> Result<&'a Measured, NotMeasured> {
    if metric.window == Window::Open {
        return Err(NotMeasured::new("open-window", WhyNot::OpenWindow));
    }
    if let Some(fault) = work.faults.get(&metric.key) {
        return Err(fault.clone());
    }
    match work.measured_at(look, metric) {
        Some(Ok(measured)) => Ok(measured),
        Some(Err(why)) => Err(not_computed(why)),
        None => match work.measured(&metric.key) {
            Some(Err(why)) => Err(not_computed(why)),
            _ => Err(NotMeasured::new("no-data", WhyNot::NothingRead)),
        },
    }
}

fn no_look() -> NotMeasured {
    NotMeasured::new("before-first-look", WhyNot::BeforeFirstLook)
}

fn too_few() -> NotMeasured {
    NotMeasured::new("few-closed-windows", WhyNot::FewClosedWindows)
}

fn nothing_spent() -> NotMeasured {
    NotMeasured::new("nothing-spent", WhyNot::NothingSpent)
}

/// Returns the two-sided level whose ends are the bounds of a one-sided test at a level.
fn twice(level: Probability) -> Probability {
    Probability::new(2.0 * level.get()).unwrap_or(level)
}

/// Returns the two-sided level at a single look whose interval has so many standard errors on either side.
fn once(bound: f64) -> Result<Probability, NotMeasured> {
    Probability::new(2.0 * normal::sf(bound)).map_err(|_| nothing_spent())
}
