//! The languages of texts that tests describe, intersected exactly: a text that is wanted, or the proof that none is.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::automaton::{Automaton, FAILS, HOLDS, TooLarge, UNKNOWN};
use super::budget::{Budget, Exceeded};
use super::context::holds;
use super::wanted::Wanted;
use crate::{Scalar, Test};

/// What was found among all texts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This text is wanted. It is among the shortest of those with the fewest characters that are hard to read.
    Text(String),
    /// No text is.
    Nothing,
    /// No text was found, but those with a word boundary next to a character beyond ASCII could not be judged.
    Boundary,
    /// The search came to its end before all texts were judged.
    Exceeded,
}

/// The most combinations of the automata's states that one search goes through.
const STATES: usize = 5_000;

/// The tests of one attribute, with their automata as far as they were needed.
pub(super) struct Language<'t> {
    tests: Vec<&'t Test>,
    automata: Vec<Option<Automaton>>,
    /// The texts that are not looked for.
    named: Automaton,
}

impl<'t> Language<'t> {
    /// Makes the language of some tests. Where the texts that they name were each tried as itself, the search is for the
    /// others.
    pub(super) fn new(tests: &[&'t Test], without_named: bool) -> Self {
        let sets = tests.iter().filter(|_| without_named);
        let sets = sets.filter_map(|test| if let Test::In(set) = test { Some(set) } else { None });
        let named = Automaton::set(sets.flatten());
        Self { tests: tests.to_vec(), automata: tests.iter().map(|_| None).collect(), named }
    }

    /// Looks for a text of which everything wanted holds.
    ///
    /// Walks the product of the automata of the tests that matter, breadth first, and leaves out what can no longer
    /// become what is wanted. The cost is counted, so the answer does not depend on the machine.
    pub(super) fn find(&mut self, wanted: &[&Wanted], budget: &mut Budget) -> Found {
        let mut used: Vec<usize> = wanted.iter().flat_map(|wanted| wanted.tests()).collect();
        used.sort_unstable();
        used.dedup();
        match self.search(wanted, &used, budget) {
            Ok(found) => found,
            Err(Exceeded) => Found::Exceeded,
        }
    }

    fn search(&mut self, wanted: &[&Wanted], used: &[usize], budget: &mut Budget) -> Result<Found, Exceeded> {
        let bytes = self.alphabet(used, budget)?;
        let slot: HashMap<usize, usize> =
            used.iter().enumerate().map(|(slot, test)| (*test, slot + 2)).collect();
        let weight = wanted.iter().map(|wanted| wanted.len()).sum::<usize>();
        let mut stack = Vec::new();
        let mut holds = |known: &dyn Fn(usize) -> Option<bool>, budget: &mut Budget| {
            budget.spend(weight)?;
            let mut values = wanted.iter().map(|wanted| wanted.value(known, &mut stack));
            Ok::<_, Exceeded>(values.try_fold(true, |all, value| match value {
                Some(false) => Err(()),
                value => Ok(all && value == Some(true)),
            }))
        };

        let mut start = vec![0, self.named.start(budget)?];
        for test in used {
            start.push(self.automaton(*test)?.start(budget)?);
        }
        let mut walk = Walk::from(start);
        let mut boundary = false;
        while let Some(at) = walk.next() {
            let state = walk.states.get(at).ok_or(Exceeded)?.clone();
            budget.spend(state.len())?;
            if state.first() == Some(&0)
                && !self.named.accepts(state.get(1).copied().unwrap_or(FAILS), budget)?
            {
                let mut ends = HashMap::with_capacity(used.len());
                for (test, state) in used.iter().zip(state.iter().skip(2)) {
                    ends.insert(*test, self.automaton(*test)?.accepts(*state, budget)?);
                }
                if holds(&|test| ends.get(&test).copied(), budget)? == Ok(true) {
                    return Ok(Found::Text(self.readable(walk.text(at), wanted)));
                }
            }
            for &(byte, cost) in &bytes {
                let Some(utf8) = utf8(state.first().copied().unwrap_or(0), byte) else { continue };
                let mut next = Vec::with_capacity(state.len());
                next.push(utf8);
                next.push(self.named.step(state.get(1).copied().unwrap_or(FAILS), byte, budget)?);
                for (test, state) in used.iter().zip(state.iter().skip(2)) {
                    next.push(self.automaton(*test)?.step(*state, byte, budget)?);
                }
                let known = |test: usize| match slot.get(&test).and_then(|slot| next.get(*slot)) {
                    Some(&HOLDS) => Some(true),
                    Some(&FAILS) => Some(false),
                    _ => None,
                };
                if holds(&known, budget)?.is_err() {
                    continue;
                }
                if next.iter().skip(1).any(|state| *state == UNKNOWN) {
                    boundary = true;
                } else {
                    walk.reach(next, at, byte, cost)?;
                }
            }
        }
        Ok(if boundary { Found::Boundary } else { Found::Nothing })
    }

    /// Returns the automaton of a test, made when it is first needed.
    fn automaton(&mut self, test: usize) -> Result<&mut Automaton, Exceeded> {
        let (Some(slot), Some(test)) = (self.automata.get_mut(test), self.tests.get(test)) else {
            return Err(Exceeded);
        };
        if slot.is_none() {
            *slot = Some(Automaton::new(test).map_err(|TooLarge| Exceeded)?);
        }
        slot.as_mut().ok_or(Exceeded)
    }

    /// Returns a byte for each set of bytes that nothing distinguishes, with how hard it is to read; the best first.
    fn alphabet(&mut self, used: &[usize], budget: &mut Budget) -> Result<Vec<(u8, usize)>, Exceeded> {
        let mut classes = [0usize; 256];
        let mut refine = |by: &dyn Fn(u8) -> u16| {
            let mut index = HashMap::new();
            for (byte, class) in (0..=255u8).zip(&mut classes) {
                let next = index.len();
                *class = *index.entry((*class, by(byte))).or_insert(next);
            }
        };
        refine(&utf8_class);
        refine(&|byte| cost(byte) as u16);
        let of = self.named.classes();
        refine(&|byte| of.get(usize::from(byte)).copied().unwrap_or(0));
        for test in used {
            budget.spend(256)?;
            let of = self.automaton(*test)?.classes();
            refine(&|byte| of.get(usize::from(byte)).copied().unwrap_or(0));
        }
        let mut seen = BTreeSet::new();
        let mut bytes: Vec<u8> = (0..=255).collect();
        bytes.sort_by_key(|byte| rank(*byte));
        bytes.retain(|byte| classes.get(usize::from(*byte)).is_some_and(|class| seen.insert(*class)));
        Ok(bytes.into_iter().map(|byte| (byte, cost(byte))).collect())
    }

    /// Makes a text that begins with `@` look like an address, where that is wanted as well.
    fn readable(&self, text: String, wanted: &[&Wanted]) -> String {
        if !text.starts_with('@') {
            return text;
        }
        let address = format!("user{text}");
        let scalar = Scalar::String(address.clone());
        let known = |test: usize| self.tests.get(test).map(|test| holds(test, Some(&scalar)));
        let fits = wanted.iter().all(|wanted| wanted.value(known, &mut Vec::new()) == Some(true));
        if fits { address } else { text }
    }
}

/// The states of the product that were reached, the cheapest to read first.
struct Walk {
    states: Vec<Vec<u32>>,
    index: HashMap<Vec<u32>, usize>,
    /// For each state, the cost of the way to it, the state before it and the byte that led from there.
    ways: Vec<(usize, usize, u8)>,
    done: Vec<bool>,
    open: BTreeMap<usize, VecDeque<usize>>,
}

impl Walk {
    fn from(start: Vec<u32>) -> Self {
        Self {
            index: HashMap::from([(start.clone(), 0)]),
            states: vec![start],
            ways: vec![(0, 0, 0)],
            done: vec![false],
            open: BTreeMap::from([(0, VecDeque::from([0]))]),
        }
    }

