//! What people read of a plan.

use trialbook::report::terminal::{self, Settings};
use trialbook::report::{markdown, plan};
use trialbook_delivery::plan::{
    Action, ActionKind, Audience, AudienceChange, Change, Condition, Conflict, Differences, Drift,
    DriftReason, Excerpt, FORMAT, LiveVersion, Move, Movement, Movers, Moves, MovingGroup, Options,
    OverrideShown, OverrideWho, Plan, Relation, Rollback, RuleChange, ServedRule, Undone,
};
use trialbook_model::{AttributeType, Scalar, Schedule, Test};

use super::fixture::{at, key, share};

fn action(flag: &str, kind: ActionKind, changes: Vec<Change>) -> Action {
    Action {
        flag: key(flag),
        kind,
        live: None,
        digest: None,
        changes,
        moves: Vec::new(),
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
        frozen: None,
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
                split: None,
                salted: false,
                movement: Movement { enters: 0.15, leaves: 0.0, switches: 0.0 },
            },
        ],
    );
    bold.launches = vec![key("bold-checkout-button")];
    let drift = Drift {
        flag: "promo".into(),
        reason: DriftReason::ChangedByHand,
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
    let is = |attribute: &str, values: &[String]| {
        let values = values.iter().map(|value| Scalar::String(value.as_str().into())).collect();
        Condition::Attribute(key(attribute), AttributeType::String, Test::In(values))
    };
    let country = |value: &str| is("country", &[value.to_owned()]);
    let rule =
        |value, serve: &str| Some(ServedRule { when: Audience::new(&country(value)), serve: key(serve) });
    let testers = |more: &str| {
        let ids: Vec<_> = (0..20).map(|n| format!("tester-{n:02}")).chain([more.to_owned()]).collect();
        is("uid", &ids)
    };
    let units = |from: &str, to: &str, share| Move { from: key(from), to: key(to), share };
    let someone = MovingGroup { who: Audience::new(&country("SE")), moves: vec![units("on", "off", 1.0)] };
    let audiences = vec![
        Change::Audience {
            key: key("huge-checkout-button"),
            audience: AudienceChange::between(&country("SE"), &country("DK")),
        },
        Change::Audience {
            key: key("beta"),
            audience: AudienceChange::between(&testers("ann"), &testers("bob")),
        },
        Change::Value {
            variant: key("on"),
            differences: Differences::of_values(
                &serde_json::json!({"colour": "green", "size": 1}),
                &serde_json::json!({"colour": "orange"}),
            ),
        },
        Change::VariantAdded { variant: key("new"), value: Excerpt::of(&"x".repeat(100).into()) },
        Change::Rules {
            from: 1,
            to: 2,
            rules: vec![
                RuleChange { number: 1, from: rule("SE", "on"), to: rule("DK", "off"), lists: Vec::new() },
                RuleChange { number: 2, from: None, to: rule("FI", "on"), lists: Vec::new() },
            ],
            more: 0,
        },
    ];
    let mut vip = action("vip", ActionKind::Update, audiences);
    vip.moves = vec![
        Moves {
            at: at("2026-11-24T08:30:00Z"),
            who: Movers::OfTraffic(vec![units("on", "off", 0.4), units("off", "on", 0.6)]),
        },
        Moves { at: at("2026-11-30T23:00:00Z"), who: Movers::ByAudience { groups: vec![someone], more: 2 } },
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
            action(
                "old-header",
                ActionKind::Archive,
                vec![Change::Archived { default: Some(key("plain")), experiments: vec![key("tall-header")] }],
            ),
            adopted,
            vip,
        ],
        rollback: Some(rollback),
        drifted: vec![drift],
        conflicts: vec![Conflict { flag: key("cart"), book: Some("other-shop".into()) }],
        foreign: vec!["a".into(), "b".into()],
        ..empty()
    }
}

/// The plan with every kind of change in which there is a text that somebody wrote.
pub fn wordy() -> Plan {
    let mut plan = full();
    let test_units = |ids: &[&str]| OverrideShown {
        who: OverrideWho::Units(ids.iter().map(|id| (*id).to_owned()).collect()),
        serve: key("on"),
    };
    let mut changes = action(
        "texts",
        ActionKind::Update,
        vec![
            Change::Owner { from: "team-a".into(), to: "team-b".into() },
            Change::VariantRemoved { variant: key("gone"), value: Excerpt::of(&"old".into()) },
            Change::Overrides {
                key: key("beta"),
                from: vec![test_units(&["ann"])],
                to: vec![test_units(&["bob", "eve"])],
            },
        ],
    );
    changes.replaces = Differences::between(r#"{"a": "x", "b": "y"}"#, r#"{"a": "z"}"#);
    plan.actions.push(changes);
    plan
}

#[test]
fn a_plan_reads_as_expected() {
    for (name, planned) in [("plan-empty", empty()), ("plan", full())] {
        let document = plan::document(&planned, &planned.obstacles(), "Europe/Stockholm");
        insta::assert_snapshot!(format!("{name}.md"), markdown::render(&document));
        let settings = Settings { width: 100, colour: false, details: false };
        insta::assert_snapshot!(format!("{name}.terminal"), terminal::render(&document, settings));
    }
}
