//! The binomial distribution.

use super::beta;

/// Returns the probability of `successes` or more of `trials` under `probability`.
///
/// NaN when `successes` exceeds `trials` or `probability` is not between 0 and 1.
pub fn at_least(successes: u64, trials: u64, probability: f64) -> f64 {
    if successes > trials || probability.is_nan() || !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    if successes == 0 {
        return 1.0;
    }
    beta::regularised(successes as f64, (trials - successes) as f64 + 1.0, probability)
}

/// Returns the lower limit of a share (Clopper and Pearson 1934): the share under which `successes` or more of
/// `trials` have the probability `tail`; 0 for no success.
///
/// NaN when `successes` exceeds `trials`, there are no trials, or `tail` is not between 0 and 1.
pub fn lower_limit(successes: u64, trials: u64, tail: f64) -> f64 {
    if successes > trials || trials == 0 || !(tail > 0.0 && tail < 1.0) {
        return f64::NAN;
    }
    if successes == 0 {
        return 0.0;
    }
    log_lower_limit(successes, trials, tail).exp()
}

/// Returns the logarithm of the lower limit of a share, given a success at least.
///
/// By regula falsi on logarithms, halving the weight of an end that stays (the Illinois algorithm).
fn log_lower_limit(successes: u64, trials: u64, tail: f64) -> f64 {
    let (k, n) = (successes as f64, trials as f64);
    if successes == trials {
        return tail.ln() / n;
    }
    let excess = |log_share: f64| at_least(successes, trials, log_share.exp()).ln() - tail.ln();
    // P(X ≥ k) is at most (n·p)^k / k!.
    let mut low = ((tail.ln() + libm::lgamma(k + 1.0)) / k - n.ln()).min(0.0);
    let (mut high, mut below, mut above) = (0.0_f64, excess(low), -tail.ln());
    if below.is_nan() || below >= 0.0 {
        return low;
    }
    // Which end moved last, so that the weight of one that stays can be halved.
    let mut moved = 0;
    let mut last = low;
    for _ in 0..200 {
        let chord = low - below * (high - low) / (above - below);
        let middle = if chord > low && chord < high { chord } else { 0.5 * (low + high) };
        let found = excess(middle);
        if found == 0.0 || (middle - last).abs() <= 1e-14 * middle.abs() {
            return middle;
        }
        last = middle;
        if found < 0.0 {
            (low, below) = (middle, found);
            above *= if moved == -1 { 0.5 } else { 1.0 };
            moved = -1;
        } else {
            (high, above) = (middle, found);
            below *= if moved == 1 { 0.5 } else { 1.0 };
            moved = 1;
        }
    }
    last
}

/// Returns the upper limit of a share, as [`lower_limit`] the lower; 1 for no failure.
pub fn upper_limit(successes: u64, trials: u64, tail: f64) -> f64 {
    if successes == 0 && trials > 0 && tail > 0.0 && tail < 1.0 {
        return -(tail.ln() / trials as f64).exp_m1();
    }
    if successes >= trials {
        return if successes == trials && trials > 0 && tail > 0.0 && tail < 1.0 { 1.0 } else { f64::NAN };
    }
    if !(tail > 0.0 && tail < 1.0) {
        return f64::NAN;
    }
    -log_lower_limit(trials - successes, trials, tail).exp_m1()
}

/// Returns the exact two-sided p-value of `successes` of `trials` under `probability`.
///
/// It adds the probability of every outcome that is no more likely than the observed one, up to a
/// relative 1e-7, as `scipy.stats.binomtest` and R's `binom.test` do. Time grows with `trials`.
/// NaN when `successes` exceeds `trials` or `probability` is not between 0 and 1.
pub fn two_sided_p(successes: u64, trials: u64, probability: f64) -> f64 {
    if successes > trials || probability.is_nan() || !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    let observed = log_pmf(successes, trials, probability) + 1e-7_f64.ln_1p();
    let total: f64 = (0..=trials)
        .map(|k| log_pmf(k, trials, probability))
        .filter(|log| *log <= observed)
        .map(f64::exp)
        .sum();
    total.min(1.0)
}

fn log_pmf(k: u64, n: u64, p: f64) -> f64 {
    let (k, rest, n) = (k as f64, (n - k) as f64, n as f64);
    let choices = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(rest + 1.0);
    choices + log_power(p, k) + log_power(1.0 - p, rest)
}

/// ln(base^exponent), where 0^0 is 1.
fn log_power(base: f64, exponent: f64) -> f64 {
    if exponent == 0.0 { 0.0 } else { exponent * base.ln() }
}
