//! What was learned about types: which releases do not fit whom.
//!
//! A look at the types of two components costs far more than a look at two versions, and most pairs that a search
//! comes across are never part of an answer. So the search runs on versions alone, as a SAT solver runs on
//! variables alone while a theory waits: only the wires of an answer are looked at, all at once. A release that does
//! not fit is taken out of what this one need admits, and the search runs again. It ends: every
//! round takes at least one release out of a need for good. And it is complete: nothing else is ever taken out.

use std::collections::{BTreeMap, HashMap, HashSet};

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::known::key_of;
use crate::resolution::Resolution;
use crate::set::VersionSet;
use crate::solver::Solver;
use crate::{Consumer, Failure, Fit, Mismatch, Reason, Wire};

/// Answers that are looked at before the solver gives up. Real registries take a handful.
const MAX_ROUNDS: usize = 2_000;

/// Who has a need: an owned [`Consumer`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    App(usize),
    Release(PackageRef, Version),
}

impl Owner {
    fn of(consumer: &Consumer<'_>) -> Self {
        match *consumer {
            Consumer::App(at) => Self::App(at),
            Consumer::Release(package, version) => Self::Release(package.clone(), version.clone()),
        }
    }
}

type Need = (Owner, PackageRef, VersionReq);

/// A need that some releases do not fit.
#[derive(Debug, Clone)]
pub(crate) struct Narrowed {
    /// The releases that match the requirement and fit, as far as is known.
    pub(crate) admitted: VersionSet,
    /// Those that do not fit, without build metadata, and why.
    pub(crate) misfits: BTreeMap<Version, Mismatch>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Learned {
    narrowed: HashMap<Need, Narrowed>,
    asked: HashSet<(Need, Version)>,
    rounds: usize,
}

impl Learned {
    /// Whether everything that was asked about fits.
    pub(crate) fn is_empty(&self) -> bool {
        self.narrowed.is_empty()
    }

    /// What was found out about a need, if anything does not fit it.
    pub(crate) fn narrowed(
        &self,
        consumer: Consumer<'_>,
        package: &PackageRef,
        req: &VersionReq,
    ) -> Option<&Narrowed> {
        if self.narrowed.is_empty() {
            return None;
        }
        self.narrowed.get(&(Owner::of(&consumer), package.clone(), req.clone()))
    }

    /// The versions that a need admits: those that match its requirement, without those that do not fit.
    pub(crate) fn admitted(
        &self,
        consumer: Consumer<'_>,
        package: &PackageRef,
        req: &VersionReq,
    ) -> VersionSet {
        let narrowed = self.narrowed(consumer, package, req);
        narrowed.map_or_else(|| VersionSet::of(req), |narrowed| narrowed.admitted.clone())
    }

    /// Lets what does not fit one of the app's requirements not fit another one of the same consumer either.
    pub(crate) fn carry_over(&mut self, at: usize, package: &PackageRef, from: &VersionReq, to: &VersionReq) {
        let misfits =
            self.narrowed(Consumer::App(at), package, from).map(|narrowed| narrowed.misfits.clone());
        for (version, mismatch) in misfits.into_iter().flatten() {
            self.take_out((Owner::App(at), package.clone(), to.clone()), &version, mismatch);
        }
    }

    fn take_out(&mut self, need: Need, version: &Version, mismatch: Mismatch) {
        let set = VersionSet::of(&need.2);
        let narrowed =
            self.narrowed.entry(need).or_insert(Narrowed { admitted: set, misfits: BTreeMap::new() });
        narrowed.admitted = narrowed.admitted.without(version);
        narrowed.misfits.insert(key_of(version), mismatch);
    }
}

impl Solver<'_> {
    /// Asks whether everything in an answer fits by its types, and remembers what does not.
    pub(crate) fn fits(&self, resolution: &Resolution) -> Result<bool, Failure> {
        let wires = self.unasked(resolution);
        if wires.is_empty() {
            return Ok(true);
        }
        let answers = self.index.check(&wires);
        if answers.iter().all(|fit| *fit == Fit::Fits) {
            return Ok(true);
        }
        for (wire, fit) in wires.iter().zip(&answers) {
            if let Fit::Unusable(Reason::Unreachable(reason)) = fit {
                return Err(self.unreachable(wire.package, Some(wire.version.clone()), reason));
            }
        }
        let mut memory = self.memory.borrow_mut();
        for (wire, fit) in wires.into_iter().zip(answers) {
            let need = (Owner::of(&wire.consumer), wire.package.clone(), wire.req.clone());
            match fit {
                Fit::Fits => {}
                Fit::Mismatch(mismatch) => {
                    memory.learned.take_out(need.clone(), wire.version, mismatch);
                }
                Fit::Unusable(reason) => memory.rule_out(wire.package, wire.version, reason),
            }
            memory.learned.asked.insert((need, wire.version.clone()));
        }
        memory.learned.rounds += 1;
        if memory.learned.rounds > MAX_ROUNDS { Err(Failure::GaveUp { package: None }) } else { Ok(false) }
    }

    /// The wires of an answer that were not asked about yet.
    fn unasked<'r>(&self, resolution: &'r Resolution) -> Vec<Wire<'r>> {
        let roots = resolution.requirements.iter().zip(&resolution.roots).enumerate();
        let roots = roots.map(|(at, (asked, version))| Wire {
            consumer: Consumer::App(at),
            req: &asked.req,
            package: &asked.package,
            version,
        });
        let links = resolution.packages.iter().flat_map(|release| {
            let consumer = Consumer::Release(&release.package, &release.version);
            release.dependencies.iter().map(move |link| Wire {
                consumer,
                req: &link.req,
                package: &link.package,
                version: &link.version,
            })
        });
        // A release that needs itself is a circle, whatever its types.
        let others = links.filter(|wire| wire.consumer != Consumer::Release(wire.package, wire.version));
        let asked = &self.memory.borrow().learned.asked;
        let is_new = |wire: &Wire<'_>| {
            let need = || (Owner::of(&wire.consumer), wire.package.clone(), wire.req.clone());
            asked.is_empty() || !asked.contains(&(need(), wire.version.clone()))
        };
        roots.chain(others).filter(is_new).collect()
    }
}
