//! From the first message to the last: order, cancellation, folders, files that change outside, nonsense.

use serde_json::{Value, json};

use super::client::{Client, address, capabilities};
use super::{EXPERIMENT, FLAG};

#[test]
fn nothing_is_answered_before_it_starts_and_after_it_is_shut_down() {
    let mut client = Client::silent("2026-11-20");
    assert_eq!(client.request("textDocument/hover", json!({}))["error"]["code"], -32002);
    let root = client.root.clone();
    client.initialize(capabilities(), &[root.as_path()]);
    assert_eq!(client.request("initialize", json!({ "capabilities": {} }))["error"]["code"], -32600);
    assert_eq!(client.request("textDocument/nonsense", json!({}))["error"]["code"], -32601);
    assert_eq!(client.request("textDocument/hover", json!({ "position": 3 }))["error"]["code"], -32602);
    client.notify("$/nonsense", json!({}));
    client.notify("textDocument/didChange", json!({ "textDocument": 1 }));
    assert_eq!(client.request("shutdown", Value::Null)["result"], Value::Null);
    assert_eq!(client.request("workspace/symbol", json!({ "query": "" }))["error"]["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.wait(), Some(0));
}

#[test]
fn a_client_that_goes_without_a_word_is_reported_by_the_exit_code() {
    let mut client = Client::new();
    client.notify("exit", Value::Null);
    assert_eq!(client.wait(), Some(1));
    assert_eq!(Client::new().wait(), Some(1));
    assert_eq!(Client::silent("2026-11-20").wait(), Some(1));
}

#[test]
fn nonsense_is_answered_and_the_next_message_is_read() {
    let mut client = Client::new();
    client.raw(b"Content-Length: 5\r\n\r\n{\"a\":");
    assert_eq!(client.answer(&Value::Null)["error"]["code"], -32700);
    client.raw(b"Content-Length: zero\r\n\r\n");
    assert_eq!(client.answer(&Value::Null)["error"]["code"], -32700);
    client.raw(b"no header at all\r\n\r\n");
    assert_eq!(client.answer(&Value::Null)["error"]["code"], -32700);
    client.raw(b"Content-Length: 4\r\n\r\n\xff\xff\xff\xff");
    assert_eq!(client.answer(&Value::Null)["error"]["code"], -32700);
    for message in [json!([]), json!(1), json!({ "id": {}, "method": "x" }), json!({ "jsonrpc": "2.0" })] {
        client.send(&message);
        assert_eq!(client.answer(&Value::Null)["error"]["code"], -32600, "{message}");
    }
    // An answer to a request of the server's is none of these.
    client.send(&json!({ "jsonrpc": "2.0", "id": "watch", "result": null }));
    assert_eq!(client.finish(), Some(0));
}

#[test]
fn a_request_that_is_taken_back_while_it_waits_is_not_worked_on() {
    let mut client = Client::new();
    // In one piece, so that it is all there before the first is answered.
    let mut all = Vec::new();
    let mut message = |value: Value| {
        let text = value.to_string();
        all.extend(format!("Content-Length: {}\r\n\r\n{text}", text.len()).into_bytes());
    };
    for id in 1000..1050 {
        message(
            json!({ "jsonrpc": "2.0", "id": id, "method": "workspace/symbol", "params": { "query": "" } }),
        );
    }
    message(json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 1049 } }));
    message(json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 7 } }));
    client.raw(&all);
    assert!(client.answer(&json!(1048))["result"].is_array());
    assert_eq!(client.answer(&json!(1049))["error"]["code"], -32800);
    // An id that was taken back is free again.
    client
        .send(&json!({ "jsonrpc": "2.0", "id": 7, "method": "workspace/symbol", "params": { "query": "" } }));
    assert!(client.answer(&json!(7))["result"].is_array());
}

