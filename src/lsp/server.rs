//! The life of a server: requests and notifications, from `initialize` to `exit`.

use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use jiff::Timestamp;
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, HoverProviderCapability, InitializeParams,
    InitializeResult, OneOf, RenameOptions, ServerCapabilities, ServerInfo, TextDocumentPositionParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::books::{Books, on_disk};
use super::buffers::Buffers;
use super::client::Client;
use super::frame::{self, Frame};
use super::inbox::Inbox;
use super::position::Lines;
use super::{actions, completion, definition, diagnostics, hover, references, rename, symbols, uri};

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The client shut it down and told it to go.
    Asked,
    /// The client went, or told it to go without shutting it down.
    Lost,
}

/// Why a request has no result: a code of the protocol, and a sentence for people.
#[derive(Debug)]
pub struct Refusal {
    code: i32,
    message: String,
}

impl Refusal {
    const PARSE_ERROR: i32 = -32700;
    const INVALID_REQUEST: i32 = -32600;
    const METHOD_NOT_FOUND: i32 = -32601;
    const INVALID_PARAMS: i32 = -32602;
    const INTERNAL_ERROR: i32 = -32603;
    const NOT_INITIALIZED: i32 = -32002;
    const CANCELLED: i32 = -32800;
    const REQUEST_FAILED: i32 = -32803;

    /// A request that is understood and refused, with the reason.
    pub fn because(message: impl Into<String>) -> Self {
        Self { code: Self::REQUEST_FAILED, message: message.into() }
    }
}

/// Where a request points: an open or a known file, and a byte of it.
pub struct Spot<'a> {
    /// The book.
    pub book: &'a super::books::Shelved,
    /// The file's path in it.
    pub path: String,
    /// The file's text as the client has it.
    pub text: &'a str,
    /// The byte.
    pub offset: usize,
}

/// Serves a client until it goes.
///
/// `clock` says when now is.
///
/// # Errors
///
/// Only where the output cannot be written.
pub fn serve(
    input: impl BufRead + Send + 'static,
    output: impl Write,
    clock: impl Fn() -> Timestamp,
) -> io::Result<Ending> {
    let mut server = Server {
        inbox: Inbox::of(input),
        output,
        clock,
        client: None,
        shut_down: false,
        books: Books::default(),
        buffers: Buffers::default(),
        opened_at: Timestamp::UNIX_EPOCH,
    };
    loop {
        if server.inbox.is_empty() {
            server.publish()?;
        }
        match server.inbox.next() {
            None => return Ok(Ending::Lost),
            Some(Frame::Malformed(message)) => {
                server.answer(Value::Null, Err(Refusal { code: Refusal::PARSE_ERROR, message }))?;
            }
            Some(Frame::Message(message)) => {
                if let Some(ending) = server.message(message)? {
                    return Ok(ending);
                }
            }
        }
    }
}

struct Server<W, C> {
    inbox: Inbox,
    output: W,
    clock: C,
    /// The client, once it has said who it is.
    client: Option<Client>,
    shut_down: bool,
    books: Books,
    buffers: Buffers,
    /// When the books were judged last as of now.
    opened_at: Timestamp,
}

impl<W: Write, C: Fn() -> Timestamp> Server<W, C> {
    fn send(&mut self, message: &Value) -> io::Result<()> {
        frame::write(&mut self.output, message)
    }

