//! Group sequential bounds, their power, and what a stopped test found.

use trialbook_stats::Probability;
use trialbook_stats::sequential::{GroupSequential, Looks, Monitor, Seen, Sides, Spending, Stopped};

use super::case::{Case, Check, describe, number, numbers, text};

fn spending(case: &Case<'_>) -> Result<Spending, String> {
    let family = &case.input["spending"];
    match text(&family["family"])? {
        "obf" => Ok(Spending::OBrienFlemingLike),
        "pocock" => Ok(Spending::PocockLike),
        "power" => Ok(Spending::Power(number(&family["parameter"])?)),
        "hsd" => Ok(Spending::HwangShihDeCani(number(&family["parameter"])?)),
        other => Err(format!("the family `{other}` is not known")),
    }
}

fn design(case: &Case<'_>, spending: Spending) -> Result<GroupSequential, String> {
    let looks = Looks::new(numbers(&case.input["information_fractions"])?).map_err(describe)?;
    GroupSequential::new(looks, spending, case.probability("alpha_one_sided")?, Sides::One).map_err(describe)
}

pub fn bounds(case: &Case<'_>) -> Check {
    let design = design(case, spending(case)?)?;
    let outputs = case.outputs();
    let cumulative = design.cumulative_level();
    let mut compared = false;
    for (name, got) in [("critical_values", &design.bounds().upper), ("cumulative_alpha", &cumulative)] {
        if !outputs[name].is_null() {
            case.compare_list(name, got)?;
            compared = true;
        }
    }
    if compared { Ok(()) } else { Err(format!("nothing to compare in {outputs}")) }
}

pub fn design_power(case: &Case<'_>) -> Check {
    let power = match &case.input["power"] {
        serde_json::Value::Null => 0.8,
        power => number(power)?,
    };
    let power = Probability::new(power).map_err(describe)?;
    let design = design(case, spending(case)?)?;
    let drift = design.drift_for(power).map_err(describe)?;
    let inflation = design.inflation(case.probability("alpha_one_sided")?, power).map_err(describe)?;
    let expected_share = design.expected_information(drift);
    case.compare(&[("drift", drift), ("inflation_factor", inflation), ("asn_h1_fraction", expected_share)])
}

pub fn inflation(case: &Case<'_>) -> Check {
    let (level, power) = (case.probability("alpha_one_sided")?, case.probability("power")?);
    let inflation = |spending| design(case, spending)?.inflation(level, power).map_err(describe);
    case.compare_with(
        &case.outputs()["inflation"],
        &[
            ("obf", inflation(Spending::OBrienFlemingLike)?),
            ("pocock", inflation(Spending::PocockLike)?),
            ("power", inflation(Spending::Power(2.0))?),
        ],
    )
}

/// The look of the outputs, counted from 0.
fn look(case: &Case<'_>) -> Result<usize, String> {
    let look = case.outputs()["look"].as_u64().and_then(|look| usize::try_from(look).ok());
    look.and_then(|look| look.checked_sub(1)).ok_or_else(|| "no look".into())
}

pub fn stage_wise_p(case: &Case<'_>) -> Check {
    let design = design(case, spending(case)?)?;
    let z = number(&case.outputs()["z"])?;
    let stopped = Stopped::new(&design, look(case)?, z).ok_or("no such look")?;
    case.compare(&[("p_value", stopped.p_value())])
}

/// By the monitor: errors that give the look its share of the information.
pub fn repeated_interval(case: &Case<'_>) -> Check {
    let outputs = case.outputs();
    let (at, estimate, error) = (look(case)?, number(&outputs["estimate"])?, number(&outputs["se"])?);
    let shares = numbers(&case.input["information_fractions"])?;
    let here = *shares.get(at).ok_or("no such look")?;
    let seen: Vec<Seen> = shares
        .iter()
        .take(at + 1)
        .map(|share| Seen::new(estimate, error * (here / share).sqrt(), *share))
        .collect();
    let monitor =
        Monitor::new(&seen, spending(case)?, case.probability("alpha_one_sided")?).map_err(describe)?;
    let interval = monitor.looks().last().and_then(|look| look.interval).ok_or("no interval")?;
    case.compare(&[("lower", interval.lower), ("upper", interval.upper)])
}
