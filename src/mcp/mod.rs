//! A server of the Model Context Protocol over stdin and stdout: tools that read a book, and one that proposes edits of it.
//! A message is a line of JSON. Every tool runs one command of this program in its own process, so that an agent gets the same
//! answers as a person, within the same limits. No argument can be mistaken for an option.

mod child;
mod tools;

use std::io::{self, BufRead, Read as _, Write};

use serde_json::{Map, Value, json};

pub use child::{Answer, Program};
use tools::{TOOLS, Tool};

/// The longest message that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// The versions of the protocol that this server has, the newest first.
const VERSIONS: [&str; 3] = ["2025-11-25", "2025-06-18", "2024-11-05"];

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// Answers messages until the input ends.
///
/// # Errors
///
/// Those of the input and the output.
pub fn serve(mut input: impl BufRead, mut output: impl Write, program: &Program) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = if line.len() as u64 == LONGEST && !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
            Some(error(
                &Value::Null,
                INVALID_REQUEST,
                format!("a message is longer than {} MiB", LONGEST >> 20),
            ))
        } else if line.trim_ascii().is_empty() {
            None
        } else {
            match serde_json::from_slice(&line) {
                Ok(message) => answer(&message, program),
                Err(cause) => Some(error(&Value::Null, PARSE_ERROR, format!("this is not JSON: {cause}"))),
            }
        };
        if let Some(answer) = answer {
            let mut text = serde_json::to_vec(&answer)?;
            text.push(b'\n');
            output.write_all(&text)?;
            output.flush()?;
        }
    }
}

/// Answers a message; a notification has no answer.
fn answer(message: &Value, program: &Program) -> Option<Value> {
    let Some((method, members)) = message.get("method").and_then(Value::as_str).zip(message.as_object())
    else {
        // An answer to a question that this server never asks, or no message at all.
        let is_answer = message.get("result").is_some() || message.get("error").is_some();
        return (!is_answer).then(|| error(&Value::Null, INVALID_REQUEST, "a message has a `method`"));
    };
    let id = members.get("id")?;
    if !(id.is_string() || id.is_number()) {
        return Some(error(&Value::Null, INVALID_REQUEST, "`id` is a text or a number"));
    }
    let nothing = Map::new();
    let params = members.get("params").and_then(Value::as_object).unwrap_or(&nothing);
    Some(match method {
        "initialize" => result(id, initialized(params)),
        "ping" => result(id, json!({})),
        "tools/list" => result(id, json!({"tools": TOOLS.iter().map(Tool::described).collect::<Vec<_>>()})),
        "tools/call" => match called(params, program) {
            Ok(answer) => result(id, answer),
            Err(problem) => error(id, INVALID_PARAMS, problem),
        },
        other => error(id, METHOD_NOT_FOUND, format!("there is no method `{other}`")),
    })
}

fn initialized(params: &Map<String, Value>) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    let version = VERSIONS.into_iter().find(|known| asked == Some(known)).unwrap_or(VERSIONS[0]);
    json!({
        "protocolVersion": version,
        "capabilities": {"tools": {"listChanged": false}},
        "serverInfo": {"name": "trialbook", "version": env!("CARGO_PKG_VERSION")},
        "instructions": "Reads a book of product experiments. Edits are proposed with `propose_change` as a branch, and as a pull request \
                         where a token is set; each is linted first, and one with errors is refused.",
    })
}

/// Calls a tool. Arguments that it does not have are an error of the request; what the command refuses is an answer.
fn called(params: &Map<String, Value>, program: &Program) -> Result<Value, String> {
    let name = params.get("name").and_then(Value::as_str).ok_or("`name` is missing")?;
    let tool = TOOLS.iter().find(|tool| tool.name == name).ok_or_else(|| {
        let known: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
        format!("there is no tool `{name}`: there are {}", known.join(", "))
    })?;
    let nothing = Map::new();
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => &nothing,
        Some(Value::Object(arguments)) => arguments,
        Some(_) => return Err("`arguments` is an object".to_owned()),
    };
    let call = tool.call(arguments)?;
    Ok(match program.run(&call) {
        Answer::Json(value) => {
            json!({"content": [{"type": "text", "text": value.to_string()}], "structuredContent": value, "isError": false})
        }
        Answer::Text(text) => json!({"content": [{"type": "text", "text": text}], "isError": false}),
        Answer::Failed(text) => json!({"content": [{"type": "text", "text": text}], "isError": true}),
    })
}

fn result(id: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn error(id: &Value, code: i64, message: impl Into<String>) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message.into()}})
}
