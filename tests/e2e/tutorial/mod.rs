//! The documentation, carried out.
