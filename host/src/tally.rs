//! How many instances there have been of each component: from outside, a request that was answered by an instance
//! that had answered others looks the same as one that had an instance to itself.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The instances of a component since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instances {
    /// Whether one can answer several requests, as those of `wasi:http/handler@0.3` can where the limits allow it.
    pub reusable: bool,
    /// How many were made.
    pub made: usize,
}

/// Counts the instances of a component.
#[derive(Debug)]
pub(crate) struct Tally {
    reusable: bool,
    made: AtomicUsize,
}

impl Tally {
    pub(crate) fn new(reusable: bool) -> Self {
        Self { reusable, made: AtomicUsize::new(0) }
    }

    /// Counts one more.
    pub(crate) fn add(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Instances {
        Instances { reusable: self.reusable, made: self.made.load(Ordering::Relaxed) }
    }
}
