//! Where releases come from: OCI registries, folders and URLs; configuration, credentials, the content store,
//! publishing.
//!
//! [`Registries`] is the handle. It reads wkg's configuration, finds the registry of a package, lists versions, tells
//! what a release needs without downloading it, brings verified bytes, and publishes. Two rules hold throughout:
//!
//! * **Bytes from outside are hostile.** They are bounded, hashed before they are used, and never shown raw.
//! * **A request is a cost.** A cold release takes three and one for its Wasm; what is known by digest takes none,
//!   ever; whatever several tasks want at once is asked once.
//!
//! The places where bytes come from implement one trait, `Source`: a folder, an OCI registry, a warg registry.

mod config;
mod credentials;
mod docker;
mod download;
mod error;
mod files;
mod folder;
mod http;
mod login;
mod memo;
mod metadata;
mod oci;
mod pins;
mod places;
mod proxy;
mod reference;
mod registries;
mod retry;
mod secret;
mod settings;
mod source;
mod store;
mod text;
mod unpinned;
mod unproven;
mod upload;
#[cfg(feature = "warg")]
mod warg;

pub use config::default_config_path;
pub use credentials::Credential;
pub use error::{Error, SignerChange};
pub use login::{LoggedIn, LoggedOut, LoginTarget};
pub use reference::Reference;
pub use registries::Registries;
pub use secret::Secret;
pub use settings::{
    Environment, Limits, Network, NoProgress, Progress, ProgressTask, ProjectConfig, Settings,
};
pub use source::{
    Catalog, ComponentConfig, Content, Listed, Listing, OciArtifact, Publication, Published, REASON_LIMIT,
    ReleaseInfo, Signers, Yank,
};
pub use store::{Damage, Removed, Store, StoreError, StoreInfo, Writer, digest_of};
pub use unproven::Unproven;
pub use upload::Upload;

/// The largest Wasm that is accepted, in bytes.
pub const LAYER_LIMIT: u64 = 512 << 20;
