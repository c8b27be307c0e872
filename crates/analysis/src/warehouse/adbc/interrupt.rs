//! Ctrl-C while a server computes: a program that just ends would leave the server at work, where the server does not notice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// What the shell reports of a program that Ctrl-C ended.
const ENDED: i32 = 130;

/// What the handler of the signal reads and sets.
struct Flags {
    /// Ctrl-C asked for an end.
    asked: Arc<AtomicBool>,
    /// Ctrl-C ends the program at once: no query runs, or this is the second one.
    at_once: Arc<AtomicBool>,
}

static FLAGS: OnceLock<Flags> = OnceLock::new();

/// Lets Ctrl-C end the running query before the program, from here on. A second one ends the program at once, and so does the
/// first where no query runs.
pub(in crate::warehouse) fn ends_queries() {
    FLAGS.get_or_init(|| {
        let flags = Flags { asked: Arc::default(), at_once: Arc::new(AtomicBool::new(true)) };
        let shared = |flag: &Arc<AtomicBool>| Arc::clone(flag);
        // They run in this order. Where the system takes no handler, Ctrl-C ends the program as ever.
        let _ = flag::register_conditional_shutdown(SIGINT, ENDED, shared(&flags.at_once))
            .and_then(|_| flag::register(SIGINT, shared(&flags.asked)))
            .and_then(|_| flag::register(SIGINT, shared(&flags.at_once)));
        flags
    });
}

/// Tells whether Ctrl-C asks for an end.
pub(super) fn asked() -> bool {
    FLAGS.get().is_some_and(|flags| flags.asked.load(Ordering::Acquire))
}

fn at_once(value: bool) {
    if let Some(flags) = FLAGS.get() {
        flags.at_once.store(value, Ordering::Release);
    }
}

/// Runs a query that Ctrl-C ends. Afterwards `close` ends what the server still does for it, and the program ends.
pub(in crate::warehouse) fn ending<T>(query: impl FnOnce() -> T, close: impl FnOnce()) -> T {
    at_once(false);
    let answer = query();
    if asked() {
        // While it closes, another Ctrl-C ends the program.
        close();
        std::process::exit(ENDED);
    }
    at_once(true);
    answer
}
