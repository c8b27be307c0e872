//! No input breaks the reader: it ends soon, without a panic, and what it does not take it says.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use trialbook_language::load::{
    Loaded, MAX_BYTES, MAX_DEPTH, MAX_FINDINGS, MAX_NODES, RULES, RawFile, load, read_folder,
};
use trialbook_model::diagnostic::Severity;

fn shop() -> Vec<RawFile> {
    read_folder(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/books/shop"))
        .expect("the shop can be read")
}

/// Loads bytes as one file of the shop and holds what is true whatever they are.
fn load_as(path: &str, bytes: Vec<u8>) -> Loaded {
    let mut files = shop();
    files.retain(|file| file.path != path);
    files.push(RawFile { path: path.into(), bytes });
    let began = Instant::now();
    let loaded = load(files);
    // An unoptimised build on a busy machine; what is quadratic takes minutes.
    assert!(began.elapsed() < Duration::from_secs(60), "{path} took {:?}", began.elapsed());
    let errors = loaded.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    assert_eq!(loaded.book.is_none(), errors > 0, "a book, or an error that says why there is none");
    for finding in &loaded.findings {
        assert!(RULES.contains(&finding.rule), "`{}` is a rule", finding.rule);
        assert!(finding.primary.span.end <= finding.primary.file.text().len(), "the span is in the file");
        assert!(!finding.message.is_empty() && finding.message.len() < 2000, "{}", finding.message.len());
    }
    assert!(loaded.findings.len() <= 3 * MAX_FINDINGS);
    loaded
}

fn rules(loaded: &Loaded, path: &str) -> Vec<&'static str> {
    let of_file = loaded.findings.iter().filter(|finding| finding.primary.file.path() == path);
    of_file.map(|finding| finding.rule).collect()
}

const SEGMENT: &str = "hostile.segment.yaml";

fn hostile(text: impl Into<Vec<u8>>) -> Vec<&'static str> {
    rules(&load_as(SEGMENT, text.into()), SEGMENT)
}

#[test]
fn sixty_megabytes_are_refused_unread() {
    assert_eq!(hostile(vec![b'a'; 60 << 20]), ["too-large"]);
    assert_eq!(hostile(vec![0; 60 << 20]), ["too-large"]);
}

#[test]
fn three_thousand_levels_are_refused() {
    let mut block = String::from("description: Deep.\naudience:\n");
    for level in 1..300 {
        block.push_str(&" ".repeat(level));
        block.push_str("not:\n");
    }
    for text in [
        format!("audience: {}", "[".repeat(3000)),
        format!("audience: {}", "{not: ".repeat(3000)),
        format!("audience: {}{}", "{not: ".repeat(3000), "}".repeat(3000)),
        format!("{}a", "- ".repeat(3000)),
        format!("{}a", "? ".repeat(3000)),
        block,
    ] {
        assert_eq!(hostile(text.clone()), ["too-large"], "{}", &text[..60]);
    }
}

#[test]
fn what_reaches_a_limit_is_read_and_one_more_is_refused() {
    let segment = "description: A segment.\naudience: ";
    let deep = |levels: usize| {
        let inner = levels - 2;
        hostile(format!("{segment}{{{}country: SE{}}}", "not: {".repeat(inner), "}".repeat(inner)))
    };
    assert_eq!(deep(MAX_DEPTH), [] as [&str; 0]);
    assert_eq!(deep(MAX_DEPTH + 1), ["too-large"]);

    let long = |bytes: usize| {
        let text = format!("{segment}{{}}\n#");
        hostile(format!("{text}{}", "x".repeat(bytes - text.len())))
    };
    assert_eq!(long(MAX_BYTES), [] as [&str; 0]);
    assert_eq!(long(MAX_BYTES + 1), ["too-large"]);

    // The root, three keys and their values; the items of the list are the rest.
    let values = |count: usize| hostile(format!("{segment}{{}}\nx: [{}]", "1,".repeat(count - 7)));
    assert_eq!(values(MAX_NODES), ["unknown-key"]);
    assert_eq!(values(MAX_NODES + 1), ["too-large"]);

    let wrong = |count: usize| {
        let keys: String = (0..count).map(|n| format!("wrong-{n}: 1\n")).collect();
        hostile(format!("{segment}{{}}\n{keys}"))
    };
    assert_eq!(wrong(MAX_FINDINGS), vec!["unknown-key"; MAX_FINDINGS]);
    let more = wrong(MAX_FINDINGS + 1);
    assert_eq!((more.len(), more.last().copied()), (MAX_FINDINGS + 1, Some("too-large")));

    let patterns = |count: usize, length: usize| {
        let tests: Vec<_> = (0..count).map(|n| format!("{{email: {{matches: '{n:x>length$}'}}}}")).collect();
        hostile(format!("{segment}{{any: [{}]}}", tests.join(", ")))
    };
    assert_eq!(patterns(100, 9), [] as [&str; 0]);
    assert_eq!(patterns(101, 9), ["too-large"]);
    assert_eq!(patterns(1, 1000), [] as [&str; 0]);
    assert_eq!(patterns(1, 1001), ["bad-pattern"]);
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (from, to) in ('a'..='y').zip('b'..='z') {
        let list = vec![format!("*{from}"); 9].join(", ");
        bomb.push_str(&format!("{to}: &{to} [{list}]\n"));
    }
    let rules = hostile(bomb);
    assert!(rules.len() > 200 && rules.iter().all(|rule| *rule == "unsupported-yaml"), "{rules:?}");
}