#[test]
fn files_that_change_outside_of_the_editor_are_read_again() {
    let mut client = Client::new();
    client.rules(FLAG);
    let asked = client.said.iter().find(|message| message["method"] == "client/registerCapability");
    assert!(asked.is_some_and(
        |message| message["params"]["registrations"][0]["method"] == "workspace/didChangeWatchedFiles"
    ));
    let changed = |client: &mut Client, path: &str, kind: u8| {
        let uri = client.uri(path);
        client
            .notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri, "type": kind }] }));
    };
    let file = client.root.join(FLAG);
    let text = std::fs::read_to_string(&file).expect("the flag");
    std::fs::write(&file, text.replace("default: plain", "default: pale")).expect("a write");
    changed(&mut client, FLAG, 2);
    assert_eq!(client.rules(FLAG), ["dangling-reference"]);
    std::fs::remove_file(&file).expect("a removal");
    changed(&mut client, FLAG, 3);
    assert!(client.rules(FLAG).is_empty());
    assert!(client.rules(EXPERIMENT).contains(&"dangling-reference".to_owned()));
    std::fs::write(&file, text).expect("a write");
    changed(&mut client, FLAG, 1);
    assert!(!client.rules(EXPERIMENT).contains(&"dangling-reference".to_owned()));
    // What is open counts, whatever the disk says.
    client.open(FLAG);
    std::fs::write(client.root.join(FLAG), "nonsense").expect("a write");
    changed(&mut client, FLAG, 2);
    assert!(!client.rules(FLAG).contains(&"wrong-type".to_owned()));
}

#[test]
fn several_folders_have_a_book_each_and_one_that_goes_takes_its_findings_along() {
    let mut client = Client::silent("2026-11-20");
    let other = client.root.parent().expect("a parent").join("other");
    std::fs::create_dir_all(other.join("books/small")).expect("a folder");
    let book = "book: small\nentities: {user: {column: id}}\n";
    std::fs::write(other.join("books/small/trialbook.yaml"), book).expect("a write");
    std::fs::write(other.join("books/small/x.flag.yaml"), "owner: me\n").expect("a write");
    let root = client.root.clone();
    client.initialize(capabilities(), &[root.join("checkout").as_path(), other.as_path()]);
    client.rules(FLAG);
    let uri = address(&other.join("books/small/x.flag.yaml"));
    assert!(!client.published[&uri]["diagnostics"].as_array().expect("a list").is_empty());
    let names = client.request("workspace/symbol", json!({ "query": "" }))["result"].to_string();
    assert!(names.contains("checkout-button") && names.contains("small/x.flag.yaml"), "{names}");
    let event = json!({ "added": [], "removed": [{ "uri": address(&other), "name": "folder" }] });
    client.notify("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    client.rules(FLAG);
    assert_eq!(client.published[&uri]["diagnostics"], json!([]));
    let names = client.request("workspace/symbol", json!({ "query": "" }))["result"].to_string();
    assert!(names.contains("checkout-button") && !names.contains("small/x.flag.yaml"), "{names}");
}

#[test]
fn a_file_outside_of_every_folder_opens_its_book_and_one_without_a_book_is_left_alone() {
    let mut client = Client::silent("2026-11-20");
    client.initialize(capabilities(), &[]);
    client.open_as(FLAG, "owner: me\n");
    assert!(client.rules(FLAG).contains(&"missing-key".to_owned()));
    let elsewhere = "../elsewhere.flag.yaml";
    client.open_as(elsewhere, "owner: me\n");
    assert!(client.rules(elsewhere).is_empty());
    let untitled =
        json!({ "uri": "untitled:Untitled-1", "languageId": "yaml", "version": 1, "text": "a: b" });
    client.notify("textDocument/didOpen", json!({ "textDocument": untitled }));
    let place = json!({ "textDocument": { "uri": "untitled:Untitled-1" }, "position": { "line": 0, "character": 0 } });
    assert_eq!(client.request("textDocument/hover", place)["result"], Value::Null);
}

#[test]
fn nothing_on_disk_is_ever_written() {
    let mut client = Client::new();
    let before = files(&client);
    client.open_as(FLAG, "nonsense");
    client.rules(FLAG);
    client.at("textDocument/rename", EXPERIMENT, "bold: 50%", json!({ "newName": "loud" }));
    assert_eq!(files(&client), before);
}

fn files(client: &Client) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(&client.root).sort_by_file_name().into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|entry| (entry.path().to_owned(), std::fs::read(entry.path()).expect("a file"))).collect()
}
