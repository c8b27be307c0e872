use proptest::prelude::*;

use super::*;

fn slot(buckets: &str, experiment: &str) -> Slot {
    Slot {
        buckets: BucketRange::parse(buckets).expect("a range"),
        experiment: ExperimentKey::new(experiment).expect("a key"),
    }
}

fn written(text: &str, slots: &[(&str, &str)]) -> String {
    let slots: Vec<_> = slots.iter().map(|(buckets, experiment)| slot(buckets, experiment)).collect();
    let written = write_slots(text, &slots).expect("slots can be written");
    assert_eq!(write_slots(&written, &slots).as_ref(), Ok(&written), "written twice");
    written
}

const COMMENTED: &str = "\
# The checkout.
description: Everything that changes the checkout page. # really
entity: user
slots: # sorted
  # Growth's
  - {buckets: 0-1999, experiment: bold} # until Christmas

  # Search's, see #12
  - {buckets: 4000-4499, experiment: one-page}
  # nothing below
salt: checkout-2026 # never changes
";

#[test]
fn a_new_slot_is_one_new_line() {
    insta::assert_snapshot!(
        written(COMMENTED, &[("0-1999", "bold"), ("2000-3999", "new"), ("4000-4499", "one-page")]),
        @"
        # The checkout.
        description: Everything that changes the checkout page. # really
        entity: user
        slots: # sorted
          # Growth's
          - {buckets: 0-1999, experiment: bold} # until Christmas
          - {buckets: 2000-3999, experiment: new}

          # Search's, see #12
          - {buckets: 4000-4499, experiment: one-page}
          # nothing below
        salt: checkout-2026 # never changes
        "
    );
}

