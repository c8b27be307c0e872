//! What is wanted of one text: tests of one attribute, combined.

/// A combination of tests, in postfix order: operands first, so that no depth needs a stack of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted(Vec<Op>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    /// The test with this index passes, or fails.
    Test(usize, bool),
    /// All of so many operands.
    All(usize),
    /// Any of so many operands.
    Any(usize),
}

impl Wanted {
    /// Wants a test to pass, or to fail.
    pub(super) fn test(index: usize, passes: bool) -> Self {
        Self(vec![Op::Test(index, passes)])
    }

    /// Combines several; the order does not matter.
    pub(super) fn join(mut parts: Vec<Self>, all: bool) -> Self {
        let count = parts.len();
        // The longest is kept where it is, so that a deep combination is not copied at each level.
        parts.sort_by_key(|part| part.0.len());
        let mut joined = parts.pop().unwrap_or(Self(Vec::new()));
        parts.into_iter().for_each(|part| joined.0.extend(part.0));
        if count != 1 {
            joined.0.push(if all { Op::All(count) } else { Op::Any(count) });
        }
        joined
    }

    /// Returns how many tests and combinations it has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the indices of its tests; some may come twice.
    pub(super) fn tests(&self) -> impl Iterator<Item = usize> {
        self.0.iter().filter_map(|op| if let Op::Test(index, _) = op { Some(*index) } else { None })
    }

    /// Returns whether it holds, given what is known of each test; `None`: it depends.
    pub(super) fn value(
        &self,
        known: impl Fn(usize) -> Option<bool>,
        stack: &mut Vec<Option<bool>>,
    ) -> Option<bool> {
        stack.clear();
        for op in &self.0 {
            let (count, all) = match *op {
                Op::Test(index, passes) => {
                    stack.push(known(index).map(|holds| holds == passes));
                    continue;
                }
                Op::All(count) => (count, true),
                Op::Any(count) => (count, false),
            };
            let parts = stack.split_off(stack.len().saturating_sub(count));
            stack.push(if parts.contains(&Some(!all)) {
                Some(!all)
            } else if parts.contains(&None) {
                None
            } else {
                Some(all)
            });
        }
        stack.pop().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_three_valued() {
        let test = |index| Wanted::test(index, true);
        let known = |index: usize| [Some(true), Some(false), None].get(index).copied().flatten();
        let value = |wanted: &Wanted| wanted.value(known, &mut Vec::new());
        assert_eq!(value(&Wanted::test(1, false)), Some(true));
        assert_eq!(value(&Wanted::join(vec![], true)), Some(true));
        assert_eq!(value(&Wanted::join(vec![], false)), Some(false));
        assert_eq!(value(&Wanted::join(vec![test(0), test(2)], true)), None);
        assert_eq!(value(&Wanted::join(vec![test(0), test(2)], false)), Some(true));
        assert_eq!(value(&Wanted::join(vec![test(1), test(2)], true)), Some(false));
        let inner = Wanted::join(vec![test(1), test(2)], true);
        assert_eq!(value(&Wanted::join(vec![test(0), inner.clone(), test(2)], true)), Some(false));
        assert_eq!(value(&Wanted::join(vec![inner, Wanted::test(0, false), test(1)], false)), Some(false));
    }
}
