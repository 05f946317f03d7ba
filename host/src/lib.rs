//! The embedded host: it runs a resolved app, so that `up` can serve it and `verify` can ask it.
//!
//! [`start`] takes an [`App`] — composed components, routes, what each component may see — and gives a [`Running`]
//! server on a loopback or given address. What happens on the way:
//!
//! 1. The routes are checked ([`route`]) and the address is bound, so that the cheap mistakes show first.
//! 2. Every component is compiled on a blocking thread, or read from the cache of compiled code, and its
//!    imports are compared with what this host provides. It provides WASI 0.2 and 0.3, `wasi:http` of both, and
//!    some services of Spin (`services`); an app that needs others is refused by name.
//! 3. A request finds its route, gets Spin's headers, and is handed to an instance: a fresh one for every
//!    request of `wasi:http/incoming-handler@0.2`, a reused one for `wasi:http/handler@0.3`.
//!
//! Nothing is inherited from this process: a guest sees the environment, files and variables it was given, opens the
//! stores and databases it declares, reaches only the hosts it was allowed ([`outbound`]), also by sockets, and is
//! stopped when it takes too long. Requests to other components of the app stay in the process (`chain`).

mod app;
mod cache;
mod chain;
mod client;
mod command;
mod compile;
mod connection;
mod engine;
mod error;
mod exchange;
mod forward;
mod instance;
mod limits;
mod link;
pub mod outbound;
mod output;
pub mod route;
mod server;
mod services;
mod sockets;
mod tally;
mod trap;

pub use app::{App, Component, Event, Handler, Mount, Options, Progress, Reuse, Route};
pub use client::{Request, Response, ask};
pub use error::HostError;
pub use link::provides;
pub use output::{Line, Output, Stream};
pub use route::Pattern;
pub use server::{Running, start};
pub use services::missing;
pub use tally::Instances;
