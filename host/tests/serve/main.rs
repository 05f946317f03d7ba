//! The host as its callers see it: real components, served and asked over loopback.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod bad_guests;
mod clients;
mod failures;
mod guests;
mod lifecycle;
mod reuse;
mod routing;
mod support;
