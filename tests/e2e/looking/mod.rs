//! Looking at what is locked and at what registries have.

mod releases;
mod search;
mod trees;
