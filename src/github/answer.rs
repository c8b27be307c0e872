//! What GitHub's answers mean.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::GithubError;

/// The longest reason of GitHub's that is passed on, in characters.
const LONGEST_REASON: usize = 300;

/// The furthest from now that a rate limit may end, in seconds. GitHub's end within the hour.
const FURTHEST_LIMIT: i64 = 24 * 60 * 60;

/// The second at which the year 2000 began.
const THIS_CENTURY: i64 = 946_684_800;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Whether the list has a further page.
    pub(super) more: bool,
    pub(super) limit: Limit,
    pub(super) text: String,
}

/// GitHub's rate limit, in the seconds that its headers speak of.
#[derive(Debug, Default)]
pub(super) struct Limit {
    pub(super) retry_after: Option<i64>,
    pub(super) remaining: Option<i64>,
    pub(super) reset: Option<i64>,
}

impl Limit {
    /// Returns when the limit ends. What is further off than a day, or before this century, is no such instant.
    fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.as_second();
        let until = match (self.retry_after, self.reset) {
            (Some(after), _) => now.checked_add(after).filter(|_| after >= 0)?,
            (None, reset) => reset.filter(|reset| *reset >= THIS_CENTURY)?,
        };
        let limit = now.saturating_add(FURTHEST_LIMIT);
        Timestamp::from_second(until).ok().filter(|_| until <= limit)
    }
}

impl Answer {
    /// The body as the API's type.
    pub(super) fn parse<T: DeserializeOwned>(&self, what: &str) -> Result<T, GithubError> {
        serde_json::from_str(&self.text).map_err(|cause| GithubError::Unexpected {
            what: what.to_owned(),
            detail: brief(&cause.to_string()),
        })
    }

    /// This answer if the request succeeded, else what its refusal means.
    pub(super) fn accepted(self, what: &str, now: Timestamp) -> Result<Self, GithubError> {
        let what = what.to_owned();
        let message = || reason(&self.text);
        // A rate limit is a 403 or a 429, recognised by either header or, for the secondary one, by the message
        // alone (docs.github.com, "Best practices for using the REST API", read 2026-11).
        let limited = match self.status {
            429 => true,
            403 => {
                self.limit.retry_after.is_some()
                    || self.limit.remaining == Some(0)
                    || message().to_lowercase().contains("rate limit")
            }
            _ => false,
        };
        match self.status {
            200..=299 => Ok(self),
            300..=399 => Err(GithubError::Moved { what }),
            401 => Err(GithubError::Unauthorised { message: message() }),
            _ if limited => Err(GithubError::RateLimited { until: self.limit.until(now) }),
            403 => Err(GithubError::Forbidden { what, message: message() }),
            404 | 410 => Err(GithubError::NotFound { what, message: message() }),
            status @ 400..=499 => Err(GithubError::Refused { what, status, message: message() }),
            status => Err(GithubError::Unreachable {
                what,
                detail: format!("the server answers with status {status}"),
                source: None,
            }),
        }
    }
}

/// GitHub's message in an error's body, on one line.
fn reason(text: &str) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
        #[serde(default)]
        errors: Vec<Value>,
    }
    let Ok(refusal) = serde_json::from_str::<Refusal>(text) else {
        return "no reason given".to_owned();
    };
    let fields = refusal.errors.iter().filter_map(|error| match error {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            let text = |key: &str| fields.get(key).and_then(Value::as_str);
            match (text("field"), text("message").or_else(|| text("code"))) {
                (Some(field), Some(reason)) => Some(format!("{field}: {reason}")),
                (None, Some(reason)) => Some(reason.to_owned()),
                _ => None,
            }
        }
        _ => None,
    });
    let all: Vec<String> = std::iter::once(refusal.message.clone()).chain(fields).collect();
    brief(&all.join("; "))
}

