//! A layer's calendar, as a chart that GitHub and GitLab draw: Mermaid's gantt.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::super::blocks::Block;
use super::super::calendar::Calendar;
use crate::app::change::{Booking, LayerCalendar};

/// Draws who holds a layer when; nothing where nobody does.
///
/// A chart has a syntax of its own that no escape protects, so that only keys, numbers and dates are written into it: their
/// characters cannot be anything else, and what is none of them is left out.
pub(super) fn chart(layer: &LayerCalendar, calendar: &Calendar, now: Timestamp) -> Option<Block> {
    if layer.bookings.is_empty() {
        return None;
    }
    let mut text = String::from("gantt\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "    title Layer {}", word(layer.layer.as_str()));
    text.push_str("    dateFormat YYYY-MM-DD\n    axisFormat %d %b\n");
    for (section, touched) in [("This change", true), ("Others", false)] {
        let bookings: Vec<_> = layer.bookings.iter().filter(|one| one.touched == touched).collect();
        if bookings.is_empty() {
            continue;
        }
        let _ = writeln!(text, "    section {section}");
        for booking in bookings {
            let _ = writeln!(text, "    {}", task(booking, calendar, now));
        }
        if !touched && layer.more > 0 {
            let today = calendar.date(now);
            let _ = writeln!(text, "    and {} more :{today}, 1d", layer.more);
        }
    }
    Some(Block::Verbatim { language: "mermaid", text })
}

fn task(booking: &Booking, calendar: &Calendar, now: Timestamp) -> String {
    let share = match booking.share {
        Some(share) => format!("{}%", (share * 10_000.0).round() / 100.0),
        None => "no slot yet".to_owned(),
    };
    // Mermaid takes the word as a task's colour: what this change is about, what runs, what is to come.
    let tag = match (booking.touched, booking.start <= now) {
        (true, _) => "crit, ",
        (false, true) => "active, ",
        (false, false) => "",
    };
    let (start, until) = (calendar.date(booking.start), calendar.date(booking.until));
    format!("{}, {share} :{tag}{start}, {until}", word(booking.key.as_str()))
}

/// Returns a key's characters and no others.
fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect()
}
