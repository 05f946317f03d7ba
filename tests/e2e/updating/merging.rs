//! Lockfiles of two branches.
