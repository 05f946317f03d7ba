//! What makes an answer of a warg registry believable.
//!
//! A registry keeps one log of all records, a Merkle tree whose root its operator signs from time to time: the
//! *checkpoint*. The checkpoint holds a second root, of a map from every package's log to the last record of it. So
//! three proofs tie an answer to what the operator signed once and cannot take back:
//!
//! * **log inclusion**: the last record of a log is a leaf of the tree;
//! * **map inclusion**: it really is the last one: nothing was cut off, such as a yank;
//! * **consistency**: the tree continues the one that was seen before, so that history is only ever added to.
//!
//! `warg-client` asks for these proofs, but pairs what it asked with what came and looks no further than the shorter
//! of the two: a server that answers with no proofs at all has proven everything. Here the counts, the places in the
//! tree, its length and the roots are compared, all of them, before a proof counts; and what would make the
//! arithmetic of `warg-transparency` panic (an empty old tree, a path longer than a digest) is refused first.

use std::cmp::Ordering;

use warg_api::v1::proof::{ConsistencyResponse, InclusionResponse};
use warg_crypto::hash::{AnyHash, Hash, Sha256};
use warg_crypto::{Encode as _, Signable as _};
use warg_protocol::SerdeEnvelope;
use warg_protocol::operator::LogState;
use warg_protocol::registry::{Checkpoint, LogId, LogLeaf, MapLeaf, RegistryIndex, TimestampedCheckpoint};
use warg_transparency::log::LogProofBundle;
use warg_transparency::map::MapProofBundle;

use crate::unproven::Unproven;

/// The bits of a key of the map, which are the steps from a leaf to the root.
const MAP_DEPTH: usize = 256;

/// The last record of a log, said to be at `index` of the registry's log.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) index: RegistryIndex,
    pub(super) leaf: LogLeaf,
    /// Which log, in words.
    pub(super) log: String,
}

/// Whether the operator signed the checkpoint, with a key that may.
pub(super) fn signature(
    checkpoint: &SerdeEnvelope<TimestampedCheckpoint>,
    operator: &LogState,
) -> Result<(), Unproven> {
    let key = operator.public_key(checkpoint.key_id()).ok_or(Unproven::CheckpointSignature)?;
    TimestampedCheckpoint::verify(key, &checkpoint.as_ref().encode(), checkpoint.signature())
        .map_err(|_| Unproven::CheckpointSignature)?;
    if operator.key_has_permission_to_sign_checkpoints(checkpoint.key_id()) {
        Ok(())
    } else {
        Err(Unproven::RevokedKey)
    }
}

/// How the checkpoint `now` relates to `known`: newer, or the same. Whether a newer one continues the known one is
/// for [`consistency`] to say.
pub(super) fn progress(known: &Checkpoint, now: &Checkpoint) -> Result<Ordering, Unproven> {
    match now.log_length.cmp(&known.log_length) {
        Ordering::Less => Err(Unproven::Rewound { known: known.log_length, now: now.log_length }),
        Ordering::Equal if now != known => Err(Unproven::Forked { length: now.log_length }),
        ordering => Ok(ordering),
    }
}

/// Whether the tree of `later` continues that of `earlier`.
pub(super) fn consistency(
    earlier: &Checkpoint,
    later: &Checkpoint,
    response: &ConsistencyResponse,
) -> Result<(), Unproven> {
    let bundle =
        LogProofBundle::<Sha256, LogLeaf>::decode(&response.proof).map_err(|_| Unproven::ProofUnreadable)?;
    let (hashes, proofs, inclusions) = bundle.unbundle();
    let [proof] = proofs.as_slice() else {
        return Err(Unproven::ProofCount { asked: 1, sent: proofs.len() });
    };
    let asked_for = proof.old_length == earlier.log_length && proof.new_length == later.log_length;
    let is_apart = 0 < earlier.log_length && earlier.log_length < later.log_length;
    if !asked_for || !is_apart || !inclusions.is_empty() {
        return Err(Unproven::OtherProof);
    }
    let roots = proof.evaluate(&hashes);
    let proven = roots.is_ok_and(|(old, new)| {
        AnyHash::from(old) == earlier.log_root && AnyHash::from(new) == later.log_root
    });
    if proven {
        Ok(())
    } else {
        Err(Unproven::Inconsistent { known: earlier.log_length, now: later.log_length })
    }
}

/// Whether each head is in the checkpoint's log and the last record of its own.
pub(super) fn inclusion(
    checkpoint: &Checkpoint,
    heads: &[Head],
    response: &InclusionResponse,
) -> Result<(), Unproven> {
    let unreadable = |_| Unproven::ProofUnreadable;
    let counted = |sent| {
        if sent == heads.len() { Ok(()) } else { Err(Unproven::ProofCount { asked: heads.len(), sent }) }
    };
    let bundle = LogProofBundle::<Sha256, LogLeaf>::decode(&response.log).map_err(unreadable)?;
    let (hashes, consistencies, proofs) = bundle.unbundle();
    counted(proofs.len())?;
    if !consistencies.is_empty() {
        return Err(Unproven::OtherProof);
    }
    for (head, proof) in heads.iter().zip(&proofs) {
        // Leaves have the even places of the tree.
        let place = head.index.checked_mul(2);
        if place != Some(proof.leaf().index()) || proof.log_length() != checkpoint.log_length {
            return Err(Unproven::OtherProof);
        }
        let root = proof.evaluate_value(&hashes, &head.leaf);
        if !root.is_ok_and(|root| AnyHash::from(root) == checkpoint.log_root) {
            return Err(Unproven::NotIncluded { log: head.log.clone() });
        }
    }

    let bundle = MapProofBundle::<Sha256, LogId, MapLeaf>::decode(&response.map).map_err(unreadable)?;
    let proofs = bundle.unbundle();
    counted(proofs.len())?;
    for (head, proof) in heads.iter().zip(&proofs) {
        if proof.peers.len() > MAP_DEPTH {
            return Err(Unproven::ProofUnreadable);
        }
        let leaf = MapLeaf { record_id: head.leaf.record_id.clone() };
        let root: Hash<Sha256> = proof.evaluate(&head.leaf.log_id, &leaf);
        if AnyHash::from(root) != checkpoint.map_root {
            return Err(Unproven::NotTheHead { log: head.log.clone() });
        }
    }
    Ok(())
}
