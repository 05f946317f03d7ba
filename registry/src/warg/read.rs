//! Reading a package's log, and believing it.
//!
//! ```text
//! checkpoint   once a process      is it behind, or beside, the one that is stored?
//! consistency  if it is newer      does it continue the stored one?
//! logs         after the stored    is every record signed by a key that may?
//! inclusion    always              are the last records those of the checkpoint, which an operator's key signed?
//!              then                are the first keys those of the lockfile?
//! ```
//!
//! Cold that is three requests, for every further package two; nothing new costs one. All of it is decided in memory;
//! only an answer that passed everything is written, so a refused one leaves the state as it was.
//!
//! All packages of a process are read at one checkpoint, a consistent view of the registry, unless another process
//! has stored a newer one in the meantime. **What is not seen**: that a registry hides a package from the first
//! question on (the protocol has no proof of absence), and that it has stopped the clock since the stored checkpoint,
//! for as long as its signature is young enough to be accepted; an operator who shows two histories to two people who
//! never compare.

use std::sync::Arc;

use tokio::sync::Mutex;
use warg_crypto::hash::Sha256;
use warg_protocol::SerdeEnvelope;
use warg_protocol::registry::{Checkpoint, LogId, PackageName, TimestampedCheckpoint};

use super::api::{Api, Tokens};
use super::log::{OperatorLog, PackageLog, log_title};
use super::proof;
use super::state::{Commit, Known, RegistryState, StateDir};
use crate::error::Error;
use crate::memo::Memo;
use crate::metadata::now;
use crate::source::Signers;
use crate::unproven::Unproven;

/// Reading one package takes no longer than so many requests may take.
const BUDGETS: u32 = 2;
/// The logs together have no more pages.
const MAX_PAGES: usize = 1000;
/// How often another process may be faster.
const ATTEMPTS: usize = 8;
const DAY: u64 = 24 * 60 * 60;

type SignedCheckpoint = Arc<SerdeEnvelope<TimestampedCheckpoint>>;

/// A package as its registry has proven it to be.
#[derive(Clone, Debug)]
pub(super) struct Proven {
    pub(super) signers: Signers,
    pub(super) log: Arc<PackageLog>,
}

impl Proven {
    fn new(operator: &OperatorLog, log: PackageLog) -> Self {
        let signers =
            Signers { operator: operator.first_key().to_owned(), author: log.first_key().to_owned() };
        Self { signers, log: Arc::new(log) }
    }
}

/// Reads the logs of one registry.
pub(super) struct Reader {
    api: Arc<Api>,
    state: StateDir,
    /// The checkpoint at which this process looks at the registry.
    checkpoint: Mutex<Option<SignedCheckpoint>>,
    /// Pairs of checkpoints that were proven to be of one history.
    consistent: Memo<()>,
}

impl Reader {
    pub(super) fn new(api: Arc<Api>, state: StateDir) -> Self {
        Self { api, state, checkpoint: Mutex::default(), consistent: Memo::default() }
    }

    /// Looks at the registry anew from now on.
    pub(super) async fn forget(&self) {
        *self.checkpoint.lock().await = None;
    }

    /// What is stored of a package; with `is_pinned`, damaged files count as absent.
    pub(super) async fn stored(&self, name: &PackageName, is_pinned: bool) -> Result<Option<Proven>, Error> {
        let Known { registry, package } = self.load(name, is_pinned).await?;
        Ok(registry.zip(package).map(|(registry, package)| Proven::new(&registry.operator, package)))
    }

    /// The package as the registry has it now, proven and stored. `None` if the registry does not know it.
    pub(super) async fn read(
        &self,
        name: &PackageName,
        is_pinned: bool,
        accept: &(dyn Fn(&Signers) -> Result<(), Error> + Sync),
    ) -> Result<Option<Proven>, Error> {
        match tokio::time::timeout(self.api.budget() * BUDGETS, self.read_and_store(name, is_pinned, accept))
            .await
        {
            Ok(read) => read,
            Err(_) => Err(Error::Unreachable {
                registry: self.api.registry().to_owned(),
                reason: "it did not answer in time".to_owned(),
                speaks_plain: false,
            }),
        }
    }

