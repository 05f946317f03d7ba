//! Files that appear whole or not at all.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A temporary file in `dir` whose name begins with `prefix`, with the permissions of any new file (a temporary
/// file's usual ones would keep colleagues out of a shared folder). Errors name the directory.
pub(crate) fn temporary_in(dir: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(dir).map_err(|error| about(dir, "could not create a file in", &error))
}

/// `error` with the path that it is about; keeps the kind.
pub(crate) fn about(path: &Path, doing: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{doing} `{}`: {error}", path.display()))
}
