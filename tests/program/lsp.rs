//! The language server as an editor meets it: the real program, over stdio.

mod client;
mod life;
mod rename;

use client::{Client, capabilities};
use serde_json::{Value, json};

const EXPERIMENT: &str = "checkout/bold-checkout-button.experiment.yaml";
const FLAG: &str = "checkout/checkout-button.flag.yaml";

fn labels(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["label"].as_str().expect("a label"))
        .collect()
}

fn item<'a>(list: &'a Value, label: &str) -> &'a Value {
    let items = list["items"].as_array().expect("items");
    items
        .iter()
        .find(|item| item["label"] == label)
        .unwrap_or_else(|| panic!("{label} in {:?}", labels(list)))
}

#[test]
fn findings_follow_what_is_typed_and_the_disk_counts_again_when_a_file_is_closed() {
    let mut client = Client::new();
    client.open(FLAG);
    let before = client.rules(FLAG);
    // `default: plain` becomes `default: plin`, by an edit of one character.
    let line = std::fs::read_to_string(client.root.join(FLAG)).expect("the flag");
    let line = line.lines().position(|line| line == "default: plain").expect("the default");
    let range =
        json!({ "start": { "line": line, "character": 11 }, "end": { "line": line, "character": 12 } });
    client.change(FLAG, 2, json!([{ "range": range, "text": "" }]));
    assert_eq!(client.rules(FLAG), ["dangling-reference"]);
    let uri = client.uri(FLAG);
    let published_now = &client.published[&uri];
    assert_eq!(published_now["version"], 2);
    let found = &published_now["diagnostics"][0];
    assert_eq!(found["severity"], 1);
    assert_eq!(found["range"]["start"], json!({ "line": line, "character": 9 }));
    assert!(found["message"].as_str().expect("a message").contains("did you mean `plain`?"), "{found}");
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    assert_eq!(client.rules(FLAG), before);
    assert_eq!(client.finish(), Some(0));
}

#[test]
fn an_edit_of_one_file_shows_in_another_that_is_not_open() {
    let mut client = Client::new();
    assert!(!client.rules(EXPERIMENT).contains(&"dangling-reference".to_owned()));
    let text = std::fs::read_to_string(client.root.join(FLAG)).expect("the flag").replace("bold", "loud");
    client.open_as(FLAG, &text);
    assert!(client.rules(EXPERIMENT).contains(&"dangling-reference".to_owned()));
}

#[test]
fn keys_are_completed_with_their_documentation_and_places_to_fill_in() {
    let mut client = Client::new();
    let list = client.at_cursor("textDocument/completion", EXPERIMENT, "title: x\nmetr|\nowner: y\n");
    let metrics = item(&list, "metrics");
    assert_eq!(metrics["detail"], "required");
    assert!(
        metrics["documentation"]["value"].as_str().expect("a text").contains("What is measured."),
        "{metrics}"
    );
    assert_eq!(metrics["textEdit"]["newText"], "metrics:\n  $0");
    assert_eq!(metrics["insertTextFormat"], 2);
    assert_eq!(
        metrics["textEdit"]["range"],
        json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 1, "character": 4 } })
    );
    assert!(!labels(&list).contains(&"title") && !labels(&list).contains(&"owner"));
    let list = client.at_cursor("textDocument/completion", EXPERIMENT, "schedule: {|}\n");
    assert_eq!(labels(&list), ["start", "end"]);
}

#[test]
fn a_client_without_snippets_and_markdown_gets_neither() {
    let mut client = Client::with(json!({}), "2026-11-20");
    let list = client.at_cursor("textDocument/completion", EXPERIMENT, "metr|\n");
    let metrics = item(&list, "metrics");
    assert_eq!(metrics["textEdit"]["newText"], "metrics: ");
    assert!(metrics["insertTextFormat"].is_null());
    assert_eq!(metrics["documentation"]["kind"], "plaintext");
    let symbols =
        client.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": client.uri(FLAG) } }));
    assert!(symbols["result"][0]["location"]["range"].is_object(), "{symbols}");
}

