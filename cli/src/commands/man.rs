//! `spin-deps man`

use clap::Args;

use crate::{output::Output, report::Failure};

/// Write the manual pages
#[derive(Debug, Args)]
pub(crate) struct Man {}

impl Man {
    pub(crate) fn run(self) -> Result<Output, Failure> {
        let Self {} = self;
        Err(Failure::message("not there yet"))
    }
}
