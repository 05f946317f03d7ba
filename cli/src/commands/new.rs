//! `spin-deps new`

use clap::Args;

use super::Context;
use crate::{output::Output, report::Failure};

/// Make a new component project
#[derive(Debug, Args)]
pub(crate) struct New {}

impl New {
    #[expect(clippy::unused_async, reason = "its work comes with a later commit")]
    pub(crate) async fn run(self, _context: &Context) -> Result<Output, Failure> {
        let Self {} = self;
        Err(Failure::message("not there yet"))
    }
}
