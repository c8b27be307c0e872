//! Who can reach a flag's experiments and rollouts: whom no earlier rule serves.

use trialbook_model::{Book, Flag, Predicate, Rule, Target};

/// What the rules of a flag leave to its experiments and rollouts.
pub(super) struct Reach<'a> {
    book: &'a Book,
    left: Vec<Predicate>,
}

impl<'a> Reach<'a> {
    /// Works out whom a flag's rules leave in any target that serves experiments.
    ///
    /// A target may have rules of its own, so that two experiments meet there which the flag's rules keep apart elsewhere.
    pub(super) fn new(book: &'a Book, flag: &Flag) -> Self {
        Self::among(book, flag, book.targets.values().filter(|target| target.experiments))
    }

    /// Works out whom a flag's rules leave in the primary target: launches and analysis belong to that one.
    pub(super) fn in_primary(book: &'a Book, flag: &Flag) -> Self {
        Self::among(book, flag, book.primary_target().into_iter())
    }

    fn among<'t>(book: &'a Book, flag: &Flag, targets: impl Iterator<Item = &'t Target>) -> Self {
        let mut served: Vec<&[Rule]> = Vec::new();
        for target in targets {
            let differently = flag.overrides.get(&target.key);
            if differently.is_some_and(|differently| differently.enabled == Some(false)) {
                continue;
            }
            let rules = differently.and_then(|differently| differently.rules.as_ref()).unwrap_or(&flag.rules);
            if !served.contains(&rules.as_slice()) {
                served.push(rules);
            }
        }
        let without = |rules: &[Rule]| -> Vec<Predicate> {
            rules.iter().map(|rule| Predicate::Not(Box::new(book.inlined(&rule.when)))).collect()
        };
        let left = match served.as_slice() {
            [] => without(&flag.rules),
            [rules] => without(rules),
            several => {
                vec![Predicate::Any(several.iter().map(|rules| Predicate::All(without(rules))).collect())]
            }
        };
        Self { book, left }
    }

    /// Returns who of an audience can be served by what comes after the rules, segments inlined.
    pub(super) fn left_of(&self, audience: &Predicate) -> Predicate {
        let mut parts = vec![self.book.inlined(audience)];
        parts.extend(self.left.iter().cloned());
        Predicate::All(parts)
    }
}

#[cfg(test)]
mod tests {
    use trialbook_language::load::{RawFile, load};

    /// Returns the errors about a flag whose rule serves SE, with two experiments that both have SE in their audience.
    fn errors(of_targets: &str, of_flag: &str) -> Vec<&'static str> {
        let experiment = |countries: &str| {
            format!(
                "title: A test\nhypothesis: It helps.\nowner: web\nflag: button\n\
                 audience: {{country: {{in: [{countries}]}}}}\nallocation: 20%\ncontrol: plain\n\
                 variants: {{plain: 50%, bold: 50%}}\nschedule: {{start: 2027-01-10, end: 2027-02-10}}\nmetrics: {{}}\n"
            )
        };
        let files = [
            (
                "trialbook.yaml",
                format!(
                    "book: shop\nentities: {{user: {{column: user_id}}}}\n\
                     attributes: {{country: {{type: string, stable: true}}}}\n{of_targets}"
                ),
            ),
            (
                "button.flag.yaml",
                format!(
                    "description: A button.\nowner: web\nentity: user\ntype: boolean\n\
                     variants: {{plain: false, bold: true}}\ndefault: plain\n\
                     rules: [{{when: {{country: SE}}, serve: bold}}]\n{of_flag}"
                ),
            ),
            ("one.experiment.yaml", experiment("SE, FI")),
            ("two.experiment.yaml", experiment("SE, DK")),
        ];
        let raw = |(path, text): (&str, String)| RawFile { path: path.to_owned(), bytes: text.into_bytes() };
        let loaded = load(files.into_iter().map(raw).collect());
        assert!(loaded.book.is_some(), "{:#?}", loaded.findings);
        let now = "2026-12-01T00:00:00Z".parse::<jiff::Timestamp>().expect("an instant");
        let found = crate::check::run(&loaded, now).into_iter();
        found.map(|finding| finding.rule).filter(|rule| *rule == "overlapping-experiments").collect()
    }

    #[test]
    fn experiments_meet_where_a_target_has_other_rules() {
        let targets = |staging: &str| {
            format!(
                "targets:\n  production: {{type: flagd, store: 'file://a.json', primary: true}}\n  \
                 staging: {{type: flagd, store: 'file://b.json'{staging}}}\n"
            )
        };
        let two = targets("");
        assert_eq!(errors(&two, ""), [""; 0]);
        let meets = ["overlapping-experiments"];
        assert_eq!(errors(&two, "in: {production: {rules: []}}\n"), meets);
        assert_eq!(errors(&two, "in: {staging: {rules: []}}\n"), meets);
        assert_eq!(errors(&two, "in: {staging: {rules: [], enabled: false}}\n"), [""; 0]);
        assert_eq!(errors(&targets(", experiments: false"), "in: {staging: {rules: []}}\n"), [""; 0]);
    }
}
