//! The wasmtime engine: fast instances where the machine allows it, and a clock that no guest can outrun.
//!
//! Instances come from a pool: its memory is reserved once, a fresh instance maps the component's image copy-on-write,
//! and a used one is reset instead of freed. The pool needs much address space, none of it memory; where a limit on
//! the process forbids that, a smaller pool is tried, and then instances are made on demand.
//!
//! Compiled code checks an epoch at loops and calls. A thread of its own advances it, since guests that never
//! yield may hold every thread of the async runtime.

use std::{thread, time::Duration};

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::HostError;

/// How often a running guest yields.
const TICK: Duration = Duration::from_millis(10);

/// Pools by their number of linear memories, the largest first. Each reserves 4 GiB of address space per memory.
const POOLS: [u32; 2] = [2048, 128];

/// How many tables there are in a pool for each memory.
pub(crate) const TABLES_PER_MEMORY: u32 = 4;

/// The engine with the number of memories that it has for instances.
pub(crate) struct Pool {
    pub(crate) engine: Engine,
    pub(crate) memories: u32,
}

pub(crate) fn new() -> Result<Pool, HostError> {
    for memories in POOLS {
        let mut config = config();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(memories)));
        match Engine::new(&config) {
            Ok(engine) => return Ok(Pool { engine, memories }),
            Err(error) => tracing::debug!(memories, "no pool of instances: {error:#}"),
        }
    }
    let engine = Engine::new(&config()).map_err(|error| HostError::Engine(format!("{error:#}")))?;
    Ok(Pool { engine, memories: 256 })
}

fn config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model_async(true).epoch_interruption(true).memory_init_cow(true);
    config
}

fn pooling(memories: u32) -> PoolingAllocationConfig {
    let mut pooling = PoolingAllocationConfig::new();
    pooling
        .total_memories(memories)
        .total_tables(memories * TABLES_PER_MEMORY)
        // An instance at work is on one stack mostly. Each has a guard page, which is a system call at the start.
        .total_stacks(memories)
        .total_component_instances(memories)
        .total_core_instances(memories * 64)
        // What one component may have: an app with many dependencies is one component of many modules.
        .max_memories_per_component(memories)
        .max_tables_per_component(memories * TABLES_PER_MEMORY)
        .max_core_instances_per_component(memories * 64)
        .max_component_instance_size(16 << 20)
        .max_core_instance_size(16 << 20)
        .table_elements(100_000)
        // To zero a few pages is cheaper than to give them back and fault them in again.
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(64 << 10);
    pooling
}

/// Starts the thread that advances the epoch of `engine`. It ends when nothing holds the engine any more, and not
/// before: an instance that outlives its server must still yield to be dropped.
pub(crate) fn start_ticking(engine: &Engine) -> Result<(), HostError> {
    let engine = engine.weak();
    let tick = move || {
        loop {
            thread::sleep(TICK);
            let Some(engine) = engine.upgrade() else { break };
            engine.increment_epoch();
        }
    };
    let thread = thread::Builder::new().name("epoch".to_owned()).spawn(tick);
    thread.map(drop).map_err(|error| HostError::Engine(error.to_string()))
}
