//! A test of texts as an automaton over their UTF-8 bytes, built no further than it is walked.

use std::collections::HashMap;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};
use regex_automata::{Anchored, Input};

use super::budget::{Budget, Exceeded};
use crate::{Scalar, Test};

/// The answer of an automaton for every text that goes on from a state: these two states are never left.
pub(super) const HOLDS: u32 = 0;
/// See [`HOLDS`].
pub(super) const FAILS: u32 = 1;
/// Behind this state nothing is known: the regular expression is not decided for such texts.
pub(super) const UNKNOWN: u32 = 2;
/// The first state of an automaton's own.
const FIRST: u32 = 3;

/// A deterministic automaton over bytes.
pub(super) enum Automaton {
    /// Every text, or none.
    Constant(bool),
    /// Texts with this prefix; a state counts the bytes that were met.
    Prefix(Vec<u8>),
    /// Texts with this suffix.
    Suffix(Chain),
    /// Texts with this in them.
    Part(Chain),
    /// Texts of a set.
    Set(Set),
    /// Texts that a regular expression matches somewhere.
    Pattern(Box<Lazy>),
}

/// The regular expression is too large to be taken apart.
pub(super) struct TooLarge;

impl Automaton {
    /// Makes the automaton of a test.
    pub(super) fn new(test: &Test) -> Result<Self, TooLarge> {
        Ok(match test {
            Test::Present(present) => Self::Constant(*present),
            // Only numbers and versions have an order.
            Test::AtLeast(_) | Test::Above(_) | Test::AtMost(_) | Test::Below(_) => Self::Constant(false),
            Test::StartsWith(part) | Test::EndsWith(part) | Test::Contains(part) if part.is_empty() => {
                Self::Constant(true)
            }
            Test::StartsWith(part) => Self::Prefix(part.clone().into_bytes()),
            Test::EndsWith(part) => Self::Suffix(Chain::new(part)),
            Test::Contains(part) => Self::Part(Chain::new(part)),
            Test::In(set) => Self::set(set.iter()),
            Test::Matches(pattern) => Self::Pattern(Box::new(Lazy::new(pattern.as_str())?)),
        })
    }

