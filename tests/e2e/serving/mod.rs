//! The embedded host asked by real HTTP clients, with components of real toolchains.
