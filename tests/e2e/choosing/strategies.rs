//! The lowest releases that would do, for authors.
