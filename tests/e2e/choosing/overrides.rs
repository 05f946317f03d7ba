//! Packages that the app replaces everywhere, and components under development.
