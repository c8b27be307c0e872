//! A client of the real server, over its stdin and stdout, with a copy of a book.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A server under test. What it says is read while a test waits for an answer.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: i32,
    /// What was published last of each file.
    pub published: HashMap<String, Value>,
    /// Every other notification and request of the server.
    pub said: Vec<Value>,
    /// The book's folder.
    pub root: PathBuf,
    _folder: tempfile::TempDir,
}

/// What a good editor can do.
pub fn capabilities() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-8", "utf-16"] },
        "textDocument": {
            "completion": { "completionItem": { "snippetSupport": true, "documentationFormat": ["markdown"] } },
            "hover": { "contentFormat": ["markdown"] },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
        },
        "workspace": {
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["rename"] },
            "didChangeWatchedFiles": { "dynamicRegistration": true },
        },
    })
}

impl Client {
    /// Starts a server on a copy of the shop, before its test begins.
    pub fn new() -> Self {
        Self::with(capabilities(), "2026-11-20")
    }

    pub fn with(capabilities: Value, at: &str) -> Self {
        let mut client = Self::silent(at);
        let folder = client.root.clone();
        let answer = client.initialize(capabilities, &[folder.as_path()]);
        assert!(answer["result"]["capabilities"].is_object(), "{answer}");
        client
    }

    /// Starts a server that has received nothing yet.
    pub fn silent(at: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = std::fs::canonicalize(folder.path()).expect("a real path").join("the shop");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/books/shop");
        for entry in walkdir::WalkDir::new(&source).into_iter().filter_map(Result::ok) {
            if entry.file_type().is_file() {
                let to = root.join(entry.path().strip_prefix(&source).expect("a path below the book"));
                std::fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
                std::fs::copy(entry.path(), to).expect("a copy");
            }
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_trialbook"))
            .args(["lsp", "--at", at])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("its stdout"));
        let output = BufReader::new(output);
        let (published, said) = (HashMap::new(), Vec::new());
        Self { child, input, output, next: 0, published, said, root, _folder: folder }
    }

    pub fn initialize(&mut self, capabilities: Value, folders: &[&Path]) -> Value {
        let folders: Vec<_> =
            folders.iter().map(|folder| json!({ "uri": address(folder), "name": "folder" })).collect();
        let answer = self.request(
            "initialize",
            json!({ "processId": null, "rootUri": null, "capabilities": capabilities, "workspaceFolders": folders }),
        );
        self.notify("initialized", json!({}));
        answer
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("an open stdin");
        input.write_all(bytes).expect("the server reads");
        input.flush().expect("the server reads");
    }

    pub fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and returns its id, without waiting.
    pub fn ask(&mut self, method: &str, params: Value) -> i32 {
        self.next += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params }));
        self.next
    }

    /// Sends a request and returns the whole answer.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        self.answer(&json!(id))
    }

    /// Waits for the answer to a request.
    pub fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.read().expect("an answer before the end");
            if message["id"] == *id && message.get("method").is_none() {
                return message;
            }
            self.keep(message);
        }
    }

    fn keep(&mut self, message: Value) {
        if message["method"] == "textDocument/publishDiagnostics" {
            let uri = message["params"]["uri"].as_str().expect("an address").to_owned();
            self.published.insert(uri, message["params"].clone());
        } else {
            self.said.push(message);
        }
    }

    /// Reads one message; `None` at the end.
    pub fn read(&mut self) -> Option<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).expect("text") == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => {
                    if let Some(text) = line.strip_prefix("Content-Length: ") {
                        length = text.parse().expect("a length");
                    }
                }
            }
        }
        let mut text = vec![0; length];
        self.output.read_exact(&mut text).expect("a whole message");
        Some(serde_json::from_slice(&text).expect("JSON"))
    }

    pub fn uri(&self, path: &str) -> String {
        address(&self.root.join(path))
    }

    /// Opens a file of the book as it is on disk.
    pub fn open(&mut self, path: &str) {
        let text = std::fs::read_to_string(self.root.join(path)).expect("a file of the book");
        self.open_as(path, &text);
    }

    pub fn open_as(&mut self, path: &str, text: &str) {
        let document = json!({ "uri": self.uri(path), "languageId": "yaml", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub fn change(&mut self, path: &str, version: i32, changes: Value) {
        let document = json!({ "uri": self.uri(path), "version": version });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    /// Waits until the server has said what is wrong now.
    ///
    /// Returns the rules that found something in a file.
    pub fn rules(&mut self, path: &str) -> Vec<String> {
        // They are said behind an answer at the latest, so that they come before the next one.
        for _ in 0..2 {
            self.request("workspace/symbol", json!({ "query": "no such name anywhere" }));
        }
        let found = self.published.get(&self.uri(path));
        let found = found.and_then(|params| params["diagnostics"].as_array()).cloned().unwrap_or_default();
        found.iter().map(|one| one["code"].as_str().expect("a rule").to_owned()).collect()
    }

    /// Asks about the place of `|` in a text that a file is opened with.
    pub fn at_cursor(&mut self, method: &str, path: &str, text: &str) -> Value {
        let offset = text.find('|').expect("a cursor");
        self.open_as(path, &text.replacen('|', "", 1));
        let position = position(text, offset);
        self.request(method, self.place(path, position))["result"].clone()
    }

    /// Asks about the first place of a text in a file of the book, a byte into it.
    pub fn at(&mut self, method: &str, path: &str, needle: &str, more: Value) -> Value {
        let text = std::fs::read_to_string(self.root.join(path)).expect("a file of the book");
        let offset = text.find(needle).unwrap_or_else(|| panic!("{needle} in {path}")) + 1;
        let mut params = self.place(path, position(&text, offset));
        for (key, value) in more.as_object().into_iter().flatten() {
            params[key] = value.clone();
        }
        self.request(method, params)
    }

    fn place(&self, path: &str, position: Value) -> Value {
        json!({ "textDocument": { "uri": self.uri(path) }, "position": position })
    }

    /// Shuts down and leaves; returns the exit code.
    pub fn finish(mut self) -> Option<i32> {
        assert_eq!(self.request("shutdown", Value::Null)["result"], Value::Null);
        self.notify("exit", Value::Null);
        self.wait()
    }

    pub fn wait(mut self) -> Option<i32> {
        self.input = None;
        while self.read().is_some() {}
        self.child.wait().expect("an end").code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The position of a byte, in bytes.
fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    json!({ "line": line, "character": offset - before.rfind('\n').map_or(0, |at| at + 1) })
}

pub fn address(path: &Path) -> String {
    format!("file://{}", path.display().to_string().replace(' ', "%20"))
}
