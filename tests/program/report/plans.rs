//! What people read of a plan.

use trialbook::report::terminal::{self, Settings};
use trialbook::report::{markdown, plan};
use trialbook_delivery::plan::{
    Action, ActionKind, Audience, Change, Condition, Conflict, Differences, Drift, FORMAT, LiveVersion,
    Movement, Options, Plan, Relation, Rollback, RuleChange, ServedRule, Undone,
};
use trialbook_model::{AttributeKey, AttributeType, Scalar, Schedule, Test};

use super::fixture::{at, key, share};

fn action(flag: &str, kind: ActionKind, changes: Vec<Change>) -> Action {
    Action {
        flag: key(flag),
        kind,
        live: None,
        digest: None,
        changes,
        desired: None,
        launches: Vec::new(),
        refrozen: Vec::new(),
        disturbs: Vec::new(),
        unverified: Vec::new(),
        replaces: Differences::default(),
    }
}

fn empty() -> Plan {
    Plan {
        version: FORMAT,
        target: key("production"),
        identity: "file:///srv/flags/production.json".into(),
        book: "acme-shop".into(),
        commit: Some("9f2e1c7d3b0a4c5e6f708192a3b4c5d6e7f80912".into()),
        made_at: at("2026-11-24T08:30:00Z"),
        base: LiveVersion::Absent,
        actions: Vec::new(),
        unchanged: vec![key("banner-copy"), key("free-shipping")],
        drifted: Vec::new(),
        conflicts: Vec::new(),
        foreign: Vec::new(),
        owned: 4,
        options: Options::default(),
        applied: None,
        rollback: None,
        too_large: None,
        uncommitted: false,
    }
}

fn full() -> Plan {
    let window = |end| Schedule::new(at("2026-11-24T23:00:00Z"), at(end)).expect("a schedule");
    let mut bold = action(
        "checkout-button",
        ActionKind::Update,
        vec![
            Change::ExperimentAdded {
                key: key("bold-checkout-button"),
                window: window("2027-01-05T23:00:00Z"),
                share: share("20%"),
                grows: Vec::new(),
                everyone: false,
            },
            Change::Allocation {
                key: key("huge-checkout-button"),
                from: share("5%"),
                to: share("20%"),
                redrawn: false,
                movement: Movement { enters: 0.15, leaves: 0.0, switches: 0.0 },
            },
        ],
    );
    bold.launches = vec![key("bold-checkout-button")];
    let drift = Drift {
        flag: "promo".into(),
        reason: "its content is not what the last apply wrote".into(),
        changes: vec![Change::Switched { on: false }],
        raw: "{}".into(),
        differences: Differences::between(r#"{"state": "ENABLED"}"#, r#"{"state": "DISABLED"}"#),
    };
    let rollback = Rollback {
        live: "1a2b3c4d5e6f708192a3b4c5d6e7f809129f2e1c".into(),
        relation: Relation::Older,
        undone: vec![Undone {
            commit: "2b3c4d5e6f708192a3b4c5d6e7f809129f2e1c1a".into(),
            subject: "Show `prices` <b>with</b> tax".into(),
        }],
    };
    let country = |value: &str| {
        Audience::new(&Condition::Attribute(
            AttributeKey::new("country").expect("a key"),
            AttributeType::String,
            Test::In([Scalar::String(value.into())].into()),
        ))
    };
    let rule = |value, serve: &str| Some(ServedRule { when: country(value), serve: key(serve) });
    let audiences = vec![
        Change::Audience { key: key("huge-checkout-button"), from: country("SE"), to: country("DK") },
        Change::Rules {
            from: 1,
            to: 2,
            rules: vec![
                RuleChange { number: 1, from: rule("SE", "on"), to: rule("DK", "off") },
                RuleChange { number: 2, from: None, to: rule("FI", "on") },
            ],
        },
    ];
    let mut adopted = action("promo-banner", ActionKind::Adopt, vec![Change::Adopted]);
    adopted.replaces =
        Differences::between(r#"{"defaultVariant": "on", "x": 1}"#, r#"{"defaultVariant": "off"}"#);
    Plan {
        actions: vec![
            bold,
            action(
                "new-search",
                ActionKind::Create,
                vec![Change::Created { default: key("plain"), variants: 2 }],
            ),
            action("old-header", ActionKind::Archive, vec![Change::Archived]),
            adopted,
            action("vip", ActionKind::Update, audiences),
        ],
        rollback: Some(rollback),
        drifted: vec![drift],
        conflicts: vec![Conflict { flag: key("cart"), book: Some("other-shop".into()) }],
        foreign: vec!["a".into(), "b".into()],
        ..empty()
    }
}

#[test]
fn a_plan_reads_as_expected() {
    for (name, told) in [("plan-empty", empty()), ("plan", full())] {
        let document = plan::document(&told, "Europe/Stockholm");
        insta::assert_snapshot!(format!("{name}.md"), markdown::render(&document));
        let settings = Settings { width: 100, colour: false, details: false };
        insta::assert_snapshot!(format!("{name}.terminal"), terminal::render(&document, settings));
    }
}
