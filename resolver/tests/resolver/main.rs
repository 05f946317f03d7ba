//! The solver against registries in memory.
#![cfg(test)]

mod hostile;
mod oracle;
mod scenarios;
mod support;