#[test]
fn names_of_the_book_are_completed_where_they_belong() {
    let mut client = Client::new();
    let mut at = |text: &str| -> Vec<String> {
        let list = client.at_cursor("textDocument/completion", EXPERIMENT, text);
        labels(&list).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(at("flag: |\n"), ["checkout-button", "new-ranking"]);
    assert_eq!(at("flag: checkout-button\ncontrol: |\n"), ["plain", "bold"]);
    assert_eq!(at("flag: checkout-button\nvariants: {plain: 50%, |}\n"), ["bold"]);
    assert_eq!(at("surfaces: [checkout, |]\n"), ["search"]);
    assert_eq!(at("layer: |\n"), ["checkout"]);
    assert_eq!(at("metrics: {success: [{metric: rev|}]}\n").len(), 5);
    assert_eq!(at("audience: {segment: |}\n"), ["employees", "nobody"]);
    assert_eq!(at("audience: {country: {in: [SE, |]}}\n"), ["FI", "DK", "US"]);
    assert_eq!(at("audience: {employee: |}\n"), ["true", "false", "{…}"]);
    assert_eq!(
        at("audience: {app_version: {|}}\n"),
        ["in", "at_least", "above", "at_most", "below", "present"]
    );
    assert_eq!(
        at("audience: {email: {|}}\n"),
        ["in", "starts_with", "ends_with", "contains", "matches", "present"]
    );
    let audience = at("audience:\n  |\n");
    for name in ["all", "any", "not", "segment", "country", "platform", "app_version", "email"] {
        assert!(audience.contains(&name.to_owned()), "{name} in {audience:?}");
    }
    assert_eq!(at("decision: {outcome: |}\n"), ["ship", "roll-back", "inconclusive", "aborted"]);
    // An experiment does not repeat itself.
    assert_eq!(at("previous: |\n"), ["ranking-test"]);
    let list = client.at_cursor(
        "textDocument/completion",
        "x.metric.yaml",
        "source: purchases\nmeasure: {sum: |}\n",
    );
    assert_eq!(labels(&list), ["amount"]);
    let list = client.at_cursor("textDocument/completion", "x.metric.yaml", "source: |\nentity: user\n");
    assert!(labels(&list).contains(&"purchases"));
    let list = client.at_cursor("textDocument/completion", "x.metric.yaml", "entity: |\n");
    assert_eq!(labels(&list), ["user", "account"]);
}

#[test]
fn completion_states_what_it_offers() {
    let mut client = Client::new();
    let list = client.at_cursor("textDocument/completion", EXPERIMENT, "flag: |\n");
    let flag = item(&list, "checkout-button");
    assert_eq!(flag["detail"], "Style of the checkout button.");
    assert!(
        flag["documentation"]["value"].as_str().expect("a text").contains("owner: team-checkout"),
        "{flag}"
    );
    let list = client.at_cursor("textDocument/completion", EXPERIMENT, "decision: {outcome: |}\n");
    let ship = item(&list, "ship");
    assert!(ship["documentation"]["value"].as_str().expect("a text").contains("A treatment ships"), "{ship}");
}

#[test]
fn hover_states_what_a_name_is_what_it_is_doing_and_who_uses_it() {
    let mut client = Client::new();
    let text = |answer: &Value| answer["result"]["contents"]["value"].as_str().expect("a text").to_owned();
    let hover = text(&client.at(
        "textDocument/hover",
        "checkout/checkout.layer.yaml",
        "bold-checkout-button",
        json!({}),
    ));
    for part in [
        "experiment bold-checkout-button",
        "A bold checkout button",
        "owner: team-checkout",
        "state: scheduled",
        "layer `checkout`",
    ] {
        assert!(hover.contains(part), "{part} in {hover}");
    }
    let hover = text(&client.at("textDocument/hover", FLAG, "bold:", json!({})));
    for part in ["variant bold of flag checkout-button", "experiment `bold-checkout-button`"] {
        assert!(hover.contains(part), "{part} in {hover}");
    }
    let hover = text(&client.at("textDocument/hover", EXPERIMENT, "allocation", json!({})));
    for part in ["**allocation** (required)", "The share of the audience", "a share such as `20%`"] {
        assert!(hover.contains(part), "{part} in {hover}");
    }
    let hover = text(&client.at("textDocument/hover", EXPERIMENT, "fixed-horizon", json!({})));
    assert!(hover.contains("judged once"), "{hover}");
    let nothing = client.at("textDocument/hover", EXPERIMENT, "An orange", json!({}));
    assert_eq!(nothing["result"], Value::Null);
}

#[test]
fn hover_escapes_what_people_write() {
    let mut client = Client::new();
    let text = std::fs::read_to_string(client.root.join(FLAG)).expect("the flag");
    client
        .open_as(FLAG, &text.replace("Style of the checkout button.", "\"<img src=x> [a](command:x) `b`\""));
    let hover = client.at("textDocument/hover", EXPERIMENT, "checkout-button\n", json!({}));
    let hover = hover["result"]["contents"]["value"].as_str().expect("a text");
    assert!(hover.contains("&lt;img") && hover.contains("\\[a\\]"), "{hover}");
}

#[test]
fn definitions_and_references_lead_from_file_to_file() {
    let mut client = Client::new();
    let found =
        client.at("textDocument/definition", EXPERIMENT, "checkout-button\n", json!({}))["result"].clone();
    assert_eq!(found["uri"], client.uri(FLAG));
    let found = client.at("textDocument/definition", EXPERIMENT, "bold: 50%", json!({}))["result"].clone();
    assert_eq!(
        (&found["uri"], &found["range"]["start"]),
        (&json!(client.uri(FLAG)), &json!({ "line": 7, "character": 2 }))
    );
    let found = client.at("textDocument/definition", EXPERIMENT, "country", json!({}))["result"].clone();
    assert_eq!(
        (&found["uri"], &found["range"]["start"]["line"]),
        (&json!(client.uri("trialbook.yaml")), &json!(6))
    );
    let found = client.at("textDocument/definition", EXPERIMENT, "title", json!({}))["result"].clone();
    assert_eq!(found, Value::Null);
    let context = |declaration: bool| json!({ "context": { "includeDeclaration": declaration } });
    let uses = client.at("textDocument/references", FLAG, "bold:", context(false))["result"].clone();
    assert_eq!(uses.as_array().map(Vec::len), Some(3), "{uses}");
    let uses = client.at("textDocument/references", FLAG, "bold:", context(true))["result"].clone();
    assert_eq!(uses.as_array().map(Vec::len), Some(4), "{uses}");
    // Where no name stands, the file is meant.
    let uses = client.at("textDocument/references", FLAG, "description", context(false))["result"].clone();
    assert_eq!(uses[0]["uri"], client.uri(EXPERIMENT));
    let here = client.at("textDocument/documentHighlight", FLAG, "bold:", json!({}))["result"].clone();
    assert_eq!(here.as_array().map(Vec::len), Some(2), "{here}");
}

#[test]
fn a_file_has_an_outline_and_the_book_its_symbols() {
    let mut client = Client::new();
    let outline =
        client.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": client.uri(FLAG) } }));
    let names: Vec<_> =
        outline["result"].as_array().expect("symbols").iter().map(|one| one["name"].clone()).collect();
    assert!(names.contains(&json!("variants")) && names.contains(&json!("rules")), "{names:?}");
    let variants =
        outline["result"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "variants"));
    assert_eq!(variants.map(|one| one["children"][1]["name"].clone()), Some(json!("bold")));
    let found = client.request("workspace/symbol", json!({ "query": "chkbtn" }))["result"].clone();
    let names: Vec<_> = found.as_array().expect("symbols").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, [json!("bold-checkout-button"), json!("checkout-button")]);
    let found = client.request("workspace/symbol", json!({ "query": "app_version" }))["result"].clone();
    assert_eq!(found[0]["location"]["uri"], client.uri("trialbook.yaml"));
}

