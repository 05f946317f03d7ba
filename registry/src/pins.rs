//! The keys that a lockfile says must answer for a package.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use wasm_pkg_common::package::PackageRef;
use wasm_pkg_common::registry::Registry;

use crate::error::{Error, SignerChange};
use crate::source::Signers;

/// What is expected of the logs of warg registries, by registry and package.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<BTreeMap<(String, String), Signers>>);

impl Pins {
    /// Expects these signers from now on. The first expectation stays.
    pub(crate) fn expect(&self, registry: &Registry, package: &PackageRef, signers: Signers) {
        let key = (registry.to_string(), package.to_string());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(signers);
    }

    /// Whether it is known who must answer for the package.
    #[cfg_attr(not(feature = "warg"), expect(dead_code, reason = "only warg registries have signers"))]
    pub(crate) fn has(&self, registry: &Registry, package: &PackageRef) -> bool {
        let key = (registry.to_string(), package.to_string());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key)
    }

    /// Fails if these are not the signers that are expected. Of a package of which nothing is known, the operator
    /// must be the one of the registry's other packages.
    #[cfg_attr(not(feature = "warg"), expect(dead_code, reason = "only warg registries have signers"))]
    pub(crate) fn check(
        &self,
        registry: &Registry,
        package: &PackageRef,
        signers: &Signers,
    ) -> Result<(), Error> {
        let key = (registry.to_string(), package.to_string());
        let pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_package = pins.get_key_value(&key);
        let of_registry = || pins.iter().find(|((name, _), _)| *name == key.0);
        let Some(((_, pinned), expected)) = of_package.or_else(of_registry) else {
            return Ok(());
        };
        let changed = |log: String, locked: &str, now: &str| {
            Error::SignerChanged(Box::new(SignerChange {
                registry: key.0.clone(),
                log,
                package: pinned.clone(),
                locked: locked.to_owned(),
                now: now.to_owned(),
            }))
        };
        if expected.operator != signers.operator {
            return Err(changed("the operator's log".to_owned(), &expected.operator, &signers.operator));
        }
        if of_package.is_some() && expected.author != signers.author {
            return Err(changed(format!("the log of {pinned}"), &expected.author, &signers.author));
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "warg"))]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_expected_of_the_whole_registry_and_the_author_of_the_package() {
        let registry = |name: &str| name.parse::<Registry>().unwrap();
        let package = |name: &str| name.parse::<PackageRef>().unwrap();
        let signers =
            |operator: &str, author: &str| Signers { operator: operator.into(), author: author.into() };
        let pins = Pins::default();
        pins.expect(&registry("a.example"), &package("acme:base"), signers("op", "ann"));
        pins.expect(&registry("a.example"), &package("acme:base"), signers("later", "later"));
        let check = |at: &str, name: &str, who: &Signers| {
            pins.check(&registry(at), &package(name), who).map_err(|error| error.to_string())
        };
        assert_eq!(check("a.example", "acme:base", &signers("op", "ann")), Ok(()));
        assert_eq!(check("a.example", "acme:other", &signers("op", "bob")), Ok(()));
        assert_eq!(check("b.example", "acme:base", &signers("x", "y")), Ok(()));
        assert_eq!(
            check("a.example", "acme:base", &signers("op", "eve")).unwrap_err(),
            "the log of acme:base at registry `a.example` is signed by another key than when acme:base was locked"
        );
        assert_eq!(
            check("a.example", "acme:other", &signers("eve", "ann")).unwrap_err(),
            "the operator's log at registry `a.example` is signed by another key than when acme:base was locked"
        );
    }
}
