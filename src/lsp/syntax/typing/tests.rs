use super::*;
use trialbook_language::load::language::Name;

/// What may be typed where the bar stands in an experiment.
fn at(text: &str) -> String {
    of(Kind::Experiment, text)
}

fn of(kind: Kind, text: &str) -> String {
    let offset = text.find('|').expect("a cursor");
    let Some(typing) = typing(kind, "here", &text.replacen('|', "", 1), offset) else {
        return "nothing".into();
    };
    let mut messages = Vec::new();
    if let Some(keys) = typing.keys {
        messages.push(format!("keys of {}", keys.mapping.what));
    }
    if let (Some(shape), None) = (typing.value, typing.keys) {
        let shapes: Vec<_> = alternatives(shape)
            .into_iter()
            .map(|shape| match shape {
                Shape::Name(Name::Variant, _) => {
                    format!("variant of {}", typing.flag.clone().unwrap_or_default())
                }
                Shape::Name(Name::Measure, _) => {
                    format!("measure of {}", typing.source.clone().unwrap_or_default())
                }
                Shape::Name(name, _) => name.as_str().to_owned(),
                Shape::Literal { .. } => format!("value of {}", typing.attribute.clone().unwrap_or_default()),
                Shape::Words(words) => words.iter().map(|word| word.word).collect::<Vec<_>>().join("/"),
                Shape::Text(grammar) => grammar.expected.to_owned(),
                Shape::Mapping(mapping) => mapping.what.to_owned(),
                other => format!("{other:?}"),
            })
            .collect();
        messages.push(shapes.join(" or "));
    }
    if !typing.typed.is_empty() {
        messages.push(format!("typed {}", typing.typed));
    }
    if !typing.taken.is_empty() {
        messages.push(format!("not {}", typing.taken.join(" ")));
    }
    messages.join(", ")
}

#[test]
fn a_key_is_completed_at_the_start_of_a_line_at_its_indentation() {
    assert_eq!(at("|"), "keys of an experiment");
    assert_eq!(at("title: x\nfl|\n"), "keys of an experiment, typed fl, not title");
    assert_eq!(at("title: x\nfl|\nowner: y\n"), "keys of an experiment, typed fl, not title owner");
    assert_eq!(at("schedule:\n  |\nowner: y\n"), "keys of a schedule");
    assert_eq!(at("schedule:\n  start: 2026-01-01\n  e|"), "keys of a schedule, typed e, not start");
    assert_eq!(at("fl|ag: x\n"), "keys of an experiment, typed fl");
    assert_eq!(at("metrics:\n  success:\n    - |\n"), "keys of a success metric");
    assert_eq!(
        at("metrics:\n  success:\n    - metric: a\n      m|\n"),
        "keys of a success metric, typed m, not metric"
    );
}

#[test]
fn a_key_is_completed_within_braces() {
    assert_eq!(at("schedule: {|}\n"), "keys of a schedule");
    assert_eq!(at("schedule: {start: 2026-01-01, |}\nowner: x\n"), "keys of a schedule, not start");
    assert_eq!(at("schedule: {st|\nowner: x\n"), "keys of a schedule, typed st");
    assert_eq!(at("audience: {country: {|"), "keys of operators");
    assert_eq!(at("audience:\n  all:\n    - {c|\n"), "keys of an audience, typed c");
}

#[test]
fn a_value_is_completed_by_its_shape() {
    assert_eq!(at("flag: |\n"), "flag");
    assert_eq!(at("audience: |\n"), "an audience");
    assert_eq!(at("flag: bu|tton\n"), "flag, typed bu");
    assert_eq!(at("flag: \"bu|\"\n"), "flag, typed bu");
    assert_eq!(at("flag: button\ncontrol: |\nvariants: equal\n"), "variant of button");
    assert_eq!(at("surfaces: [a, |]\n"), "surface, not a");
    assert_eq!(at("surfaces: [a, |\nowner: x\n"), "surface, not a");
    assert_eq!(at("surfaces:\n  - a\n  - |\n"), "surface, not a");
    assert_eq!(at("surfaces:\n  - a\n  - ch|\n"), "surface, typed ch, not a");
    assert_eq!(at("decision: {outcome: |}"), "ship/roll-back/inconclusive/aborted");
    assert_eq!(at("decision:\n  outcome: |\n  date: x\n"), "ship/roll-back/inconclusive/aborted");
    assert!(at("allocation: |").starts_with("a share such as `20%`"));
    assert_eq!(at("audience: {segment: |}"), "segment");
    assert_eq!(at("audience: {country: |}"), "value of country or operators");
    assert_eq!(at("audience: {country: {in: [SE, |"), "value of country, not SE");
    assert_eq!(at("flag: f\nvariants: {plain: 50%, |}"), "keys of names with values, not plain");
    assert_eq!(of(Kind::Metric, "source: s\nmeasure: {sum: |}"), "measure of s");
    assert_eq!(of(Kind::Flag, "variants: {a: 1}\ndefault: |"), "variant of here");
}

#[test]
fn a_file_that_is_broken_elsewhere_completes_all_the_same() {
    assert_eq!(at("title: 'x\nflag: |\n"), "flag");
    assert_eq!(at("title: x: y\nflag: |\n"), "flag");
    assert_eq!(at("flag: |\naudience: {country: [\nowner: x\n"), "flag");
    assert_eq!(at("owner: x\n   title: y\nflag: f\ncontrol: |\n"), "variant of f");
    assert_eq!(at("owner: @x\nschedule: {st|\n"), "keys of a schedule, typed st");
}

#[test]
fn there_is_nothing_to_complete_in_a_comment_or_where_the_language_has_no_place() {
    assert_eq!(at("# fl|\n"), "nothing");
    assert_eq!(at("flag: x # |\n"), "nothing");
    assert_eq!(at("nothing: |\n"), "nothing");
    assert_eq!(at("- |\n"), "nothing");
}

#[test]
fn no_text_and_no_offset_makes_it_fail() {
    let texts =
        ["", "a: {b: [c, \"d", "-\n- -\n", "\u{feff}flag: å\r\n", "key: |\n  text {\n", "{{{{[[[[", "]]}}"];
    for text in texts {
        for offset in 0..=text.len() + 2 {
            for kind in Kind::ALL {
                let _ = typing(kind, "x", text, offset);
            }
        }
    }
}