    /// Makes the automaton of the texts among some values.
    pub(super) fn set<'v>(values: impl Iterator<Item = &'v Scalar>) -> Self {
        let text = |value: &Scalar| match value {
            Scalar::String(text) => Some(text.clone().into_bytes()),
            _ => None,
        };
        let mut texts: Vec<Vec<u8>> = values.filter_map(text).collect();
        texts.sort_unstable();
        texts.dedup();
        Self::Set(Set { texts, states: Vec::new(), index: HashMap::new() })
    }

    /// Returns the state before the first byte.
    pub(super) fn start(&mut self, budget: &mut Budget) -> Result<u32, Exceeded> {
        match self {
            Self::Constant(true) => Ok(HOLDS),
            Self::Constant(false) => Ok(FAILS),
            Self::Prefix(_) | Self::Suffix(_) | Self::Part(_) => Ok(FIRST),
            Self::Set(set) => Ok(set.state((0, set.texts.len(), 0))),
            Self::Pattern(lazy) => lazy.start(budget),
        }
    }

    /// Returns the state after another byte.
    pub(super) fn step(&mut self, state: u32, byte: u8, budget: &mut Budget) -> Result<u32, Exceeded> {
        budget.spend(1)?;
        if state < FIRST {
            return Ok(state);
        }
        let met = (state - FIRST) as usize;
        match self {
            Self::Constant(_) => Ok(FAILS),
            Self::Prefix(prefix) if prefix.get(met) != Some(&byte) => Ok(FAILS),
            Self::Prefix(prefix) if met + 1 == prefix.len() => Ok(HOLDS),
            Self::Prefix(_) => Ok(state + 1),
            Self::Suffix(chain) => Ok(FIRST + chain.step(met, byte)),
            Self::Part(chain) => {
                let met = chain.step(met, byte);
                Ok(if met as usize == chain.text.len() { HOLDS } else { FIRST + met })
            }
            Self::Set(set) => Ok(set.step(met, byte)),
            Self::Pattern(lazy) => lazy.step(met, byte, budget),
        }
    }

    /// Tells whether a text that ends in a state passes the test.
    pub(super) fn accepts(&mut self, state: u32, budget: &mut Budget) -> Result<bool, Exceeded> {
        budget.spend(1)?;
        if state < FIRST {
            return Ok(state == HOLDS);
        }
        let met = (state - FIRST) as usize;
        match self {
            Self::Constant(_) | Self::Prefix(_) | Self::Part(_) => Ok(false),
            Self::Suffix(chain) => Ok(met == chain.text.len()),
            Self::Set(set) => Ok(set.accepts(met)),
            Self::Pattern(lazy) => lazy.accepts(met, budget),
        }
    }

    /// Returns a number for each byte; bytes of one number are never distinguished.
    pub(super) fn classes(&self) -> [u16; 256] {
        let mut classes = [0; 256];
        let named: Box<dyn Iterator<Item = u8>> = match self {
            Self::Constant(_) => Box::new(std::iter::empty()),
            Self::Prefix(text) => Box::new(text.iter().copied()),
            Self::Suffix(chain) | Self::Part(chain) => Box::new(chain.text.iter().copied()),
            Self::Set(set) => Box::new(set.texts.iter().flatten().copied()),
            Self::Pattern(lazy) => {
                let of = lazy.dfa.byte_classes();
                (0..=255).zip(&mut classes).for_each(|(byte, class)| *class = u16::from(of.get(byte)));
                return classes;
            }
        };
        for byte in named {
            if let Some(class) = classes.get_mut(usize::from(byte)) {
                *class = u16::from(byte) + 1;
            }
        }
        classes
    }
}

/// A text that is looked for byte by byte, after Knuth, Morris and Pratt: a state counts how many bytes at the end of
/// what was read begin the text.
pub(super) struct Chain {
    text: Vec<u8>,
    /// For each number of bytes met, the longest shorter one that they end with.
    shorter: Vec<usize>,
}

impl Chain {
    fn new(text: &str) -> Self {
        let mut chain = Self { text: text.into(), shorter: vec![0] };
        for at in 0..chain.text.len() {
            let byte = chain.text.get(at).copied().unwrap_or(0);
            let next =
                if at == 0 { 0 } else { chain.step(chain.shorter.get(at).copied().unwrap_or(0), byte) };
            chain.shorter.push(next as usize);
        }
        chain
    }

    #[expect(clippy::cast_possible_truncation, reason = "a text of a book is at most a megabyte")]
    fn step(&self, mut met: usize, byte: u8) -> u32 {
        loop {
            if self.text.get(met) == Some(&byte) {
                return met as u32 + 1;
            }
            match met {
                0 => return 0,
                _ => met = self.shorter.get(met).copied().unwrap_or(0),
            }
        }
    }
}

/// A set of texts. A state is the range of those that begin with what was read, and its length.
pub(super) struct Set {
    texts: Vec<Vec<u8>>,
    states: Vec<(usize, usize, usize)>,
    index: HashMap<(usize, usize, usize), u32>,
}

impl Set {
    #[expect(clippy::cast_possible_truncation, reason = "there is a state per byte of a book at most")]
    fn state(&mut self, range: (usize, usize, usize)) -> u32 {
        if range.0 == range.1 {
            return FAILS;
        }
        let next = FIRST + self.states.len() as u32;
        let state = *self.index.entry(range).or_insert(next);
        if state == next {
            self.states.push(range);
        }
        state
    }

    fn step(&mut self, state: usize, byte: u8) -> u32 {
        let Some(&(low, high, length)) = self.states.get(state) else { return FAILS };
        let texts = self.texts.get(low..high).unwrap_or(&[]);
        // A text that is over sorts first.
        let from = texts.partition_point(|text| text.get(length).is_none_or(|next| *next < byte));
        let to = texts.partition_point(|text| text.get(length).is_none_or(|next| *next <= byte));
        self.state((low + from, low + to, length + 1))
    }

