//! The Spin plugin: an archive with the program, and the manifest that Spin installs it by.

use anyhow::{Result, bail};

/// Makes both for this machine's system.
pub(crate) fn make() -> Result<()> {
    bail!("the plugin cannot be made yet")
}
