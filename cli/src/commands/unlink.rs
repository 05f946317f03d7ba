//! `spin-deps unlink`

use clap::Args;

use super::Context;
use crate::{output::Output, report::Failure};

/// Go back from a linked component to the package
#[derive(Debug, Args)]
pub(crate) struct Unlink {}

impl Unlink {
    #[expect(clippy::unused_async, reason = "as every command")]
    pub(crate) async fn run(self, _context: &Context) -> Result<Output, Failure> {
        Ok(Output::nothing())
    }
}