    fn accepts(&self, state: usize) -> bool {
        let first = self.states.get(state).and_then(|(low, _, length)| Some((self.texts.get(*low)?, length)));
        first.is_some_and(|(text, length)| text.len() == *length)
    }
}

/// The automaton that the `regex` crate would search with, walked by hand.
///
/// It is built from the same parser and compiler as [`crate::Pattern`] matches with, so it decides what that one
/// decides: classes, case, anchors, lines and empty matches need no second reading. Only a Unicode word boundary next
/// to a character beyond ASCII is more than such an automaton can tell; the state is [`UNKNOWN`] then.
pub(super) struct Lazy {
    dfa: DFA,
    cache: Cache,
    /// The states that were met, by our number less [`FIRST`].
    states: Vec<LazyStateID>,
    index: HashMap<LazyStateID, u32>,
    /// The next states that were worked out, by state and class of the byte.
    next: HashMap<(usize, u8), u32>,
    /// What it costs to work out one: the size of the expression.
    cost: usize,
}

/// The most memory of an expression's parts, in bytes: some more than [`crate::Pattern::SIZE_LIMIT`].
const PARTS: usize = 4 << 20;

/// The most memory of the states of one automaton, in bytes.
const STATES: usize = 16 << 20;

impl Lazy {
    fn new(pattern: &str) -> Result<Self, TooLarge> {
        let config = Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(PARTS));
        let nfa = Compiler::new().configure(config).build(pattern).map_err(|_| TooLarge)?;
        let cost = 1 + nfa.states().len() / 16;
        let config = DFA::config()
            .unicode_word_boundary(true)
            .cache_capacity(STATES)
            .skip_cache_capacity_check(true)
            // A cleared cache would forget the states that we hold: rather give up.
            .minimum_cache_clear_count(Some(0));
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).map_err(|_| TooLarge)?;
        let cache = dfa.create_cache();
        Ok(Self { dfa, cache, states: Vec::new(), index: HashMap::new(), next: HashMap::new(), cost })
    }

    fn start(&mut self, budget: &mut Budget) -> Result<u32, Exceeded> {
        budget.spend(self.cost)?;
        let input = Input::new("").anchored(Anchored::No);
        let start = self.dfa.start_state_forward(&mut self.cache, &input).map_err(|_| Exceeded)?;
        Ok(self.state(start))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the memory of its states is bounded")]
    fn state(&mut self, id: LazyStateID) -> u32 {
        if id.is_match() {
            return HOLDS;
        }
        if id.is_dead() {
            return FAILS;
        }
        if id.is_quit() || id.is_unknown() {
            return UNKNOWN;
        }
        let next = FIRST + self.states.len() as u32;
        let state = *self.index.entry(id).or_insert(next);
        if state == next {
            self.states.push(id);
        }
        state
    }

    fn step(&mut self, state: usize, byte: u8, budget: &mut Budget) -> Result<u32, Exceeded> {
        let class = self.dfa.byte_classes().get(byte);
        if let Some(next) = self.next.get(&(state, class)) {
            return Ok(*next);
        }
        budget.spend(self.cost)?;
        let id = self.states.get(state).ok_or(Exceeded)?;
        let next = self.dfa.next_state(&mut self.cache, *id, byte).map_err(|_| Exceeded)?;
        let next = self.state(next);
        self.next.insert((state, class), next);
        Ok(next)
    }

    fn accepts(&mut self, state: usize, budget: &mut Budget) -> Result<bool, Exceeded> {
        budget.spend(self.cost)?;
        let id = self.states.get(state).ok_or(Exceeded)?;
        Ok(self.dfa.next_eoi_state(&mut self.cache, *id).map_err(|_| Exceeded)?.is_match())
    }
}