#[test]
fn as_much_as_fits_is_read_without_delay() {
    let full = |line: &str| line.repeat(MAX_BYTES / line.len());
    // Many values, many keys of one mapping, many comments, one long line, and many mistakes.
    assert_eq!(hostile(format!("a: [{}]", "1,".repeat(MAX_BYTES / 2 - 10))), ["too-large"]);
    let keys: String = (0..60_000).map(|n| format!("key-{n}: 1\n")).collect();
    assert_eq!(hostile(keys).len(), MAX_FINDINGS + 1);
    assert_eq!(hostile(full("# a comment\n")), ["missing-key"]);
    assert_eq!(hostile(full("\n")), ["missing-key"]);
    assert_eq!(
        hostile(format!("description: Long.\naudience: {{country: {}}}", "x".repeat(MAX_BYTES - 100))),
        ["unknown-value"]
    );
    assert!(
        hostile(
            format!("description: {}", full("\""))
                .into_bytes()
                .into_iter()
                .take(MAX_BYTES)
                .collect::<Vec<_>>()
        )
        .contains(&"syntax-error")
    );
    assert!(hostile(full("a: b: c\n")).contains(&"syntax-error"));
    assert!(!hostile(full("- [a, {b: c}]\n")).is_empty());
    assert!(!hostile(full("a: 1\n")).is_empty());
    assert!(!hostile(full("[[[[[[[[]]]]]]]],")).is_empty());
    assert!(!hostile(full("|\n")).is_empty());
    assert!(!hostile(full("? a\n")).is_empty());
    assert!(!hostile(full("\t")).is_empty());
    assert!(!hostile(full("{")).is_empty());
    assert!(!hostile(full("&a ")).is_empty());
    assert!(!hostile(full("!a ")).is_empty());
    assert!(!hostile(full("%A\n")).is_empty());
    assert!(!hostile(full("--- \n")).is_empty());
    assert!(!hostile(full("...\n")).is_empty());
}

#[test]
fn expensive_patterns_and_sql_are_refused() {
    let slow = (0..20).map(|n| format!("{{email: {{matches: '(\\w{{500}}x{n}){{50}}'}}}}"));
    let many = (0..2000).map(|n| format!("{{email: {{matches: 'x{n}'}}}}"));
    let patterns: Vec<_> = slow.chain(many).collect();
    let rules = hostile(format!("description: Slow.\naudience: {{any: [{}]}}", patterns.join(", ")));
    assert!(
        !rules.is_empty() && rules.iter().all(|rule| ["bad-pattern", "too-large"].contains(rule)),
        "{rules:?}"
    );
    let metric = |filter: &str| {
        let text = format!(
            "description: M.\nentity: user\ntype: mean\nsource: purchases\nmeasure: {{count: rows}}\nwindow: 7d\nincrease_is: good\nwhere: {filter}\n"
        );
        super_rules("hostile.metric.yaml", text)
    };
    for filter in [
        "a".to_owned() + &" + a".repeat(200_000),
        "(".repeat(100_000),
        "not ".repeat(100_000),
        "case when ".repeat(50_000),
    ] {
        assert_eq!(metric(&filter), ["bad-sql"], "{}", &filter[..20]);
    }
    assert_eq!(metric(&("a".to_owned() + &" + a".repeat(900))), [] as [&str; 0]);
}

fn super_rules(path: &str, text: String) -> Vec<&'static str> {
    rules(&load_as(path, text.into_bytes()), path)
}

