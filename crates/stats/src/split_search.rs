//! Where a broken split sits: among many sets of units, the one outside of which the split is as promised.
//!
//! The units of a set are lost or added at a rate of their own, and all others are split as promised: the set under which the
//! data are the most likely is the cause (the scan statistic of Kulldorff 1997, for a split). It is named only where
//! its split differs from that of all other units by more than the search explains, so a loss that is the same
//! everywhere names nothing. That difference does not depend on how uneven all units together are: χ² of the parts is χ² of the whole and χ²
//! of the difference, which are independent. So it does not matter that the search begins because the whole is uneven.

use super::distribution::chi_square;
use super::sample_ratio::{CHI_SQUARE_MINIMUM_EXPECTED, SampleRatioUntestable, promised_shares};

/// A search through sets of units, which are compared one by one. `T` names a set.
///
/// Each set is of a class, such as those with one condition and those with two. Each class has the same part of the level,
/// whatever the number of its sets, so that the many complicated sets do not hide a simple one.
#[derive(Debug, Clone)]
pub struct SplitSearch<T> {
    shares: Vec<f64>,
    total: Vec<u64>,
    classes: Vec<Class<T>>,
}

#[derive(Debug, Clone)]
struct Class<T> {
    compared: u64,
    best: Option<(T, f64, Vec<u64>)>,
}

/// The set of units that explains a split.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSet<T> {
    /// Which.
    pub set: T,
    /// Its units in each arm.
    pub inside: Vec<u64>,
    /// All other units in each arm.
    pub outside: Vec<u64>,
    /// The p-value of "the set is split as all other units are", times the number of sets that were compared (Bonferroni, by
    /// classes).
    pub p_value: f64,
    /// The p-value of "the other units are split as promised", of that set alone.
    pub p_outside: f64,
}

impl<T: Clone> SplitSearch<T> {
    /// Begins a search among all units of (observed units, promised share) per arm, with so many classes of sets.
    ///
    /// # Errors
    ///
    /// As for [`sample_ratio`](super::sample_ratio::sample_ratio).
    pub fn new(arms: &[(u64, f64)], classes: usize) -> Result<Self, SampleRatioUntestable> {
        let shares = promised_shares(arms)?;
        let total: Vec<u64> = arms.iter().map(|(units, _)| *units).collect();
        if total.iter().all(|units| *units == 0) {
            return Err(SampleRatioUntestable::NoUnits);
        }
        Ok(Self { shares, total, classes: vec![Class { compared: 0, best: None }; classes] })
    }

    /// Compares a set, given by its units in each arm. One with too few units for a test, or with nearly all, is passed over;
    /// so is one of a class or with arms that the search does not have.
    pub fn compare(&mut self, class: usize, set: T, inside: &[u64]) {
        let fits =
            inside.len() == self.total.len() && inside.iter().zip(&self.total).all(|(i, all)| i <= all);
        if !fits || !self.is_testable(inside) {
            return;
        }
        let gain = likelihood_ratio(inside, &self.shares);
        let Some(class) = self.classes.get_mut(class) else { return };
        class.compared += 1;
        if class.best.as_ref().is_none_or(|(_, best, _)| gain > *best) {
            class.best = Some((set, gain, inside.to_vec()));
        }
    }

    /// Returns how many sets have been compared.
    pub fn compared(&self) -> u64 {
        self.classes.iter().map(|class| class.compared).sum()
    }

    /// Returns the set that explains the split best, where its p-value is below the level.
    pub fn found(self, level: f64) -> Option<FoundSet<T>> {
        let classes = self.classes.iter().filter(|class| class.compared > 0).count() as f64;
        let searched = |class: &Class<T>| classes * class.compared as f64;
        let score = |class: &Class<T>| {
            class.best.as_ref().map_or(f64::NEG_INFINITY, |(_, gain, _)| gain / 2.0 - searched(class).ln())
        };
        let mut best: Option<&Class<T>> = None;
        for class in self.classes.iter().filter(|class| class.best.is_some()) {
            // Of two that explain it equally well, the one of the earlier class.
            if best.is_none_or(|best| score(class) > score(best)) {
                best = Some(class);
            }
        }
        let class = best?;
        let (set, gain, inside) = class.best.clone()?;
        let outside: Vec<u64> = self.total.iter().zip(&inside).map(|(all, inside)| all - inside).collect();
        let freedom = u32::try_from(self.shares.len() - 1).unwrap_or(u32::MAX);
        let corrected = |statistic: f64| (chi_square::sf(statistic, freedom) * searched(class)).min(1.0);
        let p_value = corrected(difference(&inside, &outside));
        let uneven = corrected(gain);
        let p_outside = chi_square::sf(distance(&outside, &self.shares), freedom);
        (p_value < level && uneven < level).then_some(FoundSet { set, inside, outside, p_value, p_outside })
    }

