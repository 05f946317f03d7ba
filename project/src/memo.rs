//! Content that this run has read and verified already.
//!
//! Every read from the store hashes the content. A command that first brings everything into the store and then
//! looks into some of it would do that twice. So what is only looked into leaves its outline here, whatever its size;
//! what is composed leaves its bytes, as far as they fit.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use spin_deps_component::Outline;
use wasm_pkg_common::digest::ContentDigest;

/// At most this much is kept, in bytes; what is larger is read again.
const LIMIT: usize = 64 << 20;

/// Verified content by its digest.
#[derive(Default)]
pub(crate) struct Memo(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    content: HashMap<String, Bytes>,
    size: usize,
    outlines: HashMap<String, Arc<Outline>>,
}

impl Memo {
    /// The content with this digest, if it is at hand.
    pub(crate) fn get(&self, digest: &ContentDigest) -> Option<Bytes> {
        self.lock().content.get(&digest.to_string()).cloned()
    }

    /// Keeps verified content, if there is room.
    pub(crate) fn keep(&self, digest: &ContentDigest, content: &Bytes) {
        let mut kept = self.lock();
        if kept.size + content.len() <= LIMIT
            && kept.content.insert(digest.to_string(), content.clone()).is_none()
        {
            kept.size += content.len();
        }
    }

    /// The outline of the content with this digest, if it is at hand.
    pub(crate) fn outline(&self, digest: &ContentDigest) -> Option<Arc<Outline>> {
        self.lock().outlines.get(&digest.to_string()).cloned()
    }

    /// Keeps the outline of verified content.
    pub(crate) fn keep_outline(&self, digest: &ContentDigest, outline: &Arc<Outline>) {
        self.lock().outlines.insert(digest.to_string(), Arc::clone(outline));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Whole entries only are put in; a panic elsewhere does not make them wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
