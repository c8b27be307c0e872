//! Names where they are declared and where they are used.

use super::scope::At;
use trialbook_language::load::Document;
use trialbook_language::load::language::{Name, Shape};
use trialbook_language::load::shape_of;
use trialbook_language::load::yaml::Content;
use trialbook_model::Kind;
use trialbook_model::span::Span;

/// Something that has a name in a book.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    /// What it is.
    pub name: Name,
    /// The flag of a variant, the source of a measure; empty for what is one in the whole book.
    pub owner: Box<str>,
    /// Its name.
    pub text: Box<str>,
}

impl Symbol {
    /// Returns the symbol of a file.
    pub fn of_file(kind: Kind, key: &str) -> Self {
        Self { name: Name::File(kind), owner: "".into(), text: key.into() }
    }
}

/// A place where a name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Whose name it is.
    pub symbol: Symbol,
    /// Where it stands, with its quotes if it has any.
    pub span: Span,
    /// Whether this is where it is declared. A file is declared by its own name, which stands nowhere in it.
    pub declares: bool,
}

/// Calls `found` for every name that a file uses or declares, in reading order, wherever its parts have the shape
/// that the language wants; whether anything has that name is not asked.
pub fn uses(document: &Document, found: &mut dyn FnMut(Use)) {
    if let Some(root) = At::root(document) {
        visit(&root, found);
    }
}

/// Returns the name that stands at a byte offset of a file, its end included.
pub fn use_at(document: &Document, offset: usize) -> Option<Use> {
    let mut at = None;
    uses(document, &mut |found| {
        if found.span.start <= offset && offset <= found.span.end {
            at = Some(found);
        }
    });
    at
}

/// Visits a node. The tree is at most [`MAX_DEPTH`](trialbook_language::load::MAX_DEPTH) deep.
fn visit(at: &At<'_>, found: &mut dyn FnMut(Use)) {
    match (&at.node.content, &at.shape) {
        (Content::Mapping(entries), Shape::Mapping(_)) => {
            for entry in entries {
                if let Some(name) = at.name_of(entry) {
                    report(name, &entry.key, entry.key_span, at, at.declares, found);
                }
                if let Some(value) = at.entry(entry) {
                    visit(&value, found);
                }
            }
        }
        (Content::Sequence(items), Shape::List(_)) => {
            for item in items.iter().filter_map(|item| at.item(item)) {
                visit(&item, found);
            }
        }
        (Content::Scalar(scalar), Shape::Name(name, _)) => {
            report(*name, &scalar.text, at.node.span, at, false, found);
        }
        _ => {}
    }
}

fn report(name: Name, text: &str, span: Span, at: &At<'_>, declares: bool, found: &mut dyn FnMut(Use)) {
    if let Some(owner) = at.scope.owner(name)
        && name.is_declared()
        && !text.is_empty()
    {
        found(Use { symbol: Symbol { name, owner: owner.into(), text: text.into() }, span, declares });
    }
}

/// Tells whether files of a kind declare names in them.
pub fn declares_names(kind: Kind) -> bool {
    matches!(shape_of(kind), Shape::Mapping(mapping) if !mapping.declares.is_empty())
}

/// Returns the span of the name without the quotes around it.
pub fn unquoted(text: &str, span: Span) -> Span {
    let slice = text.get(span.start..span.end).unwrap_or_default();
    let quoted = slice.len() >= 2 && ['"', '\''].iter().any(|c| slice.starts_with(*c) && slice.ends_with(*c));
    if quoted { Span::new(span.start + 1, span.end - 1) } else { span }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::syntax::tests::{document, loaded};

    fn names(path: &str, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        let loaded = loaded(path, text);
        uses(document(&loaded, path), &mut |found| {
            let Symbol { name, owner, text } = found.symbol;
            let verb = if found.declares { "declares" } else { "uses" };
            let of = if owner.is_empty() { String::new() } else { format!(" of {owner}") };
            all.push(format!("{verb} {} {text}{of}", name.as_str()));
        });
        all
    }

    #[test]
    fn an_experiment_uses_its_flag_its_variants_and_all_that_its_audience_and_metrics_name() {
        let text = "flag: button\nsurfaces: [checkout]\naudience:\n  country: {in: [SE]}\n  not: {segment: staff}\n  any: [{platform: ios}]\ncontrol: plain\nvariants: {plain: 50%, \"bold\": 50%}\nmetrics: {success: [{metric: buys, mde: 2%}], exploratory: [visits]}\ndecision: {outcome: ship, variant: bold}\n";
        assert_eq!(
            names("x.experiment.yaml", text),
            [
                "uses flag button",
                "uses surface checkout",
                "uses attribute country",
                "uses segment staff",
                "uses attribute platform",
                "uses variant plain of button",
                "uses variant plain of button",
                "uses variant bold of button",
                "uses metric buys",
                "uses metric visits",
                "uses variant bold of button",
            ]
        );
        assert_eq!(names("x.experiment.yaml", "control: a\nvariants: equal\n"), [] as [&str; 0]);
    }

    #[test]
    fn a_name_is_declared_where_the_language_declares_it() {
        let book = "entities: {user: {column: id, context: account}}\nattributes: {country: {type: string, values: {SE: 30%}}}\nsurfaces: {checkout: {}}\ndefaults: {surfaces: {checkout: {exploratory: [visits]}}}\n";
        assert_eq!(
            names("trialbook.yaml", book),
            [
                "declares entity user",
                "uses attribute account",
                "declares attribute country",
                "declares surface checkout",
                "uses surface checkout",
                "uses metric visits"
            ]
        );
        let flag = "entity: user\nvariants: {on: true, off: {variant: x}}\ndefault: on\nrules: [{when: {}, serve: off}]\nin: {staging: {default: off}}\n";
        assert_eq!(
            names("f.flag.yaml", flag),
            [
                "uses entity user",
                "declares variant on of f",
                "declares variant off of f",
                "uses variant on of f",
                "uses variant off of f",
                "uses target staging",
                "uses variant off of f",
            ]
        );
        let source = "entities: {user: id}\nmeasures: {amount: total}\n";
        assert_eq!(names("s.source.yaml", source), ["uses entity user", "declares measure amount of s"]);
        let metric = "source: s\nmeasure: {sum: amount}\n";
        assert_eq!(names("m.metric.yaml", metric), ["uses source s", "uses measure amount of s"]);
    }

    #[test]
    fn a_name_is_found_at_its_ends_and_without_its_quotes() {
        let text = "flag: \"button\"\n";
        let loaded = loaded("x.experiment.yaml", text);
        let document = document(&loaded, "x.experiment.yaml");
        for offset in [6, 10, 14] {
            let found = use_at(document, offset).expect("a use");
            assert_eq!(unquoted(text, found.span), Span::new(7, 13));
        }
        assert_eq!(use_at(document, 2), None);
    }
}
