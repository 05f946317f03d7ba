//! Components that only have types.

/// A component of the world `w` in `wit`, with all of its imports, whose functions trap.
pub(crate) fn dummy(wit: &str) -> Vec<u8> {
    spin_deps_fixtures::dummy(wit).unwrap()
}
