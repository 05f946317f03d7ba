//! `spin-deps vendor`

use clap::Args;

use super::Context;
use crate::{output::Output, report::Failure};

/// Write all that is locked into a folder
#[derive(Debug, Args)]
pub(crate) struct Vendor {}

impl Vendor {
    #[expect(clippy::unused_async, reason = "its work comes with a later commit")]
    pub(crate) async fn run(self, _context: &Context) -> Result<Output, Failure> {
        let Self {} = self;
        Err(Failure::message("not there yet"))
    }
}
