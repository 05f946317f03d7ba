//! Reading and writing the project's own files: bounded, whole or not at all, and only when something changes.

use std::{
    io::{ErrorKind, Write},
    path::Path,
};

use crate::Error;

/// The largest manifest or lockfile that is read, in bytes.
const MAX_TEXT: u64 = 16 << 20;
/// The largest component that is read from a path, in bytes.
const MAX_COMPONENT: u64 = 512 << 20;

/// The way from one absolute path to another, as a manifest writes it.
pub(crate) fn relative(base: &Path, path: &Path) -> String {
    for (steps, up) in base.ancestors().enumerate() {
        if let Ok(rest) = path.strip_prefix(up) {
            let rest: Vec<_> = rest.components().map(|it| it.as_os_str().to_string_lossy()).collect();
            let way = if steps == 0 { "./".to_owned() } else { "../".repeat(steps) };
            return way + &rest.join("/");
        }
    }
    path.display().to_string()
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    bounded(path, MAX_TEXT)?;
    Ok(fs_err::read_to_string(path)?)
}

/// Reads a text file, or `None` where there is none.
pub(crate) fn read_text_if_there(path: &Path) -> Result<Option<String>, Error> {
    match fs_err::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => read_text(path).map(Some),
    }
}

/// Opens a component at the path that a manifest or a user names.
pub(crate) fn open_component(path: &Path) -> Result<fs_err::File, Error> {
    bounded(path, MAX_COMPONENT)?;
    Ok(fs_err::File::open(path)?)
}

/// Reads a component from the path that a manifest or a user names.
pub(crate) fn read_component(path: &Path) -> Result<Vec<u8>, Error> {
    bounded(path, MAX_COMPONENT)?;
    Ok(fs_err::read(path)?)
}

fn bounded(path: &Path, limit: u64) -> Result<(), Error> {
    let metadata = fs_err::metadata(path)?;
    if metadata.len() > limit {
        return Err(Error::TooLarge { path: path.to_path_buf(), size: metadata.len(), limit });
    }
    Ok(())
}

/// Writes a file through a temporary one in the same directory, so that it is never half-written; leaves it alone
/// when it has these bytes already. Returns whether it wrote.
pub(crate) fn write_if_changed(path: &Path, contents: &[u8]) -> Result<bool, Error> {
    if fs_err::read(path).is_ok_and(|old| old == contents) {
        return Ok(false);
    }
    write(path, contents)?;
    Ok(true)
}

/// Writes a file through a temporary one in the same directory: temporary name, fsync, rename.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), Error> {
    // A link is followed, so that a shared manifest stays shared.
    let target = fs_err::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs_err::create_dir_all(directory)?;
    let io = |error: std::io::Error| Error::Write { path: target.clone(), error };
    let mut file = tempfile::Builder::new().prefix(".spin-deps-").tempfile_in(directory).map_err(io)?;
    file.as_file_mut().write_all(contents).map_err(io)?;
    set_mode(file.as_file(), &target).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(&target).map_err(|error| io(error.error))?;
    Ok(())
}

/// A file keeps its permissions; a new one can be read by everyone who can read the project, unlike a temporary one.
fn set_mode(file: &std::fs::File, target: &Path) -> std::io::Result<()> {
    match fs_err::metadata(target) {
        Ok(old) => file.set_permissions(old.permissions()),
        #[cfg(unix)]
        Err(_) => file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)),
        #[cfg(not(unix))]
        Err(_) => Ok(()),
    }
}
