//! What a person should know about how findings came about, in words.

use std::error::Error;

use crate::app::lint::Notice;
use crate::report::calendar::Calendar;

/// Returns a notice as a sentence; dates are written in the book's time zone.
pub fn notice(notice: &Notice, calendar: &Calendar) -> String {
    match notice {
        Notice::NoBookBefore => {
            "the branch that is merged into has no valid book, so what the change does to it is not checked"
                .into()
        }
        Notice::ShortHistory => {
            "the history is not all here, so a key that was used long ago may go unnoticed".into()
        }
        Notice::ReplacesPlan { experiment, start } => format!(
            "The plan of `{experiment}` was applied and starts on {}: until then it may change, and the next apply replaces \
             the recorded plan.",
            calendar.instant(*start)
        ),
        Notice::LeftOut { revision, cause } => {
            let reason = cause.source().map_or(String::new(), |reason| format!(": {reason}"));
            format!("`{revision}` is left out: {cause}{reason}")
        }
        Notice::PullLeftOut { number, cause } => {
            let reason = cause.source().map_or(String::new(), |reason| format!(": {reason}"));
            format!("pull request #{number} is left out: {cause}{reason}")
        }
        Notice::MorePulls { looked_at, more } => format!(
            "{more} open pull requests are left out: one run looks at the {looked_at} that were updated last"
        ),
    }
}
