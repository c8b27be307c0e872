//! `# trialbook: ignore[RULE, …] until=DATE REASON`: how a suppression is written.

use jiff::civil::Date;

use trialbook_model::span::{Span, Spanned};

/// The content of a suppression. Spans are relative to the comment's `#`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    /// The rules' names as they are written; at least one.
    pub(super) rules: Vec<Spanned<String>>,
    /// The day from which it no longer holds.
    pub(super) until: Option<Date>,
}

/// Why a comment that wants to be a suppression is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slip {
    /// Where it is wrong, relative to the comment's `#`.
    pub(super) span: Span,
    /// What is wrong.
    pub(super) message: String,
}

const WORD: &str = "trialbook";
const VERB: &str = "ignore";
const UNTIL: &str = "until=";

/// Reads a comment, which begins with `#`. `None`: it is not about trialbook.
///
/// A comment that begins with `trialbook:` is, and so is one that only lacks the colon or has the wrong case.
pub(super) fn read(comment: &str) -> Option<Result<Comment, Slip>> {
    let comment = comment.trim_end();
    let body = comment.strip_prefix('#')?.trim_start();
    let (word, rest) = body.split_at_checked(WORD.len())?;
    if !word.eq_ignore_ascii_case(WORD) {
        return None;
    }
    let at = |rest: &str| comment.len() - rest.len();
    let (colon, verb) = match rest.trim_start().strip_prefix(':') {
        Some(verb) => (true, verb.trim_start()),
        None => (false, rest.trim_start()),
    };
    let exact = word == WORD && colon;
    let after = verb.strip_prefix(VERB).map(str::trim_start);
    let list = after.and_then(|after| after.strip_prefix('['));
    if !exact {
        // Prose may begin with the name: only what looks like a suppression is one that went wrong.
        return list.map(|_| Err(slip(at(body), at(verb), format!("expected `{WORD}:` before `{VERB}`"))));
    }
    Some(match (after, list) {
        (None, _) => Err(slip(at(verb), comment.len(), format!("expected `{VERB}[RULE] REASON`"))),
        (Some(after), None) => {
            Err(slip(at(after), comment.len(), "expected the rules' names in brackets: `[RULE]`".into()))
        }
        (Some(_), Some(list)) => listed(list, at(list), comment.len()),
    })
}

/// Reads what follows the opening bracket, which begins at `start` of a comment that ends at `end`.
fn listed(list: &str, start: usize, end: usize) -> Result<Comment, Slip> {
    let Some((names, reason)) = list.split_once(']') else {
        return Err(slip(start, end, "the list of rules has no `]`".into()));
    };
    let mut rules = Vec::new();
    let mut from = start;
    for name in names.split(',') {
        let trimmed = name.trim();
        let begin = from + (name.len() - name.trim_start().len());
        if trimmed.is_empty() {
            return Err(slip(from, from + name.len(), "a rule's name is missing".into()));
        }
        rules.push(Spanned { value: trimmed.to_owned(), span: Span::new(begin, begin + trimmed.len()) });
        from += name.len() + 1;
    }
    let (mut until, mut said) = (None, false);
    for word in reason.split_whitespace() {
        let Some(date) = word.strip_prefix(UNTIL) else {
            said |= word.chars().any(char::is_alphanumeric);
            continue;
        };
        let parsed = date.parse::<Date>().ok().filter(|_| date.len() == "2027-01-31".len());
        let Some(parsed) = parsed else {
            return Err(slip(from, end, format!("`{word}` is no date: expected `{UNTIL}2027-01-31`")));
        };
        if until.replace(parsed).is_some() {
            return Err(slip(from, end, format!("`{UNTIL}` is given twice")));
        }
    }
    if !said {
        return Err(slip(from, end, "the reason is missing".into()));
    }
    Ok(Comment { rules, until })
}

fn slip(start: usize, end: usize, message: String) -> Slip {
    Slip { span: Span::new(start, end), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(comment: &str) -> Vec<String> {
        let read = read(comment).expect("it is about trialbook").expect("it is a suppression");
        for rule in &read.rules {
            assert_eq!(comment.get(rule.span.start..rule.span.end), Some(&*rule.value), "{comment}");
        }
        read.rules.into_iter().map(|rule| rule.value).collect()
    }

    fn wrong(comment: &str) -> String {
        let slip = read(comment).expect("it is about trialbook").expect_err("it is none");
        assert!(slip.span.end <= comment.len(), "{comment}");
        slip.message
    }

    #[test]
    fn a_suppression_names_rules_and_a_reason() {
        assert_eq!(rules("# trialbook: ignore[no-guardrail] legal wants it"), ["no-guardrail"]);
        assert_eq!(rules("#trialbook:ignore [ a ,b,  c ]  why ä\r"), ["a", "b", "c"]);
    }

    #[test]
    fn a_date_may_stand_anywhere_after_the_bracket() {
        let until = |comment| read(comment).and_then(Result::ok).and_then(|read| read.until);
        let date = "2027-01-31".parse().ok();
        assert_eq!(until("# trialbook: ignore[a] until=2027-01-31 the team moves"), date);
        assert_eq!(until("# trialbook: ignore[a] the team moves until=2027-01-31"), date);
        assert_eq!(until("# trialbook: ignore[a] the team moves"), None);
    }

    #[test]
    fn what_goes_wrong_is_said() {
        assert_eq!(wrong("# trialbook: ignore[a]"), "the reason is missing");
        assert_eq!(wrong("# trialbook: ignore[a] -- ..."), "the reason is missing");
        assert_eq!(wrong("# trialbook: ignore[a] until=2027-01-31"), "the reason is missing");
        assert_eq!(wrong("# trialbook: ignore[a, ] why"), "a rule's name is missing");
        assert_eq!(wrong("# trialbook: ignore[] why"), "a rule's name is missing");
        assert_eq!(wrong("# trialbook: ignore[a why"), "the list of rules has no `]`");
        assert_eq!(wrong("# trialbook: ignore a why"), "expected the rules' names in brackets: `[RULE]`");
        assert_eq!(wrong("# trialbook: silence[a] why"), "expected `ignore[RULE] REASON`");
        assert_eq!(wrong("# trialbook:"), "expected `ignore[RULE] REASON`");
        assert_eq!(wrong("# Trialbook: ignore[a] why"), "expected `trialbook:` before `ignore`");
        assert_eq!(wrong("# trialbook ignore[a] why"), "expected `trialbook:` before `ignore`");
        let message = wrong("# trialbook: ignore[a] until=soon why");
        assert_eq!(message, "`until=soon` is no date: expected `until=2027-01-31`");
        assert!(wrong("# trialbook: ignore[a] until=2027-01-31T10:00 why").contains("is no date"));
        assert_eq!(
            wrong("# trialbook: ignore[a] until=2027-01-31 until=2027-01-31 x"),
            "`until=` is given twice"
        );
    }

    #[test]
    fn other_comments_are_prose() {
        for prose in [
            "# trialbook is great",
            "# TRIALBOOK",
            "#",
            "# ä",
            "# trialbooks: ignore[a] x",
            "# see trialbook: x",
        ] {
            assert_eq!(read(prose), None, "{prose}");
        }
    }
}