    fn notify(&mut self, method: &str, params: impl Serialize) -> io::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn answer(&mut self, id: Value, result: Result<Value, Refusal>) -> io::Result<()> {
        let message = match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(Refusal { code, message }) => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
            }
        };
        self.send(&message)
    }

    /// Shows a sentence to the person in front of the editor.
    fn say(&mut self, message: &str) -> io::Result<()> {
        self.notify("window/showMessage", json!({ "type": 2, "message": format!("trialbook: {message}") }))
    }

    /// Handles one message; returns how the server ends, if it does.
    fn message(&mut self, mut message: Value) -> io::Result<Option<Ending>> {
        let method = message["method"].as_str().map(str::to_owned);
        let id = message.get("id").cloned();
        let params = message["params"].take();
        match (method, id) {
            (Some(method), Some(id @ (Value::Number(_) | Value::String(_)))) => {
                let result = if self.inbox.is_cancelled(&id) {
                    Err(Refusal { code: Refusal::CANCELLED, message: "taken back".into() })
                } else {
                    self.request(&method, params)?
                };
                self.answer(id, result)?;
                if method == "initialize" && self.client.is_some() {
                    self.watch()?;
                }
            }
            (Some(method), None) if method == "exit" => {
                return Ok(Some(if self.shut_down { Ending::Asked } else { Ending::Lost }));
            }
            (Some(method), None) => {
                if self.client.is_some() && !self.shut_down {
                    // A notification has no answer, so what is wrong with one can only be passed over.
                    self.notification(&method, params)?;
                }
            }
            // An answer of the client to a request of ours: nothing depends on it.
            (None, Some(_)) if message.get("result").is_some() || message.get("error").is_some() => {}
            (_, id) => {
                let message = "neither a request, a notification nor an answer".into();
                let refusal = Refusal { code: Refusal::INVALID_REQUEST, message };
                self.answer(
                    id.filter(|id| id.is_number() || id.is_string()).unwrap_or(Value::Null),
                    Err(refusal),
                )?;
            }
        }
        Ok(None)
    }

    fn request(&mut self, method: &str, params: Value) -> io::Result<Result<Value, Refusal>> {
        if self.shut_down {
            let message = "the server is shut down".to_owned();
            return Ok(Err(Refusal { code: Refusal::INVALID_REQUEST, message }));
        }
        match method {
            "initialize" => return Ok(self.initialize(params)),
            _ if self.client.is_none() => {
                let message = "the server waits for `initialize`".to_owned();
                return Ok(Err(Refusal { code: Refusal::NOT_INITIALIZED, message }));
            }
            "shutdown" => {
                self.shut_down = true;
                return Ok(Ok(Value::Null));
            }
            _ => {}
        }
        // A bug in one answer is no reason to leave the person without a server.
        let result = catch_unwind(AssertUnwindSafe(|| self.result(method, params)));
        Ok(result.unwrap_or_else(|_| {
            let message = format!("this is a bug in trialbook: {method} failed");
            Err(Refusal { code: Refusal::INTERNAL_ERROR, message })
        }))
    }

    fn result(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        let Some(client) = &self.client else { return Ok(Value::Null) };
        let now = (self.clock)();
        match method {
            "textDocument/completion" => {
                let params: TextDocumentPositionParams = read(params)?;
                value(self.spot(&params).map(|spot| completion::complete(&spot, client, now)))
            }
            "textDocument/hover" => {
                let params: TextDocumentPositionParams = read(params)?;
                value(self.spot(&params).and_then(|spot| hover::hover(&spot, client, now)))
            }
            "textDocument/definition" => {
                let params: TextDocumentPositionParams = read(params)?;
                value(self.spot(&params).and_then(|spot| definition::definition(&spot, client)))
            }
            "textDocument/references" => {
                let params: lsp_types::ReferenceParams = read(params)?;
                let declaration = params.context.include_declaration;
                let spot = self.spot(&params.text_document_position);
                value(spot.map(|spot| references::references(&spot, client, declaration)))
            }
            "textDocument/documentHighlight" => {
                let params: TextDocumentPositionParams = read(params)?;
                value(self.spot(&params).map(|spot| references::highlights(&spot, client)))
            }
            "textDocument/prepareRename" => {
                let params: TextDocumentPositionParams = read(params)?;
                self.spot(&params).map_or(Ok(Value::Null), |spot| value(rename::prepare(&spot, client, now)?))
            }
            "textDocument/rename" => {
                let params: lsp_types::RenameParams = read(params)?;
                match self.spot(&params.text_document_position) {
                    Some(spot) => value(rename::rename(&spot, client, now, &params.new_name, &self.buffers)?),
                    None => Err(Refusal::because("the file is in no book")),
                }
            }
            "textDocument/documentSymbol" => {
                let params: lsp_types::DocumentSymbolParams = read(params)?;
                let file = self.file(params.text_document.uri.as_str());
                value(file.and_then(|(book, path)| symbols::of_document(book, &path, client)))
            }
            "workspace/symbol" => {
                let params: lsp_types::WorkspaceSymbolParams = read(params)?;
                value(symbols::of_workspace(&self.books, &params.query, client))
            }
            "textDocument/codeAction" => {
                let params: lsp_types::CodeActionParams = read(params)?;
                let file = self.file(params.text_document.uri.as_str());
                value(file.map(|(book, path)| actions::actions(book, &path, &params, client, &self.buffers)))
            }
            _ => Err(Refusal {
                code: Refusal::METHOD_NOT_FOUND,
                message: format!("`{method}` is not supported"),
            }),
        }
    }

    /// Returns the book and the path of a file.
    fn file(&self, uri: &str) -> Option<(&super::books::Shelved, String)> {
        let (index, path) = self.books.locate(&uri::path_of(uri)?)?;
        Some((self.books.get(index)?, path))
    }

    fn spot(&self, at: &TextDocumentPositionParams) -> Option<Spot<'_>> {
        let client = self.client.as_ref()?;
        let uri = at.text_document.uri.as_str();
        let (book, path) = self.file(uri)?;
        let text = match self.buffers.get(uri) {
            Some(buffer) => buffer.text.as_str(),
            None => book.document(&path)?.file().text(),
        };
        let offset = Lines::new(text, client.encoding).offset(at.position);
        Some(Spot { book, path, text, offset })
    }

    fn initialize(&mut self, params: Value) -> Result<Value, Refusal> {
        if self.client.is_some() {
            let message = "`initialize` came twice".to_owned();
            return Err(Refusal { code: Refusal::INVALID_REQUEST, message });
        }
        let params: InitializeParams = read(params)?;
        let client = Client::new(&params);
        let rename =
            RenameOptions { prepare_provider: Some(true), work_done_progress_options: Default::default() };
        let result = InitializeResult {
            capabilities: ServerCapabilities {
                position_encoding: Some(client.encoding.kind()),
                text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                    open_close: Some(true),
                    change: Some(TextDocumentSyncKind::INCREMENTAL),
                    ..TextDocumentSyncOptions::default()
                })),
                completion_provider: Some(CompletionOptions {
                    trigger_characters: Some([" ", ":", "{", "[", ",", "-"].map(str::to_owned).to_vec()),
                    ..CompletionOptions::default()
                }),
                hover_provider: Some(HoverProviderCapability::Simple(true)),
                definition_provider: Some(OneOf::Left(true)),
                references_provider: Some(OneOf::Left(true)),
                document_highlight_provider: Some(OneOf::Left(true)),
                rename_provider: Some(OneOf::Right(rename)),
                document_symbol_provider: Some(OneOf::Left(true)),
                workspace_symbol_provider: Some(OneOf::Left(true)),
                code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                    code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, actions::fix_all()]),
                    ..CodeActionOptions::default()
                })),
                workspace: Some(WorkspaceServerCapabilities {
                    workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                        supported: Some(true),
                        change_notifications: Some(OneOf::Left(true)),
                    }),
                    file_operations: None,
                }),
                ..ServerCapabilities::default()
            },
            server_info: Some(ServerInfo {
                name: "trialbook".into(),
                version: Some(env!("CARGO_PKG_VERSION").into()),
            }),
        };
        self.client = Some(client);
        value(result)
    }

    /// Asks the client to tell of files that change outside of it, and opens the books.
    fn watch(&mut self) -> io::Result<()> {
        let (watches, folders) = self
            .client
            .as_ref()
            .map_or((false, Vec::new()), |client| (client.watches, client.folders.clone()));
        if watches {
            let watchers = json!([{ "globPattern": "**/*.{yaml,yml}" }]);
            self.send(&json!({
                "jsonrpc": "2.0",
                "id": "watch",
                "method": "client/registerCapability",
                "params": { "registrations": [{
                    "id": "files",
                    "method": "workspace/didChangeWatchedFiles",
                    "registerOptions": { "watchers": watchers },
                }] },
            }))?;
        }
        self.opened_at = (self.clock)();
        self.add_folders(&folders)
    }

    fn add_folders(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        let now = (self.clock)();
        let problems: Vec<_> = folders.iter().flat_map(|folder| self.books.add_folder(folder, now)).collect();
        problems.iter().try_for_each(|problem| self.say(problem))?;
        self.lay_open_files();
        Ok(())
    }

    /// Lays every open file over its book, where that does not know it yet.
    fn lay_open_files(&mut self) {
        for (uri, buffer) in self.buffers.iter() {
            let Some((index, path)) = uri::path_of(uri).and_then(|path| self.books.locate(&path)) else {
                continue;
            };
            let Some(book) = self.books.get_mut(index) else { continue };
            if book.open.insert(path.clone(), uri.to_owned()).is_none() {
                book.edit(&path, Some(buffer.text.clone().into_bytes()));
            }
        }
    }

    fn notification(&mut self, method: &str, params: Value) -> io::Result<()> {
        match method {
            "textDocument/didOpen" => {
                let Ok(params) = read::<DidOpenTextDocumentParams>(params) else { return Ok(()) };
                let document = params.text_document;
                let uri = document.uri.as_str();
                self.buffers.open(uri, document.version, document.text);
                if let Some(path) = uri::path_of(uri)
                    && self.books.locate(&path).is_none()
                {
                    let problem = self.books.add_around(&path, (self.clock)());
                    problem.map_or(Ok(()), |problem| self.say(&problem))?;
                }
                self.update(uri);
            }
            "textDocument/didChange" => {
                let Ok(params) = read::<DidChangeTextDocumentParams>(params) else { return Ok(()) };
                let Some(encoding) = self.client.as_ref().map(|client| client.encoding) else {
                    return Ok(());
                };
                let document = params.text_document;
                let uri = document.uri.as_str();
                if self.buffers.change(uri, document.version, params.content_changes, encoding) {
                    self.update(uri);
                }
            }
            "textDocument/didClose" => {
                let Ok(params) = read::<DidCloseTextDocumentParams>(params) else { return Ok(()) };
                let uri = params.text_document.uri.as_str();
                self.buffers.close(uri);
                if let Some((index, path)) = uri::path_of(uri).and_then(|path| self.books.locate(&path))
                    && let Some(book) = self.books.get_mut(index)
                {
                    book.open.remove(&path);
                    book.edit(&path, on_disk(&book.root, &path));
                }
            }
            "workspace/didChangeWatchedFiles" => {
                let Ok(params) = read::<DidChangeWatchedFilesParams>(params) else { return Ok(()) };
                let uris: Vec<_> =
                    params.changes.iter().map(|change| change.uri.as_str().to_owned()).collect();
                self.changed_on_disk(&uris)?;
            }
            "workspace/didChangeWorkspaceFolders" => {
                let Ok(params) = read::<DidChangeWorkspaceFoldersParams>(params) else { return Ok(()) };
                let paths = |folders: &[lsp_types::WorkspaceFolder]| -> Vec<PathBuf> {
                    folders.iter().filter_map(|folder| uri::path_of(folder.uri.as_str())).collect()
                };
                let (added, removed) = (paths(&params.event.added), paths(&params.event.removed));
                let mut kept = Vec::new();
                if let Some(client) = &mut self.client {
                    client.folders.retain(|folder| !removed.contains(folder));
                    client.folders.extend(added.iter().cloned());
                    kept.clone_from(&client.folders);
                }
                for folder in &removed {
                    for uri in self.books.remove_folder(folder, &kept) {
                        self.notify(
                            "textDocument/publishDiagnostics",
                            json!({ "uri": uri, "diagnostics": [] }),
                        )?;
                    }
                }
                self.add_folders(&added)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Lays the text of an open file over its book.
    fn update(&mut self, uri: &str) {
        let Some((index, path)) = uri::path_of(uri).and_then(|path| self.books.locate(&path)) else { return };
        let (Some(book), Some(buffer)) = (self.books.get_mut(index), self.buffers.get(uri)) else { return };
        book.open.insert(path.clone(), uri.to_owned());
        book.edit(&path, Some(buffer.text.clone().into_bytes()));
    }

    fn changed_on_disk(&mut self, uris: &[String]) -> io::Result<()> {
        /// Past this many files, reading everything anew costs less than an edit each.
        const MANY: usize = 200;
        let paths: Vec<_> = uris.iter().filter_map(|uri| uri::path_of(uri)).collect();
        let now = (self.clock)();
        let mut problems = Vec::new();
        if paths.len() > MANY {
            for index in 0..self.books.iter().count() {
                problems.extend(self.books.reread(index, now));
            }
            self.lay_open_files();
        }
        for path in &paths {
            match self.books.locate(path) {
                Some((index, path)) if paths.len() <= MANY => {
                    if let Some(book) = self.books.get_mut(index)
                        && !book.open.contains_key(&path)
                    {
                        let bytes = on_disk(&book.root, &path);
                        book.edit(&path, bytes);
                    }
                }
                Some(_) => {}
                None if path.file_name().is_some_and(|name| name == crate::load::BOOK_FILE) => {
                    problems.extend(self.books.add_around(path, now));
                    self.lay_open_files();
                }
                None => {}
            }
        }
        problems.iter().try_for_each(|problem| self.say(problem))
    }

    /// Says what is wrong with the files of which it has changed.
    fn publish(&mut self) -> io::Result<()> {
        /// A book that was judged longer ago than this is judged anew: what is overdue depends on the time.
        const STALE: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
        let Some(client) = self.client.clone() else { return Ok(()) };
        let now = (self.clock)();
        if now.duration_since(self.opened_at) > STALE {
            self.opened_at = now;
            for index in 0..self.books.iter().count() {
                self.books.reread(index, now);
            }
            self.lay_open_files();
        }
        let messages =
            catch_unwind(AssertUnwindSafe(|| diagnostics::changed(&mut self.books, &self.buffers, &client)));
        for message in messages.unwrap_or_default() {
            self.notify("textDocument/publishDiagnostics", message)?;
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| Refusal {
        code: Refusal::INVALID_PARAMS,
        message: format!("the parameters are not those of the request: {error}"),
    })
}

fn value(result: impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(result).map_err(|error| Refusal {
        code: Refusal::INTERNAL_ERROR,
        message: format!("the answer cannot be written: {error}"),
    })
}