/// Returns a text on one line, and no more of it than a person reads.
fn brief(text: &str) -> String {
    let mut brief: String =
        text.chars().take(LONGEST_REASON).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST_REASON).is_some() {
        brief.push('…');
    }
    brief
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, limit: Limit, text: &str) -> Result<Answer, GithubError> {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        Answer { status, more: false, limit, text: text.to_owned() }.accepted("look", now)
    }

    #[test]
    fn a_forbidden_request_and_a_rate_limit_are_distinguished() {
        let plain = answer(403, Limit::default(), r#"{"message": "Resource not accessible by integration"}"#);
        assert_eq!(
            plain.unwrap_err().to_string(),
            "the token may not look (Resource not accessible by integration)"
        );
        for (status, limit, text) in [
            (403, Limit { remaining: Some(0), ..Limit::default() }, "{}"),
            (403, Limit { retry_after: Some(60), ..Limit::default() }, "{}"),
            (403, Limit::default(), r#"{"message": "You have exceeded a secondary rate limit."}"#),
            (429, Limit::default(), ""),
        ] {
            assert!(matches!(answer(status, limit, text), Err(GithubError::RateLimited { .. })), "{text}");
        }
    }

    #[test]
    fn a_rate_limit_states_until_when() {
        let limit = Limit { retry_after: Some(90), ..Limit::default() };
        let shown = answer(429, limit, "").unwrap_err().to_string();
        assert_eq!(shown, "GitHub's rate limit is used up until 2026-11-25T12:01:30Z");
        let limit = Limit { reset: Some(1_795_608_000), remaining: Some(0), retry_after: None };
        let shown = answer(403, limit, "").unwrap_err().to_string();
        assert_eq!(shown, "GitHub's rate limit is used up until 2026-11-25T12:00:00Z");
        let limit = Limit { retry_after: Some(i64::MAX), ..Limit::default() };
        assert_eq!(answer(429, limit, "").unwrap_err().to_string(), "GitHub's rate limit is used up");
    }

    #[test]
    fn a_rate_limit_that_ends_at_no_sensible_time_states_none() {
        for seconds in [-99_999_999_999, -1, FURTHEST_LIMIT + 1, i64::MAX, i64::MIN] {
            for limit in [
                Limit { retry_after: Some(seconds), ..Limit::default() },
                Limit { reset: Some(seconds), remaining: Some(0), retry_after: None },
            ] {
                let shown = answer(429, limit, "").unwrap_err().to_string();
                assert_eq!(shown, "GitHub's rate limit is used up", "{seconds}");
            }
        }
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let limit = Limit { retry_after: Some(60), reset: Some(0), ..Limit::default() };
            assert!(limit.until(now).is_none_or(|until| until > now));
        }
    }

    #[test]
    fn an_endless_reason_is_cut() {
        let text = format!(r#"{{"message": "{}"}}"#, "no ".repeat(100_000));
        assert_eq!(reason(&text).chars().count(), LONGEST_REASON + 1);
        let wrong = Answer {
            status: 200,
            more: false,
            limit: Limit::default(),
            text: format!("\"{}\"", "x".repeat(1 << 20)),
        };
        assert!(wrong.parse::<u64>("look").unwrap_err().to_string().len() < 2 * LONGEST_REASON);
    }

    #[test]
    fn a_refusal_names_each_field_and_stays_on_one_line() {
        let text = r#"{"message": "Validation\nFailed", "errors": [
            {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "too long"},
            {"code": "missing"}, "plain", 7]}"#;
        assert_eq!(reason(text), "Validation Failed; data: too long; missing; plain");
        assert_eq!(reason("<html>"), "no reason given");
    }

    #[test]
    fn every_status_means_something() {
        let of =
            |status| answer(status, Limit::default(), "").map(|_| ()).map_err(|error| error.is_unreachable());
        for (status, expected) in [
            (200, Ok(())),
            (201, Ok(())),
            (301, Err(true)),
            (401, Err(true)),
            (404, Err(true)),
            (410, Err(true)),
            (422, Err(false)),
            (500, Err(true)),
            (502, Err(true)),
        ] {
            assert_eq!(of(status), expected, "{status}");
        }
    }
}
