//! Warg registries: a real `warg-server`, and a forger between it and us.

mod forging;
mod listing;
mod publishing;
mod reading;
mod state;
mod support;
