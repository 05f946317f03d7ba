//! `spin-deps targets`

use clap::Args;

use super::Context;
use crate::{output::Output, report::Failure};

/// Check the app against the environments that it will be deployed to
#[derive(Debug, Args)]
pub(crate) struct Targets {}

impl Targets {
    #[expect(clippy::unused_async, reason = "as all commands are called")]
    pub(crate) async fn run(self, _: &Context) -> Result<Output, Failure> {
        Ok(Output::nothing())
    }
}
