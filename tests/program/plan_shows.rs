//! A plan says what an apply will say, and what changes for whom.

use crate::apply::{LAUNCH, code, live, plan_and_apply, read, stderr, stdout, trialbook};
use crate::example_book::ExampleBook;
use serde_json::{Value, json};

/// A book of a dozen flags that a segment of 40 % of traffic gets first.
struct Demo(tempfile::TempDir);

impl Demo {
    fn new() -> Self {
        let demo = Self(tempfile::tempdir().expect("a folder"));
        demo.write(
            "trialbook.yaml",
            "book: demo\nentities: {user: {column: user_id}}\nattributes: {country: {type: string, values: {SE: 40%, DK: 60%}}}\n\
             targets: {production: {type: flagd, store: 'file://live.json'}}\n",
        );
        demo.write(
            "vip.segment.yaml",
            "description: Who gets it first.\nowner: t\naudience: {country: SE}\n",
        );
        for number in 1..=12 {
            demo.write(&format!("f{number}.flag.yaml"), FLAG);
        }
        let (code, shown, printed) = demo.run(&["plan", "--out", "p"]);
        assert_eq!(code, 0, "{shown}{printed}");
        let (code, shown, printed) = demo.run(&["apply", "p"]);
        assert_eq!(code, 0, "{shown}{printed}");
        demo
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.0.path().join(path), text).expect("a file");
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
        let output =
            command.current_dir(self.0.path()).env("NO_COLOR", "1").args(args).output().expect("a run");
        (code(&output), stdout(&output), stderr(&output))
    }

    fn live(&self) -> Value {
        let text = std::fs::read_to_string(self.0.path().join("live.json")).expect("the live file");
        serde_json::from_str(&text).expect("JSON")
    }

    fn edit_live(&self, edit: impl FnOnce(&mut Value)) {
        let mut file = self.live();
        edit(&mut file);
        self.write("live.json", &file.to_string());
    }
}

const FLAG: &str = "description: Flag\nowner: team-a\nentity: user\ntype: boolean\nvariants: {\"off\": false, \"on\": true}\n\
                    default: \"off\"\nrules: [{when: {segment: vip}, serve: \"on\"}]\n";

#[test]
fn too_large_a_change_is_in_the_plan_and_in_its_exit_code() {
    let demo = Demo::new();
    demo.write("vip.segment.yaml", "description: Who gets it first.\nowner: t\naudience: {country: DK}\n");
    let (code, shown, _) = demo.run(&["plan", "--out", "p", "--detailed-exitcode"]);
    assert_eq!(code, 4, "{shown}");
    assert!(shown.contains("--allow-large-change") && shown.contains("12 of 12"), "{shown}");
    assert!(demo.run(&["apply", "p"]).2.contains("--allow-large-change"));
    let (code, ..) = demo.run(&["plan", "--detailed-exitcode", "--allow-large-change"]);
    assert_eq!(code, 2);
}

#[test]
fn a_changed_segment_states_what_and_whom() {
    let demo = Demo::new();
    demo.write("vip.segment.yaml", "description: Who gets it first.\nowner: t\naudience: {country: DK}\n");
    demo.write("f2.flag.yaml", &FLAG.replace("serve: \"on\"", "serve: \"off\""));
    let (_, shown, _) = demo.run(&["plan", "--format", "markdown"]);
    for what in ["country is SE", "country is DK", "40", "60", "of traffic", "`on`", "`off`"] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
    let shown = shown.replace('\u{a0}', " ");
    // In Sweden and Denmark they change places; where nothing is served `on` any more, only Sweden moves.
    let both = "who moves: 60.0 % of traffic `off` → `on`, 40.0 % `on` → `off`; nobody else";
    assert!(shown.contains(both), "{shown}");
    assert!(shown.contains("who moves: 40.0 % of traffic `on` → `off`; nobody else"), "{shown}");
}

#[test]
fn a_new_value_is_shown_where_it_differs_and_a_change_that_moves_nobody_reports_it() {
    let demo = Demo::new();
    demo.write("f1.flag.yaml", &FLAG.replace("rules: [", "rules: [{when: {country: SE}, serve: \"on\"}, "));
    demo.write(
        "f2.flag.yaml",
        &FLAG.replace("type: boolean", "type: number").replace("true", "2").replace("false", "1"),
    );
    let (_, shown, _) = demo.run(&["plan", "--format", "markdown"]);
    assert!(shown.contains("who moves: nobody"), "{shown}");
    assert!(shown.contains("value of `on`: `true` → `2`"), "{shown}");
}

