//! What was found in a file of vectors.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// One value of the vectors.
pub enum Found {
    Matched,
    Differing(String),
    NotOffered,
    /// It differs, as the package that it comes from is known to be wrong there.
    FaultOfTheVectors,
}

/// A file of vectors.
pub struct Tally {
    pub file: String,
    pub matched: usize,
    pub differing: Vec<String>,
    pub not_offered: usize,
    pub faults: usize,
    pub conventions: BTreeSet<String>,
}

impl Tally {
    pub fn new(file: String) -> Self {
        let (differing, conventions) = (Vec::new(), BTreeSet::new());
        Self { file, matched: 0, differing, not_offered: 0, faults: 0, conventions }
    }

    pub fn add(&mut self, name: String, convention: &str, found: Found) {
        self.conventions.insert(convention.to_owned());
        match found {
            Found::Matched => self.matched += 1,
            Found::NotOffered => self.not_offered += 1,
            Found::FaultOfTheVectors => self.faults += 1,
            Found::Differing(problem) => self.differing.push(format!("{name}: {problem}")),
        }
    }
}

/// A line for each file.
pub fn table(tallies: &[Tally]) -> String {
    let mut table = String::new();
    for Tally { file, matched, differing, not_offered, faults, .. } in tallies {
        let differing = differing.len();
        let faults = if *faults > 0 { format!(", {faults} wrong in the vectors") } else { String::new() };
        let _ = writeln!(
            table,
            "{file:<24} {matched:>4} matched, {differing:>3} differing, {not_offered:>4} not offered{faults}"
        );
    }
    table
}

/// What differs, with its file.
pub fn differing(tallies: &[Tally]) -> Vec<String> {
    let each = tallies.iter();
    each.flat_map(|tally| tally.differing.iter().map(|one| format!("{}: {one}", tally.file))).collect()
}