#[test]
fn a_slot_that_grows_keeps_its_line_and_one_that_goes_takes_its_comments_along() {
    insta::assert_snapshot!(written(COMMENTED, &[("0-999", "bold"), ("9000-9999", "last")]), @"
        # The checkout.
        description: Everything that changes the checkout page. # really
        entity: user
        slots: # sorted
          # Growth's
          - {buckets: 0-999, experiment: bold} # until Christmas
          - {buckets: 9000-9999, experiment: last}
          # nothing below
        salt: checkout-2026 # never changes
        ");
}

#[test]
fn a_slot_before_the_first_leaves_the_comments_with_theirs() {
    let text = "entity: user\nslots:\n# a's\n- {buckets: 10-19, experiment: a}\n";
    assert_eq!(
        written(text, &[("0-9", "b"), ("10-19", "a")]),
        "entity: user\nslots:\n- {buckets: 0-9, experiment: b}\n# a's\n- {buckets: 10-19, experiment: a}\n"
    );
}

#[test]
fn slots_are_made_where_there_are_none() {
    let list = "  - {buckets: 0-9, experiment: a}";
    for (text, expected) in [
        ("entity: user\n", format!("entity: user\nslots:\n{list}\n")),
        ("entity: user", format!("entity: user\nslots:\n{list}\n")),
        ("entity: user\r\n# end\r\n", format!("entity: user\r\n# end\r\nslots:\r\n{list}\r\n")),
        ("slots: []\nentity: user\n", format!("slots:\n{list}\nentity: user\n")),
        ("slots:\nentity: user\n", format!("slots:\n{list}\nentity: user\n")),
        ("slots: # none yet\nentity: user\n", format!("slots: # none yet\n{list}\nentity: user\n")),
        ("entity: user\nslots: [] # none yet", format!("entity: user\nslots: # none yet\n{list}")),
        ("entity: user\nslots:", format!("entity: user\nslots:\n{list}")),
        ("entity: user\nslots: ~\n", format!("entity: user\nslots:\n{list}\n")),
        ("  entity: user\n", format!("  entity: user\n  slots:\n  {list}\n")),
    ] {
        assert_eq!(written(text, &[("0-9", "a")]), expected, "{text}");
    }
}

#[test]
fn other_layouts_are_kept() {
    let after = [("0-9", "a"), ("10-19", "b")];
    for (text, expected) in [
        (
            "slots:\r\n  - {buckets: 0-9, experiment: a}\r\nentity: user\r\n",
            "slots:\r\n  - {buckets: 0-9, experiment: a}\r\n  - {buckets: 10-19, experiment: b}\r\nentity: user\r\n",
        ),
        (
            "entity: user\nslots:\n  - {buckets: 0-9, experiment: a}",
            "entity: user\nslots:\n  - {buckets: 0-9, experiment: a}\n  - {buckets: 10-19, experiment: b}",
        ),
        (
            "slots:\n  - buckets: 0-9 # tiny\n    experiment: a\n\nentity: user\n",
            "slots:\n  - buckets: 0-9 # tiny\n    experiment: a\n  - buckets: 10-19\n    experiment: b\n\nentity: user\n",
        ),
        (
            "slots:\n  -\n    experiment: \"a\"\n    buckets: '0-9'\nentity: user\n",
            "slots:\n  -\n    experiment: \"a\"\n    buckets: '0-9'\n  - buckets: 10-19\n    experiment: b\nentity: user\n",
        ),
        (
            "entity: user\nslots: [{buckets: 0-9, experiment: a}] # few\n",
            "entity: user\nslots: [{buckets: 0-9, experiment: a}, {buckets: 10-19, experiment: b}] # few\n",
        ),
        (
            "{entity: user, slots: []}\n",
            "{entity: user, slots: [{buckets: 0-9, experiment: a}, {buckets: 10-19, experiment: b}]}\n",
        ),
        (
            "{\n  \"entity\": \"user\"\n}\n",
            "{\n  \"entity\": \"user\", slots: [{buckets: 0-9, experiment: a}, {buckets: 10-19, experiment: b}]\n}\n",
        ),
    ] {
        assert_eq!(written(text, &after), expected, "{text}");
    }
}

#[test]
fn slots_are_put_in_order() {
    let text = "slots:\n  # b's\n  - {buckets: 10-19, experiment: b} # two\n  - {buckets: 0-9, experiment: a}\n# end\n";
    assert_eq!(
        written(text, &[("0-9", "a"), ("10-19", "b")]),
        "slots:\n  - {buckets: 0-9, experiment: a}\n  # b's\n  - {buckets: 10-19, experiment: b} # two\n# end\n"
    );
}

#[test]
fn what_cannot_be_edited_safely_is_refused() {
    let slots = [slot("0-9", "a")];
    for text in [
        "",
        "a: [",
        "- a\n",
        "slots: {a: b}\n",
        "slots: [1]\n",
        "slots: [{buckets: 0-1, experiment: b, note: c}]\n",
    ] {
        assert_eq!(write_slots(text, &slots), Err(WriteSlotsError::NotALayer), "{text}");
    }
    for text in ["entity: user\n...\n", "slots: [ # mine\n  {buckets: 0-1, experiment: b}]\n"] {
        assert_eq!(write_slots(text, &slots), Err(WriteSlotsError::Layout), "{text}");
    }
}

fn any_slots() -> impl Strategy<Value = Vec<Slot>> {
    let key = proptest::sample::select(&["a", "b", "c", "d", "e"][..]);
    let one = (0..50u32, 0..20u32, key)
        .prop_map(|(first, more, key)| slot(&format!("{first}-{}", first + more), key));
    proptest::collection::vec(one, 1..8).prop_map(|mut slots| {
        slots.sort_by(|a, b| (a.buckets, &a.experiment).cmp(&(b.buckets, &b.experiment)));
        slots.dedup();
        slots
    })
}

/// A layer's file with comments in odd places.
fn any_file() -> impl Strategy<Value = String> {
    let line = proptest::sample::select(&["", "# one", "  # two", "      # three: [", "#"][..]);
    let tail = proptest::sample::select(&["", " # tail", "   ", " # {"][..]);
    let lines = proptest::collection::vec((line, tail, any::<bool>()), 8);
    (any_slots(), lines, any::<bool>(), any::<bool>()).prop_map(|(slots, lines, crlf, last)| {
        let mut text = String::from("entity: user\nslots:\n");
        for (slot, (line, tail, braces)) in slots.iter().zip(lines) {
            if !line.is_empty() {
                text += &format!("{line}\n");
            }
            text += &match braces {
                true => format!("  - {}{tail}\n", mapping(slot)),
                false => {
                    format!("  - buckets: {}{tail}\n    experiment: {}\n", slot.buckets, slot.experiment)
                }
            };
        }
        text += "# foot\nsalt: s\n";
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        if last { text.trim_end().to_owned() } else { text }
    })
}

proptest! {
    #[test]
    fn any_slots_can_follow_any_others(text in any_file(), slots in any_slots()) {
        let written = write_slots(&text, &slots);
        prop_assert!(written.is_ok(), "{text}");
        let written = written.unwrap_or_default();
        prop_assert_eq!(write_slots(&written, &slots), Ok(written.clone()));
        prop_assert_eq!(written.contains("\r\n"), text.contains("\r\n"));
        prop_assert!(!written.replace("\r\n", "").contains('\r'));
        prop_assert_eq!(written.ends_with('\n'), text.ends_with('\n'));
        let kept = text.lines().filter(|line| line.contains("- {"));
        for line in kept {
            let stays = slots.iter().any(|slot| line.contains(&mapping(slot)));
            prop_assert!(!stays || written.lines().any(|new| new == line), "{line} in {written}");
        }
    }
}
