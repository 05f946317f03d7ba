//! The host as its callers see it: real components, served and asked over loopback.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod failures;
mod guests;
mod lifecycle;
mod routing;
mod support;
