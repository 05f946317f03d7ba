//! Components of several languages in one app: made of core modules, built by commands, put together.

mod building;
mod componentizing;
mod example;
