//! The registries against real servers: a `docker-registry`, a `ferro-oci-server`, and servers of our own that
//! misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod catalog;
mod credentials;
mod downloads;
mod ensure;
mod faults;
mod folder;
mod login;
mod mirrors;
mod oci;
mod pages;
mod proxies;
mod publish;
mod retries;
mod store;
mod support;
mod tls;
mod tokens;
mod uploads;
mod urls;
#[cfg(feature = "warg")]
mod warg;
mod yank;
