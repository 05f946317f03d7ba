//! The registries against real servers: a `docker-registry`, a `ferro-oci-server`, and servers of our own that
//! misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod credentials;
mod ensure;
mod faults;
mod folder;
mod oci;
mod pages;
mod publish;
mod store;
mod support;
mod urls;
#[cfg(feature = "warg")]
mod warg;
