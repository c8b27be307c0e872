//! Looks that come out differently when data arrive late.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;
use serde_json::Value;

const FILES: [(&str, &str); 6] = [
    (
        "trialbook.yaml",
        "book: shop\nentities: {user: {column: user_id}}\nwarehouse: {engine: duckdb}\n\
         targets: {live: {type: flagd, store: \"file://live.json\"}}\n",
    ),
    (
        "button.flag.yaml",
        "description: A button.\nowner: team\nentity: user\ntype: boolean\nvariants: {'off': false, 'on': true}\n\
         default: 'off'\n",
    ),
    (
        "button-test.experiment.yaml",
        "title: A button\nhypothesis: It sells more.\nowner: team\nflag: button\nallocation: 100%\ncontrol: 'off'\n\
         variants: {'off': 50%, 'on': 50%}\nschedule: {start: 2026-02-01, end: 2026-02-11}\n\
         metrics: {success: [{metric: spend, mde: 5%}], exploratory: [orders]}\n",
    ),
    (
        "exposures.source.yaml",
        "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n",
    ),
    (
        "purchases.source.yaml",
        "description: d\nfile: purchases.csv\ntimestamp: at\nentities: {user: user_id}\n\
         measures: {amount: amount}\ncomplete: true\n",
    ),
    (
        "spend.metric.yaml",
        "description: d\nentity: user\ntype: mean\nsource: purchases\nmeasure: {sum: amount}\nwindow: 1d\n\
         increase_is: good\ncap: {quantile: 99%}\n",
    ),
];

fn trialbook(book: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    let output = command.current_dir(book).env("NO_COLOR", "1").args(args).output().expect("it runs");
    let shown = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).replace(['\u{a0}', '\u{202f}'], " "));
    (output.status.code().unwrap_or(-1), shown.concat().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Writes 200 units a day, each with a purchase an hour after its exposure, but for the purchases that are not there yet.
fn data(book: &Path, late: impl Fn(u32, bool) -> bool) {
    let (mut exposures, mut purchases) = ("user_id,at,served\n".to_owned(), "user_id,at,amount\n".to_owned());
    for n in 0..2000 {
        let (day, treated) = (1 + n / 200, n % 2 == 0);
        let served = if treated { "on" } else { "off" };
        let minute = n / 2 % 60;
        let _ = writeln!(exposures, "user-{n},2026-02-{day:02}T10:{minute:02}:00Z,button-test.{served}");
        if !late(day, treated) {
            let _ = writeln!(purchases, "user-{n},2026-02-{day:02}T11:{minute:02}:30Z,{}", 5 + n / 2 % 7);
        }
    }
    std::fs::write(book.join("exposures.csv"), exposures).expect("a file");
    std::fs::write(book.join("purchases.csv"), purchases).expect("a file");
}

fn book(late: impl Fn(u32, bool) -> bool) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in FILES {
        std::fs::write(root.path().join(path), text).expect("a file");
    }
    let orders = FILES[5].1.replace("{sum: amount}", "{count: rows}").replace("cap: {quantile: 99%}\n", "");
    std::fs::write(root.path().join("orders.metric.yaml"), orders).expect("a file");
    data(root.path(), late);
    root
}

fn analysed(root: &Path, as_of: &str, more: &[&str]) -> (String, Value) {
    let (code, shown) = trialbook(
        root,
        &[&["analyze", "button-test", "--as-of", as_of, "--out", "outcomes/"], more].concat(),
    );
    assert_eq!(code, 0, "{shown}");
    let text = std::fs::read_to_string(root.join("outcomes/button-test.json")).expect("an outcome");
    let value = serde_json::from_str(&text).expect("JSON");
    (text, value)
}

fn report(root: &Path) -> String {
    trialbook(root, &["report", "outcomes/button-test.json"]).1
}

#[test]
fn the_same_data_move_no_look_on_any_day() {
    let root = book(|_, _| false);
    for as_of in ["2026-02-04", "2026-02-05T13:00:00Z", "2026-02-14"] {
        let (_, outcome) = analysed(root.path(), as_of, &[]);
        assert_eq!(outcome.get("past_looks"), None, "{as_of}");
    }
}

