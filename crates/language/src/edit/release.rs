//! The edit of a flag's file that serves a tested variant to those it was tested on.

use super::format::format;
use crate::load::yaml::{Content, Node, parse};
use trialbook_model::Kind;
use trialbook_model::span::{SourceFile, Span};

/// An edit of a flag's file, in the one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Where the lines go.
    pub place: ReleasePlace,
    /// The lines, indented as they stand in the file.
    pub lines: String,
    /// The whole file with the edit made.
    pub text: String,
    /// The file as it is has another layout, so that it has to be formatted before the lines fit.
    pub unformatted: bool,
}

/// Where the lines of an edit go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleasePlace {
    /// They replace the flag's `default`, for everybody was tested.
    Default,
    /// They follow the last of the flag's rules.
    AfterLastRule,
    /// The flag has no rules: they follow the key that is named.
    AfterKey(String),
}

/// Returns the edit of a flag's file that serves a variant to the audience of an experiment's file: its `default` where everybody is in
/// the audience, else a rule after those that are there, which came before the experiment as well.
///
/// `None` where a file cannot be read, the flag serves the variant by default already, or the target has settings of its own in the
/// flag, which this edit would not reach.
pub fn release(flag: &str, experiment: &str, variant: &str, target: Option<&str>) -> Option<Release> {
    let tidy = format(Kind::Flag, &SourceFile::new("", flag)).ok()?;
    let root = read(&tidy)?;
    let own = target.and_then(|target| root.entry("in")?.value.entry(target));
    if own.is_some_and(|own| own.value.entry("default").is_some() || own.value.entry("rules").is_some()) {
        return None;
    }
    let variants = &root.entry("variants")?.value;
    // As the file writes it: a key that needs quotes has them.
    let written = tidy.get(range(variants.entry(variant)?.key_span))?;
    let tested = read(experiment)?;
    let audience = tested.entry("audience").map(|entry| &entry.value).filter(|node| !is_empty(node));
    let default = &root.entry("default")?.value;
    let (edited, place) = match (audience, root.entry("rules").map(|entry| &entry.value)) {
        (None, _) => {
            let mut edited = tidy.clone();
            if edited.get(range(default.span))? == written {
                return None;
            }
            edited.replace_range(range(default.span), written);
            (edited, ReleasePlace::Default)
        }
        (Some(audience), rules) => {
            let rule = std::format!("  - {}\n    serve: {written}\n", when(experiment, audience)?);
            match rules.map(|rules| &rules.content) {
                None => (
                    std::format!("{}\nrules:\n{rule}", tidy.trim_end()),
                    ReleasePlace::AfterKey(String::new()),
                ),
                Some(Content::Sequence(items)) => {
                    let end = line_end(&tidy, items.last()?.span.end);
                    let (before, after) = tidy.split_at_checked(end)?;
                    let newline = if before.ends_with('\n') { "" } else { "\n" };
                    (std::format!("{before}{newline}{rule}{after}"), ReleasePlace::AfterLastRule)
                }
                Some(_) => return None,
            }
        }
    };
    let text = format(Kind::Flag, &SourceFile::new("", edited)).ok()?;
    let after = read(&text)?;
    let (place, lines) = match place {
        ReleasePlace::Default => {
            let entry = after.entry("default")?;
            (ReleasePlace::Default, lines(&text, entry.key_span.start, entry.value.span.end)?)
        }
        ReleasePlace::AfterLastRule => {
            let Content::Sequence(items) = &after.entry("rules")?.value.content else { return None };
            let last = items.last()?.span;
            (ReleasePlace::AfterLastRule, lines(&text, last.start, last.end)?)
        }
        ReleasePlace::AfterKey(_) => {
            let at = after.entries().iter().position(|entry| &*entry.key == "rules")?;
            let (before, rules) = (after.entries().get(at.checked_sub(1)?)?, after.entries().get(at)?);
            let lines = lines(&text, rules.key_span.start, rules.value.span.end)?;
            (ReleasePlace::AfterKey(before.key.to_string()), lines)
        }
    };
    Some(Release { place, lines, text, unformatted: tidy != flag })
}

