//! Why an answer of a transparent registry is not believed.

/// What a warg registry could not prove, or did that an honest one does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The checkpoint's signature is not that of a key of the operator's log.
    #[error("its checkpoint is not signed by a key of its operator")]
    CheckpointSignature,
    /// The key that signed the checkpoint has lost the permission to do so.
    #[error("its checkpoint is signed by a key that may no longer sign checkpoints")]
    RevokedKey,
    /// The checkpoint was signed longer ago than is accepted.
    #[error("its newest checkpoint was signed {days} days ago, and at most {limit} are accepted")]
    Stale {
        /// The age in days.
        days: u64,
        /// The largest age that is accepted, in days.
        limit: u64,
    },
    /// The checkpoint is older than one that was seen before.
    #[error("it answers with an old state: its log has {now} records, and had {known} before")]
    Rewound {
        /// How many records its log had.
        known: usize,
        /// How many it has now.
        now: usize,
    },
    /// Two checkpoints of the same length differ.
    #[error("it shows another history than before: its log of {length} records has changed")]
    Forked {
        /// How many records the log has.
        length: usize,
    },
    /// The consistency proof does not lead from the known checkpoint to the new one.
    #[error(
        "it shows another history than before: its log of {now} records does not continue the one of {known}"
    )]
    Inconsistent {
        /// How many records its log had.
        known: usize,
        /// How many it has now.
        now: usize,
    },
    /// There are more proofs, or fewer, than were asked for.
    #[error("it was asked for {asked} proofs and sent {sent}")]
    ProofCount {
        /// How many were asked for.
        asked: usize,
        /// How many came.
        sent: usize,
    },
    /// The registry says itself that it has no proof.
    #[error("it has no proof that its records are complete")]
    NoProof,
    /// The proof is for another place, or for a log of another length.
    #[error("it proves something else than it was asked for")]
    OtherProof,
    /// The bytes are no proof.
    #[error("its proof cannot be understood")]
    ProofUnreadable,
    /// The head of the log is not among the records of the checkpoint.
    #[error("the newest record of {log} is not in the log that its checkpoint stands for")]
    NotIncluded {
        /// Which log, in words.
        log: String,
    },
    /// The log ends before, or beside, the record that the checkpoint calls its last.
    #[error("the records of {log} are not complete: its checkpoint stands for another last record")]
    NotTheHead {
        /// Which log, in words.
        log: String,
    },
    /// A record breaks the rules of its log: a wrong signature, a missing permission, a gap.
    #[error("a record of {log} is not valid: {reason}")]
    BadRecord {
        /// Which log, in words.
        log: String,
        /// Why.
        reason: String,
    },
    /// Records that were shown and verified are gone.
    #[error("it no longer has records of {log} that it showed before")]
    Forgotten {
        /// Which log, in words.
        log: String,
    },
}

impl Unproven {
    /// What to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Stale { .. } => {
                "the registry, or somebody between it and you, shows an old state; if it is really that quiet, set \
                 `max_checkpoint_age` in `[registry.\"NAME\".warg]` to more days"
            }
            Self::Rewound { .. } => {
                "the answer was not used; a replica of the registry may be behind: try again later, and ask its \
                 operator if it stays so"
            }
            _ => {
                "the answer was not used and nothing was changed; the registry, or somebody between it and you, does \
                 not tell the truth: ask its operator"
            }
        }
    }
}
