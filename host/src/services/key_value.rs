//! Spin's key-value stores, in three generations: with numbers as handles, with resources, and asynchronous.

use wasmtime::{
    Result, StoreContextMut,
    component::{
        Accessor, ComponentType, FutureReader, Lift, Linker, LinkerInstance, Lower, Resource, ResourceTable,
        ResourceType, StreamReader,
    },
};

use super::store::Store;
use crate::instance::State;

pub(super) const FERMYON_1: &str = "fermyon:spin/key-value";
pub(super) const FERMYON_2: &str = "fermyon:spin/key-value@2.0.0";
pub(super) const SPIN: &str = "spin:key-value/key-value@3.0.0";

/// Why something did not work, for an interface to say in its own words.
pub(super) enum Refusal {
    /// The component does not declare the store.
    Denied,
    /// The instance has too many things open.
    Full,
    /// What the store says.
    Other(String),
}

#[derive(Clone, Debug, ComponentType, Lift, Lower, PartialEq)]
#[component(variant)]
enum Error {
    #[component(name = "store-table-full")]
    StoreTableFull,
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
            Refusal::Full => Self::StoreTableFull,
            Refusal::Other(text) => Self::Other(text),
        }
    }
}

#[derive(Clone, Debug, ComponentType, Lift, Lower, PartialEq)]
#[component(variant)]
enum FirstError {
    #[component(name = "store-table-full")]
    StoreTableFull,
    #[component(name = "no-such-store")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "invalid-store")]
    InvalidStore,
    #[component(name = "no-such-key")]
    NoSuchKey,
    #[component(name = "io")]
    Io(String),
}

impl From<Refusal> for FirstError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied => Self::AccessDenied,
            Refusal::Full => Self::StoreTableFull,
            Refusal::Other(text) => Self::Io(text),
        }
    }
}

/// An error of an interface with stores.
pub(super) trait Failure: From<Refusal> + ComponentType + Lower + Send + Sync + 'static {}
impl<T: From<Refusal> + ComponentType + Lower + Send + Sync + 'static> Failure for T {}

/// Opens a store for the instance.
pub(super) fn open(state: &mut State, label: &str) -> Result<Resource<Store>, Refusal> {
    let store = state.services().store(label).ok_or(Refusal::Denied)?;
    state.table().push(store).map_err(|_| Refusal::Full)
}

pub(super) fn opened(table: &ResourceTable, handle: &Resource<Store>) -> Result<Store> {
    Ok(table.get(handle)?.clone())
}

pub(super) fn close(mut store: StoreContextMut<'_, State>, rep: u32) -> Result<()> {
    store.data_mut().table().delete(Resource::<Store>::new_own(rep))?;
    Ok(())
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    first(&mut linker.instance(FERMYON_1)?)?;

    let mut instance = linker.instance(FERMYON_2)?;
    instance.func_wrap(
        "[static]store.open",
        |mut store: StoreContextMut<'_, State>, (label,): (String,)| {
            Ok((open(store.data_mut(), &label).map_err(Error::from),))
        },
    )?;
    methods::<Error>(&mut instance, "store")?;
    instance.func_wrap_async("[method]store.get-keys", |mut store, (this,): (Resource<Store>,)| {
        Box::new(async move {
            let store = opened(store.data_mut().table(), &this)?;
            Ok((store.keys().await.map_err(Error::Other),))
        })
    })?;

    asynchronous(&mut linker.instance(SPIN)?)
}

/// The resource and the four methods that `fermyon:spin` and `wasi:keyvalue` have in common.
pub(super) fn methods<E: Failure>(instance: &mut LinkerInstance<'_, State>, resource: &str) -> Result<()> {
    fn failed<E: Failure>(text: String) -> E {
        Refusal::Other(text).into()
    }
    instance.resource(resource, ResourceType::host::<Store>(), close)?;
    instance.func_wrap_async(
        &format!("[method]{resource}.get"),
        |mut store, (this, key): (Resource<Store>, String)| {
            Box::new(async move {
                let store = opened(store.data_mut().table(), &this)?;
                Ok((store.get(key).await.map_err(failed::<E>),))
            })
        },
    )?;
    instance.func_wrap_async(
        &format!("[method]{resource}.set"),
        |mut store, (this, key, value): (Resource<Store>, String, Vec<u8>)| {
            Box::new(async move {
                let store = opened(store.data_mut().table(), &this)?;
                Ok((store.set(vec![(key, value)]).await.map_err(failed::<E>),))
            })
        },
    )?;
    instance.func_wrap_async(
        &format!("[method]{resource}.delete"),
        |mut store, (this, key): (Resource<Store>, String)| {
            Box::new(async move {
                let store = opened(store.data_mut().table(), &this)?;
                Ok((store.delete(vec![key]).await.map_err(failed::<E>),))
            })
        },
    )?;
    instance.func_wrap_async(
        &format!("[method]{resource}.exists"),
        |mut store, (this, key): (Resource<Store>, String)| {
            Box::new(async move {
                let store = opened(store.data_mut().table(), &this)?;
                Ok((store.exists(key).await.map_err(failed::<E>),))
            })
        },
    )
}

