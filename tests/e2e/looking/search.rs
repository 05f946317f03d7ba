//! Finding packages.
