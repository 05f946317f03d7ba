//! `verify` as one report.
