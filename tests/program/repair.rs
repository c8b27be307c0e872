//! A metric that never could be measured, and is repaired while its experiment runs.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;

pub(crate) const AT: &str = "2026-10-24";

pub(crate) const FILES: [(&str, &str); 8] = [
    (
        "trialbook.yaml",
        "book: shop\nentities: {user: {column: user_id}}\nattributes: {country: {type: string}}\n\
         targets: {production: {type: flagd, store: \"file://live.json\"}}\nwarehouse: {engine: duckdb}\n",
    ),
    (
        "cta.flag.yaml",
        "description: A button.\nowner: web\nentity: user\ntype: string\nvariants: {\"off\": plain, \"on\": bold}\n\
         default: \"off\"\n",
    ),
    (
        "cta-test.experiment.yaml",
        "title: A button\nhypothesis: More orders.\nowner: web\nflag: cta\nallocation: 100%\ncontrol: \"off\"\n\
         variants: equal\nschedule: {start: 2026-10-01, end: 2026-10-15}\n\
         metrics: {success: [{metric: buyers, mde: 5%}], guardrails: [{metric: refunds, margin: {absolute: 0.05}}]}\n",
    ),
    (
        "exposures.source.yaml",
        "description: Who was served what.\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n",
    ),
    (
        "orders.source.yaml",
        "description: Orders.\nfile: orders.csv\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: amount}\n",
    ),
    // The column is `status`: only the engine knows.
    ("buyers.metric.yaml", BROKEN),
    ("refunds.metric.yaml", REFUNDS),
    (".gitignore", "live.json\np\n"),
];

const BROKEN: &str = "description: Users with a paid order.\nentity: user\ntype: proportion\nsource: orders\n\
                      measure: {count: rows}\nwhere: state = 'paid'\nwindow: 7d\nincrease_is: good\n";

pub(crate) const REFUNDS: &str = "description: Users with a refund.\nentity: user\ntype: proportion\nsource: orders\n\
                       measure: {count: rows}\nwhere: status = 'refunded'\nwindow: 7d\nincrease_is: bad\n";

pub(crate) fn trialbook(book: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    let output = command.current_dir(book).env("NO_COLOR", "1").args(args).output().expect("it runs");
    let printed =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).replace('\u{a0}', " "));
    (output.status.code().unwrap_or(-1), printed.concat().split_whitespace().collect::<Vec<_>>().join(" "))
}

pub(crate) fn git(book: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@acme.test"];
    let done = Command::new("git").current_dir(book).args(identity).args(args).status();
    assert!(done.expect("git").success(), "git {args:?}");
}

pub(crate) fn write(book: &Path, path: &str, text: &str) {
    std::fs::write(book.join(path), text).expect("a file");
}

/// Writes 400 units an arm, of which 120 and 200 bought.
pub(crate) fn data(book: &Path) {
    let mut exposures = "user_id,served,at\n".to_owned();
    let mut orders = "user_id,status,amount,at\n".to_owned();
    for unit in 0..800 {
        let (arm, within) = (unit % 2, unit / 2);
        let (day, hour) = (1 + within % 14, within % 24);
        let served = if arm == 1 { "on" } else { "off" };
        let _ = writeln!(exposures, "u{unit},cta-test.{served},2026-10-{day:02}T{hour:02}:10:00Z");
        if within < if arm == 1 { 200 } else { 120 } {
            let _ = writeln!(orders, "u{unit},paid,5,2026-10-{day:02}T{hour:02}:{:02}:00Z", 11 + within % 40);
        } else if within >= 396 {
            let _ = writeln!(orders, "u{unit},refunded,5,2026-10-{day:02}T{hour:02}:30:00Z");
        }
    }
    // The source reaches the watermark.
    let _ = writeln!(orders, "somebody,paid,1,2026-10-23T12:00:00Z");
    write(book, "exposures.csv", &exposures);
    write(book, "orders.csv", &orders);
}

/// Returns a book whose experiment was launched, on a branch for changes.
fn launched() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let book = folder.path();
    FILES.iter().for_each(|(path, text)| write(book, path, text));
    data(book);
    git(book, &["init", "-q", "-b", "main"]);
    git(book, &["add", "-A"]);
    git(book, &["commit", "-qm", "A test"]);
    let start = "2026-10-01";
    let (code, printed) = trialbook(book, &["plan", "--at", start, "--out", "p"]);
    assert_eq!(code, 0, "{printed}");
    let (code, printed) = trialbook(book, &["apply", "p", "--at", start]);
    assert_eq!(code, 0, "{printed}");
    git(book, &["checkout", "-qb", "repair"]);
    folder
}

fn analysed(book: &Path, as_of: &str) -> String {
    let (code, printed) = trialbook(book, &["analyze", "cta-test", "--as-of", as_of]);
    assert_eq!(code, 0, "{printed}");
    printed
}

#[test]
fn a_metric_that_never_could_be_measured_is_repaired_by_a_reviewed_edit_that_the_report_lists() {
    let folder = launched();
    let book = folder.path();
    let review = || trialbook(book, &["lint", "--against", "main", "--at", "2026-10-05"]);

    // It is named from the first day on, and nothing is decided.
    let first = analysed(book, "2026-10-03");
    assert!(first.contains("there is no column `state`") && !first.contains("trusted? Yes"), "{first}");
    let broken = analysed(book, AT);
    assert!(broken.starts_with("🛠️ Not decidable for on"), "{broken}");

    // An edit alone is a change of what was declared.
    let fixed = BROKEN.replace("state", "status");
    write(book, "buyers.metric.yaml", &fixed);
    let (code, printed) = review();
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("the definition of a metric of `cta-test` changes after launch"), "{printed}");

    // A repair may change what is measured, and nothing else.
    let reason = "repair: The column was never called state.\n";
    write(book, "buyers.metric.yaml", &format!("{}{reason}", fixed.replace("7d", "3d")));
    let (code, printed) = review();
    assert_eq!(code, 1, "{printed}");

    write(book, "buyers.metric.yaml", &format!("{fixed}{reason}"));
    let (code, printed) = review();
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("metric `buyers` of `cta-test` is repaired after launch"), "{printed}");
    git(book, &["commit", "-qam", "Repair a metric"]);
    let repaired = analysed(book, AT);
    assert!(repaired.starts_with("✅ Ship on"), "{repaired}");
    let listed = "deviation from the launched plan: buyers could never be measured as launched and was repaired after \
                  launch (The column was never called state)";
    assert!(repaired.contains(listed), "{repaired}");
    assert!(repaired.contains("trusted? With care"), "{repaired}");
    // From the next day on nothing is said to be unmeasured any more.
    let next = analysed(book, "2026-10-06");
    assert!(next.contains(listed) && !next.contains("no column"), "{next}");
}

#[test]
fn what_was_measurable_is_analysed_as_launched_whatever_an_edit_calls_a_repair() {
    let folder = launched();
    let book = folder.path();
    let other = REFUNDS.replace("'refunded'", "'paid'");
    write(book, "refunds.metric.yaml", &format!("{other}repair: We like this one better.\n"));
    git(book, &["commit", "-qam", "Repair what works"]);
    let printed = analysed(book, AT);
    assert!(
        printed.contains("analysed as launched, and the book differs now in: the definition of a metric"),
        "{printed}"
    );
    assert!(!printed.contains("was repaired"), "{printed}");
    // Eight refunds, four an arm, and not the orders that were paid.
    assert!(printed.contains("guardrail refunds, 7 days 1 % 1 %"), "{printed}");
}
