//! Which units explain a broken split: those of a dimension's value, of a time, of the time since a change of the book, or of
//! several of these at once.

use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::query::{BookChange, SplitCells};
use trialbook_decision::SplitArm;
use trialbook_model::{DimensionKey, Share, Split, VariantKey};
use trialbook_stats::split_search::{FoundSet, SplitSearch};

/// A set of units is named where chance names one in fewer than this share of searches.
const LEVEL: f64 = 0.01;

/// What a search for the cause of a broken split came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitDiagnosis {
    /// How many sets of units were compared.
    pub compared: u64,
    /// How often a search may name a set although all units are split alike.
    pub level: f64,
    /// What explains the split; `None` where no set of units stands out, so that whatever is wrong is wrong everywhere.
    pub cause: Option<SplitCause>,
}

/// The set of units that explains a broken split: they fulfil all of its conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitCause {
    /// At most two dimensions, each with the value that the units had at their first exposure; empty where there was none.
    pub dimensions: Vec<(DimensionKey, String)>,
    /// They were first exposed at or after it; `None`: from the start.
    pub since: Option<Timestamp>,
    /// They were first exposed before it; `None`: to the watermark.
    pub until: Option<Timestamp>,
    /// The change of the book with which their time begins.
    pub change: Option<BookChange>,
    /// The arm that has the least part of the units that it should have.
    pub short: VariantKey,
    /// Their arms, in the order of the split.
    pub arms: Vec<SplitArm>,
    /// The arms of all other units.
    pub others: Vec<SplitArm>,
    /// The p-value of "they are split as all other units", corrected for the search.
    pub p_value: f64,
    /// The p-value of "the other units are split as planned".
    pub p_others: f64,
    /// Whether they are, at the policy's level: else something is wrong there too.
    pub others_even: bool,
}

/// The set of units that a search compares: the conditions' place in the cells, and slices of the time.
#[derive(Debug, Clone)]
struct Set {
    conditions: usize,
    slices: Range<usize>,
}

/// How the time of a set is given. Sets are compared in classes by it, and by the number of their dimensions.
#[derive(Debug, Clone, Copy)]
enum Time {
    Any,
    SinceChange,
    Between,
}

const TIMES: usize = 3;
const CLASSES: usize = 3 * TIMES;

/// Searches for the set of units that explains a split that is not the planned one, at the policy's level for splits.
/// `None` where the split cannot be tested.
pub(super) fn diagnosis(split: &Split, cells: &SplitCells, sample_ratio_p: f64) -> Option<SplitDiagnosis> {
    let all = cells.units.get(&Vec::new())?;
    let shares: Vec<f64> = split.shares().iter().map(|(_, share)| f64::from(share.ppm())).collect();
    let total = sums(all, 0..all.len());
    let arms: Vec<(u64, f64)> = total.iter().copied().zip(shares).collect();
    let mut search = SplitSearch::new(&arms, CLASSES).ok()?;
    let times = times(cells);
    for (place, (conditions, slices)) in cells.units.iter().enumerate() {
        // Sums up to each slice, so that a set costs the same however long its time is.
        let until = cumulated(slices, total.len());
        for (time, range) in &times {
            let is_everybody = conditions.is_empty() && matches!(time, Time::Any);
            let (Some(from), Some(to)) = (until.get(range.start), until.get(range.end)) else { continue };
            if !is_everybody {
                let inside: Vec<u64> = to.iter().zip(from).map(|(to, from)| to - from).collect();
                let set = Set { conditions: place, slices: range.clone() };
                search.compare(conditions.len() * TIMES + *time as usize, set, &inside);
            }
        }
    }
    let compared = search.compared();
    let cause = search.found(LEVEL).and_then(|found| cause(split, cells, found, sample_ratio_p));
    Some(SplitDiagnosis { compared, level: LEVEL, cause })
}

/// Returns the times that are compared, as slices.
fn times(cells: &SplitCells) -> Vec<(Time, Range<usize>)> {
    let all = cells.slices.len();
    let is_change = |slice: &usize| cells.slices.get(*slice).is_some_and(|(_, change)| change.is_some());
    let changes: Vec<usize> = (0..all).filter(is_change).collect();
    let mut times = vec![(Time::Any, 0..all)];
    for (n, change) in changes.iter().enumerate() {
        times.push((Time::SinceChange, *change..all));
        // Until the next one, which may have repaired it.
        times.extend(changes.get(n + 1).map(|next| (Time::SinceChange, *change..*next)));
    }
    // Days: from one, up to one, or between two.
    let days: Vec<usize> = (0..all).filter(|slice| !is_change(slice)).chain([all]).collect();
    for (n, from) in days.iter().enumerate() {
        let later = days.iter().skip(n + 1).filter(|to| **to - from < all);
        times.extend(later.map(|to| (Time::Between, *from..*to)));
    }
    times
}

fn sums(slices: &[Vec<u64>], range: Range<usize>) -> Vec<u64> {
    let slices = slices.get(range).unwrap_or(&[]);
    let arms = slices.first().map_or(0, Vec::len);
    (0..arms).map(|arm| slices.iter().filter_map(|slice| slice.get(arm)).sum()).collect()
}

/// Returns the sums of the slices before each one, and of all.
fn cumulated(slices: &[Vec<u64>], arms: usize) -> Vec<Vec<u64>> {
    let mut sum = vec![0; arms];
    let mut found = vec![sum.clone()];
    for slice in slices {
        sum.iter_mut().zip(slice).for_each(|(sum, units)| *sum += units);
        found.push(sum.clone());
    }
    found
}

/// Returns the found set in the book's terms.
fn cause(split: &Split, cells: &SplitCells, found: FoundSet<Set>, sample_ratio_p: f64) -> Option<SplitCause> {
    let FoundSet { set, inside, outside, p_value, p_outside } = found;
    let (conditions, _) = cells.units.iter().nth(set.conditions)?;
    let dimensions = conditions.iter().filter_map(|(dimension, value)| {
        let (name, values) = cells.dimensions.get(*dimension)?;
        Some((name.clone(), values.get(*value)?.clone()))
    });
    let (first, last) = (set.slices.start, set.slices.end);
    let begins = cells.slices.get(first).filter(|_| first > 0 || set.slices.len() < cells.slices.len());
    let arms_of = |units: &[u64]| -> Vec<SplitArm> {
        let arm = |((variant, share), units): (&(VariantKey, Share), &u64)| SplitArm {
            variant: variant.clone(),
            units: *units,
            share: *share,
        };
        split.shares().iter().zip(units).map(arm).collect()
    };
    let arms = arms_of(&inside);
    let part = |arm: &SplitArm| arm.units as f64 / arm.share.fraction();
    let short = arms.iter().min_by(|a, b| part(a).total_cmp(&part(b)))?.variant.clone();
    Some(SplitCause {
        dimensions: dimensions.collect(),
        since: begins.filter(|_| first > 0).map(|(at, _)| *at),
        until: cells.slices.get(last).map(|(at, _)| *at),
        change: begins.and_then(|(_, change)| change.clone()),
        short,
        others: arms_of(&outside),
        arms,
        p_value,
        p_others: p_outside,
        others_even: p_outside >= sample_ratio_p,
    })
}

#[cfg(test)]
mod tests;
