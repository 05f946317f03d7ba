//! The packages of a warg registry, by its ledger.
//!
//! The ledger names every record of every log by the hashes of the log and of the record, 64 bytes each, and the
//! registry tells which name is behind the hash of a log, where it may. So a list takes the ledger's sources, the
//! ledger, and one question for some thousand names. Nothing of it is proven, and nothing has to be: it only tells
//! what to look for, and what is then looked at has to prove itself. A registry without these questions cannot list.

use std::collections::BTreeSet;

use url::Url;
use warg_api::v1::ledger::{LedgerSource, LedgerSourceContentType};
use warg_crypto::hash::{AnyHash, HashAlgorithm, Sha256};
use warg_protocol::registry::LogId;
use wasm_pkg_common::package::PackageRef;

use super::api::Api;
use crate::error::Error;
use crate::source::Catalog;

/// The length of an entry of the ledger, in bytes: the hash of a log and that of a record of it.
const ENTRY: usize = 64;
/// The length of a hash, in bytes.
const HASH: usize = 32;
/// More packages than this are not listed.
const MAX_PACKAGES: usize = 100_000;
/// More pieces of the ledger than this are not read. `warg-server` puts 1,000 records into one.
const MAX_SOURCES: usize = 200;
/// So many names are asked for at once, which is what `warg-server` answers at most.
const NAMES: usize = 1_000;
const WHAT: &str = "its list of packages";

/// What the registry has.
pub(super) async fn catalog(api: &Api) -> Result<Catalog, Error> {
    let refused = |reason: &str| Ok(Catalog::Refused { reason: reason.to_owned() });
    let Some(ledger) = api.ledger(WHAT).await? else {
        return refused("it does not offer its ledger");
    };
    if ledger.hash_algorithm != HashAlgorithm::Sha256 {
        return refused("its ledger has hashes of another kind than SHA-256");
    }
    let (mut logs, mut cut) = (BTreeSet::new(), None);
    for (index, source) in ledger.sources.iter().enumerate() {
        if index == MAX_SOURCES || logs.len() >= MAX_PACKAGES {
            cut =
                Some(format!("its ledger is too long to be read to its end; {} logs were found", logs.len()));
            break;
        }
        let Some(url) = place(api, source) else {
            return refused("its ledger is kept elsewhere, or in another form");
        };
        let piece = api.ledger_piece(&url, WHAT).await?;
        logs.extend(piece.chunks_exact(ENTRY).filter_map(|entry| entry.get(..HASH)).map(<[u8]>::to_vec));
    }
    let operator = LogId::operator_log::<Sha256>();
    let logs = logs.into_iter().map(|hash| LogId::from(AnyHash::new(HashAlgorithm::Sha256, hash)));
    let mut open: Vec<LogId> = logs.filter(|log| *log != operator).take(MAX_PACKAGES).collect();
    let mut packages = Vec::new();
    while !open.is_empty() {
        let rest = open.split_off(open.len().min(NAMES));
        let Some(names) = api.names(&open, WHAT).await? else {
            return refused("it does not tell the names of its packages");
        };
        // It may answer for some of them only.
        let unanswered: Vec<LogId> = open.iter().filter(|log| !names.contains_key(*log)).cloned().collect();
        let is_answered = unanswered.len() < open.len();
        // A name is that of a log if it has its hash.
        let found = names.into_iter().filter_map(|(log, name)| {
            let name = name.filter(|name| LogId::package_log::<Sha256>(name) == log)?;
            name.as_ref().parse::<PackageRef>().ok()
        });
        packages.extend(found);
        open = rest;
        if is_answered {
            open.extend(unanswered);
        }
    }
    Ok(Catalog::Found { packages, cut, described: false })
}

/// Where a piece of the ledger is: at the registry itself, or nowhere that we go to.
fn place(api: &Api, source: &LedgerSource) -> Option<Url> {
    let base = &api.settings().url;
    let url = base.join(&source.url).ok()?;
    (source.content_type == LedgerSourceContentType::Packed && url.origin() == base.origin()).then_some(url)
}
