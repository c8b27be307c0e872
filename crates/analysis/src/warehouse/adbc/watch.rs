//! Limits on a query that the engine does not keep by itself.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use adbc_core::CancelHandle;

use super::connection::Trouble;
use super::interrupt;

/// How often the clock and the process's memory are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often a query that should stop is stopped again: one cancellation may come before the engine begins.
const AGAIN: Duration = Duration::from_millis(20);

/// How long an engine may go on that does not listen: some work is one step to it, and what is in one step is not stopped.
const DEAF: Duration = Duration::from_secs(20);

/// Ends the process, for a query that nothing else ends. The program sets it, and words the reason.
static LAST_RESORT: OnceLock<fn(&Stopped)> = OnceLock::new();

/// Sets what is done with a query that goes on though it was cancelled for 20 seconds: it must end the process. Without it, such
/// a query goes on.
pub fn set_last_resort(end: fn(&Stopped)) {
    let _ = LAST_RESORT.set(end);
}

/// What a query may take.
#[derive(Debug, Clone, Copy)]
pub(in crate::warehouse) struct Limits {
    /// How long it may run.
    pub time: Duration,
    /// By how many bytes the process may grow meanwhile: beyond the engine's own limit, which does not count
    /// everything.
    pub growth: u64,
}

impl Limits {
    /// For this program's own statements, which no book writes.
    pub const NONE: Self = Self { time: Duration::MAX, growth: u64::MAX };
}

/// Why a query was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// It ran too long.
    #[error("the query took longer than {} seconds and was stopped", .0.as_secs())]
    Time(Duration),
    /// It took too much memory.
    #[error("the query took more than {} MiB of memory and was stopped", .0 >> 20)]
    Memory(u64),
    /// Ctrl-C.
    #[error("the query was interrupted")]
    Interrupt,
}

const RUNNING: u8 = 0;
const TOO_LONG: u8 = 1;
const TOO_LARGE: u8 = 2;
const INTERRUPTED: u8 = 3;

/// Runs a query, and stops it at its limits.
pub(super) fn within<T>(
    limits: Limits,
    cancel: &dyn CancelHandle,
    query: impl FnOnce() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let end = |why: &Stopped| LAST_RESORT.get().into_iter().for_each(|end| end(why));
    within_patience(limits, cancel, (DEAF, &end), query)
}

/// Runs a query, and where it goes on for so long after it was cancelled, calls what ends it.
fn within_patience<T>(
    limits: Limits,
    cancel: &dyn CancelHandle,
    (patience, end): (Duration, &(dyn Fn(&Stopped) + Sync)),
    query: impl FnOnce() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let state = AtomicU8::new(RUNNING);
    let (done, wait) = mpsc::channel::<()>();
    let stopped = &state;
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || {
            let (started, before) = (Instant::now(), resident());
            while matches!(wait.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
                let grown = resident().zip(before).map_or(0, |(now, before)| now.saturating_sub(before));
                let (mark, why) = if started.elapsed() >= limits.time {
                    (TOO_LONG, Stopped::Time(limits.time))
                } else if grown > limits.growth {
                    (TOO_LARGE, Stopped::Memory(limits.growth))
                } else if interrupt::asked() {
                    (INTERRUPTED, Stopped::Interrupt)
                } else {
                    continue;
                };
                stopped.store(mark, Ordering::Release);
                let asked = Instant::now();
                // The engine reports a cancelled query as one with wrong arguments: the state has the reason.
                while matches!(wait.recv_timeout(AGAIN), Err(RecvTimeoutError::Timeout)) {
                    let _ = cancel.try_cancel();
                    if asked.elapsed() >= patience {
                        end(&why);
                    }
                }
                break;
            }
        });
        let answer = query();
        drop(done);
        answer
    });
    match (state.into_inner(), answer) {
        (_, Ok(answer)) => Ok(answer),
        (TOO_LONG, Err(_)) => Err(Stopped::Time(limits.time).into()),
        (INTERRUPTED, Err(_)) => Err(Stopped::Interrupt.into()),
        (TOO_LARGE, Err(_)) => Err(Stopped::Memory(limits.growth).into()),
        (_, Err(error)) => Err(error),
    }
}

/// Returns how much memory this process has in use, in bytes; `None` where the system does not report it in a file.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// An engine that loses the first cancellation, as one that has not begun does.
    #[derive(Default)]
    struct Deaf(AtomicUsize);

    impl CancelHandle for Deaf {
        fn try_cancel(&self) -> adbc_core::error::Result<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    impl Deaf {
        fn work(&self) -> Result<(), Trouble> {
            while self.0.load(Ordering::Relaxed) < 2 {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(Trouble::of("INTERRUPT Error: Interrupted!"))
        }
    }

    #[test]
    fn a_query_is_cancelled_until_it_ends() {
        let engine = Deaf::default();
        let limits = Limits { time: Duration::from_millis(1), growth: u64::MAX };
        let error = within(limits, &engine, || engine.work()).expect_err("stopped");
        assert!(matches!(error, Trouble::Stopped(Stopped::Time(_))), "{error}");
    }

    #[test]
    fn an_engine_that_does_not_listen_is_ended_after_a_while_and_not_before() {
        let ended = std::sync::Mutex::new(None);
        let end = |why: &Stopped| *ended.lock().expect("no panic") = Some((*why, Instant::now()));
        let limits = Limits { time: Duration::from_millis(1), growth: u64::MAX };
        let patience = Duration::from_millis(300);
        let (engine, started) = (Deaf::default(), Instant::now());
        let error = within_patience(limits, &engine, (patience, &end), || {
            while ended.lock().expect("no panic").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            engine.work()
        });
        assert!(matches!(error, Err(Trouble::Stopped(Stopped::Time(_)))));
        let (why, at) = ended.into_inner().expect("no panic").expect("it was ended");
        assert_eq!(why, Stopped::Time(limits.time));
        assert!(at.duration_since(started) >= patience);
        // One that listens is not ended.
        let never = |why: &Stopped| panic!("{why}");
        let error = within_patience(limits, &Deaf::default(), (Duration::from_secs(60), &never), || {
            Err::<(), _>(Trouble::of("INTERRUPT Error: Interrupted!"))
        });
        assert!(error.is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_query_that_takes_too_much_memory_is_stopped() {
        let engine = Deaf::default();
        let limits = Limits { time: Duration::from_secs(60), growth: 64 << 20 };
        let error = within(limits, &engine, || {
            let taken = vec![1_u8; 512 << 20];
            let ended = engine.work();
            assert!(taken.iter().step_by(4096).all(|byte| *byte == 1));
            ended
        });
        let error = error.expect_err("stopped");
        assert!(matches!(error, Trouble::Stopped(Stopped::Memory(_))), "{error}");
    }

    #[test]
    fn what_ends_in_time_is_left_alone() {
        let engine = Deaf::default();
        let answer = within(Limits::NONE, &engine, || Ok(7)).expect("an answer");
        assert_eq!((answer, engine.0.load(Ordering::Relaxed)), (7, 0));
        let error = within(Limits::NONE, &engine, || Err::<(), _>(Trouble::of("no")));
        assert!(matches!(error, Err(Trouble::Engine { .. })));
    }
}
