//! The solver against registries in memory.
#![cfg(test)]

mod hostile;
mod oracle;
mod sat;
mod scenarios;
mod support;