#[test]
fn a_long_list_states_which_values_enter_and_leave() {
    let demo = Demo::new();
    let segment = |last: &str| {
        let ids: Vec<_> = (0..30).map(|n| format!("u-{n:02}")).chain([last.to_owned()]).collect();
        format!(
            "description: Who gets it first.\nowner: t\naudience: {{uid: {{in: [{}]}}}}\n",
            ids.join(", ")
        )
    };
    let book = std::fs::read_to_string(demo.0.path().join("trialbook.yaml")).expect("the book");
    demo.write("trialbook.yaml", &book.replace("attributes: {", "attributes: {uid: {type: string}, "));
    demo.write("vip.segment.yaml", &segment("zoe"));
    demo.run(&["plan", "--out", "p"]);
    assert_eq!(demo.run(&["apply", "p", "--allow-large-change"]).0, 0);
    demo.write("vip.segment.yaml", &segment("yan"));
    let (_, shown, _) = demo.run(&["plan", "--format", "markdown"]);
    let shown = shown.replace('\u{a0}', " ");
    assert!(shown.contains("(uid: 1 added: yan; 1 removed: zoe)"), "{shown}");
    // Shares of ids are unknown, so those who move are named.
    assert!(shown.contains("who moves: where ") && shown.contains("everybody `on` → `off`"), "{shown}");
}

#[test]
fn a_name_that_cannot_be_adopted_is_no_match() {
    let demo = Demo::new();
    for (flag, why) in [("nope", "the target has no flag `nope`"), ("f1", "this book's already")] {
        let (code, _, printed) = demo.run(&["plan", "--adopt", flag]);
        assert_eq!(code, 3, "{printed}");
        assert!(printed.contains(why), "{printed}");
    }
    demo.edit_live(|file| file["flags"]["theirs"] = json!({"state": "ENABLED", "variants": {"on": true}}));
    let (code, _, printed) = demo.run(&["plan", "--adopt", "theirs"]);
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("the book has no flag `theirs`"), "{printed}");
}

#[test]
fn the_advice_to_adopt_names_every_flag_that_is_in_the_way() {
    let demo = Demo::new();
    let names: Vec<String> = (1..=11).map(|n| format!("theirs-{n:02}")).collect();
    for name in &names {
        demo.write(&format!("{name}.flag.yaml"), FLAG);
    }
    let foreign = |count: usize| {
        demo.edit_live(|file| {
            for name in names.iter().take(count) {
                file["flags"][name] = json!({"state": "ENABLED", "variants": {"on": true, "off": false}});
            }
        });
        demo.run(&["plan", "--out", "p"]);
        let (code, _, printed) = demo.run(&["apply", "p"]);
        assert_eq!(code, 4, "{printed}");
        printed
    };
    let printed = foreign(4);
    let all = format!("take them over with `trialbook plan --adopt {}`", names[..4].join(" "));
    assert!(printed.contains(&all), "{printed}");
    let printed = foreign(11);
    assert!(printed.contains("take them over with `trialbook plan --adopt`, "), "{printed}");
}

#[test]
fn a_flag_of_somebody_else_is_a_refusal_and_what_it_serves_is_shown() {
    let demo = Demo::new();
    let theirs = json!({"state": "ENABLED", "variants": {"on": true, "off": false, "legacy": true}, "defaultVariant": "on"});
    demo.edit_live(|file| file["flags"]["new-one"] = theirs);
    demo.write("new-one.flag.yaml", FLAG);
    let (code, shown, _) = demo.run(&["plan", "--detailed-exitcode", "--out", "p"]);
    assert_eq!(code, 4, "{shown}");
    assert!(!shown.contains("nothing to do") && shown.contains("--adopt new-one"), "{shown}");
    assert_eq!(demo.run(&["apply", "p"]).0, 4);
    let (code, shown, _) = demo.run(&["plan", "--adopt", "new-one", "--detailed-exitcode", "--out", "p"]);
    assert_eq!(code, 2, "{shown}");
    for what in ["defaultVariant", "\"on\"", "\"off\"", "variants.legacy"] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
    assert_eq!(demo.run(&["apply", "p"]).0, 0);
    assert_eq!(demo.live()["flags"]["new-one"]["defaultVariant"], "off");
}

