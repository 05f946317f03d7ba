//! Sets of the releases of one package, one bit each.
//!
//! `PubGrub` computes with sets of versions that could exist. We know which do: the index is asked for the list of a
//! package before anything is decided about it, and the list does not change. So the solver's sets are over *places*, the
//! positions in that list. Two requirements that admit the same releases are one set then, that nothing is left is seen
//! where it comes about instead of being asked for, and all operations are a few instructions on a word, however
//! many releases were ruled out one by one.
//!
//! The complement of a set has all places behind the end of the list as well. What is there does not exist, so it
//! makes no difference which sets have it; but equal sets must be equal values, so it is kept.

use std::fmt;

/// The position of a release in the list of its package, or of a bucket among its buckets.
pub(crate) type Place = u32;

const BITS: u32 = u64::BITS;

/// A set of places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Places {
    /// The first 64. Most packages have no more.
    first: u64,
    /// Those that follow, up to the last word that differs from `rest`.
    more: Vec<u64>,
    /// Whether all places behind these are in the set.
    rest: bool,
}

fn word_of(filled: bool) -> u64 {
    if filled { u64::MAX } else { 0 }
}

impl Places {
    fn word(&self, at: usize) -> u64 {
        match at.checked_sub(1) {
            None => self.first,
            Some(at) => self.more.get(at).copied().unwrap_or(word_of(self.rest)),
        }
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }

    fn combined(&self, other: &Self, with: impl Fn(u64, u64) -> u64) -> Self {
        let words = self.more.len().max(other.more.len());
        let mut more: Vec<u64> = (1..=words).map(|at| with(self.word(at), other.word(at))).collect();
        let rest = with(word_of(self.rest), word_of(other.rest));
        while more.last() == Some(&rest) {
            more.pop();
        }
        Self { first: with(self.first, other.first), more, rest: rest != 0 }
    }

    /// Whether no word of the two together has a bit.
    fn is_nothing(&self, other: &Self, with: impl Fn(u64, u64) -> u64) -> bool {
        let words = self.more.len().max(other.more.len());
        with(word_of(self.rest), word_of(other.rest)) == 0
            && (0..=words).all(|at| with(self.word(at), other.word(at)) == 0)
    }

    pub(crate) fn insert(&mut self, place: Place) {
        let (at, bit) = split(place);
        match at.checked_sub(1) {
            None => self.first |= bit,
            Some(at) => {
                if self.more.len() <= at {
                    self.more.resize(at + 1, word_of(self.rest));
                }
                if let Some(word) = self.more.get_mut(at) {
                    *word |= bit;
                }
            }
        }
    }

    pub(crate) fn empty() -> Self {
        Self { first: 0, more: Vec::new(), rest: false }
    }

    pub(crate) fn full() -> Self {
        Self { first: u64::MAX, more: Vec::new(), rest: true }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::empty()
    }

    pub(crate) fn contains(&self, place: Place) -> bool {
        let (at, bit) = split(place);
        self.word(at) & bit != 0
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a & b)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a | b)
    }

    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a & !b)
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        self.is_nothing(other, |a, b| a & b)
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.is_nothing(other, |a, b| a & !b)
    }

    /// How many there are. What lies behind the list does not count.
    pub(crate) fn count(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// The places in rising order. What lies behind the list is left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Place> {
        self.words().zip(0..).flat_map(|(word, at)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at * BITS + bit)
            })
        })
    }

    pub(crate) fn first(&self) -> Option<Place> {
        self.iter().next()
    }

    pub(crate) fn last(&self) -> Option<Place> {
        let (word, at) = self.words().zip(0..).filter(|(word, _)| *word != 0).last()?;
        Some(at * BITS + (BITS - 1 - word.leading_zeros()))
    }
}

/// The word that a place is in, and its bit there.
fn split(place: Place) -> (usize, u64) {
    ((place / BITS) as usize, 1 << (place % BITS))
}

