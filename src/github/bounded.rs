//! A program that is run for a limited time, with whatever it starts itself.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often a program is looked at while it runs.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a program has no output.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// It cannot be run.
    NotRun(io::Error),
    /// It took too long, and was stopped.
    TooLong,
}

/// Runs a program and returns what it wrote. Past the limit it is stopped with everything that it started: git leaves the network to
/// programs of its own, which would go on without it.
pub(super) fn output(command: &mut Command, limit: Duration) -> Result<Output, Unfinished> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // A group of its own, which can be stopped as a whole.
        command.process_group(0);
    }
    let end = Instant::now() + limit;
    let mut child = command.spawn().map_err(Unfinished::NotRun)?;
    // Each on a thread of its own: a pipe that nobody reads would stop the program.
    let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Unfinished::NotRun)? {
            break status;
        }
        if Instant::now() >= end {
            stop(&mut child);
            return Err(Unfinished::TooLong);
        }
        thread::sleep(PAUSE);
    };
    // What a program leaves running can hold its pipes open.
    let rest = |pipe: &Receiver<Vec<u8>>| pipe.recv_timeout(end.saturating_duration_since(Instant::now()));
    match (rest(&stdout), rest(&stderr)) {
        (Ok(stdout), Ok(stderr)) => Ok(Output { status, stdout, stderr }),
        _ => {
            stop(&mut child);
            Err(Unfinished::TooLong)
        }
    }
}

/// Stops a program and its group. What has ended already cannot be stopped, which is no error.
fn stop(child: &mut Child) {
    // The group goes first: its name is the program's, which is free for another one once the program was waited for.
    if cfg!(unix) {
        let group = format!("-{}", child.id());
        let mut kill = Command::new("kill");
        kill.args(["-s", "KILL", "--", &group]).stdin(Stdio::null()).stdout(Stdio::null());
        let _ = kill.stderr(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all that there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        let _ = sender.send(bytes);
    });
    receiver
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).stdin(Stdio::null());
        shell
    }

    #[test]
    fn what_a_program_writes_is_returned_however_much_it_is() {
        let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; exit 3";
        let output = output(&mut shell(script), Duration::from_secs(60)).expect("an output");
        assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
        assert_eq!(output.status.code(), Some(3));
    }

    #[test]
    fn past_the_limit_a_program_is_stopped_with_what_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let note = folder.path().join("pid");
        let started = Instant::now();
        // The first program waits for the second; in the other script it leaves it behind, with its pipes.
        for end in ["wait", "exit 0"] {
            let script = format!("sleep 300 & echo $! > '{}'; {end}", note.display());
            let stopped = output(&mut shell(&script), Duration::from_millis(500));
            assert!(matches!(stopped, Err(Unfinished::TooLong)), "{stopped:?}");
            let pid = std::fs::read_to_string(&note).expect("a process");
            let is_there = || {
                let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
                state.is_ok_and(|state| !state.contains(") Z "))
            };
            while is_there() && started.elapsed() < Duration::from_secs(60) {
                thread::sleep(PAUSE);
            }
            assert!(!is_there(), "the program that {end} left goes on");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_not_run() {
        let error = output(&mut Command::new("/nowhere/git"), Duration::from_secs(1));
        assert!(matches!(error, Err(Unfinished::NotRun(_))));
    }
}
