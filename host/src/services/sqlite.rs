//! Spin's SQLite interfaces, in three generations: with numbers as handles, with resources, and with asynchronous
//! functions beside the others.

use wasmtime::{
    Result, StoreContextMut,
    component::{Accessor, FutureReader, Linker, LinkerInstance, Resource, ResourceType, StreamReader},
};

use super::database::{Database, Error, Value};
use crate::instance::State;

pub(super) const FERMYON_1: &str = "fermyon:spin/sqlite";
pub(super) const FERMYON_2: &str = "fermyon:spin/sqlite@2.0.0";
pub(super) const SPIN: &str = "spin:sqlite/sqlite@3.1.0";

/// The number of connections that one instance may have open, each of which is a connection of SQLite.
const CONNECTIONS: usize = 64;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    first(&mut linker.instance(FERMYON_1)?)?;
    resource(&mut linker.instance(FERMYON_2)?)?;
    let mut spin = linker.instance(SPIN)?;
    resource(&mut spin)?;
    last_change(&mut spin)?;
    asynchronous(&mut spin)
}

/// Connects to a database, as far as the component may.
async fn connect(databases: Option<super::Databases>, label: String) -> Result<Database, Error> {
    match databases {
        Some(databases) => databases.connect(label).await,
        None => Err(Error::AccessDenied),
    }
}

/// Keeps a connection for the instance.
fn keep(state: &mut State, connected: Result<Database, Error>) -> Result<Resource<Database>, Error> {
    let connected = connected?;
    let opened = state.connections();
    if *opened >= CONNECTIONS {
        return Err(Error::Io(format!("more than {CONNECTIONS} connections are open")));
    }
    *opened += 1;
    state.table().push(connected).map_err(|error| Error::Io(error.to_string()))
}

fn close(state: &mut State, handle: Resource<Database>) -> Result<()> {
    state.table().delete(handle)?;
    *state.connections() -= 1;
    Ok(())
}

fn opened(state: &mut State, handle: &Resource<Database>) -> Result<Database> {
    Ok(state.table().get(handle)?.clone())
}

/// `fermyon:spin/sqlite`, whose handles are numbers that a guest can make up.
fn first(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_wrap_async("open", |mut store, (label,): (String,)| {
        Box::new(async move {
            let databases = store.data().services().databases(&label);
            let connected = connect(databases, label).await;
            Ok((keep(store.data_mut(), connected).map(|handle| handle.rep()),))
        })
    })?;
    instance.func_wrap("close", |mut store: StoreContextMut<'_, State>, (handle,): (u32,)| {
        // A handle that is none is nothing to close.
        let _ = close(store.data_mut(), Resource::new_own(handle));
        Ok(())
    })?;
    instance.func_wrap_async(
        "execute",
        |mut store, (handle, statement, parameters): (u32, String, Vec<Value>)| {
            Box::new(async move {
                Ok((match opened(store.data_mut(), &Resource::new_borrow(handle)) {
                    Ok(database) => database.execute(statement, parameters).await,
                    Err(_) => Err(Error::InvalidConnection),
                },))
            })
        },
    )
}

/// The resource with what `fermyon:spin@2.0.0` has.
fn resource(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.resource("connection", ResourceType::host::<Database>(), |mut store, rep| {
        close(store.data_mut(), Resource::new_own(rep))
    })?;
    instance.func_wrap_async("[static]connection.open", |mut store, (label,): (String,)| {
        Box::new(async move {
            let databases = store.data().services().databases(&label);
            let connected = connect(databases, label).await;
            Ok((keep(store.data_mut(), connected),))
        })
    })?;
    instance.func_wrap_async(
        "[method]connection.execute",
        |mut store, (this, statement, parameters): (Resource<Database>, String, Vec<Value>)| {
            Box::new(async move {
                let database = opened(store.data_mut(), &this)?;
                Ok((database.execute(statement, parameters).await,))
            })
        },
    )
}

/// What `spin:sqlite@3.0.0` adds.
fn last_change(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_wrap_async(
        "[method]connection.last-insert-rowid",
        |mut store, (this,): (Resource<Database>,)| {
            Box::new(async move {
                Ok((opened(store.data_mut(), &this)?.last_insert_rowid().await.unwrap_or_default(),))
            })
        },
    )?;
    instance.func_wrap_async("[method]connection.changes", |mut store, (this,): (Resource<Database>,)| {
        Box::new(async move { Ok((opened(store.data_mut(), &this)?.changes().await.unwrap_or_default(),)) })
    })
}

/// What `spin:sqlite@3.1.0` adds.
fn asynchronous(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    fn opened(accessor: &Accessor<State>, handle: &Resource<Database>) -> Result<Database> {
        accessor.with(|mut access| self::opened(access.get(), handle))
    }
    instance.func_wrap_concurrent(
        "[static]connection.open-async",
        |accessor: &Accessor<State>, (label,): (String,)| {
            Box::pin(async move {
                let databases = accessor.with(|mut access| access.get().services().databases(&label));
                let connected = connect(databases, label).await;
                Ok((accessor.with(|mut access| keep(access.get(), connected)),))
            })
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]connection.execute-async",
        |accessor, (this, statement, parameters): (Resource<Database>, String, Vec<Value>)| {
            Box::pin(async move {
                let answer = match opened(accessor, &this)?.execute(statement, parameters).await {
                    Ok(answer) => answer,
                    Err(error) => return Ok((Err(error),)),
                };
                let streamed = accessor.with(|mut access| {
                    let rows = StreamReader::new(&mut access, answer.rows)?;
                    let end = async { Ok::<_, wasmtime::Error>(Ok::<(), Error>(())) };
                    let end = FutureReader::new(&mut access, end)?;
                    Ok::<_, wasmtime::Error>((answer.columns, rows, end))
                })?;
                Ok((Ok(streamed),))
            })
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]connection.last-insert-rowid-async",
        |accessor, (this,): (Resource<Database>,)| {
            Box::pin(
                async move { Ok((opened(accessor, &this)?.last_insert_rowid().await.unwrap_or_default(),)) },
            )
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]connection.changes-async",
        |accessor, (this,): (Resource<Database>,)| {
            Box::pin(async move { Ok((opened(accessor, &this)?.changes().await.unwrap_or_default(),)) })
        },
    )
}
