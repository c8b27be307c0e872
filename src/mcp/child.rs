//! A command of this program, run in a process of its own, within limits.

use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::tools::{Call, Output};

/// How long a command may take.
const LONGEST: Duration = Duration::from_secs(300);

/// The most bytes of an answer that are read.
const MOST: u64 = 16 << 20;

/// The most characters of an error that are passed on.
const MOST_WORDS: usize = 8_000;

/// The program, and what every call of it is given.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// What stands before every command: the book's folder.
    pub global: Vec<OsString>,
    /// The present, for commands that take one.
    pub at: Option<String>,
}

/// How a call ended.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// With an object.
    Json(Value),
    /// With a text for people.
    Text(String),
    /// Without an answer: why, and what to do.
    Failed(String),
}

impl Program {
    /// Runs a command.
    pub(super) fn run(&self, call: &Call) -> Answer {
        let mut command = Command::new(&self.path);
        command.args(&self.global).args(&call.options);
        if let Some(at) = self.at.as_ref().filter(|_| call.timed) {
            command.arg(format!("--at={at}"));
        }
        command.arg("--").args(&call.places);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match finished(&mut command, call.stdin.as_ref()) {
            Ok(done) => done.answer(call.output),
            Err(error) => Answer::Failed(format!("the command could not be run: {error}")),
        }
    }
}

/// What a command left behind.
struct Done {
    success: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    late: bool,
}

impl Done {
    fn answer(self, output: Output) -> Answer {
        if self.late {
            return Answer::Failed(format!(
                "the command took longer than {} seconds and was stopped",
                LONGEST.as_secs()
            ));
        }
        if self.stdout.len() as u64 >= MOST {
            let message = format!("the answer is longer than {} MiB", MOST >> 20);
            return Answer::Failed(format!("{message}: ask for less, such as one experiment or one rule"));
        }
        let text = String::from_utf8_lossy(&self.stdout).into_owned();
        match output {
            // Findings end a command with another code, and are an answer.
            Output::Json => match serde_json::from_str::<Value>(&text) {
                Ok(value) if value.is_object() => Answer::Json(value),
                _ => Answer::Failed(self.words()),
            },
            Output::Lines if self.success => {
                let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
                lines.map_or_else(
                    |_| Answer::Failed(self.words()),
                    |lines| Answer::Json(json!({"results": lines})),
                )
            }
            Output::Text if self.success => Answer::Text(text),
            Output::Lines | Output::Text => Answer::Failed(self.words()),
        }
    }

    fn words(&self) -> String {
        let words = String::from_utf8_lossy(&self.stderr);
        let words: String = words.trim().chars().take(MOST_WORDS).collect();
        if words.is_empty() { "the command gave no answer".to_owned() } else { words }
    }
}

fn finished(command: &mut Command, stdin: Option<&Value>) -> io::Result<Done> {
    let mut child = command.spawn()?;
    let (input, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let text = stdin.map(Value::to_string).unwrap_or_default();
    // Each on a thread of its own: a pipe that nobody reads would stop the command.
    let writer = thread::spawn(move || {
        // A command that reads nothing closes its end, which is no error.
        let _ = input.map(|mut input| input.write_all(text.as_bytes()));
    });
    let (stdout, stderr) = (thread::spawn(|| read(stdout)), thread::spawn(|| read(stderr)));
    let started = Instant::now();
    let mut pause = Duration::from_millis(2);
    let (mut late, mut status) = (false, child.try_wait()?);
    while status.is_none() {
        if started.elapsed() > LONGEST {
            late = true;
            child.kill()?;
            status = Some(child.wait()?);
            break;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
        status = child.try_wait()?;
    }
    let _ = writer.join();
    let read = |of: thread::JoinHandle<Vec<u8>>| of.join().unwrap_or_default();
    let success = status.is_some_and(|status| status.success());
    Ok(Done { success, stdout: read(stdout), stderr: read(stderr), late })
}

/// Reads a pipe to its end, and keeps no more than is passed on.
fn read(pipe: Option<impl Read>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        // What was read before an error is all that there is.
        let _ = pipe.by_ref().take(MOST).read_to_end(&mut kept);
        let _ = io::copy(&mut pipe, &mut io::sink());
    }
    kept
}