/// `fermyon:spin/key-value`, whose handles are numbers that a guest can make up.
fn first(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    fn opened(state: &mut State, handle: u32) -> Result<Store, FirstError> {
        let found = state.table().get(&Resource::<Store>::new_borrow(handle));
        found.cloned().map_err(|_| FirstError::InvalidStore)
    }
    instance.func_wrap("open", |mut store: StoreContextMut<'_, State>, (label,): (String,)| {
        let opened = open(store.data_mut(), &label).map_err(FirstError::from);
        Ok((opened.map(|handle| handle.rep()),))
    })?;
    instance.func_wrap("close", |mut store: StoreContextMut<'_, State>, (handle,): (u32,)| {
        // A handle that is none is nothing to close.
        let _ = store.data_mut().table().delete(Resource::<Store>::new_own(handle));
        Ok(())
    })?;
    instance.func_wrap_async("get", |mut store, (handle, key): (u32, String)| {
        Box::new(async move {
            let store = match opened(store.data_mut(), handle) {
                Ok(store) => store,
                Err(error) => return Ok((Err(error),)),
            };
            let found = store.get(key).await.map_err(FirstError::Io);
            Ok((found.and_then(|value| value.ok_or(FirstError::NoSuchKey)),))
        })
    })?;
    instance.func_wrap_async("set", |mut store, (handle, key, value): (u32, String, Vec<u8>)| {
        Box::new(async move {
            Ok((match opened(store.data_mut(), handle) {
                Ok(store) => store.set(vec![(key, value)]).await.map_err(FirstError::Io),
                Err(error) => Err(error),
            },))
        })
    })?;
    instance.func_wrap_async("delete", |mut store, (handle, key): (u32, String)| {
        Box::new(async move {
            Ok((match opened(store.data_mut(), handle) {
                Ok(store) => store.delete(vec![key]).await.map_err(FirstError::Io),
                Err(error) => Err(error),
            },))
        })
    })?;
    instance.func_wrap_async("exists", |mut store, (handle, key): (u32, String)| {
        Box::new(async move {
            Ok((match opened(store.data_mut(), handle) {
                Ok(store) => store.exists(key).await.map_err(FirstError::Io),
                Err(error) => Err(error),
            },))
        })
    })?;
    instance.func_wrap_async("get-keys", |mut store, (handle,): (u32,)| {
        Box::new(async move {
            Ok((match opened(store.data_mut(), handle) {
                Ok(store) => store.keys().await.map_err(FirstError::Io),
                Err(error) => Err(error),
            },))
        })
    })
}

/// `spin:key-value`, whose functions are asynchronous.
fn asynchronous(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    fn opened(accessor: &Accessor<State>, handle: &Resource<Store>) -> Result<Store> {
        accessor.with(|mut access| self::opened(access.get().table(), handle))
    }
    instance.resource("store", ResourceType::host::<Store>(), close)?;
    instance.func_wrap_concurrent(
        "[static]store.open",
        |accessor: &Accessor<State>, (label,): (String,)| {
            Box::pin(async move {
                Ok((accessor.with(|mut access| open(access.get(), &label).map_err(Error::from)),))
            })
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]store.get",
        |accessor, (this, key): (Resource<Store>, String)| {
            Box::pin(async move { Ok((opened(accessor, &this)?.get(key).await.map_err(Error::Other),)) })
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]store.set",
        |accessor, (this, key, value): (Resource<Store>, String, Vec<u8>)| {
            Box::pin(async move {
                Ok((opened(accessor, &this)?.set(vec![(key, value)]).await.map_err(Error::Other),))
            })
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]store.delete",
        |accessor, (this, key): (Resource<Store>, String)| {
            Box::pin(
                async move { Ok((opened(accessor, &this)?.delete(vec![key]).await.map_err(Error::Other),)) },
            )
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]store.exists",
        |accessor, (this, key): (Resource<Store>, String)| {
            Box::pin(async move { Ok((opened(accessor, &this)?.exists(key).await.map_err(Error::Other),)) })
        },
    )?;
    instance.func_wrap_concurrent("[method]store.get-keys", |accessor, (this,): (Resource<Store>,)| {
        Box::pin(async move {
            let (keys, result) = match opened(accessor, &this)?.keys().await {
                Ok(keys) => (keys, Ok(())),
                Err(text) => (Vec::new(), Err(Error::Other(text))),
            };
            let answer = accessor.with(|mut access| {
                let keys = StreamReader::new(&mut access, keys)?;
                let result = async move { Ok::<_, wasmtime::Error>(result) };
                Ok::<_, wasmtime::Error>((keys, FutureReader::new(&mut access, result)?))
            })?;
            Ok((answer,))
        })
    })
}
