//! Compiling the components of an app, side by side, and none of them twice.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Instant};

use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use wasmtime::{Engine, component};

use crate::{
    app::{Component, Event, Options, Progress},
    cache::Cache,
    error::HostError,
};

/// The compiled code of `components` by digest, from the cache where it has it.
///
/// Components with the same bytes are compiled once. The digest that was given for the bytes is checked, since code is
/// looked up by it.
pub(crate) async fn all(
    components: &BTreeMap<String, Component>,
    engine: &Engine,
    options: &Options,
) -> Result<BTreeMap<String, component::Component>, HostError> {
    let mut tasks = BTreeMap::<&str, (&Arc<[u8]>, JoinHandle<_>)>::new();
    for (id, component) in components {
        if let Some((wasm, _)) = tasks.get(component.digest.as_str()) {
            if **wasm != component.wasm {
                return Err(HostError::Digest { component: id.clone() });
            }
            continue;
        }
        let job = Job {
            id: id.clone(),
            wasm: Arc::clone(&component.wasm),
            digest: component.digest.clone(),
            engine: engine.clone(),
            cache: options.compiled_cache.clone(),
            progress: options.progress.clone(),
        };
        let task = tokio::task::spawn_blocking(move || job.run());
        tasks.insert(&component.digest, (&component.wasm, task));
    }
    let mut compiled = BTreeMap::new();
    for component in components.values() {
        if let Some((_, task)) = tasks.remove(component.digest.as_str()) {
            let code = task.await.map_err(|error| HostError::Engine(error.to_string()))??;
            compiled.insert(component.digest.clone(), code);
        }
    }
    Ok(compiled)
}

struct Job {
    id: String,
    wasm: Arc<[u8]>,
    digest: String,
    engine: Engine,
    cache: Option<PathBuf>,
    progress: Option<Progress>,
}

impl Job {
    fn run(self) -> Result<component::Component, HostError> {
        let started = Instant::now();
        if hex(&Sha256::digest(&self.wasm)) != self.digest {
            return Err(HostError::Digest { component: self.id });
        }
        let cache = self.cache.as_deref().map(|directory| Cache { directory, engine: &self.engine });
        let found = cache.as_ref().and_then(|cache| cache.load(&self.digest));
        let cached = found.is_some();
        let code = match found {
            Some(code) => code,
            None => self.compile(cache.as_ref())?,
        };
        self.report(Event::Ready { component: &self.id, cached, elapsed: started.elapsed() });
        Ok(code)
    }

    fn compile(&self, cache: Option<&Cache<'_>>) -> Result<component::Component, HostError> {
        self.report(Event::Compiling { component: &self.id, size: self.wasm.len() });
        // Not `Component::new`, which would also take the text format.
        let code = component::Component::from_binary(&self.engine, &self.wasm).map_err(|error| {
            HostError::Compile { component: self.id.clone(), reason: format!("{error:#}") }
        })?;
        if let Some(cache) = cache {
            cache.store(&self.digest, &code);
        }
        Ok(code)
    }

    fn report(&self, event: Event<'_>) {
        if let Some(progress) = &self.progress {
            progress(event);
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
