//! How often a cause is named that is none, and how often the true one.

use std::collections::BTreeMap;

use super::*;
use trialbook_model::{DimensionKey, Split};

/// Made-up random numbers (Steele, Lea and Flood 2014), the same on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

const DAYS: usize = 14;
/// The day of which the book was changed at noon: the slice of that day is divided.
const CHANGE: usize = 6;

fn at(slice: usize) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + slice as i64 * 43_200).expect("an instant")
}

/// Units of three platforms and six countries over two weeks; `lost` gives the percentage of the treatment's units that is lost, by
/// platform, country and slice.
fn cells(numbers: &mut Numbers, units: u64, lost: impl Fn(usize, usize, usize) -> u64) -> SplitCells {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let dimension = |name: &str| DimensionKey::new(name).expect("a name");
    let change = BookChange { commit: "c".repeat(40), at: at(CHANGE + 1), subject: "Change it".to_owned() };
    let mut cells = SplitCells {
        dimensions: vec![
            (dimension("platform"), names(&["web", "ios", "android"])),
            (dimension("country"), names(&["de", "se", "fr", "it", "es", "pl"])),
        ],
        slices: (0..=DAYS).map(|slice| (at(slice), (slice == CHANGE + 1).then(|| change.clone()))).collect(),
        units: BTreeMap::new(),
    };
    for _ in 0..units {
        let (platform, country, slice) =
            (numbers.next(3) as usize, numbers.next(6) as usize, numbers.next(DAYS as u64 + 1) as usize);
        let arm = numbers.next(2) as usize;
        if arm == 1 && numbers.next(100) < lost(platform, country, slice) {
            continue;
        }
        let (p, c) = ((0, platform), (1, country));
        for conditions in [vec![], vec![p], vec![c], vec![p, c]] {
            let slices = cells.units.entry(conditions).or_insert_with(|| vec![vec![0; 2]; DAYS + 1]);
            slices[slice][arm] += 1;
        }
    }
    cells
}

fn split() -> Split {
    let half = || Share::from_ppm(500_000).expect("a share");
    let key = |key: &str| VariantKey::new(key).expect("a key");
    Split::new(vec![(key("off"), half()), (key("on"), half())]).expect("a split")
}

fn searched(
    numbers: &mut Numbers,
    units: u64,
    lost: impl Fn(usize, usize, usize) -> u64,
) -> Option<SplitCause> {
    diagnosis(&split(), &cells(numbers, units, lost), 0.001).expect("a search").cause
}

#[test]
fn a_loss_that_is_the_same_everywhere_is_blamed_on_no_part_more_often_than_promised() {
    let mut numbers = Numbers(1);
    let searches = 1_000;
    for percent in [0, 15, 50] {
        let named =
            (0..searches).filter(|_| searched(&mut numbers, 2_000, |_, _, _| percent).is_some()).count();
        // One in a hundred, and three standard errors of that.
        assert!(named <= 19, "{named} of {searches} searches named a part at a loss of {percent} %");
    }
}

#[test]
fn the_units_that_are_lost_are_named_with_their_time() {
    let mut numbers = Numbers(2);
    let searches = 200;
    let is_web_since = |cause: &SplitCause, slice: usize| {
        let dimensions: Vec<_> = cause.dimensions.iter().map(|(d, v)| (d.as_str(), v.as_str())).collect();
        dimensions == [("platform", "web")]
            && cause.since == Some(at(slice))
            && cause.until.is_none()
            && cause.short.as_str() == "on"
    };
    let count = |numbers: &mut Numbers, begins: usize| {
        let of = |platform, _, slice| if platform == 0 && slice >= begins { 60 } else { 0 };
        let causes = (0..searches).filter_map(|_| searched(numbers, 6_000, of));
        let (mut right, mut by_change) = (0, 0);
        for cause in causes {
            right += usize::from(is_web_since(&cause, begins));
            by_change += usize::from(cause.change.is_some());
        }
        (right, by_change)
    };
    let (right, _) = count(&mut numbers, 4);
    assert!(right >= 180, "{right} of {searches} searches named the web since the fifth day");
    let (right, by_change) = count(&mut numbers, CHANGE + 1);
    assert!(right >= 180 && by_change >= 180, "{right}, and {by_change} with the change of the book");
}

#[test]
fn two_conditions_are_named_where_neither_alone_explains_it() {
    let mut numbers = Numbers(3);
    let of = |platform, country, _| if platform == 1 && country == 2 { 80 } else { 0 };
    let cause = searched(&mut numbers, 20_000, of).expect("a cause");
    let dimensions: Vec<_> = cause.dimensions.iter().map(|(d, v)| (d.as_str(), v.as_str())).collect();
    assert_eq!(dimensions, [("platform", "ios"), ("country", "fr")]);
    assert_eq!((cause.since, cause.until, &cause.change), (None, None, &None));
    assert!(cause.others_even && cause.p_value < 1e-6, "{cause:?}");
    let units = |arms: &[SplitArm]| arms.iter().map(|arm| arm.units).sum::<u64>();
    assert!(units(&cause.arms) < 1_200 && units(&cause.others) > 17_000);
}
