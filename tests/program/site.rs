//! The pages of the site: whole, linked, escaped, and replaced as a whole.

use std::path::{Path, PathBuf};
use std::process::Output;

use regex::Regex;
use serde_json::Value;

use crate::apply::{code, plan_and_apply, stderr, trialbook};
use crate::example_book::ExampleBook;
use crate::report::fixture;

/// While the experiments of November run.
const DURING: &str = "2026-11-20";

fn site(book: &ExampleBook, more: &[&str]) -> Output {
    let args: Vec<&str> = ["site", "--out", "site", "--at", DURING].iter().chain(more).copied().collect();
    trialbook(book, &args)
}

/// The example book, launched, with two looks at one of its experiments.
fn example() -> ExampleBook {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    for (folder, as_of) in [("first", "2026-11-08T00:00:00Z"), ("second", "2026-11-15T00:00:00Z")] {
        let mut outcome = fixture::ship();
        outcome.as_of = fixture::at(as_of);
        let folder = book.path().join("outcomes").join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let text = outcome.to_json().expect("JSON");
        std::fs::write(folder.join("bold-checkout-button.json"), text).expect("a file");
    }
    book
}

fn built(book: &ExampleBook) -> PathBuf {
    let written = site(book, &["--outcomes", "outcomes", "--url", "https://acme.test/tests"]);
    assert_eq!(code(&written), 0, "{}", stderr(&written));
    book.path().join("site")
}

