//! The binomial distribution.

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
