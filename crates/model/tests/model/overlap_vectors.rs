//! Whether audiences meet, held against the answers of Z3, a solver that knows nothing of this program.
//!
//! `tests/vectors/z3.json` was written by `benches/overlap_z3.py` for pairs that `benches/overlap.rs` made up; it
//! names the version. Pairs that Z3 did not decide were left out.

use serde::Deserialize;
use trialbook_model::targeting::{Attributes, Context, Overlap, matches, overlap};
use trialbook_model::{Attribute, Predicate};

#[derive(Deserialize)]
struct Vectors {
    program: String,
    attributes: Vec<Attribute>,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    a: Predicate,
    b: Predicate,
    meet: bool,
}

#[test]
fn every_pair_is_decided_as_z3_decides_it() {
    let text = include_str!("../vectors/z3.json");
    let vectors: Vectors = serde_json::from_str(text).expect("the vectors are JSON");
    let attributes: Attributes = vectors.attributes.into_iter().map(|a| (a.key.clone(), a)).collect();
    let (mut met, mut apart) = (0, 0);
    for (at, Pair { a, b, meet }) in vectors.pairs.iter().enumerate() {
        match overlap(a, b, &attributes) {
            Overlap::At(witness) => {
                let context = Context::new(witness.json().into_iter().collect(), &attributes);
                assert!(matches(a, &context) && matches(b, &context), "pair {at}: {witness:?}");
                assert!(
                    meet,
                    "pair {at} meets at {witness:?}, and {} says that it does not",
                    vectors.program
                );
                met += 1;
            }
            Overlap::Disjoint => {
                assert!(!meet, "pair {at} is disjoint, and {} says that it meets", vectors.program);
                apart += 1;
            }
            Overlap::Undecided(reason) => panic!("pair {at} is undecided: {reason}"),
        }
    }
    assert!(met > 200 && apart > 100, "{met} meet, {apart} do not: both need a test");
}
