//! `wasi:keyvalue@0.2.0-draft2`, over the same stores.

use wasmtime::{
    Result, StoreContextMut,
    component::{ComponentType, Lift, Linker, Lower, Resource, ResourceType},
};

use super::{
    key_value::{Refusal, methods, open, opened},
    store::Store,
};
use crate::instance::State;

pub(super) const STORE: &str = "wasi:keyvalue/store@0.2.0-draft2";
pub(super) const BATCH: &str = "wasi:keyvalue/batch@0.2.0-draft2";
pub(super) const ATOMICS: &str = "wasi:keyvalue/atomics@0.2.0-draft2";

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "no-such-store")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "other")]
    Other(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied => Self::AccessDenied,
            Refusal::Full => Self::Other("too many stores are open".to_owned()),
            Refusal::Other(text) => Self::Other(text),
        }
    }
}

/// Keys, and where the next ones are: nowhere, for all are in the first answer.
#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct KeyResponse {
    keys: Vec<String>,
    cursor: Option<String>,
}

/// A key with the value that it had.
pub(crate) struct Cas {
    store: Store,
    key: String,
    value: Option<Vec<u8>>,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum CasError {
    #[component(name = "store-error")]
    Store(Error),
    #[component(name = "cas-failed")]
    Failed(Resource<Cas>),
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    store(linker)?;
    batch(linker)?;
    atomics(linker)
}

fn store(linker: &mut Linker<State>) -> Result<()> {
    let mut instance = linker.instance(STORE)?;
    instance.func_wrap("open", |mut store: StoreContextMut<'_, State>, (label,): (String,)| {
        Ok((open(store.data_mut(), &label).map_err(Error::from),))
    })?;
    methods::<Error>(&mut instance, "bucket")?;
    instance.func_wrap_async(
        "[method]bucket.list-keys",
        |mut store, (this, cursor): (Resource<Store>, Option<String>)| {
            Box::new(async move {
                let store = opened(store.data_mut().table(), &this)?;
                if cursor.is_some() {
                    return Ok((Err(Error::Other("there is no such cursor".to_owned())),));
                }
                let keys = store.keys().await.map_err(Error::Other);
                Ok((keys.map(|keys| KeyResponse { keys, cursor: None }),))
            })
        },
    )
}

fn batch(linker: &mut Linker<State>) -> Result<()> {
    let mut instance = linker.instance(BATCH)?;
    instance.func_wrap_async("get-many", |mut store, (this, keys): (Resource<Store>, Vec<String>)| {
        Box::new(async move {
            let store = opened(store.data_mut().table(), &this)?;
            Ok((store.get_many(keys).await.map_err(Error::Other),))
        })
    })?;
    instance.func_wrap_async(
        "set-many",
        |mut store, (this, pairs): (Resource<Store>, Vec<(String, Vec<u8>)>)| {
            Box::new(async move {
                let store = opened(store.data_mut().table(), &this)?;
                Ok((store.set(pairs).await.map_err(Error::Other),))
            })
        },
    )?;
    instance.func_wrap_async("delete-many", |mut store, (this, keys): (Resource<Store>, Vec<String>)| {
        Box::new(async move {
            let store = opened(store.data_mut().table(), &this)?;
            Ok((store.delete(keys).await.map_err(Error::Other),))
        })
    })
}

fn atomics(linker: &mut Linker<State>) -> Result<()> {
    let mut instance = linker.instance(ATOMICS)?;
    instance.resource("cas", ResourceType::host::<Cas>(), |mut store, rep| {
        store.data_mut().table().delete(Resource::<Cas>::new_own(rep))?;
        Ok(())
    })?;
    instance.func_wrap_async("[static]cas.new", |mut store, (this, key): (Resource<Store>, String)| {
        Box::new(async move {
            let opened = opened(store.data_mut().table(), &this)?;
            Ok((match opened.get(key.clone()).await {
                Ok(value) => {
                    let cas = store.data_mut().table().push(Cas { store: opened, key, value });
                    cas.map_err(|_| Error::from(Refusal::Full))
                }
                Err(text) => Err(Error::Other(text)),
            },))
        })
    })?;
    instance.func_wrap(
        "[method]cas.current",
        |mut store: StoreContextMut<'_, State>, (this,): (Resource<Cas>,)| {
            let value = store.data_mut().table().get(&this)?.value.clone();
            Ok((Ok::<_, Error>(value),))
        },
    )?;
    instance.func_wrap_async("swap", |mut store, (this, value): (Resource<Cas>, Vec<u8>)| {
        Box::new(async move {
            let cas = store.data_mut().table().delete(this)?;
            let swapped = cas.store.swap(cas.key.clone(), cas.value, value).await;
            Ok((match swapped {
                Ok(true) => Ok(()),
                // A handle to try again with, at the value that is there now.
                Ok(false) => match cas.store.get(cas.key.clone()).await {
                    Ok(value) => {
                        let again = Cas { store: cas.store, key: cas.key, value };
                        Err(CasError::Failed(store.data_mut().table().push(again)?))
                    }
                    Err(text) => Err(CasError::Store(Error::Other(text))),
                },
                Err(text) => Err(CasError::Store(Error::Other(text))),
            },))
        })
    })?;
    instance.func_wrap_async("increment", |mut store, (this, key, delta): (Resource<Store>, String, i64)| {
        Box::new(async move {
            let store = opened(store.data_mut().table(), &this)?;
            Ok((store.increment(key, delta).await.map_err(Error::Other),))
        })
    })
}
