//! The operations on a project: everything that `spin-deps` does, without its terminal.
//!
//! This is the only crate that knows all the others. It reads the manifest, asks the resolver for versions with
//! an index over the registries, writes the lockfile, brings the locked content into the store, generates the WIT
//! and the bindings, composes the components and runs them. An operation takes a [`Project`] and returns plain
//! data; the command line prints it.
//!
//! ```text
//! Project ── requirements ──► lock ──► sync ──► compose ──► up / verify
//!                              ▲
//!              add / remove ── change (restores everything on failure)
//! ```

mod add;
mod ask;
mod authoring;
mod bindings;
mod build;
mod change;
mod compiled;
mod componentize;
mod compose;
mod content;
mod describe;
mod diff;
mod edit;
mod error;
mod files;
mod grants;
mod graph;
mod guest;
mod index;
mod info;
mod known;
mod link;
mod lock;
mod memo;
mod open;
mod outdated;
mod overrides;
mod publish;
mod reach;
mod remove;
mod requirements;
mod run;
mod search;
mod settings;
mod stamp;
mod standing;
mod suggest;
mod sync;
mod targets;
mod unmet;
mod update;
mod variables;
mod vendor;
mod verify;
mod workspace;
mod yank;

pub use add::{AddOptions, Added, Addition, Place, Target, Unpinned};
pub use ask::{Answering, Asker, Choice, Nobody, Question, QuestionKind};
pub use authoring::{Created, NewKind, NewOptions, create};
pub use bindings::{BindOptions, BindOutcome, BoundComponent};
pub use build::{BuildEvent, BuildOptions, BuildOutput, Built, BuiltFile};
pub use compiled::{CompiledCode, clean_compiled_code, compiled_code};
pub use componentize::{ComponentizeOptions, Componentized, componentize_file};
pub use compose::ComposedComponent;
pub use diff::{
    Asked, Called, Change, Changed, NeedChange, ReleaseDiff, Side, Verdict, diff, interface_changes,
};
pub use edit::Edit;
pub use error::{Error, Excerpt};
pub use files::write as write_file;
pub use graph::{Bound, Duplicate, GrantedBy, Graph, Node, NodeKind, Path, Paths, Step, Wish};
pub use info::{Looking, PackageInfo, PackageVersions, VersionRow, info, versions};
pub use known::Known;
pub use link::{Builder, LinkOptions, Linked, Unlinked};
pub use lock::{LockOutcome, LockStatus};
pub use open::Project;
pub use outdated::{Holder, OutdatedPackage};
pub use publish::{Neighbour, PublishOptions, PublishOutcome, PublishStatus, Published, publish};
pub use reach::Unrecorded;
pub use remove::{RemoveOptions, Removed};
pub use run::{RunOptions, Running};
pub use search::{Found, NotSearched, SearchOptions, SearchResult, search};
pub use settings::{Locking, Settings};
pub use standing::{Standing, Want};
pub use sync::SyncOutcome;
pub use targets::{
    KnownTarget, TargetCheck, TargetOffer, TargetUpdate, TargetsReport, TargetsUpdate, WorldMismatch,
    WorldVerdict,
};
pub use unmet::{Denied, Unmet};
pub use update::{Interfaces, Move, MoveKind, Rewrite, UpdateOptions, UpdatePlan};
pub use vendor::{Difference, VendorOptions, VendorOutcome, VendoredFile, VendoredPart, VendoredRelease};
pub use verify::{
    Answer, Isolation, Leak, Mismatch, Outcome, PassedOn, Refused, Reused, Step as VerifyStep, StepKind,
    VerifyOptions, VerifyReport,
};
pub use yank::{YankOptions, YankOutcome, yank};

pub use spin_deps_component::{Denial, InterfaceChange, ItemChange, Language};
pub use spin_deps_host::{Line, Output, Stream};
pub use spin_deps_lockfile::{Change as LockChange, Lockfile};
pub use spin_deps_manifest::{InstanceReuse, parse_requirement};
pub use spin_deps_registry::{
    Credential, Damage, Environment, Limits, NoProgress, Progress, ProgressTask, Registries, Secret, Store,
    StoreInfo,
};
pub use spin_deps_resolver::Preference;
