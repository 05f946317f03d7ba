//! The host as its callers see it: real components, served and asked over loopback.

mod failures;
mod guests;
mod lifecycle;
mod routing;
mod support;
