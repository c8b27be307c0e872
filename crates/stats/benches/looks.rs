//! What it costs to look: 1,000 metrics at 28 looks, with bounds and repeated intervals.
//!
//! `cargo bench -p trialbook-stats --bench looks`. The moments are there; what is measured is everything after them. The
//! metrics of an experiment count the same units, so they share their bounds; the second figure is for metrics that
//! share none.

#![allow(clippy::disallowed_macros, reason = "a benchmark prints its numbers")]

use std::time::Instant;

use trialbook_stats::sequential::{Designs, Seen, Spending};
use trialbook_stats::{Moments, Probability, mean_difference};

const METRICS: u64 = 1000;
const LOOKS: u64 = 28;
/// Of the metrics that share no bounds.
const OWN: u64 = 5;

fn main() {
    let shared = median(|| run(METRICS, |_| 0));
    println!("{METRICS} metrics × {LOOKS} looks, the same units:      {shared:8.2} ms");
    let own = median(|| run(OWN, |metric| metric)) / OWN as f64;
    println!("a metric × {LOOKS} looks, with units of its own: {own:8.2} ms");
}

/// Milliseconds of the middle one of five runs.
fn median(run: impl Fn() -> usize) -> f64 {
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            assert!(run() > 0);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[2]
}

/// Looks at every metric; `more` gives how many units more it has a day than the others.
fn run(metrics: u64, more: impl Fn(u64) -> u64) -> usize {
    let level = Probability::new(0.025).expect("a level");
    let mut designs = Designs::default();
    let mut met = 0;
    for metric in 0..metrics {
        let seen: Vec<Seen> = (1..=LOOKS)
            .map(|day| {
                let n = 1000 * day + more(metric) * (day % 5);
                let effect = 0.02 + 0.0001 * metric as f64;
                let arm = |mean| Moments::from_parts(n, mean, n as f64).expect("moments");
                let compared = mean_difference(&arm(1.0), &arm(1.0 + effect)).expect("a comparison");
                Seen {
                    information: n as f64,
                    ..Seen::new(compared.difference(), compared.standard_error(), day as f64 / LOOKS as f64)
                }
            })
            .collect();
        let monitor = designs.monitor(&seen, Spending::OBrienFlemingLike, level).expect("looks");
        met += usize::from(monitor.stopped().is_some());
    }
    met
}
