//! Renames: everything that was not launched, and nothing that was.

use serde_json::{Value, json};
use trialbook_history::{Launch, Preregistration, Repository};
use trialbook_language::load::{load, read_folder};

use super::client::{Client, capabilities};
use super::{EXPERIMENT, FLAG};

fn rename(client: &mut Client, path: &str, needle: &str, new: &str) -> Value {
    client.at("textDocument/rename", path, needle, json!({ "newName": new }))
}

/// What a rename replaces, as `file: text`, and which files get another name.
fn edits(client: &Client, answer: &Value) -> Vec<String> {
    let changes = answer["result"]["documentChanges"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let short = |uri: &Value| uri.as_str().expect("an address").replace(&client.uri(""), "");
    let mut messages = Vec::new();
    for change in changes {
        if change["kind"] == "rename" {
            messages.push(format!("{} -> {}", short(&change["oldUri"]), short(&change["newUri"])));
            continue;
        }
        let uri = short(&change["textDocument"]["uri"]);
        for edit in change["edits"].as_array().expect("edits") {
            messages.push(format!("{uri}: {}", edit["newText"].as_str().expect("a text")));
        }
    }
    messages
}

#[test]
fn an_experiment_that_has_not_begun_gets_another_name_with_its_file_and_its_slots() {
    let mut client = Client::new();
    let layer = "checkout/checkout.layer.yaml";
    let answer = client.at("textDocument/prepareRename", layer, "bold-checkout-button", json!({}));
    assert_eq!(answer["result"]["placeholder"], "bold-checkout-button", "{answer}");
    let answer = rename(&mut client, layer, "bold-checkout-button", "loud-button");
    assert_eq!(
        edits(&client, &answer),
        [
            "checkout/checkout.layer.yaml: loud-button",
            "checkout/bold-checkout-button.experiment.yaml -> checkout/loud-button.experiment.yaml",
        ]
    );
}

#[test]
fn a_variant_is_renamed_in_its_flag_and_wherever_it_is_meant() {
    let mut client = Client::new();
    let answer = rename(&mut client, EXPERIMENT, "bold: 50%", "1");
    assert_eq!(
        edits(&client, &answer),
        [
            format!("{EXPERIMENT}: \"1\""),
            format!("{EXPERIMENT}: \"1\""),
            format!("{FLAG}: \"1\""),
            format!("{FLAG}: \"1\""),
        ]
    );
    // The other flag's variants have nothing to do with it, and quotes stay.
    let answer = rename(&mut client, "search/new-ranking.flag.yaml", "off\": false", "none");
    let flag = "search/new-ranking.flag.yaml: none".to_owned();
    assert_eq!(edits(&client, &answer), [flag.clone(), flag]);
}

#[test]
fn what_the_book_declares_is_renamed_everywhere() {
    let mut client = Client::new();
    let answer = rename(&mut client, "trialbook.yaml", "country:", "land");
    let found = edits(&client, &answer);
    assert_eq!(found.len(), 3, "{found:?}");
    let answer = rename(&mut client, EXPERIMENT, "purchases-per-user", "buys");
    let found = edits(&client, &answer);
    assert!(found.contains(&"purchases-per-user.metric.yaml -> buys.metric.yaml".to_owned()), "{found:?}");
    assert!(found.contains(&"search/ranking-test.experiment.yaml: buys".to_owned()), "{found:?}");
}

#[test]
fn a_name_that_is_taken_or_is_none_is_refused() {
    let mut client = Client::new();
    let mut refused = |path: &str, needle: &str, new: &str| {
        let answer = rename(&mut client, path, needle, new);
        assert_eq!(answer["error"]["code"], -32803, "{answer}");
        answer["error"]["message"].as_str().expect("a message").to_owned()
    };
    assert!(refused(EXPERIMENT, "bold: 50%", "plain").contains("there is a variant `plain` already"));
    assert!(refused(EXPERIMENT, "checkout-button\n", "Not A Key").contains("no file can have its name"));
    assert!(refused("trialbook.yaml", "country:", "any").contains("meaning of its own"));
    assert!(refused(EXPERIMENT, "title", "x").contains("no name"));
}

#[test]
fn what_has_started_keeps_its_name_and_so_does_all_that_it_is_made_of() {
    let mut client = Client::with(capabilities(), "2026-11-26");
    let cases = [
        ("checkout/checkout.layer.yaml", "bold-checkout-button"),
        (EXPERIMENT, "checkout-button\n"),
        (EXPERIMENT, "bold: 50%"),
        (EXPERIMENT, "purchases-per-user"),
        (EXPERIMENT, "employees"),
        (EXPERIMENT, "checkout\nallocation"),
        ("trialbook.yaml", "country:"),
        ("purchases-per-user.metric.yaml", "purchases\n"),
        // It is in the experiment by the book's defaults alone.
        ("trialbook.yaml", "revenue-per-user"),
    ];
    for (path, needle) in cases {
        for method in ["textDocument/prepareRename", "textDocument/rename"] {
            let answer = client.at(method, path, needle, json!({ "newName": "other" }));
            let message =
                answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{path} {needle}: {answer}"));
            assert!(message.contains("must keep its name") && message.contains("is launched"), "{message}");
        }
    }
    // Nothing that has started has to do with it.
    let answer = rename(&mut client, "search/nobody.segment.yaml", "description", "x");
    assert!(
        answer["error"]["message"].as_str().is_some_and(|message| message.contains("no name")),
        "{answer}"
    );
}

#[test]
fn a_launch_that_git_has_recorded_counts_whatever_the_schedule_declares() {
    let mut client = Client::new();
    let git = git2::Repository::init(&client.root).expect("a repository");
    let tree = {
        let mut index = git.index().expect("an index");
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("the files");
        git.find_tree(index.write_tree().expect("a tree")).expect("a tree").id()
    };
    let author = git2::Signature::now("a", "a@a.test").expect("a signature");
    let tree = git.find_tree(tree).expect("a tree");
    git.commit(Some("HEAD"), &author, &author, "the book", &tree, &[]).expect("a commit");
    let repository = Repository::of_book(&client.root).expect("a repository").expect("a repository");
    let book = load(read_folder(&client.root).expect("the files")).book.expect("a book");
    let experiment = book.experiments.values().next().expect("an experiment");
    let launch = Launch {
        experiment: experiment.key.clone(),
        commit: repository.head().expect("a head").expect("a commit"),
        effective_start: experiment.schedule.start(),
        digest: Preregistration::of(&book, experiment).expect("a plan").digest().clone(),
    };
    assert!(repository.record_launch(&launch).expect("a record"));
    let answer = rename(&mut client, "checkout/checkout.layer.yaml", "bold-checkout-button", "loud");
    let message = answer["error"]["message"].as_str().expect("a refusal");
    assert!(
        message.contains("is launched (commit ") && message.contains("previous: bold-checkout-button"),
        "{message}"
    );
}

#[test]
fn an_editor_that_cannot_rename_files_is_reported_and_renames_the_rest() {
    let mut client = Client::with(json!({}), "2026-11-20");
    let answer = rename(&mut client, EXPERIMENT, "checkout-button\n", "other");
    let message = answer["error"]["message"].as_str().expect("a refusal");
    assert!(message.contains("cannot rename files"), "{message}");
    let answer = rename(&mut client, EXPERIMENT, "bold: 50%", "loud");
    assert_eq!(answer["result"]["changes"].as_object().map(serde_json::Map::len), Some(2), "{answer}");
}

#[test]
fn where_a_file_cannot_be_read_nothing_is_renamed() {
    let mut client = Client::new();
    client.open_as("search/nobody.segment.yaml", "audience: {");
    let answer = rename(&mut client, EXPERIMENT, "bold: 50%", "loud");
    let message = answer["error"]["message"].as_str().expect("a refusal");
    assert!(message.contains("search/nobody.segment.yaml") && message.contains("fix it first"), "{message}");
}