#[test]
fn purchases_that_come_late_take_back_a_decision_and_are_reported_until_nothing_differs() {
    // The purchases of the treatment from the third day on are not there yet. The look of 5 February is the first that counts that day.
    let root = book(|day, treated| treated && day > 2);
    let root = root.path();
    let (_, early) = analysed(root, "2026-02-06", &[]);
    assert_eq!(early["verdicts"][0]["kind"], "roll-back", "{early}");
    std::fs::create_dir(root.join("nights")).expect("a folder");
    std::fs::copy(root.join("outcomes/button-test.json"), root.join("nights/button-test.json"))
        .expect("a copy");

    data(root, |_, _| false);
    let (text, outcome) = analysed(root, "2026-02-06", &[]);
    let past = &outcome["past_looks"];
    assert_eq!(outcome["verdicts"][0]["kind"], "keep-running");
    let decision = &past["decisions"][0];
    assert_eq!((&decision["shown"]["verdict"], &decision["now"]), (&"roll-back".into(), &Value::Null));
    assert_eq!(decision["shown"]["at"], "2026-02-05T00:00:00Z", "{decision}");
    assert_eq!(decision["shown_in"], "2026-02-06T00:00:00Z");
    // What the metric shows without the purchases of one day, and with them.
    let moved = past["moved"].as_array().expect("looks");
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert_eq!((&moved[0]["metric"], &moved[0]["at"]), (&"spend".into(), &"2026-02-05T00:00:00Z".into()));
    let units = |value: &Value| value["units"].as_u64().expect("units");
    assert_eq!((units(&moved[0]["shown"]), units(&moved[0]["now"])), (600, 600));
    let difference = |value: &Value| value["difference"].as_f64().expect("a number");
    assert!(difference(&moved[0]["shown"]) < -2.0 && difference(&moved[0]["now"]).abs() < 0.1, "{moved:?}");
    assert_eq!(analysed(root, "2026-02-06", &[]).0, text, "a second run repeats it");
    let shown = report(root);
    assert!(shown.contains("With care"), "{shown}");
    assert!(shown.contains("“roll back” (look of") && shown.contains("no decision yet"), "{shown}");
    assert!(shown.contains("1 estimate at a past look"), "{shown}");

    // On a later day, what was shown first is still what it is compared with.
    let (_, later) = analysed(root, "2026-02-07", &[]);
    assert_eq!(later["past_looks"]["moved"], past["moved"]);
    // The same from a folder of earlier outcomes.
    std::fs::remove_file(root.join("outcomes/button-test.json")).expect("a file");
    assert_eq!(analysed(root, "2026-02-06", &["--earlier", "nights"]).0, text);
    std::fs::remove_file(root.join("outcomes/button-test.json")).expect("a file");
    assert_eq!(analysed(root, "2026-02-06", &[]).1.get("past_looks"), None);
    // And no longer, where the data are again as they were.
    data(root, |day, treated| treated && day > 2);
    let same = analysed(root, "2026-02-06", &["--earlier", "nights/button-test.json"]).1;
    assert_eq!(same.get("past_looks"), None);
}

#[test]
fn an_earlier_outcome_that_cannot_be_compared_is_named() {
    let root = book(|_, _| false);
    let root = root.path();
    analysed(root, "2026-02-06", &[]);
    // A plan that changed is another plan: its looks are no old ones that moved.
    let plan = FILES[2].1.replace("{success:", "{guardrails: [{metric: orders, margin: 3%}], success:");
    std::fs::write(root.join("button-test.experiment.yaml"), plan.replace(", exploratory: [orders]", ""))
        .expect("a file");
    data(root, |day, treated| treated && day == 2);
    let (_, changed) = analysed(root, "2026-02-06", &[]);
    assert_eq!(changed.get("past_looks"), None, "{}", changed["past_looks"]);
    std::fs::write(root.join("outcomes/button-test.json"), "{}").expect("a file");
    let args = ["analyze", "button-test", "--as-of", "2026-02-06"];
    let (code, shown) = trialbook(root, &[&args[..], &["--out", "outcomes/"]].concat());
    assert!(code == 0 && shown.contains("is replaced, and its looks are not compared"), "{shown}");
    let (code, shown) = trialbook(root, &[&args[..], &["--earlier", "trialbook.yaml"]].concat());
    assert!(code != 0 && shown.contains("trialbook.yaml"), "{shown}");
}
