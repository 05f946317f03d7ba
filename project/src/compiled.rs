//! The cache of compiled code, beside the content store: how much there is, and emptying it.

use std::{io::ErrorKind, path::PathBuf};

use crate::{Error, Settings};

/// The directory below the cache.
const COMPILED: &str = "compiled";

/// Files and bytes of compiled code.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompiledCode {
    /// Number of files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Where compiled code is kept.
pub(crate) fn compiled_cache(settings: &Settings) -> PathBuf {
    settings.cache_dir.join(COMPILED)
}

/// How much compiled code there is.
pub fn compiled_code(settings: &Settings) -> Result<CompiledCode, Error> {
    each_file(settings, |_| Ok(()))
}

/// Removes all compiled code. Returns how much there was.
pub fn clean_compiled_code(settings: &Settings) -> Result<CompiledCode, Error> {
    each_file(settings, |path| fs_err::remove_file(path))
}

fn each_file(
    settings: &Settings,
    act: impl Fn(&std::path::Path) -> std::io::Result<()>,
) -> Result<CompiledCode, Error> {
    let mut found = CompiledCode::default();
    let entries = match fs_err::read_dir(compiled_cache(settings)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            act(&entry.path())?;
            found.files += 1;
            found.bytes += metadata.len();
        }
    }
    Ok(found)
}
