//! `spin-deps search`

use clap::Args;

use super::Context;
use crate::{output::Output, report::Failure};

/// Find packages by name or by interface
#[derive(Debug, Args)]
pub(crate) struct Search {}

impl Search {
    #[expect(clippy::unused_async, reason = "as every command")]
    pub(crate) async fn run(self, _context: &Context) -> Result<Output, Failure> {
        Ok(Output::nothing())
    }
}
