//! Which releases are chosen, and what is said when there are none to choose.

mod bad_input;
mod by_types;
mod overrides;
mod resources;
mod strategies;
