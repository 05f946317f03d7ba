//! Sets of points of a line, as a sorted list of half-open spans.
//!
//! `PubGrub` compares sets with `==`, so a set must have one form only. Half-open spans with a real point
//! at each end give that for free: a span `[a, b)` with `a < b` holds `a`, two spans that do not touch
//! leave the first one's end between them, and no two lists of such spans denote the same set. Bounds
//! that are open at the lower end would not do: on versions, `(1.0.0, 1.0.1)` is empty and does not look it.

use std::cmp::{max, min};

/// A point of a line that has a first point.
pub(crate) trait Point: Clone + Ord {
    /// The first point of the line.
    fn least() -> Self;
}

/// The points from `from` up to, not including, `to`; without `to`, all that follow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Span<T> {
    from: T,
    to: Option<T>,
}

impl<T: Ord> Span<T> {
    fn ends_by(&self, point: &T) -> bool {
        self.to.as_ref().is_some_and(|to| to <= point)
    }
}

/// A set of points: spans in rising order, none empty, no two touching.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lane<T> {
    spans: Vec<Span<T>>,
}

/// The earlier of two ends, where `None` is the end of the line.
fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(min(a, b)),
        (a, b) => a.or(b),
    }
}

impl<T: Point> Lane<T> {
    pub(crate) fn empty() -> Self {
        Self { spans: Vec::new() }
    }

    pub(crate) fn full() -> Self {
        Self::span(Some(T::least()), None)
    }

    /// The points from `from` up to, not including, `to`. A missing `from` lies behind the end of the line, so
    /// the span is empty; a missing `to` is the end of the line.
    pub(crate) fn span(from: Option<T>, to: Option<T>) -> Self {
        match from {
            Some(from) if to.as_ref().is_none_or(|to| from < *to) => Self { spans: vec![Span { from, to }] },
            _ => Self::empty(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The first point of the set.
    pub(crate) fn first(&self) -> Option<&T> {
        self.spans.first().map(|span| &span.from)
    }

    /// The spans, each as its first point and the point it stops before.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&T, Option<&T>)> {
        self.spans.iter().map(|span| (&span.from, span.to.as_ref()))
    }

    pub(crate) fn contains(&self, point: &T) -> bool {
        let next = self.spans.partition_point(|span| span.from <= *point);
        next.checked_sub(1).and_then(|at| self.spans.get(at)).is_some_and(|span| !span.ends_by(point))
    }

    pub(crate) fn complement(&self) -> Self {
        let mut spans = Vec::with_capacity(self.spans.len() + 1);
        let mut from = Some(T::least());
        for span in &self.spans {
            let start = std::mem::replace(&mut from, span.to.clone());
            if let Some(start) = start.filter(|start| *start < span.from) {
                spans.push(Span { from: start, to: Some(span.from.clone()) });
            }
        }
        if let Some(from) = from {
            spans.push(Span { from, to: None });
        }
        Self { spans }
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut spans = Vec::new();
        self.meet(other, |from, to| {
            spans.push(Span { from: from.clone(), to: to.cloned() });
            true
        });
        Self { spans }
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        let mut disjoint = true;
        self.meet(other, |_, _| {
            disjoint = false;
            false
        });
        disjoint
    }

    /// Calls `each` with every common span, in rising order, until it says `false`.
    fn meet(&self, other: &Self, mut each: impl FnMut(&T, Option<&T>) -> bool) {
        let (mut ours, mut theirs) = (self.spans.iter().peekable(), other.spans.iter().peekable());
        while let (Some(a), Some(b)) = (ours.peek(), theirs.peek()) {
            let from = max(&a.from, &b.from);
            let to = earlier(a.to.as_ref(), b.to.as_ref());
            if to.is_none_or(|to| from < to) && !each(from, to) {
                return;
            }
            match (&a.to, &b.to) {
                (None, None) => return,
                (Some(x), Some(y)) if x <= y => drop(ours.next()),
                (Some(_), None) => drop(ours.next()),
                (_, Some(_)) => drop(theirs.next()),
            }
        }
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut all: Vec<&Span<T>> = self.spans.iter().chain(&other.spans).collect();
        all.sort_by(|a, b| a.from.cmp(&b.from));
        let mut spans: Vec<Span<T>> = Vec::with_capacity(all.len());
        for span in all {
            match spans.last_mut() {
                Some(last) if last.to.as_ref().is_none_or(|to| span.from <= *to) => {
                    last.to = match (last.to.take(), &span.to) {
                        (Some(a), Some(b)) => Some(max(a, b.clone())),
                        _ => None,
                    };
                }
                _ => spans.push(span.clone()),
            }
        }
        Self { spans }
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        let mut theirs = other.spans.iter().peekable();
        self.spans.iter().all(|span| {
            while theirs.peek().is_some_and(|their| their.ends_by(&span.from)) {
                theirs.next();
            }
            theirs.peek().is_some_and(|their| {
                their.from <= span.from
                    && match (&span.to, &their.to) {
                        (_, None) => true,
                        (Some(ours), Some(theirs)) => ours <= theirs,
                        (None, Some(_)) => false,
                    }
            })
        })
    }
}