    async fn read_and_store(
        &self,
        name: &PackageName,
        is_pinned: bool,
        accept: &(dyn Fn(&Signers) -> Result<(), Error> + Sync),
    ) -> Result<Option<Proven>, Error> {
        let what = name.to_string();
        let known = self.load(name, is_pinned).await?;
        let from = known.registry.as_ref().map(|registry| registry.checkpoint().clone());
        let checkpoint = self.checkpoint(from.as_ref(), &what).await?;
        let now = &checkpoint.as_ref().as_ref().checkpoint;
        if let Some(from) = &from {
            self.continues(from, now, &what).await?;
        }
        let up_to_date = from.as_ref() == Some(now)
            && known.package.as_ref().is_some_and(|package| package.checkpoint() == now);
        let was_known = known.package.is_some();
        let (operator, package) = if up_to_date {
            (known.registry.map(|registry| registry.operator), known.package)
        } else {
            match self.extended(known, name, now, &what).await? {
                Some(logs) => logs,
                None if was_known => return Err(self.forgotten(name)),
                None => return Ok(None),
            }
        };
        let Some(package) = package else {
            return if was_known { Err(self.forgotten(name)) } else { Ok(None) };
        };
        let Some(operator) = operator else {
            return Err(self.unproven(&what, Unproven::CheckpointSignature));
        };
        if up_to_date {
            proof::signature(&checkpoint, operator.state()).map_err(|reason| self.unproven(&what, reason))?;
        } else {
            self.prove(&checkpoint, &operator, &package, &what).await?;
        }
        self.check_age(&checkpoint, &what)?;
        let proven = Proven::new(&operator, package);
        accept(&proven.signers)?;
        if !up_to_date {
            let registry = RegistryState { checkpoint: checkpoint.as_ref().clone(), operator };
            self.store(from, registry, Arc::clone(&proven.log), &what).await?;
        }
        Ok(Some(proven))
    }

    /// The checkpoint of this process. If another process has stored a later one, a new one.
    async fn checkpoint(&self, known: Option<&Checkpoint>, what: &str) -> Result<SignedCheckpoint, Error> {
        let mut current = self.checkpoint.lock().await;
        if let Some(checkpoint) = current.as_ref() {
            let length = checkpoint.as_ref().as_ref().checkpoint.log_length;
            if known.is_none_or(|known| known.log_length <= length) {
                return Ok(Arc::clone(checkpoint));
            }
        }
        let checkpoint = Arc::new(self.api.checkpoint(what).await?);
        *current = Some(Arc::clone(&checkpoint));
        Ok(checkpoint)
    }

    /// Fails unless `now` is `known` or continues it.
    async fn continues(&self, known: &Checkpoint, now: &Checkpoint, what: &str) -> Result<(), Error> {
        let progress = proof::progress(known, now).map_err(|reason| self.unproven(what, reason))?;
        if progress.is_eq() {
            return Ok(());
        }
        let key = format!("{}:{} {}:{}", known.log_length, known.log_root, now.log_length, now.log_root);
        let ask = || async {
            let response = self.api.consistency(known.log_length, now.log_length, what).await?;
            let (known, now) = (known.clone(), now.clone());
            self.judged(what, move || proof::consistency(&known, &now, &response)).await
        };
        self.consistent.get_or_try(&key, ask).await
    }

    /// Both logs as they are at the checkpoint; `None` if the registry does not know the package.
    async fn extended(
        &self,
        known: Known,
        name: &PackageName,
        checkpoint: &Checkpoint,
        what: &str,
    ) -> Result<Option<(Option<OperatorLog>, Option<PackageLog>)>, Error> {
        let log_id = LogId::package_log::<Sha256>(name);
        let mut tokens = Tokens {
            operator: known.registry.as_ref().map(|registry| registry.operator.token().to_owned()),
            package: known.package.as_ref().map(|package| package.token().to_owned()),
        };
        let mut logs = (known.registry.map(|registry| registry.operator), known.package);
        for _ in 0..MAX_PAGES {
            let Some(mut page) = self.api.logs(checkpoint, &log_id, &tokens, what).await? else {
                return Ok(None);
            };
            let Some(records) = page.packages.swap_remove(&log_id) else {
                return Err(self.api.bad_answer(what, "it leaves out the log that was asked for"));
            };
            let is_last = !page.more || (records.is_empty() && page.operator.is_empty());
            let (name, checkpoint) = (name.clone(), checkpoint.clone());
            logs = self
                .judged(what, move || {
                    let operator = OperatorLog::extended(logs.0, page.operator)?;
                    let package = PackageLog::extended(logs.1, &name, &checkpoint, records)?;
                    Ok((operator, package))
                })
                .await?;
            if is_last {
                return Ok(Some(logs));
            }
            tokens = Tokens {
                operator: logs.0.as_ref().map(|log| log.token().to_owned()),
                package: logs.1.as_ref().map(|log| log.token().to_owned()),
            };
        }
        Err(self.api.bad_answer(what, &format!("its log has more than {MAX_PAGES} pages")))
    }