    fn next(&mut self) -> Option<usize> {
        loop {
            let mut cheapest = self.open.first_entry()?;
            match cheapest.get_mut().pop_front() {
                None => _ = cheapest.remove(),
                Some(at) => {
                    if let Some(done) = self.done.get_mut(at).filter(|done| !**done) {
                        *done = true;
                        return Some(at);
                    }
                }
            }
        }
    }

    fn reach(&mut self, state: Vec<u32>, from: usize, byte: u8, cost: usize) -> Result<(), Exceeded> {
        let cost = self.ways.get(from).map_or(0, |way| way.0) + cost;
        if let Some(&at) = self.index.get(&state) {
            if let Some(way) = self.ways.get_mut(at).filter(|way| way.0 > cost) {
                *way = (cost, from, byte);
                self.open.entry(cost).or_default().push_back(at);
            }
            return Ok(());
        }
        let at = self.states.len();
        if at >= STATES {
            return Err(Exceeded);
        }
        self.index.insert(state.clone(), at);
        self.states.push(state);
        self.ways.push((cost, from, byte));
        self.done.push(false);
        self.open.entry(cost).or_default().push_back(at);
        Ok(())
    }

    fn text(&self, mut at: usize) -> String {
        let mut bytes = Vec::new();
        while let Some((_, from, byte)) = self.ways.get(at).filter(|_| at != 0) {
            bytes.push(*byte);
            at = *from;
        }
        bytes.reverse();
        // The product has an automaton of UTF-8 in it.
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Returns how hard a byte is to read: printable ASCII costs nothing, control characters most.
const fn cost(byte: u8) -> usize {
    match byte {
        b' '..=b'~' => 0,
        0x80.. => 1,
        _ => 8,
    }
}

/// Returns the place of a byte among those that are equivalent: letters and digits come first.
const fn rank(byte: u8) -> (u8, u8) {
    let group = match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'-' | b'_' | b'.' | b'@' => 3,
        b' '..=b'~' => 4,
        0x80.. => 5,
        _ => 6,
    };
    (group, byte)
}

/// The bytes that UTF-8 distinguishes, after table 3-7 of the Unicode standard.
const fn utf8_class(byte: u8) -> u16 {
    match byte {
        0x00..=0x7f => 0,
        0x80..=0x8f => 1,
        0x90..=0x9f => 2,
        0xa0..=0xbf => 3,
        0xc2..=0xdf => 4,
        0xe0 => 5,
        0xe1..=0xec | 0xee..=0xef => 6,
        0xed => 7,
        0xf0 => 8,
        0xf1..=0xf3 => 9,
        0xf4 => 10,
        _ => 11,
    }
}

/// Returns the state of UTF-8 after a byte, `None` where no text goes on like that: 0 is between characters, 1 to 3 wait
/// for so many further bytes of any kind, the others narrow the next byte down.
const fn utf8(state: u32, byte: u8) -> Option<u32> {
    match (state, utf8_class(byte)) {
        (0, 0) | (1, 1..=3) => Some(0),
        (0, 4) | (2, 1..=3) | (4, 3) | (5, 1 | 2) => Some(1),
        (0, 6) | (3, 1..=3) | (6, 2 | 3) | (7, 1) => Some(2),
        (0, 9) => Some(3),
        (0, 5) => Some(4),
        (0, 7) => Some(5),
        (0, 8) => Some(6),
        (0, 10) => Some(7),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
