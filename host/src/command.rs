//! Components that run to an end: those of `[[trigger.command]]`, which export `wasi:cli/run`.

use wasmtime::{
    Store,
    component::{Component, Linker},
};
use wasmtime_wasi::{I32Exit, p2, p3};

use crate::{
    error::HostError,
    instance::{State, Template},
    link,
    output::Stream,
    trap,
};

/// A command that can be instantiated.
#[derive(Clone)]
pub(crate) enum CommandPre {
    P2(p2::bindings::CommandPre<State>),
    P3(p3::bindings::CommandPre<State>),
}

/// Resolves the imports of the component `id` and finds what to run.
pub(crate) fn prepare(
    id: &str,
    component: &Component,
    linker: &Linker<State>,
) -> Result<CommandPre, HostError> {
    let ty = component.component_type();
    let generations = ty.exports(component.engine()).filter_map(|(name, _)| {
        let (path, version) = name.split_once('@')?;
        if path == "wasi:cli/run" { link::release(version) } else { None }
    });
    let generations: Vec<_> = generations.collect();
    let misfit =
        |error: wasmtime::Error| HostError::Link { component: id.to_owned(), reason: format!("{error:#}") };
    if generations.contains(&(0, 3)) {
        p3::bindings::CommandPre::new(link::resolve(id, component, linker)?)
            .map(CommandPre::P3)
            .map_err(misfit)
    } else if generations.contains(&(0, 2)) {
        p2::bindings::CommandPre::new(link::resolve(id, component, linker)?)
            .map(CommandPre::P2)
            .map_err(misfit)
    } else {
        Err(HostError::NoCommand { component: id.to_owned() })
    }
}

/// Runs a command to its end, and tells its exit status.
///
/// # Errors
/// When it cannot be instantiated, or traps, which also goes to the output.
pub(crate) async fn run(template: &Template<CommandPre>) -> Result<i32, HostError> {
    let trapped = |reason| HostError::CommandTrapped { component: template.id().to_owned(), reason };
    let mut store = template.new_store().await.map_err(|error| trapped(trap::reason(&error)))?;
    match call(template.pre(), &mut store).await {
        Ok(result) => Ok(i32::from(result.is_err())),
        Err(error) => {
            // An exit is an error to wasmtime, since it ends the guest as a trap does.
            if let Some(I32Exit(status)) = error.downcast_ref() {
                return Ok(*status);
            }
            template.say(Stream::Trap, &trap::report(&error, store.data().limits()));
            Err(trapped(trap::reason(&error)))
        }
    }
}

async fn call(command: &CommandPre, store: &mut Store<State>) -> wasmtime::Result<Result<(), ()>> {
    match command {
        CommandPre::P2(pre) => {
            let command = pre.instantiate_async(&mut *store).await?;
            command.wasi_cli_run().call_run(store).await
        }
        CommandPre::P3(pre) => {
            let command = pre.instantiate_async(&mut *store).await?;
            store.run_concurrent(async move |store| command.wasi_cli_run().call_run(store).await).await?
        }
    }
}