    /// Tells whether χ² holds: in each arm of the set, and of the other units, enough are expected.
    fn is_testable(&self, inside: &[u64]) -> bool {
        let within: u64 = inside.iter().sum();
        let without = self.total.iter().sum::<u64>() - within;
        let fewest = within.min(without) as f64;
        let all = within as f64 + without as f64;
        self.shares.iter().zip(&self.total).all(|(share, units)| {
            let expected = (fewest * share).min(fewest * *units as f64 / all);
            expected >= CHI_SQUARE_MINIMUM_EXPECTED
        })
    }
}

/// Twice the logarithm of how much more likely the units are at their own split than at the promised one.
fn likelihood_ratio(units: &[u64], shares: &[f64]) -> f64 {
    let all = units.iter().sum::<u64>() as f64;
    let part = |(units, share): (&u64, &f64)| match *units as f64 {
        0.0 => 0.0,
        units => units * (units / (all * share)).ln(),
    };
    2.0 * units.iter().zip(shares).map(part).sum::<f64>()
}

/// Pearson's χ² of units against promised shares.
fn distance(units: &[u64], shares: &[f64]) -> f64 {
    let all = units.iter().sum::<u64>() as f64;
    let part = |(units, share): (&u64, &f64)| (*units as f64 - all * share).powi(2) / (all * share);
    units.iter().zip(shares).map(part).sum()
}

/// Pearson's χ² of two groups of units that should be split alike.
fn difference(inside: &[u64], outside: &[u64]) -> f64 {
    let sum = |units: &[u64]| units.iter().sum::<u64>() as f64;
    let all = sum(inside) + sum(outside);
    let shares: Vec<f64> = inside.iter().zip(outside).map(|(a, b)| (*a as f64 + *b as f64) / all).collect();
    distance(inside, &shares) + distance(outside, &shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(inside: &[(usize, &'static str, [u64; 2])]) -> Option<FoundSet<&'static str>> {
        let mut search = SplitSearch::new(&[(1000, 0.5), (900, 0.5)], 2).expect("a search");
        for (class, set, units) in inside {
            search.compare(*class, *set, units);
        }
        search.found(0.01)
    }

    #[test]
    fn the_set_that_holds_the_whole_loss_is_named_and_not_what_contains_it_or_a_part_of_it() {
        let sets = [
            (0, "half of it", [100, 60]),
            (0, "it", [200, 100]),
            (0, "with others", [500, 400]),
            (1, "most", [180, 90]),
        ];
        let found = search(&sets).expect("a set");
        assert_eq!(
            (found.set, found.inside.as_slice(), found.outside.as_slice()),
            ("it", &[200, 100][..], &[800, 800][..])
        );
        assert!(found.p_value < 1e-6 && found.p_outside > 0.99, "{found:?}");
    }

    #[test]
    fn a_loss_that_is_the_same_everywhere_names_no_set() {
        assert_eq!(search(&[(0, "half", [500, 450]), (0, "third", [333, 300])]), None);
    }

    #[test]
    fn what_cannot_be_compared_is_passed_over() {
        let mut search = SplitSearch::new(&[(1000, 0.5), (900, 0.5)], 1).expect("a search");
        search.compare(0, "few", &[9, 0]);
        search.compare(0, "nearly all", &[999, 895]);
        search.compare(0, "more than all", &[1001, 0]);
        search.compare(0, "another number of arms", &[100, 100, 100]);
        search.compare(1, "no such class", &[200, 100]);
        assert_eq!(search.compared(), 0);
        assert_eq!(search.found(0.01), None);
        assert!(SplitSearch::<()>::new(&[(0, 0.5), (0, 0.5)], 1).is_err());
    }

    /// The statistics against values by hand: 2·(200·ln(200/150) + 100·ln(100/150)) and the 2×2 table of (200, 100) and (800, 800).
    #[test]
    fn the_statistics_are_those_of_the_formulas() {
        assert!((likelihood_ratio(&[200, 100], &[0.5, 0.5]) - 33.979_807_359).abs() < 1e-8);
        assert!((distance(&[200, 100], &[0.5, 0.5]) - 100.0 / 3.0).abs() < 1e-12);
        let (n, ad_bc) = (1900.0, 200.0 * 800.0 - 100.0 * 800.0);
        let by_hand = n * ad_bc * ad_bc / (300.0 * 1600.0 * 1000.0 * 900.0);
        assert!((difference(&[200, 100], &[800, 800]) - by_hand).abs() < 1e-9);
    }
}
