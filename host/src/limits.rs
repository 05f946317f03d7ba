//! What an instance may take of the machine.

use wasmtime::{Error, ResourceLimiter, Result};

/// The most elements of a table of functions.
const LONGEST_TABLE: usize = 1 << 20;

/// Counts the memory of an instance, which may have many linear memories: a composed component has one for each part.
/// A guest that asks for too much is told that there is no more, as on a machine that has no more.
#[derive(Debug)]
pub(crate) struct Limits {
    max: Option<usize>,
    used: usize,
    /// What was allowed last, for when that fails.
    last: usize,
    refused: bool,
}

impl Limits {
    /// At most `max` bytes in all linear memories together.
    pub(crate) fn new(max: Option<usize>) -> Self {
        Self { max, used: 0, last: 0, refused: false }
    }

    /// The limit, if the instance wanted more than that.
    pub(crate) fn exceeded(&self) -> Option<usize> {
        self.max.filter(|_| self.refused)
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let more = desired.saturating_sub(current);
        let used = self.used.saturating_add(more);
        if self.max.is_some_and(|max| used > max) {
            self.refused = true;
            return Ok(false);
        }
        (self.used, self.last) = (used, more);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: Error) -> Result<()> {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.last));
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(desired <= LONGEST_TABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_count_together_and_a_failure_does_not() {
        let mut limits = Limits::new(Some(100));
        assert!(limits.memory_growing(0, 60, None).unwrap());
        assert!(!limits.memory_growing(0, 41, None).unwrap());
        assert_eq!(limits.exceeded(), Some(100));
        assert!(limits.memory_growing(0, 40, None).unwrap());
        limits.memory_grow_failed(Error::msg("too much")).unwrap();
        assert!(limits.memory_growing(60, 100, None).unwrap());
        assert!(!limits.memory_growing(100, 101, None).unwrap());
        assert!(Limits::new(None).memory_growing(0, usize::MAX, None).unwrap());
    }
}
