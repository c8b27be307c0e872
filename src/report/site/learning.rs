//! What was learned, per team and quarter, and how large effects really are.

use std::io;

use maud::{Markup, html};

use super::Out;
use super::shell::Shell;
use super::words;
use crate::app::site::{Row, Shrinkage};
use crate::report::clean;
use crate::report::number::{count, percent, signed_percent};
use trialbook_model::Kind;

/// The most rows and effects that are listed.
const LISTED: usize = 400;

/// Writes the page.
pub(super) fn write(out: &Out<'_>) -> io::Result<()> {
    let learning = &out.site.learning;
    let main = html! {
        h1 { "Learning" }
        p {
            "An experiment teaches something where its data carry a verdict that can be decided on: ship, roll back, or no effect of the declared size. "
            "The rule of the verdict is frozen before the launch, so this is counted, not judged. Only concluded experiments whose outcome was given to this site count."
        }
        (table(std::slice::from_ref(&learning.all), false))
        h2 { "By team and quarter" }
        (table(&learning.rows, true))
        h2 { "How large effects are" }
        @match &learning.effects {
            None => p.quiet { "Fewer than five effects were measured: too few to tell." },
            Some(effects) => (shrinkage(effects)),
        }
    };
    let shell = Shell { stem: "learning", title: "Learning", within: "learning.html", feeds: None };
    out.page(&shell, &main, learning)
}

fn table(rows: &[Row], by: bool) -> Markup {
    let share = |some: u64, all: u64| -> String {
        #[expect(clippy::cast_precision_loss, reason = "counts of experiments are far below 2^53")]
        if all == 0 { "–".to_owned() } else { percent(some as f64 / all as f64, 0) }
    };
    html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                @if by { th scope="col" { "Quarter" } th scope="col" { "Team" } }
                th.number scope="col" { "Started" } th.number scope="col" { "Concluded" } th.number scope="col" { "Judged" }
                th.number scope="col" { "Learning rate" } th.number scope="col" { "Win rate" } th.number scope="col" { "Days to decision" }
            } }
            tbody { @for row in rows.iter().take(LISTED) { tr {
                @if by { th scope="row" { (row.quarter) } td { (clean::one_line(&row.team)) } }
                td.number { (count(row.started)) } td.number { (count(row.concluded)) } td.number { (count(row.judged)) }
                td.number { (share(row.learned, row.judged)) } td.number { (share(row.shipped, row.concluded)) }
                td.number { @match row.median_days { Some(days) => (format!("{days:.0}")), None => "–" } }
            } } }
        } }
        @if by { p.small { "Learning rate: of the judged ones, those with a valid verdict to decide on. Win rate: of the concluded ones, those that shipped. "
            "Days to decision: the median from the first commit of an experiment's file to its decision." } }
    }
}

fn shrinkage(effects: &Shrinkage) -> Markup {
    html! {
        p {
            "Over " (count(effects.effects.len() as u64)) " effects on success metrics, the mean is "
            strong { (signed_percent(effects.mean, 2)) } " and true effects differ by about " (percent(effects.deviation, 2))
            " (one standard deviation, after the noise of the estimates is taken off)."
        }
        @if let (Some(estimated), Some(shrunk)) = (effects.shipped, effects.shipped_shrunk) {
            p {
                strong { "The winner's curse: " } "what was shipped looked like " (signed_percent(estimated, 2))
                " on average, and probably is " (signed_percent(shrunk, 2))
                ". What is picked because its estimate is large is, on average, smaller than its estimate."
            }
        }
        div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Experiment" } th scope="col" { "Treatment" } th scope="col" { "Metric" }
                th.number scope="col" { "Estimate" } th.number scope="col" { "Probably" } th scope="col" { "Shipped" } } }
            tbody { @for effect in effects.effects.iter().take(LISTED) { tr {
                th scope="row" { (words::link(Kind::Experiment, effect.experiment.as_str(), "")) }
                td { (clean::one_line(effect.treatment.as_str())) }
                td { (words::link(Kind::Metric, effect.metric.as_str(), "")) }
                td.number { (signed_percent(effect.lift, 2)) }
                td.number { (signed_percent(effect.shrunk, 2)) }
                td { @if effect.shipped { "yes" } @else { "no" } }
            } } }
        } }
        p.small { "More is better in this table, whatever direction a metric has. Effects are shrunk towards their mean (a normal distribution of true effects, by moments)." }
    }
}
