//! Reads that are tried again after a temporary failure.

use std::time::Duration;

use super::connection::Trouble;
use super::interrupt;

/// How long is waited before a read is asked again.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

/// Asks, and again after a while where the driver reports that the failure passes; three times at most. `ask` hears
/// whether it is asked again.
pub(in crate::warehouse) fn patiently<T>(
    wait: &dyn Fn(Duration),
    mut ask: impl FnMut(bool) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut answer = ask(false);
    for pause in PAUSES {
        match &answer {
            Err(trouble) if trouble.passes() => {
                wait(pause);
                if interrupt::asked() {
                    break;
                }
                answer = ask(true);
            }
            _ => break,
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use adbc_core::error::Status;

    use super::*;

    fn trouble(state: &str, status: Status) -> Trouble {
        Trouble::Engine { message: "no".to_owned(), state: state.to_owned(), status }
    }

    /// Asks of an engine that fails so often, and returns the answer and the pauses.
    fn asked(failures: usize, state: &str, status: Status) -> (Result<usize, Trouble>, Vec<Duration>) {
        let (waited, mut asked) = (RefCell::new(Vec::new()), 0);
        let answer = patiently(&|pause| waited.borrow_mut().push(pause), |again| {
            assert_eq!(again, asked > 0);
            asked += 1;
            if asked > failures { Ok(asked) } else { Err(trouble(state, status)) }
        });
        (answer, waited.into_inner())
    }

    #[test]
    fn what_passes_is_asked_again_after_longer_and_longer_pauses() {
        for (state, status) in [
            ("40001", Status::Unknown),
            ("08006", Status::Unknown),
            ("57P01", Status::Unknown),
            ("", Status::IO),
        ] {
            let (answer, waited) = asked(2, state, status);
            assert_eq!((answer.expect("an answer"), waited.as_slice()), (3, &PAUSES[..2]), "{state}");
        }
    }

    #[test]
    fn nothing_is_asked_more_than_four_times() {
        let (answer, waited) = asked(9, "08006", Status::IO);
        assert!(answer.is_err());
        assert_eq!(waited, PAUSES);
    }

    #[test]
    fn what_does_not_pass_is_asked_once() {
        for (state, status) in [
            ("42P01", Status::IO),
            ("57014", Status::Cancelled),
            ("", Status::InvalidArguments),
            ("", Status::Internal),
        ] {
            let (answer, waited) = asked(1, state, status);
            assert!(answer.is_err() && waited.is_empty(), "{state}");
        }
    }
}
