//! A forecast, worded so that its author knows what to change.

mod measured;

use trialbook_decision::power::{
    Basis, DurationRow, Durations, Forecast, MetricNeed, Missing, Remedy, Role, TooMany,
};
use trialbook_model::{Method, MetricKey};
use trialbook_stats::design::Size;

use super::blocks::{Align, Block, Inline, Line, Page, Table, Tone};
use super::calendar::{Calendar, duration};
use super::number::{NBSP, about, count, counted, exact_percent, percent, significant};

/// Words a forecast. Dates are those of an IANA time zone, the book's.
pub fn document(forecast: &Forecast, timezone: &str) -> Page {
    let calendar = Calendar::new(timezone);
    let mut document = Page::default();
    document.push(Block::Heading(heading(forecast)));
    document.push(Block::Paragraph(needed(forecast, &calendar)));
    if let Some(line) = enrolled(forecast, &calendar) {
        document.push(Block::Paragraph(line));
    }
    if !forecast.metrics.is_empty() {
        document.push(Block::Table(metrics(forecast)));
    }
    if let Some(seen) = &forecast.measured {
        document.push(Block::Paragraph(measured::measured(seen, forecast, &calendar)));
        if !seen.not_measured.is_empty() {
            let not = seen.not_measured.iter();
            document
                .push(Block::List(not.map(|not| measured::not_measured(not, forecast, &calendar)).collect()));
        }
    }
    if !forecast.remedies.is_empty() {
        document.push(Block::Subheading(vec!["What would help".into()]));
        document.push(Block::List(forecast.remedies.iter().map(|r| remedy(r, &calendar)).collect()));
    }
    if let Some(durations) = &forecast.durations {
        document.push(Block::Subheading(vec!["Days of enrolment, by effect and allocation".into()]));
        document.push(Block::Table(table(durations, forecast)));
    }
    if !forecast.missing.is_empty() {
        document.push(Block::Subheading(vec!["What is unknown".into()]));
        document.push(Block::List(forecast.missing.iter().map(|what| missing(what, forecast)).collect()));
    }
    document.push(Block::Small(vec![small_print(forecast).into()]));
    document
}

fn heading(forecast: &Forecast) -> Line {
    let key = Inline::strong(forecast.experiment.as_str());
    let rest = match (forecast.suffices, &forecast.need) {
        (Some(true), _) => Inline::Toned(Tone::Good, "has the units for what it declares".into()),
        (Some(false), _) => Inline::Toned(Tone::Bad, "is too small for what it declares".into()),
        (None, Some(need)) => {
            format!("needs {}{}", least(forecast), counted(need.units, "unit", "units")).into()
        }
        (None, None) => Inline::Toned(Tone::Caution, "cannot be planned yet".into()),
    };
    vec![key, " ".into(), rest]
}

/// Where a metric is unknown, the others show what is needed at least.
fn least(forecast: &Forecast) -> &'static str {
    if forecast.is_complete() { "" } else { "at least " }
}

/// Returns what the whole decision needs, and when that is there.
fn needed(forecast: &Forecast, calendar: &Calendar) -> Line {
    let Some(need) = &forecast.need else {
        return vec!["No deciding metric has a baseline that can be planned with.".into()];
    };
    let mut line: Line = vec![
        format!("It needs {}", least(forecast)).into(),
        Inline::strong(counted(need.units, "unit", "units")),
        format!(" over all arms for {} power of the whole decision", exact_percent(forecast.power)).into(),
    ];
    if let Some(power) = forecast.power_per_test {
        line.push(format!(" ({} for each test)", percent(power, 1)).into());
    }
    line.extend([", most of all for ".into(), Inline::code(need.limited_by.as_str()), ".".into()]);
    match (need.days, need.decided_on) {
        (Some(days), Some(decided_on)) => line.push(
            format!(
                " At today’s traffic that takes {} of enrolment; with the metrics’ windows, the decision is on {}.",
                counted(u64::from(days), "day", "days"),
                calendar.day(decided_on)
            )
            .into(),
        ),
        (None, _) if forecast.units.is_some() => line.push(" Today’s traffic does not bring that many within two years.".into()),
        _ => {}
    }
    line
}

