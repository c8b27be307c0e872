//! The life of a server: requests and notifications, from `initialize` to `exit`.

use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use lsp_types::InitializeParams;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::books::Books;
use super::buffers::Buffers;
use super::client::Client;
use super::diagnostics;
use super::frame::{self, Frame};
use super::inbox::Inbox;

mod answers;
mod capabilities;
mod changes;

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The client shut it down and asked it to exit.
    Asked,
    /// The client disconnected, or asked it to exit without shutting it down.
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
/// `clock` returns the present.
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
    /// The client, once it has introduced itself.
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
    fn show(&mut self, message: &str) -> io::Result<()> {
        self.notify("window/showMessage", json!({ "type": 2, "message": format!("trialbook: {message}") }))
    }

    /// Handles one message; returns how the server ends, if it does.
    fn message(&mut self, mut message: Value) -> io::Result<Option<Ending>> {
        let method = message.get("method").and_then(Value::as_str).map(str::to_owned);
        let id = message.get("id").cloned();
        let params = message.get_mut("params").map(Value::take).unwrap_or_default();
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
                // So that a client that never stops asking hears of its mistakes too.
                self.publish()?;
            }
            (Some(method), None) if method == "exit" => {
                return Ok(Some(if self.shut_down { Ending::Asked } else { Ending::Lost }));
            }
            (Some(method), None) => {
                if self.client.is_some() && !self.shut_down {
                    match catch_unwind(AssertUnwindSafe(|| self.notification(&method, params))) {
                        Ok(done) => done?,
                        // What a bug has left behind is not to be trusted.
                        Err(_) => drop(self.read_everything_again()),
                    }
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

    fn initialize(&mut self, params: Value) -> Result<Value, Refusal> {
        if self.client.is_some() {
            let message = "`initialize` came twice".to_owned();
            return Err(Refusal { code: Refusal::INVALID_REQUEST, message });
        }
        let params: InitializeParams = read(params)?;
        let client = Client::new(&params);
        let result = capabilities::of(&client);
        self.client = Some(client);
        value(result)
    }

    /// Publishes what is wrong with the files of which it has changed.
    fn publish(&mut self) -> io::Result<()> {
        /// A book that was judged longer ago than this is judged anew: what is overdue depends on the time.
        const STALE: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
        let Some(client) = self.client.clone() else { return Ok(()) };
        let now = (self.clock)();
        if now.duration_since(self.opened_at) > STALE {
            self.opened_at = now;
            for book in self.books.iter_mut() {
                let touched = book.workspace.set_now(now);
                book.touched.extend(touched);
            }
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