fn files(site: &Path) -> Vec<PathBuf> {
    let all = walkdir::WalkDir::new(site).into_iter().map(|entry| entry.expect("an entry"));
    all.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Resolves what a page of a folder links to.
fn resolved(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().expect("a folder").to_owned();
    for part in link.split('/') {
        match part {
            ".." => assert!(path.pop()),
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_link_leads_to_a_page_and_nothing_is_loaded_from_elsewhere() {
    let book = example();
    let site = built(&book);
    let links = Regex::new(r#"(?:href|src)="([^"]*)""#).expect("a pattern");
    let mut pages = 0;
    for path in files(&site).into_iter().filter(|path| path.extension().is_some_and(|end| end == "html")) {
        let text = read(&path);
        pages += 1;
        for link in links.captures_iter(&text).map(|found| found[1].to_owned()) {
            if link.starts_with("https://github.com/acme/shop/") {
                continue;
            }
            assert!(!link.contains(':'), "{}: {link}", path.display());
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { resolved(&path, file) };
            assert!(target.is_file(), "{}: {link}", path.display());
            if !anchor.is_empty() {
                assert!(read(&target).contains(&format!("id=\"{anchor}\"")), "{}: {link}", path.display());
            }
        }
        let values = path.with_extension("json");
        serde_json::from_str::<Value>(&read(&values)).unwrap_or_else(|e| panic!("{}: {e}", values.display()));
    }
    let parts = book.book();
    let all = parts.experiments.len() + parts.flags.len() + parts.metrics.len() + parts.layers.len();
    assert!(pages > all, "{pages} pages of {all} parts");
}

#[test]
fn an_experiments_page_holds_its_plan_its_results_over_looks_and_its_history() {
    let book = example();
    let site = built(&book);
    let page = read(&site.join("experiment/bold-checkout-button.html")).replace('\u{a0}', " ");
    for what in
        ["Ship <strong>", "over 2 looks", "Launched", "kept apart by the buckets of layer", "guardrail"]
    {
        assert!(page.contains(what), "{what}");
    }
    let values: Value =
        serde_json::from_str(&read(&site.join("experiment/bold-checkout-button.json"))).expect("JSON");
    assert_eq!(values["looks"].as_array().map(Vec::len), Some(2));
    assert_eq!(values["status"]["launch"]["record"], "recorded");
    assert_eq!(values["history"][0]["subject"], "the book");
    let feed = read(&site.join("events.xml"));
    assert!(
        feed.contains("<link>https://acme.test/tests/experiment/bold-checkout-button.html</link>"),
        "{feed}"
    );
    let calendar = read(&site.join("surface/checkout.ics"));
    assert!(
        calendar.starts_with("BEGIN:VCALENDAR\r\n") && calendar.ends_with("END:VCALENDAR\r\n"),
        "{calendar}"
    );
    assert!(calendar.contains("DTSTART:2026"), "{calendar}");
}

#[test]
fn text_of_the_book_is_never_markup() {
    const HOSTILE: &str = "</title><script>alert(1)</script>\\\" onmouseover=alert(2) ' &";
    let book = example();
    let path = "checkout/sticky-cart.experiment.yaml";
    let text = read(&book.path().join(path));
    let owner = Regex::new("(?m)^owner: .*$").expect("a pattern");
    let title = Regex::new("(?m)^title: .*$").expect("a pattern");
    let hypothesis = Regex::new("(?m)^hypothesis: .*$").expect("a pattern");
    let text =
        owner.replace(&text, regex::NoExpand("owner: \"../../<img src=x onerror=alert(3)>\"")).into_owned();
    let text = title.replace(&text, regex::NoExpand(&format!("title: \"{HOSTILE}\""))).into_owned();
    let text = hypothesis.replace(&text, regex::NoExpand(&format!("hypothesis: \"{HOSTILE}\""))).into_owned();
    std::fs::write(book.path().join(path), text).expect("an edit");
    std::fs::write(
        book.path().join("checkout/odd.flag.yaml"),
        "key: \"a/<b>&'\"\ndescription: \"<iframe src=javascript:alert(4)>\"\nowner: \"<b>\"\nsurfaces: [checkout]\nentity: user\n\
         type: string\nvariants: {\"</code><script>\": \"</code><script>alert(5)\", plain: x}\ndefault: plain\n",
    )
    .expect("a flag");
    // The book itself may not turn text; a commit's message may hold anything.
    book.commit("<script>alert(6)</script>\u{202e}txt (#7)");
    let site = built(&book);
    let ours =
        Regex::new(r#"<script (?:defer )?src="(?:\.\./)?(?:site|search-data)\.js"(?: defer)?></script>"#)
            .expect("a pattern");
    for path in files(&site) {
        let text = read(&path);
        let shown = path.display();
        match path.extension().and_then(|end| end.to_str()) {
            Some("html") => {
                let rest = ours.replace_all(&text, "");
                assert!(!rest.contains("<script"), "{shown}");
                for wrong in ["<img", "<iframe", " onmouseover=alert(2) '", "\u{202e}"] {
                    // As text, with its quotes escaped, it may stand there.
                    let as_text = wrong.starts_with(' ') && !rest.contains(&format!("\"{wrong}"));
                    assert!(as_text || !rest.contains(wrong), "{shown}: {wrong}");
                }
            }
            Some("xml") => assert!(!text.contains("<script") && !text.contains("<img"), "{shown}"),
            _ => {}
        }
    }
    let page = read(&site.join("experiment/sticky-cart.html"));
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
}

#[test]
fn a_folder_of_something_else_is_refused_and_an_earlier_site_is_replaced() {
    let book = example();
    std::fs::create_dir(book.path().join("site")).expect("a folder");
    std::fs::write(book.path().join("site/notes.txt"), "mine").expect("a file");
    let refused = site(&book, &[]);
    assert_eq!(code(&refused), 4, "{}", stderr(&refused));
    assert_eq!(files(&book.path().join("site")).len(), 1);
    std::fs::remove_file(book.path().join("site/notes.txt")).expect("it can be removed");

    let folder = built(&book);
    // What somebody adds to it stays, such as a domain's name; what is gone from the book goes.
    std::fs::write(folder.join("CNAME"), "tests.acme.test").expect("a file");
    std::fs::write(folder.join("experiment/gone.html"), "old").expect("a file");
    built(&book);
    assert!(folder.join("CNAME").is_file() && !folder.join("experiment/gone.html").exists());
}

#[test]
fn the_same_book_makes_the_same_site() {
    let book = example();
    let contents = |site: &Path| -> Vec<(PathBuf, String)> {
        let mut all: Vec<_> = files(site).into_iter().map(|path| (path.clone(), read(&path))).collect();
        all.sort();
        all
    };
    let first = contents(&built(&book));
    assert!(contents(&built(&book)) == first);
}

#[test]
fn the_pages_values_state_what_is_free_who_meets_whom_and_what_was_learned() {
    let book = example();
    let written = trialbook(&book, &["site", "--out", "site", "--at", "2026-11-27"]);
    assert_eq!(code(&written), 0, "{}", stderr(&written));
    let values = |path: &str| -> Value {
        serde_json::from_str(&read(&book.path().join("site").join(path))).expect("JSON")
    };
    // Two experiments hold 0 to 7999 of the layer; another one takes 8000 to 8999 on the 3rd, and 9000 to 9999 are at nobody's.
    let layer = values("layer/checkout.json");
    assert_eq!(layer["free_now"], 2000);
    assert_eq!(layer["free"][0]["buckets"], "8000-8999");
    assert_eq!(layer["free"][0]["until"], "2026-12-02T23:00:00Z");
    assert_eq!(layer["free"][1], serde_json::json!({"buckets": "9000-9999", "until": null}));
    let overlap = values("overlap.json");
    let relation = |a: &str, b: &str| {
        let mut pairs = overlap.as_array().expect("pairs").iter();
        let found = pairs.find(|pair| pair["a"] == a && pair["b"] == b);
        found.map(|pair| pair["relation"].as_str().expect("a relation").to_owned())
    };
    assert_eq!(relation("bold-checkout-button", "one-page-checkout").as_deref(), Some("apart-by-layer"));
    assert_eq!(relation("delivery-promise", "free-shipping").as_deref(), Some("apart-by-audience"));
    assert_eq!(relation("free-shipping", "home-recommendations").as_deref(), Some("meet"));
    let parts = book.book();
    let at = fixture::at("2026-11-26T23:00:00Z");
    let began = parts.experiments.values().filter(|experiment| experiment.schedule.start() <= at).count();
    let learning = values("learning.json");
    assert_eq!(learning["all"]["started"], began);
    let rows = learning["rows"].as_array().expect("rows").iter();
    assert_eq!(rows.map(|row| row["started"].as_u64().expect("a count")).sum::<u64>(), began as u64);
    assert_eq!(learning["all"]["judged"], 0);
}