#[test]
fn columns_are_counted_as_the_client_wants() {
    for (encodings, column) in [(json!(["utf-8", "utf-16"]), 22), (json!(["utf-16"]), 20), (json!([]), 20)] {
        let mut client = Client::silent("2026-11-20");
        let mut abilities = capabilities();
        abilities["general"]["positionEncodings"] = encodings.clone();
        let root = client.root.clone();
        let answer = client.initialize(abilities, &[root.as_path()]);
        let expected = if column == 22 { "utf-8" } else { "utf-16" };
        assert_eq!(answer["result"]["capabilities"]["positionEncoding"], expected, "{encodings}");
        client.open_as("x.segment.yaml", "description: x\naudience: {\"😀\": 1, contry: SE}\n");
        client.rules("x.segment.yaml");
        let uri = client.uri("x.segment.yaml");
        let found = client.published[&uri]["diagnostics"].as_array().cloned().unwrap_or_default();
        let columns: Vec<_> = found.iter().map(|one| one["range"]["start"]["character"].clone()).collect();
        assert!(columns.contains(&json!(column)), "{encodings}: {found:?}");
    }
}

#[test]
fn a_fix_is_offered_where_its_finding_is() {
    let mut client = Client::new();
    let mut actions = |text: &str, only: Value| {
        client.open_as("x.segment.yaml", text);
        let at = json!({ "line": 0, "character": 5 });
        let mut context = json!({ "diagnostics": [] });
        if !only.is_null() {
            context["only"] = only;
        }
        let end = json!({ "line": 0, "character": 15 });
        let document = json!({ "uri": client.uri("x.segment.yaml") });
        let params =
            json!({ "textDocument": document, "range": { "start": at, "end": end }, "context": context });
        client.request("textDocument/codeAction", params)["result"].clone()
    };
    let unclear = "description: no\naudience: {country: SE}\n";
    let fix = actions(unclear, Value::Null)[0].clone();
    assert_eq!((&fix["kind"], &fix["isPreferred"]), (&json!("quickfix"), &json!(true)), "{fix}");
    assert_eq!(fix["diagnostics"][0]["code"], "ambiguous-scalar");
    assert_eq!(fix["edit"]["documentChanges"][0]["edits"][0]["newText"], "\"no\"");
    let all = actions(unclear, json!(["source.fixAll"]));
    assert_eq!(all[0]["kind"], "source.fixAll.trialbook", "{all}");
    assert_eq!(actions(unclear, json!(["refactor"])), json!([]));
    let misspelt = actions("descripton: x\naudience: {}\n", Value::Null)[0].clone();
    assert_eq!(misspelt["title"], "Write `description` (may change what is meant)");
    assert_eq!(misspelt["isPreferred"], false);
    assert_eq!(actions("descripton: x\naudience: {}\n", json!(["source.fixAll"])), json!([]));
}

