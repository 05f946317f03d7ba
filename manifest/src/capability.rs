//! Capabilities, and which of them a dependency gets.
//!
//! A component may read files, call hosts, open stores. What it composes in may do so only as far
//! as `inherit_configuration` says, per dependency, or `dependencies_inherit_configuration`, for
//! all. The keys are those of the component's own fields. Spin ignores a key that it does not know,
//! so that a typo denies in silence; here it is an error.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// One kind of resource that a component can pass on to its dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// `ai_models`
    AiModels,
    /// `allowed_outbound_hosts`
    AllowedOutboundHosts,
    /// `environment`
    Environment,
    /// `files`
    Files,
    /// `key_value_stores`
    KeyValueStores,
    /// `sqlite_databases`
    SqliteDatabases,
    /// `variables`
    Variables,
}

impl Capability {
    /// Every capability, in the order of the keys.
    pub const ALL: [Self; 7] = [
        Self::AiModels,
        Self::AllowedOutboundHosts,
        Self::Environment,
        Self::Files,
        Self::KeyValueStores,
        Self::SqliteDatabases,
        Self::Variables,
    ];

    /// The key in `inherit_configuration`, which is also the component's field.
    pub const fn key(self) -> &'static str {
        match self {
            Self::AiModels => "ai_models",
            Self::AllowedOutboundHosts => "allowed_outbound_hosts",
            Self::Environment => "environment",
            Self::Files => "files",
            Self::KeyValueStores => "key_value_stores",
            Self::SqliteDatabases => "sqlite_databases",
            Self::Variables => "variables",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The key is not that of a capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown capability `{0}`")]
pub struct UnknownCapability(pub String);

impl UnknownCapability {
    /// The capability that was probably meant, else all that there are.
    pub fn hint(&self) -> Option<String> {
        let keys = Capability::ALL.map(Capability::key);
        crate::error::did_you_mean(&self.0, keys)
            .or_else(|| Some(format!("the capabilities are {}", crate::error::quoted_list(&keys))))
    }
}

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|c| c.key() == key).ok_or_else(|| UnknownCapability(key.to_owned()))
    }
}

/// `inherit_configuration` of one dependency, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Inherit {
    /// Not written, which passes nothing on unless the component says otherwise for all.
    #[default]
    Default,
    /// `true`: all that the component has. `false`: nothing.
    All(bool),
    /// The listed capabilities.
    Only(Vec<Capability>),
}

/// What a dependency may reach of what its component may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// All of it.
    All,
    /// The listed capabilities; the empty set is nothing at all.
    Only(BTreeSet<Capability>),
}

impl Grant {
    /// A grant of nothing.
    pub const fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Whether the capability is passed on.
    pub fn allows(&self, capability: Capability) -> bool {
        match self {
            Self::All => true,
            Self::Only(set) => set.contains(&capability),
        }
    }
}

impl From<&Inherit> for Grant {
    fn from(inherit: &Inherit) -> Self {
        match inherit {
            Inherit::All(true) => Self::All,
            Inherit::Default | Inherit::All(false) => Self::none(),
            Inherit::Only(list) => Self::Only(list.iter().copied().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip() {
        for capability in Capability::ALL {
            assert_eq!(capability.to_string().parse(), Ok(capability));
        }
    }

    #[test]
    fn a_typo_gets_a_hint() {
        let error = "enviroment".parse::<Capability>().unwrap_err();
        assert_eq!(error.hint().as_deref(), Some("did you mean `environment`?"));
    }

    #[test]
    fn grants() {
        assert_eq!(Grant::from(&Inherit::Default), Grant::none());
        assert_eq!(Grant::from(&Inherit::All(false)), Grant::none());
        assert!(Grant::from(&Inherit::All(true)).allows(Capability::Files));
        let some = Grant::from(&Inherit::Only(vec![Capability::Files]));
        assert!(some.allows(Capability::Files) && !some.allows(Capability::Variables));
    }
}
