//! A book that is planned and applied in the tests.

use jiff::Timestamp;
use trialbook_delivery::backend::{Attached, Backend, Memory};
use trialbook_delivery::plan::{self, AdvanceError, Basis, Changes, LaunchInfo, Plan, desired};
use trialbook_language::load::{RawFile, load};
use trialbook_model::allocation::Approvals;
use trialbook_model::{Book, TargetKey};

pub(super) const BOOK: &str = "
book: shop
entities: {user: {column: user_id}, account: {column: account_id, context: account_id}}
attributes:
  country:     {type: string, stable: true}
  app_version: {type: version}
  employee:    {type: boolean}
surfaces: {checkout: {owner: team-checkout}}
targets:
  production: {type: flagd, store: 'file://live/production.json', primary: true, evaluators: [javascript-4]}
";

pub(super) const FLAG: &str = "
description: Style of the checkout button.
owner: team-checkout
surfaces: [checkout]
entity: user
type: object
variants:
  plain: {colour: green}
  bold:  {colour: orange}
default: plain
rules:
  - when: {segment: employees}
    serve: bold
";

pub(super) const EXPERIMENT: &str = "
title: A bold checkout button
hypothesis: An orange button makes more visitors finish their purchase.
owner: team-checkout
surfaces: [checkout]
flag: checkout-button
audience: {country: {in: [SE, FI]}, not: {segment: employees}}
layer: checkout
allocation: 20%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-11-25, end: 2026-12-16}
metrics: {success: [{metric: purchases, mde: 2%}]}
";

pub(super) const LAYER: &str = "
description: Everything that changes the checkout page.
entity: user
salt: checkout-2026
slots:
  - {buckets: 0-1999, experiment: bold-button}
";

pub(super) const SEGMENT: &str = "description: Who works here.\naudience: {employee: true}\n";

pub(super) const METRIC: &str = "
description: Purchases.
owner: team-checkout
entity: user
type: mean
source: purchases
measure: {count: rows}
window: 7d
increase_is: good
";

pub(super) const SOURCE: &str = "
description: Purchases.
table: purchases
timestamp: purchased_at
entities: {user: user_id}
";

pub(super) const ROLLOUT: &str = "
flag: checkout-button
serve: bold
audience: {country: US}
steps: [{at: 2026-11-25, share: 1%}, {at: 2026-11-27, share: 10%}, {at: 2026-12-01, share: 100%}]
";

pub(super) const GUARDED: &str = "
flag: checkout-button
serve: bold
audience: {country: US}
steps: [{at: 2026-11-25, share: 1%}, {at: 2026-11-27, share: 10%}, {at: 2026-12-01, share: 100%}]
guardrails: [{metric: purchases, margin: 1%}]
";

pub(super) const HOLDOUT: &str = "
description: The fourth quarter.
entity: user
share: 5%
surfaces: [checkout]
schedule: {start: 2026-11-01, end: 2027-01-01}
";

/// The book with some of its files in another form, and perhaps others; an empty text is no file.
pub(super) fn book(changed: &[(&str, &str)]) -> Book {
    let files = [
        ("trialbook.yaml", BOOK),
        ("checkout-button.flag.yaml", FLAG),
        ("bold-button.experiment.yaml", EXPERIMENT),
        ("checkout.layer.yaml", LAYER),
        ("employees.segment.yaml", SEGMENT),
        ("purchases.metric.yaml", METRIC),
        ("purchases.source.yaml", SOURCE),
    ];
    let more = changed.iter().copied().filter(|(path, _)| !files.iter().any(|(other, _)| other == path));
    let files = files.into_iter().chain(more).map(|(path, text)| {
        let text = changed.iter().find(|(other, _)| *other == path).map_or(text, |(_, text)| text);
        RawFile { path: path.into(), bytes: text.as_bytes().to_vec() }
    });
    let loaded = load(files.filter(|file| !file.bytes.is_empty()).collect());
    let problems: Vec<_> = loaded.findings.iter().map(|finding| finding.message.clone()).collect();
    loaded.book.unwrap_or_else(|| panic!("no book: {problems:?}"))
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

pub(super) const NOW: &str = "2026-11-20T00:00:00Z";

/// Makes a plan with rollouts at the step that the target has approved.
pub(super) fn plan(target: &dyn Backend, book: &Book, now: &str) -> Plan {
    advanced(target, book, now, &[]).expect("nothing advances")
}

pub(super) fn advanced(
    target: &dyn Backend,
    book: &Book,
    now: &str,
    advance: &[&str],
) -> Result<Plan, AdvanceError> {
    let live = target.read().expect("a live state");
    let mut approved = live.approvals(at(now));
    for key in advance {
        plan::advance(book, &mut approved, &key.parse().expect("a key"), at(now))?;
    }
    let key = TargetKey::new("production").expect("a key");
    let desired = desired(book, at(now), &Approvals::Of(approved));
    let basis = Basis::new(&key, target.identity(), &book.name, &live, &desired, at(now));
    let basis = Basis { attributes: Some(&book.attributes), ..basis };
    Ok(Plan::new(&basis).expect("a plan"))
}

pub(super) fn apply(target: &dyn Backend, book: &Book, now: &str) {
    apply_plan(target, &plan(target, book, now), now);
}

pub(super) fn apply_plan(target: &dyn Backend, plan: &Plan, now: &str) {
    let live = target.read().expect("a live state");
    let launch =
        LaunchInfo { now: at(now), commit: None, head: None, digests: [].into(), recorded: [].into() };
    let changes: Changes = plan.changes(&live, &launch);
    target.write(&changes, &live.version, &Attached::default()).expect("a write");
}

/// What a change of one file means, as the plan says it.
pub(super) fn consequences(changed: &[(&str, &str)], now: &str) -> Vec<String> {
    consequences_for(&[], changed, now)
}

/// What changes mean for a book that was served with others.
pub(super) fn consequences_for(before: &[(&str, &str)], changed: &[(&str, &str)], now: &str) -> Vec<String> {
    let target = Memory::new("shop");
    apply(&target, &book(before), NOW);
    lines(&plan(&target, &book(changed), now))
}

/// The changes of a plan, and who moves, as the plan file has them.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let each = plan.actions.iter().flat_map(|action| {
        let changes = action.changes.iter().map(serde_json::to_string);
        changes.chain(action.moves.iter().map(serde_json::to_string)).collect::<Vec<_>>()
    });
    each.map(|line| line.expect("JSON")).collect()
}
