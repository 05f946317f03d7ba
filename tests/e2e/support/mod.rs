//! What the end-to-end tests stand on: real servers, and a world of its own for every run of the binary.
//!
//! Nothing here is a stand-in. [`registry`] starts Debian's `docker-registry`, [`ferro`] another registry; [`proxy`] sits in
//! front of one to count, delay and hold requests, [`fault`] to break them, and [`world`] runs the built `spin-deps` with a
//! home directory that nobody else sees. A program that is missing fails the test that wanted it; no test passes because
//! it could not run.

pub(crate) mod fault;
pub(crate) mod ferro;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod library;
pub(crate) mod memory;
pub(crate) mod oci;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod registry;
pub(crate) mod shown;
pub(crate) mod snapshot;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod toolchains;
pub(crate) mod warg;
pub(crate) mod web;
pub(crate) mod world;

use std::time::Duration;

/// How long anything may take before the test fails. Long, because machines that run tests are busy; nothing waits this
/// long unless it hangs.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);