    /// Fails unless the heads of the logs are those of the checkpoint, and an operator's key has signed it.
    async fn prove(
        &self,
        checkpoint: &SignedCheckpoint,
        operator: &OperatorLog,
        package: &PackageLog,
        what: &str,
    ) -> Result<(), Error> {
        let heads: Vec<_> = operator.head().into_iter().chain(package.head()).collect();
        let now = &checkpoint.as_ref().as_ref().checkpoint;
        let response = self.api.inclusion(now, &heads, what).await?;
        let (checkpoint, state) = (Arc::clone(checkpoint), operator.state().clone());
        self.judged(what, move || {
            proof::signature(&checkpoint, &state)?;
            proof::inclusion(&checkpoint.as_ref().as_ref().checkpoint, &heads, &response)
        })
        .await
    }

    fn check_age(&self, checkpoint: &SignedCheckpoint, what: &str) -> Result<(), Error> {
        let days = now().saturating_sub(checkpoint.as_ref().as_ref().timestamp) / DAY;
        let limit = self.api.settings().max_checkpoint_age;
        if days > limit { Err(self.unproven(what, Unproven::Stale { days, limit })) } else { Ok(()) }
    }

    /// Writes what was proven to continue `from`. Where another process has moved on, that both are of one history is
    /// proven as well.
    async fn store(
        &self,
        from: Option<Checkpoint>,
        registry: RegistryState,
        package: Arc<PackageLog>,
        what: &str,
    ) -> Result<(), Error> {
        let mut from = from;
        let registry = Arc::new(registry);
        for _ in 0..ATTEMPTS {
            let (state, registry_, package) =
                (self.state.clone(), Arc::clone(&registry), Arc::clone(&package));
            let given = from.clone();
            let commit = move || state.commit(given.as_ref(), &registry_, &package);
            let there = match blocking(commit).await? {
                Commit::Done => return Ok(()),
                Commit::Moved(there) => there,
            };
            let now = registry.checkpoint();
            let (earlier, later) =
                if there.log_length <= now.log_length { (&there, now) } else { (now, &there) };
            self.continues(earlier, later, what).await?;
            from = Some(there);
        }
        Err(std::io::Error::other(format!("other processes keep changing the state of {what}")).into())
    }

    async fn load(&self, name: &PackageName, is_pinned: bool) -> Result<Known, Error> {
        let (state, name) = (self.state.clone(), name.clone());
        blocking(move || state.load(&name, is_pinned)).await
    }

    /// Checks signatures or proofs off the async threads. Should the arithmetic panic, the answer was no good.
    async fn judged<T: Send + 'static>(
        &self,
        what: &str,
        judge: impl FnOnce() -> Result<T, Unproven> + Send + 'static,
    ) -> Result<T, Error> {
        let judgement = tokio::task::spawn_blocking(judge).await.unwrap_or(Err(Unproven::ProofUnreadable));
        judgement.map_err(|reason| self.unproven(what, reason))
    }

    fn unproven(&self, what: &str, reason: Unproven) -> Error {
        self.api.unproven(what, reason)
    }

    fn forgotten(&self, name: &PackageName) -> Error {
        self.unproven(name.as_ref(), Unproven::Forgotten { log: log_title(name) })
    }
}

/// Runs `work` off the async threads: file input and output.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(std::io::Error::other(error).into()),
    }
}