impl Default for Places {
    fn default() -> Self {
        Self::empty()
    }
}

impl FromIterator<Place> for Places {
    fn from_iter<I: IntoIterator<Item = Place>>(places: I) -> Self {
        let mut set = Self::empty();
        places.into_iter().for_each(|place| set.insert(place));
        set
    }
}

impl pubgrub::VersionSet for Places {
    type V = Place;

    fn empty() -> Self {
        Self::empty()
    }

    fn full() -> Self {
        Self::full()
    }

    fn singleton(place: Place) -> Self {
        std::iter::once(place).collect()
    }

    fn complement(&self) -> Self {
        Self { first: !self.first, more: self.more.iter().map(|word| !word).collect(), rest: !self.rest }
    }

    fn contains(&self, place: &Place) -> bool {
        self.contains(*place)
    }

    fn intersection(&self, other: &Self) -> Self {
        self.intersection(other)
    }

    fn union(&self, other: &Self) -> Self {
        self.union(other)
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        self.is_disjoint(other)
    }

    fn subset_of(&self, other: &Self) -> bool {
        self.is_subset(other)
    }
}

/// For the solver's log only.
impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<String> = self.iter().map(|place| place.to_string()).collect();
        write!(f, "{{{}{}}}", places.join(", "), if self.rest { ", …" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use pubgrub::VersionSet as _;

    use super::*;

    /// Where words begin and end, and somewhere between.
    fn place() -> impl Strategy<Value = Place> {
        prop_oneof![0..6_u32, 60..70_u32, 125..132_u32, Just(300)]
    }

    fn set() -> impl Strategy<Value = Places> {
        (prop::collection::vec(place(), 0..12), any::<bool>()).prop_map(|(places, inverted)| {
            let set: Places = places.into_iter().collect();
            if inverted { set.complement() } else { set }
        })
    }

    fn members(set: &Places) -> BTreeSet<Place> {
        (0..400).filter(|place| set.contains(*place)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn algebra_is_that_of_membership(a in set(), b in set()) {
            let (in_a, in_b) = (members(&a), members(&b));
            prop_assert_eq!(members(&a.intersection(&b)), &in_a & &in_b);
            prop_assert_eq!(members(&a.union(&b)), &in_a | &in_b);
            prop_assert_eq!(members(&a.difference(&b)), &in_a - &in_b);
            prop_assert_eq!(members(&a.complement()), &members(&Places::full()) - &in_a);
            prop_assert_eq!(a.is_disjoint(&b), in_a.is_disjoint(&in_b));
            prop_assert_eq!(a.is_subset(&b), in_a.is_subset(&in_b));
            prop_assert_eq!(a.is_empty(), in_a.is_empty());
        }

        #[test]
        fn equal_sets_are_equal_values(a in set(), b in set()) {
            prop_assert_eq!(a.complement().complement(), a.clone());
            prop_assert_eq!(a.union(&b), a.complement().intersection(&b.complement()).complement());
            prop_assert_eq!(a.difference(&b), a.intersection(&b.complement()));
            prop_assert_eq!(a.union(&a.complement()), Places::full());
            prop_assert_eq!(a.intersection(&a.complement()), Places::empty());
            prop_assert_eq!(a == b, members(&a) == members(&b));
        }

        #[test]
        fn a_list_comes_back(places in prop::collection::btree_set(place(), 0..12)) {
            let set: Places = places.iter().copied().collect();
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), places.clone());
            prop_assert_eq!(set.count(), places.len());
            prop_assert_eq!((set.first(), set.last()), (places.first().copied(), places.last().copied()));
            prop_assert!(set.iter().is_sorted());
        }
    }

    #[test]
    fn sets_can_be_shown_in_the_log() {
        assert_eq!((3..6).collect::<Places>().to_string(), "{3, 4, 5}");
        assert_eq!(Places::empty().to_string(), "{}");
    }
}