#[test]
fn a_chain_of_segments_as_long_as_the_book_is_walked() {
    let mut files = shop();
    const LENGTH: usize = 5000;
    for at in 0..LENGTH {
        let next = (at + 1) % LENGTH;
        let text = format!("description: A link.\naudience: {{segment: link-{next}}}\n");
        files.push(RawFile { path: format!("link-{at}.segment.yaml"), bytes: text.into_bytes() });
    }
    let loaded = load(files);
    let rules: Vec<_> = loaded.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["segment-cycle"]);
}

#[test]
fn no_files_are_no_book() {
    let loaded = load(Vec::new());
    assert!(loaded.book.is_none());
    assert_eq!(loaded.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["missing-book"]);
}

/// The path of a file of the shop, and its bytes after a few edits.
fn mutated() -> impl Strategy<Value = (String, Vec<u8>)> {
    let files = shop();
    let edit = (any::<prop::sample::Index>(), 0..6_u8, any::<prop::sample::Index>(), any::<u8>());
    (prop::sample::select(files.clone()), prop::collection::vec(edit, 1..6)).prop_map(move |(file, edits)| {
        let mut bytes = file.bytes.clone();
        for (at, what, other, byte) in edits {
            let at = at.index(bytes.len() + 1);
            match what {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => {
                    bytes.remove(at);
                }
                2 if at < bytes.len() => bytes[at] = b" \t\n:-#{}[],&*!|>'\"%@`?0a~"[usize::from(byte) % 25],
                3 => bytes.truncate(at),
                4 => {
                    // A piece of another file in the middle.
                    let piece = &files[other.index(files.len())].bytes;
                    let start = usize::from(byte) % (piece.len() + 1);
                    let end = (start + 40).min(piece.len());
                    bytes.splice(at..at, piece[start..end].iter().copied());
                }
                _ => {
                    // A line twice.
                    let start = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
                    let line: Vec<u8> = bytes[start..at].to_vec();
                    bytes.splice(start..start, line);
                }
            }
        }
        (file.path.clone(), bytes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_not_break_it(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        load_as(SEGMENT, bytes);
    }

    #[test]
    fn random_yaml_signs_do_not_break_it(text in "[ \\n:\\-#{}\\[\\],&*!|>'\"%@`?0a~.x<\\t\\r]{0,120}") {
        for path in ["trialbook.yaml", SEGMENT] {
            load_as(path, text.clone().into_bytes());
        }
    }

    #[test]
    fn mutations_of_good_files_do_not_break_it((path, bytes) in mutated()) {
        load_as(&path, bytes);
    }

    #[test]
    fn random_values_in_every_place_do_not_break_it(
        file in prop::sample::select(shop()),
        line in any::<prop::sample::Index>(),
        value in "[ -~åß漢\\u{202e}]{0,40}",
    ) {
        let text = String::from_utf8(file.bytes).expect("the shop is text");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = line.index(lines.len());
        if let Some((key, _)) = lines[at].clone().split_once(':') {
            lines[at] = format!("{key}: {value}");
        }
        load_as(&file.path, lines.join("\n").into_bytes());
    }
}

/// Returns the findings of a book with a segment of this text, those of the segment only.
fn of_segment(text: &str) -> Vec<trialbook_model::diagnostic::Diagnostic> {
    let file = |path: &str, text: &str| RawFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() };
    let book = "book: shop\nentities: {user: {column: user_id}}\nattributes: {country: {type: string}}\n";
    let files = vec![file("trialbook.yaml", book), file("s.segment.yaml", text)];
    let found = load(files).findings.into_iter();
    found.filter(|finding| finding.primary.file.path() == "s.segment.yaml").collect()
}

#[test]
fn equal_keys_are_counted_past_a_number() {
    let half: String = (0..3_000).map(|n| format!("k{n}: 1\n")).collect();
    for text in [
        "a: 1\n".repeat(6_001),
        format!("{half}{half}"),
        format!("{{{}}}\n", "a: 1, ".repeat(6_001)),
        format!("{{{}}}\n", "? [a] : 1, ".repeat(6_001)),
    ] {
        let found = of_segment(&text);
        assert!(found.len() <= 501, "{}", found.len());
        assert!(found.iter().any(|finding| finding.message.contains("more findings")), "{:?}", found.last());
    }
}

#[test]
fn the_line_that_is_indented_wrongly_is_named_and_the_advice_repairs_the_file() {
    let whole =
        "description: The north.\nowner: web\naudience:\n  all:\n    - country: SE\n    - country: FI\n";
    assert!(of_segment(whole).iter().all(|finding| finding.rule != "syntax-error"));
    let lines: Vec<&str> = whole.lines().collect();
    let mut wrong = 0;
    for (number, line) in lines.iter().enumerate() {
        for more in [1, 2, 3] {
            let mut broken = lines.clone();
            let shifted = format!("{}{line}", " ".repeat(more));
            broken[number] = &shifted;
            let text = broken.join("\n") + "\n";
            let found = of_segment(&text);
            let Some(finding) = found.iter().find(|finding| finding.rule == "syntax-error") else { continue };
            wrong += 1;
            let help = finding.help.as_deref().expect("what to do");
            let Some(column) = help.split("begin it after ").nth(1) else { continue };
            let column = column.split(' ').next().expect("a number");
            let column: usize = if column == "no" { 0 } else { column.parse().expect("a number") };
            let blamed = finding.primary.file.position(finding.primary.span.start).line - 1;
            let repaired: Vec<String> = broken
                .iter()
                .enumerate()
                .map(|(at, line)| match at == blamed {
                    true => format!("{}{}", " ".repeat(column), line.trim_start()),
                    false => (*line).to_owned(),
                })
                .collect();
            let after = of_segment(&(repaired.join("\n") + "\n"));
            assert!(after.iter().all(|f| f.rule != "syntax-error"), "{text}\n{help}\n{after:?}");
        }
    }
    assert!(wrong >= 6, "{wrong} texts did not parse");
    let found = of_segment(&format!(" {whole}"));
    let at = found[0].primary.file.position(found[0].primary.span.start);
    assert_eq!(
        (at.line, found[0].rule),
        (1, "syntax-error"),
        "the first line is to blame, not the one after it"
    );
}

#[test]
fn a_file_with_the_wrong_ending_is_named_where_it_is_missed() {
    use trialbook_language::load::Draft;
    let file = |path: &str, text: &str| RawFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() };
    let book = "book: shop\nentities: {user: {column: user_id}}\nattributes: {country: {type: string}}\n";
    let north = "description: The north.\naudience: {country: SE}\n";
    let files = vec![
        file("trialbook.yaml", book),
        file("s.segment.yaml", "description: All.\naudience: {segment: north}\n"),
        file("web/north.segment.yml", north),
    ];
    let help = |draft: &Draft| {
        let found = draft.findings().get("s.segment.yaml").cloned().unwrap_or_default();
        found
            .into_iter()
            .find(|finding| finding.rule == "dangling-reference")
            .and_then(|finding| finding.help)
    };
    let mut draft = Draft::open(files);
    let named = "`web/north.segment.yml` is not read, because a book's files end in `.yaml`: rename it to \
                 `web/north.segment.yaml`";
    assert_eq!(help(&draft).as_deref(), Some(named));
    draft.edit("web/north.segment.yml", None);
    assert_ne!(help(&draft).as_deref(), Some(named), "it is gone");
    draft.edit("web/north.segment.YAML", Some(north.as_bytes().to_vec()));
    assert!(help(&draft).is_some_and(|help| help.contains("north.segment.YAML")));
    draft.edit("north.segment.yaml", Some(north.as_bytes().to_vec()));
    assert_eq!(help(&draft), None, "there is one now");
}

#[test]
fn a_variant_that_lost_can_leave_the_flag_of_a_concluded_experiment() {
    let file = |path: &str, text: &str| RawFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() };
    let with = |variants: &str, split: &str, decision: &str| {
        let files = vec![
            file("trialbook.yaml", "book: shop\nentities: {user: {column: user_id}}\n"),
            file(
                "f.flag.yaml",
                &format!(
                    "description: A flag.\nowner: web\nentity: user\ntype: string\nvariants: {variants}\ndefault: bold\n"
                ),
            ),
            file(
                "e.experiment.yaml",
                &format!(
                    "title: A test\nhypothesis: It helps.\nowner: web\nflag: f\nallocation: 20%\ncontrol: plain\nvariants: {split}\n\
                     schedule: {{start: 2026-11-01, end: 2026-11-15}}\nmetrics: {{}}\n{decision}"
                ),
            ),
        ];
        let loaded = load(files);
        (loaded.book.is_some(), loaded.findings)
    };
    let ship = "decision: {outcome: ship, variant: bold, date: 2026-11-20, reason: Better.}\n";
    let split = "{plain: 50%, bold: 50%}";
    let (valid, findings) = with("{bold: b}", split, ship);
    assert!(valid, "{findings:?}");
    assert!(!with("{bold: b}", split, "").0, "it is served, or will be");
    assert!(!with("{plain: a}", split, ship).0, "what was shipped stays");
    let (valid, findings) = with("{bold: b}", "equal", ship);
    assert!(!valid);
    let help = findings.iter().filter_map(|finding| finding.help.as_deref());
    assert!(help.into_iter().any(|help| help.contains("write out what was tested")), "{findings:?}");
}
