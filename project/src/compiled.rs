//! The cache of compiled code, beside the content store: how much there is, and emptying it.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

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

/// How much compiled code there is. What a writer has not finished is none.
pub fn compiled_code(settings: &Settings) -> Result<CompiledCode, Error> {
    each_file(settings, |path| Ok(path.extension().is_some_and(|extension| extension == "cwasm")))
}

/// Removes all compiled code, and what killed writers left of it; one at work compiles again. Returns how much there
/// was.
pub fn clean_compiled_code(settings: &Settings) -> Result<CompiledCode, Error> {
    each_file(settings, |path| match fs_err::remove_file(path) {
        Ok(()) => Ok(true),
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    })
}

fn each_file(
    settings: &Settings,
    counts: impl Fn(&Path) -> std::io::Result<bool>,
) -> Result<CompiledCode, Error> {
    let mut found = CompiledCode::default();
    let entries = match fs_err::read_dir(compiled_cache(settings)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let entry = entry?;
        // Gone in the meantime is as good as never seen.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() && counts(&entry.path())? {
            found.files += 1;
            found.bytes += metadata.len();
        }
    }
    Ok(found)
}
