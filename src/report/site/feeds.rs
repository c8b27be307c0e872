//! Feeds: what happened as RSS 2.0, and what is planned as iCalendar (RFC 5545).

use std::fmt::Write as _;
use std::io;

use jiff::{SignedDuration, Timestamp};

use super::{Out, links};
use crate::app::site::Site;
use crate::app::status::ExperimentStatus;
use crate::report::clean;
use crate::report::number::shortened;
use crate::report::status::decided;
use trialbook_model::{ExperimentState, Kind};

/// How many days back a feed goes.
const DAYS: i64 = 90;

/// The most events of a feed.
const EVENTS: usize = 200;

/// Something that happened to an experiment, or will.
struct Event<'s> {
    at: Timestamp,
    what: String,
    /// The same in every version of the feed.
    name: &'static str,
    status: &'s ExperimentStatus,
}

/// Writes both feeds of some experiments.
pub(super) fn of(out: &Out<'_>, stem: &str, title: &str, statuses: &[&ExperimentStatus]) -> io::Result<()> {
    let site = out.site;
    let first = site.at.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::MIN);
    let mut events: Vec<Event<'_>> = statuses.iter().flat_map(|status| events(status)).collect();
    events.retain(|event| event.at >= first);
    events.sort_by(|a, b| b.at.cmp(&a.at).then(a.status.key.cmp(&b.status.key)));
    out.sink.write(&format!("{stem}.xml"), &rss(out, stem, title, &events))?;
    out.sink.write(&format!("{stem}.ics"), &ics(out, title, &events))
}

/// Returns what happens to an experiment.
fn events(status: &ExperimentStatus) -> Vec<Event<'_>> {
    let event = |at, name, what: &str| Event { at, what: what.to_owned(), name, status };
    let mut events = vec![event(status.since, "start", "begins")];
    match (status.state, status.decision) {
        (ExperimentState::Concluded, Some(outcome)) => {
            events.push(event(status.end, "conclude", &format!("concluded: {}", decided(outcome))));
        }
        _ => {
            events.push(event(status.end, "end", "enrolment ends"));
            events.push(event(status.matured, "decide", "can be decided"));
        }
    }
    events
}

fn address(out: &Out<'_>, status: &ExperimentStatus) -> Option<String> {
    let base = out.options.url.as_deref()?;
    Some(format!("{base}{}", links::part(Kind::Experiment, status.key.as_str())))
}

fn identity(site: &Site<'_>, event: &Event<'_>) -> String {
    format!("{}-{}-{}@trialbook", clean::one_line(&site.book.name), event.status.key, event.name)
}

/// Writes what has happened, the newest first.
fn rss(out: &Out<'_>, stem: &str, title: &str, events: &[Event<'_>]) -> String {
    let site = out.site;
    let mut text =
        String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\"><channel>\n");
    let link = out.options.url.as_deref().map_or(String::new(), |base| format!("{base}{stem}.html"));
    let name = format!("{}: {}", site.book.name, title);
    let _ = writeln!(
        text,
        "<title>{}</title><link>{}</link><description>What happens to experiments.</description>",
        xml(&name),
        xml(&link)
    );
    for event in events.iter().filter(|event| event.at <= site.at).take(EVENTS) {
        let heading = format!("{} {}", event.status.title, event.what);
        let _ = write!(
            text,
            "<item><title>{}</title><guid isPermaLink=\"false\">{}</guid><pubDate>{}</pubDate><description>{}</description>",
            xml(&heading),
            xml(&identity(site, event)),
            event.at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            xml(&format!("{} ({}, {})", event.what, event.status.key, event.status.owner)),
        );
        if let Some(address) = address(out, event.status) {
            let _ = write!(text, "<link>{}</link>", xml(&address));
        }
        text.push_str("</item>\n");
    }
    text.push_str("</channel></rss>\n");
    text
}

/// Writes text for XML. What cannot be seen, or is no character of XML, is shown as `�`.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean::one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Writes what happened and is planned, in the order of time.
fn ics(out: &Out<'_>, title: &str, events: &[Event<'_>]) -> String {
    let site = out.site;
    let stamp = |instant: Timestamp| instant.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut text = String::new();
    let mut line = |content: String| folded(&content, &mut text);
    for fixed in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//trialbook//site//EN", "CALSCALE:GREGORIAN"] {
        line(fixed.to_owned());
    }
    line(format!("X-WR-CALNAME:{}", escaped(&format!("{}: {title}", site.book.name))));
    for event in events.iter().take(EVENTS).rev() {
        line("BEGIN:VEVENT".to_owned());
        line(format!("UID:{}", escaped(&identity(site, event))));
        line(format!("DTSTAMP:{}", stamp(site.at)));
        line(format!("DTSTART:{}", stamp(event.at)));
        line(format!(
            "SUMMARY:{}",
            escaped(&format!("{} {}", shortened(&event.status.title, 100), event.what))
        ));
        line(format!("DESCRIPTION:{}", escaped(&format!("{} ({})", event.status.key, event.status.owner))));
        if let Some(address) = address(out, event.status) {
            line(format!("URL:{}", clean::one_line(&address)));
        }
        line("END:VEVENT".to_owned());
    }
    line("END:VCALENDAR".to_owned());
    text
}

/// Writes text for iCalendar: a backslash, a comma and a semicolon mean something there.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean::one_line(text).chars() {
        if matches!(c, '\\' | ';' | ',') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Adds a line, folded so that none is longer than 75 bytes.
fn folded(content: &str, text: &mut String) {
    let mut length = 0;
    for c in content.chars() {
        if length + c.len_utf8() > 74 {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(c);
        length += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text_in_both_feeds() {
        assert_eq!(xml("a]]><script>&'\"\u{1b}"), "a]]&gt;&lt;script&gt;&amp;&apos;&quot;\u{fffd}");
        assert_eq!(escaped("a;b,c\\d\r\nEND:VCALENDAR"), "a\\;b\\,c\\\\d END:VCALENDAR");
        let mut text = String::new();
        folded(&"å".repeat(100), &mut text);
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        assert_eq!(text.replace("\r\n ", "").trim_end(), "å".repeat(100));
    }
}
