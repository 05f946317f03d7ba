//! The cache of compiled code.
//!
//! Compiling is the slow part of a start, and its result depends on the component's bytes, on wasmtime and on the
//! engine's settings alone. So a file is named after these three, and any change of them looks for another file.
//!
//! What is read is executed, so a file must be what was written: it begins with a mark and a sha256 over its name and
//! content, both are checked before the code is used, and it is written to a temporary name and renamed.
//! This guards against damage and mix-ups. Against someone who can write to the directory there is no guard:
//! it belongs to the user, like the program itself. A file that does not pass is compiled anew and replaced.

use std::{
    hash::{Hash as _, Hasher},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

use crate::compile::hex;

/// Changes when the layout of the file does.
const MARK: &[u8; 16] = b"spin-deps code 1";

/// The length of a sha256, in bytes.
const DIGEST: usize = 32;

/// The largest file that is read.
const LARGEST: u64 = 1 << 30;

pub(crate) struct Cache<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) engine: &'a Engine,
}

impl Cache<'_> {
    /// The compiled component for the Wasm with this digest, if there is a sound file for it.
    pub(crate) fn load(&self, digest: &str) -> Option<Component> {
        let path = self.path(digest)?;
        let code = match read(&path) {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!("compiled code is not used and is made anew: {error}");
                return None;
            }
        };
        #[expect(unsafe_code, reason = "there is no safe way to load compiled code")]
        // SAFETY: `deserialize` asks for bytes that `serialize` made, unchanged. `store` wrote exactly such bytes,
        // with a digest over them and the file's name, which `read` has just checked over the very bytes that are
        // passed on, so that neither damage nor a file of another component or engine gets here. The directory
        // belongs to the user who runs this.
        let component = unsafe { Component::deserialize(self.engine, code) };
        component.inspect_err(|error| tracing::warn!("compiled code is made anew: {error:#}")).ok()
    }

    /// Keeps the compiled component. A failure costs the next start some time and is only logged.
    pub(crate) fn store(&self, digest: &str, component: &Component) {
        let Some(path) = self.path(digest) else { return };
        let written = component
            .serialize()
            .map_err(|error| io::Error::other(format!("{error:#}")))
            .and_then(|code| write(self.directory, &path, &code));
        if let Err(error) = written {
            tracing::warn!("compiled code is not kept: {error}");
        }
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        // It becomes part of a file name, and comes from outside.
        if digest.is_empty() || digest.len() > 128 || !digest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return None;
        }
        let mut settings = Settings(Sha256::new());
        self.engine.precompile_compatibility_hash().hash(&mut settings);
        let settings = hex(settings.0.finalize().get(..8).unwrap_or_default());
        Some(self.directory.join(format!("{digest}-{settings}.cwasm")))
    }
}

/// Feeds what is hashed to sha256, since the standard hasher may change with the compiler.
struct Settings(Sha256);

impl Hasher for Settings {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

fn checksum(path: &Path, code: &[u8]) -> [u8; DIGEST] {
    let mut sha = Sha256::new();
    sha.update(path.file_name().unwrap_or_default().as_encoded_bytes());
    sha.update(b"\0");
    sha.update(code);
    sha.finalize().into()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged", path.display()));
    let mut file = fs_err::File::open(path)?;
    let length = file.metadata()?.len();
    if length > LARGEST {
        return Err(damaged());
    }
    let mut mark = [0; MARK.len()];
    let mut expected = [0; DIGEST];
    let mut code = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.read_exact(&mut mark).and_then(|()| file.read_exact(&mut expected)).map_err(|_| damaged())?;
    file.take(LARGEST).read_to_end(&mut code)?;
    if mark == *MARK && expected == checksum(path, &code) { Ok(code) } else { Err(damaged()) }
}

fn write(directory: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    fs_err::create_dir_all(directory)?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{count}.tmp", process::id()));
    let written = (|| {
        let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        file.write_all(MARK)?;
        file.write_all(&checksum(path, code))?;
        file.write_all(code)?;
        file.sync_all()?;
        fs_err::rename(&temporary, path)
    })();
    if written.is_err() {
        // What is left of it helps nobody; that it cannot be removed is less than what is reported already.
        let _ = fs_err::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path) -> Vec<PathBuf> {
        fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn a_sound_file_is_loaded_and_any_damage_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let cache = Cache { directory: &directory.path().join("code"), engine: &engine };
        let component = Component::new(&engine, spin_deps_fixtures::http::silent()).unwrap();
        assert!(cache.load("abc").is_none());
        cache.store("abc", &component);
        assert!(cache.load("abc").is_some());
        let [path] = &files(cache.directory)[..] else { panic!("one file and nothing temporary") };

        let sound = fs_err::read(path).unwrap();
        for place in [0, MARK.len(), MARK.len() + DIGEST, sound.len() / 2, sound.len() - 1] {
            let mut damaged = sound.clone();
            damaged[place] ^= 1;
            fs_err::write(path, damaged).unwrap();
            assert!(cache.load("abc").is_none(), "a bit at {place}");
        }
        for length in [0, 10, MARK.len() + 3, sound.len() - 1] {
            fs_err::write(path, &sound[..length]).unwrap();
            assert!(cache.load("abc").is_none(), "cut at {length}");
        }
        cache.store("abc", &component);
        assert!(cache.load("abc").is_some(), "a damaged file is replaced");

        let other = cache.path("def").unwrap();
        fs_err::rename(path, &other).unwrap();
        assert!(cache.load("def").is_none(), "a file is bound to its name");
    }

    #[test]
    fn other_settings_look_for_another_file() {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let (a, b) = (Engine::default(), Engine::new(&config).unwrap());
        let directory = Path::new("code");
        let path = |engine: &Engine| Cache { directory, engine }.path("abc").unwrap();
        assert_eq!(path(&a), path(&Engine::default()));
        assert_ne!(path(&a), path(&b));
        for digest in ["", "../abc", "a/b", &"a".repeat(200)] {
            assert!(Cache { directory, engine: &a }.path(digest).is_none(), "{digest}");
        }
    }
}
