//! `spin-deps link`

use clap::Args;

use super::Context;
use crate::{output::Output, report::Failure};

/// Use a component under development in place of a package
#[derive(Debug, Args)]
pub(crate) struct Link {}

impl Link {
    #[expect(clippy::unused_async, reason = "as every command")]
    pub(crate) async fn run(self, _context: &Context) -> Result<Output, Failure> {
        Ok(Output::nothing())
    }
}
