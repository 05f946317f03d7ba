//! A registry with pages of tags and referrers, `ferro-oci-server`, within the test's own process.
//!
//! It lets everyone read and write. What it keeps is in memory, and a test can put manifests there without a request.

use std::sync::Arc;

use bytes::Bytes;
use ferro_blob_store::InMemoryBlobStore;
use ferro_oci_server::{AppState, InMemoryRegistryMeta, Reference, RegistryMeta, router};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::http::block_on;

/// The running server; it ends with this value.
pub(crate) struct Ferro {
    address: std::net::SocketAddr,
    meta: Arc<InMemoryRegistryMeta>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Ferro {
    /// An empty registry on a port that the system chose.
    pub(crate) fn start() -> Self {
        let meta = Arc::new(InMemoryRegistryMeta::new());
        let state =
            AppState::new(Arc::new(InMemoryBlobStore::new()), Arc::clone(&meta) as Arc<dyn RegistryMeta>);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free loopback port");
        let address = listener.local_addr().expect("the address of a bound socket");
        let (stop, stopped) = oneshot::channel();
        let service = TowerToHyperService::new(router(state));
        let thread = std::thread::spawn(move || {
            let serve = async {
                loop {
                    let Ok((socket, _)) = listener.accept().await else { continue };
                    let service = service.clone();
                    tokio::spawn(async move {
                        // It ends with an error when the client goes away.
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(socket), service)
                            .await;
                    });
                }
            };
            runtime.block_on(async {
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { address, meta, stop: Some(stop), thread: Some(thread) }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Lets `tags` of `repository` name `manifest`, without a request for each.
    pub(crate) fn tag(&self, repository: &str, tags: impl IntoIterator<Item = String>, manifest: &[u8]) {
        let digest = super::oci::digest(manifest).parse().expect("a digest");
        let manifest = Bytes::copy_from_slice(manifest);
        block_on(async {
            for tag in tags {
                let media_type = "application/vnd.oci.image.manifest.v1+json";
                self.meta
                    .put_manifest(repository, &Reference::Tag(tag), &digest, media_type, manifest.clone())
                    .await
                    .expect("a manifest is taken");
            }
        });
    }
}

impl Drop for Ferro {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed, and whoever waited for an answer has failed.
            let _ = thread.join();
        }
    }
}
