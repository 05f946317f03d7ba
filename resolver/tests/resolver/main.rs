//! The solver against registries in memory.
#![cfg(test)]

mod hostile;
mod oracle;
mod properties;
mod random;
mod sat;
mod scenarios;
mod support;
mod types;
