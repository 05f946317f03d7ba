//! Generated bindings, compiled by the compilers that they are for.
