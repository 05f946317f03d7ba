//! The application's variables, through the four interfaces by which components ask for them.
//!
//! `fermyon:spin/variables@2.0.0` and `spin:variables/variables@3.0.0` have the same errors; the second one's function
//! is asynchronous. `wasi:config/store@0.2.0-draft-2024-09-27` knows no undefined keys, only absent ones.
//! `fermyon:spin/config` is the first of them all, with errors of its own.

use std::collections::BTreeMap;

use wasmtime::{
    Result, StoreContextMut,
    component::{Accessor, ComponentType, Lift, Linker, Lower},
};

use crate::instance::State;

pub(super) const CONFIG: &str = "fermyon:spin/config";
pub(super) const FERMYON: &str = "fermyon:spin/variables@2.0.0";
pub(super) const SPIN: &str = "spin:variables/variables@3.0.0";
pub(super) const WASI: &str = "wasi:config/store@0.2.0-draft-2024-09-27";

#[derive(Clone, Debug, ComponentType, Lift, Lower, PartialEq)]
#[component(variant)]
enum VariableError {
    #[component(name = "invalid-name")]
    InvalidName(String),
    #[component(name = "undefined")]
    Undefined(String),
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "other")]
    Other(String),
}

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum ConfigError {
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "invalid-key")]
    InvalidKey(String),
    #[component(name = "invalid-schema")]
    InvalidSchema(String),
    #[component(name = "other")]
    Other(String),
}

impl From<VariableError> for ConfigError {
    fn from(error: VariableError) -> Self {
        match error {
            VariableError::InvalidName(name) | VariableError::Undefined(name) => Self::InvalidKey(name),
            VariableError::Provider(text) => Self::Provider(text),
            VariableError::Other(text) => Self::Other(text),
        }
    }
}

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum StoreError {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    Io(String),
}

type Pairs = Vec<(String, String)>;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.instance(CONFIG)?.func_wrap(
        "get-config",
        |store: StoreContextMut<'_, State>, (key,): (String,)| {
            Ok((get(store.data().services().variables(), &key).map_err(ConfigError::from),))
        },
    )?;
    linker.instance(FERMYON)?.func_wrap("get", |store: StoreContextMut<'_, State>, (name,): (String,)| {
        Ok((get(store.data().services().variables(), &name),))
    })?;
    linker.instance(SPIN)?.func_wrap_concurrent(
        "get",
        |accessor: &Accessor<State>, (name,): (String,)| {
            Box::pin(async move {
                Ok((accessor.with(|mut access| get(access.get().services().variables(), &name)),))
            })
        },
    )?;
    let mut store = linker.instance(WASI)?;
    store.func_wrap("get", |store: StoreContextMut<'_, State>, (key,): (String,)| {
        Ok((Ok::<_, StoreError>(store.data().services().variables().get(&key).cloned()),))
    })?;
    store.func_wrap("get-all", |store: StoreContextMut<'_, State>, (): ()| {
        let all: Pairs = store
            .data()
            .services()
            .variables()
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        Ok((Ok::<_, StoreError>(all),))
    })
}

/// Spin's rule for a name: letters in lower case, digits and `_`, beginning with a letter.
fn get(variables: &BTreeMap<String, String>, name: &str) -> Result<String, VariableError> {
    let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !valid {
        return Err(VariableError::InvalidName(name.to_owned()));
    }
    variables.get(name).cloned().ok_or_else(|| VariableError::Undefined(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_before_they_are_looked_up() {
        let variables = BTreeMap::from([("api_key2".to_owned(), "secret".to_owned())]);
        assert_eq!(get(&variables, "api_key2"), Ok("secret".to_owned()));
        assert_eq!(get(&variables, "other"), Err(VariableError::Undefined("other".to_owned())));
        for name in ["", "Api", "2fast", "_x", "a-b", "ä"] {
            assert_eq!(get(&variables, name), Err(VariableError::InvalidName(name.to_owned())));
        }
    }
}