/// Returns how many units come, and of what they are a share.
fn enrolled(forecast: &Forecast, calendar: &Calendar) -> Option<Line> {
    let units = forecast.units?;
    let at_most = forecast.missing.iter().any(|missing| matches!(missing, Missing::Fewer(_)));
    let mut line: Line = vec![
        match at_most {
            _ if forecast.basis == Some(Basis::Warehouse) => "As written, about ",
            true => "As written, at most ",
            false => "As written, ",
        }
        .into(),
        Inline::strong(counted(units, "unit", "units")),
        format!(
            " are enrolled by {}: in {}, {} of ",
            calendar.day(forecast.end),
            days(forecast.days),
            exact_percent(forecast.allocation)
        )
        .into(),
    ];
    if let Some(kept) = forecast.not_held_out.filter(|kept| *kept < 1.0) {
        line.push(format!("the {} that no holdout keeps, of ", exact_percent(kept)).into());
    }
    let traffic = match forecast.basis.as_ref()? {
        Basis::Surface(surface) => vec!["the traffic of ".into(), Inline::code(surface.as_str())],
        Basis::Entity(entity) => vec!["all of ".into(), Inline::code(entity.as_str())],
        Basis::Warehouse => vec!["the units that the warehouse saw exposed to anything".into()],
    };
    if let Some(share) = forecast.audience.filter(|share| *share < 1.0) {
        line.push(format!("an audience that is {} of ", percent(share, 1)).into());
    }
    line.extend(traffic);
    line.push(".".into());
    Some(line)
}

fn days(days: f64) -> String {
    if days.fract() == 0.0 { format!("{days:.0}{NBSP}days") } else { format!("{days:.1}{NBSP}days") }
}

fn metrics(forecast: &Forecast) -> Table {
    let mut table = Table::new([
        ("metric", Align::Left),
        ("to show", Align::Left),
        ("baseline", Align::Right),
        ("needs", Align::Right),
        ("days", Align::Right),
        ("reaches", Align::Right),
        ("power", Align::Right),
    ]);
    let enough = forecast.units.unwrap_or(u64::MAX);
    for need in &forecast.metrics {
        let short = need.required_units.is_some_and(|units| units > enough);
        let toned = |text: String| -> Line {
            if short { vec![Inline::Toned(Tone::Bad, text)] } else { vec![text.into()] }
        };
        let unknown = || vec![Inline::Toned(Tone::Quiet, "unknown".into())];
        let beyond = forecast.units.is_some() && need.required_units.is_some();
        let days: Line = match need.required_days {
            Some(days) => vec![count(u64::from(days)).into()],
            None if beyond => vec!["> 731".into()],
            None => unknown(),
        };
        table.push(vec![
            vec![Inline::code(need.metric.as_str())],
            vec![to_show(need).into()],
            need.baseline.map_or_else(unknown, |known| vec![significant(known.value, 3).into()]),
            need.required_units.map_or_else(unknown, |units| toned(count(units))),
            days,
            need.reachable.map_or_else(unknown, |reachable| toned(size(reachable))),
            need.power.map_or_else(unknown, |power| toned(percent(power, 1))),
        ]);
    }
    table
}

fn to_show(need: &MetricNeed) -> String {
    match need.role {
        Role::Success => format!("better by {}", size(need.declared)),
        Role::Guardrail => format!("not worse by {}", size(need.declared)),
    }
}

fn size(size: Size) -> String {
    match size {
        Size::Relative(share) => format!("{}{NBSP}%", significant(share * 100.0, 3)),
        Size::Absolute(amount) => significant(amount, 3),
    }
}

fn table(durations: &Durations, forecast: &Forecast) -> Table {
    let mut columns = vec![(String::new(), Align::Left)];
    columns.extend(durations.allocations.iter().map(|share| (exact_percent(*share), Align::Right)));
    let mut table = Table::new(columns);
    for DurationRow { times, days } in &durations.rows {
        let mut cells: Vec<Line> = vec![vec![row_name(*times, forecast).into()]];
        cells.extend(
            days.iter()
                .map(|days| vec![days.map_or("> 731".to_owned(), |days| count(u64::from(days))).into()]),
        );
        table.push(cells);
    }
    table
}

fn row_name(times: f64, forecast: &Forecast) -> String {
    let only = forecast.metrics.iter().filter(|need| need.role == Role::Success).collect::<Vec<_>>();
    match only.as_slice() {
        [one] => {
            let scaled = match one.declared {
                Size::Relative(share) => Size::Relative(share * times),
                Size::Absolute(amount) => Size::Absolute(amount * times),
            };
            format!("better by {}", size(scaled))
        }
        [] => format!("{}\u{d7} the margins", significant(times, 2)),
        _ => format!("{}\u{d7} the effects", significant(times, 2)),
    }
}

