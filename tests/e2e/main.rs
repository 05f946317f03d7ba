//! The real binary against real servers.
//!
//! Each module tells one story and stands on [`support`], which starts the servers and gives every test a home of its
//! own. What is shown to a user is held by snapshots; what must not happen (a request, a changed file) is asserted by
//! counting and comparing, never assumed.

mod support;

mod across;
mod adding;
mod asking;
mod authoring;
mod bad_input;
mod binding;
mod capabilities;
mod changing;
mod choosing;
mod credentials;
mod determinism;
mod faults;
mod hostile_text;
mod http_sources;
mod interop;
mod isolation;
mod looking;
mod main_job;
mod memory;
mod offline;
mod pages;
mod polyglot;
mod publishing;
mod requests;
mod restore;
mod running;
mod services;
mod serving;
mod shell;
mod store;
mod targets;
mod updating;
mod vendoring;
mod verifying;
