//! What a plan does to those who are served: what goes away first, then who moves.

use super::super::blocks::{Block, Inline, Line, Page};
use super::super::calendar::Calendar;
use super::super::plan;
use super::{SHOWN, more};
use trialbook_delivery::plan::{Action, ActionKind, Change, Plan, Stage};

/// How many changes are shown when a reader unfolds them.
const DETAILS: usize = 200;

/// Returns what must be seen first: why the plan cannot be applied, and what goes away.
pub(super) fn alerts(plan: &Plan, calendar: &Calendar) -> Vec<Line> {
    let mut alerts: Vec<Line> = plan
        .obstacles()
        .iter()
        .take(SHOWN)
        .map(|obstacle| plan::obstacle_alert(obstacle, plan, calendar))
        .collect();
    let removed = plan.actions.iter().flat_map(|action| removing(action).map(move |change| (action, change)));
    for (action, change) in removed.clone().take(SHOWN) {
        for words in plan::change_lines(change, calendar) {
            let mut line = vec![Inline::code(action.flag.as_str()), ": ".into()];
            line.extend(words);
            alerts.push(line);
        }
    }
    if let Some(more) = removed.count().checked_sub(SHOWN).filter(|more| *more > 0) {
        alerts.push(vec![format!("{more} more are not shown here.").into()]);
    }
    alerts
}

/// Returns how many things that are served go away.
pub(super) fn removals(plan: &Plan) -> usize {
    plan.actions.iter().map(|action| removing(action).count()).sum()
}

/// Returns the changes of a flag that take something from those who have it.
fn removing(action: &Action) -> impl Iterator<Item = &Change> + Clone {
    action.changes.iter().filter(|change| match change {
        Change::Archived { .. } | Change::Switched { on: false } | Change::VariantRemoved { .. } => true,
        Change::ExperimentRemoved { stage, .. } => *stage == Stage::Served,
        Change::RolloutRemoved { movement, .. } => movement.leaves > 0.0,
        Change::Allocation { salted, .. } => *salted,
        _ => false,
    })
}

/// Writes who moves, and what is launched.
pub(super) fn summary(page: &mut Page, plan: &Plan, calendar: &Calendar) {
    let moving = plan.actions.iter().flat_map(|action| {
        action.moves.iter().map(move |moves| (action, plan::moves_line(moves, plan.made_at, calendar)))
    });
    let moving: Vec<Line> = moving
        .map(|(action, words)| {
            let mut line = vec![Inline::code(action.flag.as_str()), ": ".into()];
            line.extend(words);
            line
        })
        .collect();
    if !moving.is_empty() {
        let all = moving.len();
        page.push(Block::List(moving.into_iter().take(SHOWN).collect()));
        more(page, all, "flag whose units move is", "flags whose units move are");
    } else if plan.actions.iter().any(|action| action.kind != ActionKind::Create) {
        page.push(Block::Paragraph(vec!["Nobody is served another variant.".into()]));
    }
    for line in plan::launches(plan, calendar) {
        page.push(Block::Paragraph(line));
    }
}

/// Writes the changes of every flag.
pub(super) fn details(plan: &Plan, calendar: &Calendar) -> Vec<Block> {
    let mut page = Page::default();
    page.push(Block::Table(plan::actions(plan.actions.iter().take(DETAILS), plan.made_at, calendar)));
    if let Some(more) = plan.actions.len().checked_sub(DETAILS).filter(|more| *more > 0) {
        let text = format!("{} more are in the plan.", super::counted(more as u64, "flag", "flags"));
        page.push(Block::Paragraph(vec![text.into()]));
    }
    page.blocks
}