#[test]
fn a_book_that_does_not_parse_is_served_all_the_same() {
    let mut client = Client::new();
    client.open_as("trialbook.yaml", "book: [\nentities: {user\n");
    assert!(client.rules("trialbook.yaml").contains(&"syntax-error".to_owned()));
    let list = client.at_cursor("textDocument/completion", EXPERIMENT, "flag: |\n");
    assert_eq!(labels(&list), ["checkout-button", "new-ranking"]);
    let found = client.at("textDocument/definition", FLAG, "employees", json!({}))["result"].clone();
    assert_eq!(found["uri"], client.uri("employees.segment.yaml"));
    client.open_as("trialbook.yaml", "");
    client.rules("trialbook.yaml");
    assert_eq!(client.finish(), Some(0));
}

#[test]
fn a_file_is_formatted_by_the_lines_that_differ_and_left_alone_where_it_does_not_parse() {
    let mut client = Client::new();
    let mut format = |text: &str| {
        client.open_as("x.segment.yaml", text);
        let params = json!({ "textDocument": { "uri": client.uri("x.segment.yaml") }, "options": { "tabSize": 2, "insertSpaces": true } });
        client.request("textDocument/formatting", params)
    };
    let answer = format("description: x\naudience:   {country:   SE}\n");
    let edit = &answer["result"][0];
    assert_eq!(edit["newText"], "audience: {country: SE}\n", "{answer}");
    assert_eq!(
        edit["range"],
        json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 2, "character": 0 } })
    );
    assert_eq!(format("description: x\naudience: {country: SE}\n")["result"], json!([]));
    assert_eq!(format("audience: {")["error"]["code"], -32803);
}