fn remedy(remedy: &Remedy, calendar: &Calendar) -> Line {
    let metric = |key: &MetricKey| Inline::code(key.as_str());
    match remedy {
        Remedy::Longer { days, end, past_policy } => {
            let mut line: Line = vec![
                "Enrol for ".into(),
                Inline::strong(counted(u64::from(*days), "day", "days")),
                format!(": `end: {}`", calendar.day(*end)).into(),
            ];
            if let Some(longest) = past_policy {
                line.push(format!(", which is past the book’s {}", duration(*longest)).into());
            }
            line
        }
        Remedy::Allocation { share } => {
            vec!["Enrol ".into(), Inline::strong(exact_percent(*share)), " of the audience".into()]
        }
        Remedy::Size { metric: key, declared, reachable } => vec![
            "Be content with ".into(),
            Inline::strong(size(*reachable)),
            format!(" instead of {} of ", size(*declared)).into(),
            metric(key),
        ],
        Remedy::Covariate { metric: key, correlation } => vec![
            "Adjust ".into(),
            metric(key),
            format!(" for a covariate whose correlation with it is at least {correlation:.2}").into(),
        ],
        Remedy::Split { control, saves } => vec![
            format!(
                "Give the control {} and the treatments equal shares of the rest: it saves {} of the units",
                percent(*control, 1),
                percent(*saves, 0)
            )
            .into(),
        ],
        Remedy::LookOnce { saves } => vec![
            "Look once, with ".into(),
            Inline::code("method: fixed-horizon"),
            format!(": it saves {} of the units", percent(*saves, 0)).into(),
        ],
    }
}

fn missing(missing: &Missing, forecast: &Forecast) -> Line {
    match missing {
        Missing::Baseline(key) => {
            let mut line: Line = vec![
                "The baseline of ".into(),
                Inline::code(key.as_str()),
                ": add ".into(),
                Inline::code("baseline:"),
                " to the metric".into(),
            ];
            if forecast.measured.is_none() {
                line.extend([", or measure it with ".into(), Inline::code("--from-warehouse")]);
            }
            line
        }
        Missing::Correlation(key) => vec![
            "How well the covariate of ".into(),
            Inline::code(key.as_str()),
            " explains it: it is counted as if unadjusted; add ".into(),
            Inline::code("correlation:"),
            " to its baseline".into(),
        ],
        Missing::Traffic => vec![
            "How many units come: add ".into(),
            Inline::code("traffic:"),
            " to the experiment’s surface in trialbook.yaml".into(),
        ],
        Missing::Fewer(TooMany::AudienceShare) => vec![
            "What share of the traffic the audience is: units are counted as if the parts of it without declared shares \
             were everybody"
                .into(),
        ],
        Missing::Fewer(TooMany::WholeProduct) => {
            vec!["How many units the experiment’s surfaces see: those of the whole product are counted".into()]
        }
        Missing::Exposures => vec![
            "Whether as many come to the experiment: units of all surfaces are counted, and only those that an exposure was \
             written for; add "
                .into(),
            Inline::code("traffic:"),
            " to the experiment’s surface in trialbook.yaml".into(),
        ],
        Missing::LongerTraffic(known) => vec![
            format!(
                "Traffic beyond {}: it is extended as it grew before",
                counted(u64::from(*known), "day", "days")
            )
            .into(),
        ],
        Missing::Plan(problem) => vec![format!("How it is judged: {problem}").into()],
    }
}

fn small_print(forecast: &Forecast) -> String {
    let method = match forecast.method {
        Method::FixedHorizon => "one look, when the last window has closed",
        Method::GroupSequential => "a look each day, the level spent as O’Brien and Fleming would",
        Method::AlwaysValid => "a look each day, by a confidence sequence",
    };
    let mut text = format!("Judged by {method}.");
    if let Some(split) = forecast.split.filter(|split| split.cost >= 1.005) {
        text.push_str(&format!(
            " The split needs {} more units than the best one, which gives the control {}.",
            percent(split.cost - 1.0, 1),
            percent(split.best_control, 1)
        ));
    }
    if let Some(units) = forecast.units {
        text.push_str(&format!(
            " Forecasts of units are as good as the traffic they come from: about {}.",
            about(units)
        ));
    }
    text
}