fn read(text: &str) -> Option<Node> {
    let parsed = parse(&SourceFile::new("", text));
    parsed.root.filter(|root| parsed.findings.is_empty() && matches!(root.content, Content::Mapping(_)))
}

fn is_empty(node: &Node) -> bool {
    match &node.content {
        Content::Mapping(_) => node.entries().is_empty(),
        _ => false,
    }
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start..span.end
}

/// Returns the audience as the `when` of a rule, in the words of the experiment's file.
fn when(text: &str, audience: &Node) -> Option<String> {
    let start = audience.span.start;
    let line = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let column = text.get(line..start)?;
    if !column.chars().all(|c| c == ' ') {
        return Some(std::format!(
            "when: {}",
            text.get(range(audience.span))?.trim_end().replace('\n', "\n      ")
        ));
    }
    let block = text.get(line..line_end(text, audience.span.end))?;
    let dedented = block.lines().map(|line| line.strip_prefix(column).unwrap_or(line.trim_start()));
    let indented: Vec<String> = dedented.map(|line| std::format!("      {line}")).collect();
    Some(std::format!("when:\n{}", indented.join("\n").trim_end()))
}

/// Returns the whole lines from one offset to another, without the empty ones at their end.
fn lines(text: &str, start: usize, end: usize) -> Option<String> {
    let first = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    Some(std::format!("{}\n", text.get(first..line_end(text, end))?.trim_end()))
}

/// Returns the end of the last line that has something on it before an offset, its line break included.
fn line_end(text: &str, end: usize) -> usize {
    let last = text.get(..end).map_or(end, |before| before.trim_end().len());
    text.get(last..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| last + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAG: &str = "description: Style.\nowner: team\nsurfaces: [checkout]\nentity: user\ntype: string\nvariants:\n  plain: a\n  \"on\": b\ndefault: plain\n";

    fn experiment(audience: &str) -> String {
        std::format!("title: T\nflag: style\n{audience}control: plain\n")
    }

    #[test]
    fn an_audience_becomes_a_rule_that_has_the_one_style() {
        for audience in [
            "audience:\n  country: {in: [SE, FI]}\n  not: {segment: employees}\n",
            "audience:\n    any: # either\n      - country: SE\n      - platform: ios\n",
            "audience: {country: SE}\n",
        ] {
            let made = release(FLAG, &experiment(audience), "on", None).expect("an edit");
            assert_eq!(made.place, ReleasePlace::AfterKey("default".into()), "{audience}");
            assert_eq!(std::format!("{FLAG}{}", made.lines), made.text);
            assert_eq!(format(Kind::Flag, &SourceFile::new("", made.text.clone())).unwrap(), made.text);
            assert!(made.lines.contains("serve: \"on\""), "{}", made.lines);
        }
    }

    #[test]
    fn rules_that_are_there_stay_before_it() {
        let flag = std::format!(
            "{FLAG}rules: # first match wins\n  - when: {{segment: employees}}\n    serve: plain\nexpires: 2027-06-30\n"
        );
        let made = release(&flag, &experiment("audience:\n  country: SE\n"), "on", None).expect("an edit");
        assert_eq!(made.place, ReleasePlace::AfterLastRule);
        assert_eq!(made.lines, "  - when:\n      country: SE\n    serve: \"on\"\n");
        let rules = "    serve: plain\n";
        assert_eq!(made.text, flag.replacen(rules, &std::format!("{rules}{}", made.lines), 1));
    }

    #[test]
    fn where_everybody_was_tested_the_default_changes() {
        for audience in ["", "audience: {}\n"] {
            let made = release(FLAG, &experiment(audience), "on", None).expect("an edit");
            assert_eq!((made.place, made.lines.as_str()), (ReleasePlace::Default, "default: \"on\"\n"));
        }
        assert_eq!(release(FLAG, &experiment(""), "plain", None), None, "it is the default");
    }

    #[test]
    fn settings_of_the_target_are_out_of_its_reach() {
        let flag = std::format!("{FLAG}in:\n  staging: {{default: \"on\"}}\n");
        assert_eq!(release(&flag, &experiment("audience: {country: SE}\n"), "on", Some("staging")), None);
        assert!(release(&flag, &experiment("audience: {country: SE}\n"), "on", Some("production")).is_some());
    }
}