#[test]
fn what_was_changed_by_hand_is_named_field_by_field_and_put_back_by_name() {
    let demo = Demo::new();
    demo.edit_live(|file| {
        file["flags"]["f1"]["state"] = json!("DISABLED");
        file["flags"]["f2"]["variants"]["on"] = json!(false);
        file["flags"]["f3"]["extra"] = json!(1);
    });
    let (code, shown, _) = demo.run(&["plan", "--detailed-exitcode", "--out", "p"]);
    assert_eq!(code, 2, "{shown}");
    assert!(!shown.contains("nothing to do"), "{shown}");
    for what in ["state", "DISABLED", "variants.on", "extra"] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
    let (code, _, printed) = demo.run(&["apply", "p"]);
    assert_eq!(code, 0, "{printed}");
    assert!(!printed.contains("Nothing to do") && printed.contains("f1, f2, f3"), "{printed}");
    let (code, shown, printed) = demo.run(&["plan", "--revert-drift", "f1", "--out", "p"]);
    assert_eq!(code, 0, "{shown}{printed}");
    assert_eq!(demo.run(&["apply", "p"]).0, 0);
    let file = demo.live();
    assert_eq!(file["flags"]["f1"]["state"], "ENABLED");
    assert_eq!(
        (&file["flags"]["f2"]["variants"]["on"], &file["flags"]["f3"]["extra"]),
        (&json!(false), &json!(1))
    );
    let (code, _, printed) = demo.run(&["plan", "--revert-drift", "f5"]);
    assert_eq!(code, 3, "{printed}");
    let (_, _, printed) = demo.run(&["plan", "--out", "p", "--revert-drift"]);
    assert_eq!(demo.run(&["apply", "p"]).0, 0, "{printed}");
    assert!(demo.live()["flags"]["f3"].get("extra").is_none());
}

#[test]
fn another_spelling_of_a_number_is_no_drift_and_another_number_is() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let plan = |value: &str| {
        let text = std::fs::read_to_string(live(&book)).expect("the live file");
        let file = text.replacen("\"standard\": 50", &format!("\"standard\": {value}"), 1);
        std::fs::write(live(&book), file).expect("an edit by hand");
        let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--detailed-exitcode"]);
        std::fs::write(live(&book), text).expect("as it was");
        (code(&plan), stdout(&plan))
    };
    for same in ["50.0", "5e1", "50.000"] {
        let (code, shown) = plan(same);
        assert_eq!(code, 0, "{same}: {shown}");
    }
    for other in ["50.5", "\"50\"", "500"] {
        let (code, shown) = plan(other);
        assert_eq!(code, 2, "{other}: {shown}");
        assert!(shown.contains("variants.standard") || shown.contains("value of"), "{shown}");
    }
    assert_eq!(read(&book)["flags"]["max-cart-items"]["variants"]["standard"], 50);
}

#[test]
fn a_freeze_is_in_the_plan_and_nothing_overrides_it() {
    let book = ExampleBook::new();
    let freeze = "2026-12-25";
    let plan = trialbook(&book, &["plan", "--at", freeze, "--out", "p.plan", "--detailed-exitcode"]);
    assert_eq!(code(&plan), 4, "{}", stderr(&plan));
    assert!(stdout(&plan).contains("a freeze until 2027-01-02 (holidays)"), "{}", stdout(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", freeze, "--allow-large-change", "--rollback"]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("freeze") && !live(&book).exists(), "{}", stderr(&apply));
}

#[test]
fn a_shipped_winner_states_who_moves_to_what() {
    let demo = Demo::new();
    let experiment = "title: T\nhypothesis: H\nowner: t\nflag: f1\naudience: {country: DK}\nallocation: 20%\ncontrol: \"off\"\n\
                      variants: equal\nschedule: {start: 2026-11-01, end: 2026-11-20}\nmetrics: {success: [{metric: m, mde: 5%}]}\n";
    demo.write(
        "m.metric.yaml",
        "description: M\nowner: t\nentity: user\ntype: mean\nsource: s\nmeasure: {count: rows}\nwindow: 7d\nincrease_is: good\n",
    );
    demo.write("s.source.yaml", "description: S\nfile: s.csv\ntimestamp: at\nentities: {user: user_id}\n");
    demo.write("e.experiment.yaml", experiment);
    let (code, shown, printed) = demo.run(&["plan", "--at", "2026-10-30", "--out", "p"]);
    assert_eq!(code, 0, "{shown}{printed}");
    // A fifth of Denmark, which is 60 % of traffic, and half of them.
    let shown = shown.replace('\u{a0}', " ");
    assert!(shown.contains("who moves on 2026-11-01: 6.0 % of traffic off → on; nobody else"), "{shown}");
    let (code, _, printed) = demo.run(&["apply", "p", "--at", "2026-10-30"]);
    assert_eq!(code, 0, "{printed}");
    demo.write(
        "e.experiment.yaml",
        &format!(
            "{experiment}decision: {{outcome: ship, variant: \"on\", date: 2026-11-21, reason: Better.}}\n"
        ),
    );
    demo.write(
        "f1.flag.yaml",
        &FLAG.replace("{when: {segment: vip}", "{when: {country: DK}, serve: \"on\"}, {when: {segment: vip}"),
    );
    let (code, shown, printed) = demo.run(&["plan", "--at", "2026-11-22"]);
    assert_eq!(code, 0, "{shown}{printed}");
    let shown = shown.replace('\u{a0}', " ");
    assert!(shown.contains("who moves: 54.0 % of traffic off → on; nobody else"), "{shown}");
    assert!(!shown.contains("fall back"), "{shown}");
}
