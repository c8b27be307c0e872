//! What the targets share: a book that what is fuzzed joins, and what holds of everything that is said of a book.

use trialbook::report::findings::{Findings, Format};
use trialbook_language::load::{Loaded, RawFile};
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// The root of a small book that has one of everything that can be declared there.
pub const BOOK: &str = "\
book: fuzz
timezone: Europe/Stockholm
entities: {user: {column: user_id}, account: {column: account_id}}
attributes:
  country: {type: string, values: [SE, FI, DK]}
  email: {type: string}
  employee: {type: boolean}
  age: {type: number, min: 0, max: 150}
  app_version: {type: version}
surfaces: {shop: {owner: shop}}
";

/// The files beside the root that references can lead to.
pub const FILES: &[(&str, &str)] = &[
    (
        "button.flag.yaml",
        "description: A button.\nowner: shop\nsurfaces: [shop]\nentity: user\ntype: boolean\n\
         variants: {plain: false, bold: true}\ndefault: plain\n",
    ),
    ("staff.segment.yaml", "description: Staff.\naudience: {employee: true}\n"),
    (
        "events.source.yaml",
        "table: events\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: amount}\n",
    ),
    (
        "revenue.metric.yaml",
        "description: Revenue.\nentity: user\ntype: mean\nsource: events\nmeasure: {sum: amount}\n\
         window: 7d\nincrease_is: good\n",
    ),
    ("shop.layer.yaml", "description: The shop.\nentity: user\n"),
];

/// Makes a file.
pub fn file(path: &str, bytes: impl Into<Vec<u8>>) -> RawFile {
    RawFile { path: path.into(), bytes: bytes.into() }
}

/// Holds what is said of a book to what is promised: a book only where nothing is an error; every finding with a
/// message, a known rule and a place in its file; and every format can say it.
pub fn hold(loaded: &Loaded, findings: &[Diagnostic]) {
    let errors = loaded.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    assert_eq!(loaded.book.is_none(), errors > 0, "{:?}", loaded.findings);
    for finding in findings {
        assert!(!finding.message.is_empty(), "{finding:?}");
        assert!(trialbook_lint::check::rule(finding.rule).is_some(), "{finding:?}");
        for label in std::iter::once(&finding.primary).chain(&finding.related) {
            let (text, span) = (label.file.text(), label.span);
            assert!(span.start <= span.end && text.get(span.start..span.end).is_some(), "{finding:?}");
        }
        for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
            assert!(edit.file.text().get(edit.span.start..edit.span.end).is_some(), "{finding:?}");
        }
    }
    let fingerprints: Vec<String> = (0..findings.len()).map(|at| at.to_string()).collect();
    let run = Findings {
        findings,
        files: loaded.documents.iter().count(),
        prefix: "",
        suppressed: 0,
        known: 0,
        fails: Severity::Error,
        rules: &[],
        fingerprints: &fingerprints,
        change: None,
        width: None,
    };
    for format in Format::ALL {
        let text = run.render(format);
        // What a book brings must not steer a terminal; colours are ours.
        let own = |c: char| c == '\n' || (c == '\u{1b}' && format == Format::Full);
        assert!(!text.contains(|c: char| c.is_control() && !own(c)), "{}: {text:?}", format.as_str());
    }
}
