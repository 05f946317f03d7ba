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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use proptest::prelude::*;
    use warg_crypto::hash::HashAlgorithm;
    use warg_crypto::signing::{PrivateKey, generate_p256_pair};
    use warg_protocol::ProtoEnvelope;
    use warg_protocol::operator::{OPERATOR_RECORD_VERSION, OperatorEntry, OperatorRecord};
    use warg_protocol::registry::RecordId;
    use warg_transparency::log::{LogBuilder as _, LogData as _, Node, VecLog};
    use warg_transparency::map::Map;

    use super::*;

    /// A registry with so many records, each of a log of its own.
    struct Registry {
        log: VecLog<Sha256, LogLeaf>,
        nodes: Vec<Node>,
        map: Map<Sha256, LogId, MapLeaf>,
        leaves: Vec<LogLeaf>,
    }

    impl Registry {
        fn with(records: usize) -> Self {
            let hash = |text: String| AnyHash::from(Hash::<Sha256>::of(text.as_bytes()));
            let leaf = |number| LogLeaf {
                log_id: hash(format!("log {number}")).into(),
                record_id: RecordId::from(hash(format!("record {number}"))),
            };
            let leaves: Vec<LogLeaf> = (0..records).map(leaf).collect();
            let mut log = VecLog::default();
            let nodes = leaves.iter().map(|leaf| log.push(leaf)).collect();
            let map = leaves.iter().fold(Map::default(), |map: Map<Sha256, LogId, MapLeaf>, leaf| {
                map.insert(leaf.log_id.clone(), MapLeaf { record_id: leaf.record_id.clone() })
            });
            Self { log, nodes, map, leaves }
        }

        fn checkpoint(&self) -> Checkpoint {
            Checkpoint {
                log_root: self.log.checkpoint().root().into(),
                log_length: self.leaves.len(),
                map_root: self.map.root().clone().into(),
            }
        }

        fn heads(&self, places: &[usize]) -> Vec<Head> {
            let head =
                |index: &usize| Head { index: *index, leaf: self.leaves[*index].clone(), log: "x".into() };
            places.iter().map(head).collect()
        }

        fn inclusion(&self, places: &[usize]) -> InclusionResponse {
            let length = self.leaves.len();
            let of_log =
                places.iter().map(|place| self.log.prove_inclusion(self.nodes[*place], length)).collect();
            let of_map =
                places.iter().map(|place| self.map.prove(self.leaves[*place].log_id.clone()).unwrap());
            InclusionResponse {
                log: LogProofBundle::bundle(Vec::new(), of_log, &self.log).unwrap().encode(),
                map: MapProofBundle::bundle(of_map.collect()).encode(),
            }
        }

        fn consistency(&self, from: usize) -> ConsistencyResponse {
            let proof = self.log.prove_consistency(from, self.leaves.len());
            ConsistencyResponse {
                proof: LogProofBundle::bundle(vec![proof], Vec::new(), &self.log).unwrap().encode(),
            }
        }
    }

    fn operator(keys: &[&PrivateKey], entries: Vec<Vec<OperatorEntry>>) -> LogState {
        let mut state = LogState::default();
        for (key, entries) in keys.iter().zip(entries) {
            let record = OperatorRecord {
                prev: state.head().as_ref().map(|head| head.digest.clone()),
                version: OPERATOR_RECORD_VERSION,
                timestamp: SystemTime::now(),
                entries,
            };
            state = state.validate(&ProtoEnvelope::signed_contents(key, record).unwrap()).unwrap();
        }
        state
    }

    #[test]
    fn a_key_that_was_revoked_or_never_granted_signs_no_checkpoint() {
        let (first, second, stranger) =
            (generate_p256_pair().1, generate_p256_pair().1, generate_p256_pair().1);
        let init = OperatorEntry::Init { hash_algorithm: HashAlgorithm::Sha256, key: first.public_key() };
        // The permission to commit has no public name, but it is what granting wants.
        let commit = OperatorEntry::GrantFlat { key: second.public_key(), permissions: Vec::new() };
        let permissions: Vec<_> = commit.required_permission().into_iter().collect();
        let grant = OperatorEntry::GrantFlat { key: second.public_key(), permissions: permissions.clone() };
        let revoke = OperatorEntry::RevokeFlat { key_id: first.public_key().fingerprint(), permissions };
        let signed = |key: &PrivateKey| {
            let checkpoint = TimestampedCheckpoint::now(Registry::with(3).checkpoint()).unwrap();
            SerdeEnvelope::signed_contents(key, checkpoint).unwrap()
        };
        let state = operator(&[&first, &first], vec![vec![init.clone()], vec![grant.clone()]]);
        assert_eq!(signature(&signed(&first), &state), Ok(()));
        assert_eq!(signature(&signed(&second), &state), Ok(()));
        assert_eq!(signature(&signed(&stranger), &state), Err(Unproven::CheckpointSignature));
        let state = operator(&[&first, &first, &second], vec![vec![init], vec![grant], vec![revoke]]);
        assert_eq!(signature(&signed(&first), &state), Err(Unproven::RevokedKey));
        assert_eq!(signature(&signed(&second), &state), Ok(()));
        // The name of a good key under a signature of another.
        let forged = signed(&stranger);
        let forged = SerdeEnvelope::from_parts_unchecked(
            forged.as_ref().clone(),
            second.public_key().fingerprint(),
            forged.signature().clone(),
        );
        assert_eq!(signature(&forged, &state), Err(Unproven::CheckpointSignature));
    }

    #[test]
    fn a_proof_for_another_place_length_or_number_of_heads_is_none() {
        let registry = Registry::with(7);
        let (checkpoint, heads) = (registry.checkpoint(), registry.heads(&[2, 6]));
        assert_eq!(inclusion(&checkpoint, &heads, &registry.inclusion(&[2, 6])), Ok(()));
        let counted = |sent| Err(Unproven::ProofCount { asked: 2, sent });
        assert_eq!(inclusion(&checkpoint, &heads, &registry.inclusion(&[2])), counted(1));
        assert_eq!(inclusion(&checkpoint, &heads, &registry.inclusion(&[2, 6, 1])), counted(3));
        assert_eq!(inclusion(&checkpoint, &heads, &registry.inclusion(&[6, 2])), Err(Unproven::OtherProof));
        let longer = Registry::with(8);
        assert_eq!(inclusion(&checkpoint, &heads, &longer.inclusion(&[2, 6])), Err(Unproven::OtherProof));
        let log_of = |other: &Registry| InclusionResponse {
            log: other.inclusion(&[2, 6]).log,
            map: registry.inclusion(&[2, 6]).map,
        };
        assert_eq!(inclusion(&checkpoint, &heads, &log_of(&longer)), Err(Unproven::OtherProof));
        let far = Head { index: usize::MAX, ..heads[0].clone() };
        assert_eq!(
            inclusion(&checkpoint, &[far, heads[1].clone()], &registry.inclusion(&[2, 6])),
            Err(Unproven::OtherProof)
        );
    }

    #[test]
    fn history_goes_on_and_never_back() {
        let (old, new) = (Registry::with(5), Registry::with(9));
        let (earlier, later) = (old.checkpoint(), new.checkpoint());
        assert_eq!(progress(&earlier, &later), Ok(Ordering::Greater));
        assert_eq!(progress(&later, &later), Ok(Ordering::Equal));
        assert_eq!(progress(&later, &earlier), Err(Unproven::Rewound { known: 9, now: 5 }));
        let forked = Checkpoint { map_root: earlier.map_root.clone(), ..later.clone() };
        assert_eq!(progress(&later, &forked), Err(Unproven::Forked { length: 9 }));

        assert_eq!(consistency(&earlier, &later, &new.consistency(5)), Ok(()));
        assert_eq!(consistency(&earlier, &later, &new.consistency(4)), Err(Unproven::OtherProof));
        let empty = Checkpoint { log_length: 0, ..earlier.clone() };
        let nothing = LogProofBundle::<Sha256, LogLeaf>::decode(&[]).unwrap().encode();
        let of_nothing = consistency(&empty, &later, &ConsistencyResponse { proof: nothing });
        assert_eq!(of_nothing, Err(Unproven::ProofCount { asked: 1, sent: 0 }));
        let other = Checkpoint { log_root: later.log_root.clone(), ..earlier };
        assert_eq!(
            consistency(&other, &later, &new.consistency(5)),
            Err(Unproven::Inconsistent { known: 5, now: 9 })
        );
    }

    proptest! {
        // A path of the map has 256 digests: what is not optimised takes its time.
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn true_proofs_are_accepted(records in 1usize..20, seed in any::<prop::sample::Index>()) {
            let registry = Registry::with(records);
            let places = [seed.index(records), records - 1];
            let heads = registry.heads(&places);
            let response = registry.inclusion(&places);
            prop_assert_eq!(inclusion(&registry.checkpoint(), &heads, &response), Ok(()));
            let from = seed.index(records);
            if from > 0 {
                let earlier = Registry::with(from).checkpoint();
                let response = registry.consistency(from);
                prop_assert_eq!(consistency(&earlier, &registry.checkpoint(), &response), Ok(()));
            }
        }

        #[test]
        fn changed_proofs_neither_panic_nor_prove_another_head(
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<prop::sample::Index>(),
            length in 0usize..12,
        ) {
            let registry = Registry::with(11);
            let heads = registry.heads(&[3, 10]);
            let forged = [heads[0].clone(), Head { leaf: registry.leaves[9].clone(), ..heads[1].clone() }];
            let spoil = |mut bytes: Vec<u8>| {
                let place = at.index(bytes.len());
                bytes[place] = byte;
                if byte % 4 == 0 {
                    bytes.truncate(cut.index(bytes.len() + 1));
                }
                bytes
            };
            let response = registry.inclusion(&[3, 10]);
            let spoiled = InclusionResponse { log: spoil(response.log), map: spoil(response.map) };
            let _ = inclusion(&registry.checkpoint(), &heads, &spoiled);
            prop_assert!(inclusion(&registry.checkpoint(), &forged, &spoiled).is_err());
            let spoiled = ConsistencyResponse { proof: spoil(registry.consistency(5).proof) };
            let other = Checkpoint { log_length: length, ..Registry::with(4).checkpoint() };
            prop_assert!(consistency(&other, &registry.checkpoint(), &spoiled).is_err());
        }

        #[test]
        fn garbage_does_not_panic(log in any::<Vec<u8>>(), map in any::<Vec<u8>>()) {
            let registry = Registry::with(3);
            let response = InclusionResponse { log: log.clone(), map };
            prop_assert!(inclusion(&registry.checkpoint(), &registry.heads(&[1, 2]), &response).is_err());
            let earlier = Registry::with(2).checkpoint();
            let response = ConsistencyResponse { proof: log };
            prop_assert!(consistency(&earlier, &registry.checkpoint(), &response).is_err());
        }
    }
}
