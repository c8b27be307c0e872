//! Who would be served something else if other evaluators read what is live, in words.

use super::super::blocks::{Align, Block, Inline, Line, Page, Table, Tone};
use super::super::number::{counted, percent};
use crate::app::upgrade::Upgraded;
use trialbook_delivery::plan::{DrawOf, Redrawn, Upgrade, UpgradeMove};

/// Describes what other evaluators would serve.
pub fn upgrade_page(upgraded: &Upgraded) -> Page {
    let mut page = Page::default();
    let target = Inline::strong(upgraded.target.as_str());
    page.push(Block::Heading(line!["Other evaluators for ", target, ": ", summary(upgraded)]));
    for upgrade in &upgraded.upgrades {
        let (from, to) = (Inline::code(upgrade.from.as_str()), Inline::code(upgrade.to.as_str()));
        page.push(Block::Paragraph(match upgrade.ids {
            Redrawn::Nobody => line![to, " draws as ", from, " does: nobody would move."],
            Redrawn::NotAscii => {
                line![to, " draws ids that are not plain ASCII differently than ", from, "."]
            }
            Redrawn::Everybody => {
                line![to, " hashes differently than ", from, ": every unit would be drawn again."]
            }
        }));
        if !upgrade.moves.is_empty() {
            page.push(Block::Table(moves(upgrade)));
        }
        let runs = |one: &&UpgradeMove| matches!(one.of, DrawOf::Experiment(_));
        let running = upgrade.moves.iter().filter(runs).count() as u64;
        if running > 0 {
            let experiments = counted(running, "running experiment", "running experiments");
            page.push(Block::Alert(line![
                Inline::Toned(Tone::Bad, format!("This would end {experiments}: ")),
                "whoever changes variant has seen both. Wait for the end, or give the other evaluators a target of their own."
            ]));
        }
    }
    page
}

/// Says where the rest is.
pub fn upgrade_rest() -> Line {
    line!["This is not all: ", Inline::code("trialbook plan --evaluators"), " shows every draw."]
}

fn summary(upgraded: &Upgraded) -> String {
    match upgraded.upgrades.iter().map(|upgrade| upgrade.moves.len() as u64).max().unwrap_or(0) {
        0 => "nobody would move".to_owned(),
        draws => format!("{} would be made again", counted(draws, "draw", "draws")),
    }
}

fn moves(upgrade: &Upgrade) -> Table {
    let columns = [
        ("Flag", Align::Left),
        ("Draw", Align::Left),
        ("Leave", Align::Right),
        ("Enter", Align::Right),
        ("Change variant", Align::Right),
    ];
    let mut table = Table::new(columns);
    for UpgradeMove { flag, of, movement } in &upgrade.moves {
        let of = match of {
            DrawOf::Experiment(key) => format!("experiment {key}"),
            DrawOf::Rollout(key) => format!("rollout {key}"),
            DrawOf::Holdout(key) => format!("holdout {key}"),
        };
        let share = |share: f64| line![percent(share, 1)];
        table.push(vec![
            line![Inline::code(flag.as_str())],
            line![of],
            share(movement.leaves),
            share(movement.enters),
            share(movement.switches),
        ]);
    }
    table
}
