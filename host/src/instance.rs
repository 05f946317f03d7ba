//! An instance of a component: what it sees, how long it lives, and what it may take.
//!
//! wasmtime's dispatcher ([`ProxyHandler`]) keeps workers, each of which owns one instance, and asks here for new
//! instances and whether an instance takes another request. A component of `wasi:http` 0.2 gets one request for
//! each instance, one of 0.3 as many as [`crate::Reuse`] says.
//!
//! A worker lives until its instance is used up, idle, too slow, alone, or the server stops. Time limits are kept from outside
//! the guest: a guest in an endless loop yields at every tick of the epoch, and is dropped then.

use std::{
    fmt, io,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::Uri;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Sleep,
};
use wasmtime::{
    Engine, Result, Store, StoreContextMut,
    component::{GuestTaskId, ResourceTable},
};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    default_send_request,
    handler::{HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus},
};

use crate::{
    app::{Component, Options, Picked, Reuse},
    chain,
    connection::told,
    error::HostError,
    exchange::{Exchange, Exchanges},
    limits::Limits,
    outbound::AllowedHost,
    output::{GuestStream, Output, Stream},
    server::Server,
    services::{Granted, Services},
    sockets,
    tally::Tally,
    trap,
};

/// How long an instance may take to start where requests have no limit.
const LONGEST_START: Duration = Duration::from_mins(1);

/// An instance did not start in time.
#[derive(Debug, thiserror::Error)]
#[error("it did not start within {} s", .0.as_secs_f32())]
struct Late(Duration);

/// What a component's instances are made from: `P` is the component with its imports resolved.
#[derive(Clone)]
pub(crate) struct Template<P> {
    id: Arc<str>,
    engine: Engine,
    pre: P,
    environment: Vec<(String, String)>,
    mounts: Vec<Preopen>,
    arguments: Vec<String>,
    inherit_stdio: bool,
    services: Granted,
    allowed: Arc<[AllowedHost]>,
    chain: Option<Arc<Server>>,
    output: Output,
    request_timeout: Option<Duration>,
    max_memory: Option<usize>,
    reuse: Reuse,
    room: Arc<Semaphore>,
    weight: u32,
    stop: watch::Receiver<bool>,
    tally: Arc<Tally>,
}

impl<P> fmt::Debug for Template<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Preopen {
    host: PathBuf,
    guest: String,
    perms: FsPerms,
}

/// What all components of a server share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    /// What the components keep.
    pub(crate) services: Services,
    /// Room for instances, counted in linear memories.
    pub(crate) room: Arc<Semaphore>,
    /// Becomes true when every instance has to go.
    pub(crate) stop: watch::Receiver<bool>,
}

impl<P> Template<P> {
    /// # Errors
    /// When a directory cannot be opened or an outbound host is not valid.
    pub(crate) fn new(
        id: &str,
        component: &Component,
        pre: P,
        weight: u32,
        shared: &Shared,
        options: &Options,
    ) -> Result<Self, HostError> {
        let mut mounts = Vec::with_capacity(component.files.len());
        for mount in &component.files {
            let failed =
                |source| HostError::Mount { component: id.to_owned(), path: mount.host.clone(), source };
            let metadata = fs_err::metadata(&mount.host).map_err(failed)?;
            if !metadata.is_dir() {
                return Err(failed(io::Error::new(io::ErrorKind::NotADirectory, "it is not a directory")));
            }
            let perms = if mount.read_only { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
            mounts.push(Preopen { host: mount.host.clone(), guest: mount.guest.clone(), perms });
        }
        let mut allowed = Vec::with_capacity(component.allowed_outbound_hosts.len());
        for pattern in &component.allowed_outbound_hosts {
            allowed.push(AllowedHost::parse(pattern).map_err(|reason| HostError::OutboundHost {
                component: id.to_owned(),
                pattern: pattern.clone(),
                reason,
            })?);
        }
        if !allowed.is_empty() {
            // The client of wasmtime takes the provider of the process, and panics where crates have brought two and
            // none was chosen. An error says that one was chosen.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Ok(Self {
            id: Arc::from(id),
            engine: shared.engine.clone(),
            pre,
            environment: component.environment.clone(),
            mounts,
            arguments: component.arguments.clone(),
            inherit_stdio: component.inherit_stdio,
            services: shared.services.granted(component),
            allowed: allowed.into(),
            chain: None,
            output: options.output.clone(),
            request_timeout: options.request_timeout.as_ref().map(|range| *range.end()),
            max_memory: options.max_memory,
            reuse: component.reuse.clone().unwrap_or_else(|| options.reuse.clone()),
            room: Arc::clone(&shared.room),
            weight,
            stop: shared.stop.clone(),
            tally: Arc::new(Tally::new(false)),
        })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn pre(&self) -> &P {
        &self.pre
    }

    /// Writes a line of this component.
    pub(crate) fn say(&self, stream: Stream, text: &str) {
        self.output.line(&self.id, stream, text);
    }

    /// Lets instances ask the app itself, which `next` answers.
    pub(crate) fn chained(mut self, next: Option<Arc<Server>>) -> Self {
        self.chain = next;
        self
    }

    /// A store for one instance, when there is room for it.
    pub(crate) async fn new_store(&self) -> Result<Store<State>> {
        let permit = Arc::clone(&self.room).acquire_many_owned(self.weight).await?;
        self.store(permit)
    }

    /// What counts its instances.
    pub(crate) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    fn store(&self, permit: OwnedSemaphorePermit) -> Result<Store<State>> {
        let mut wasi = WasiCtx::builder();
        wasi.envs(&self.environment).args(&self.arguments);
        if self.inherit_stdio {
            wasi.inherit_stdio();
        } else {
            wasi.stdout(GuestStream::new(&self.output, &self.id, Stream::Stdout)).stderr(GuestStream::new(
                &self.output,
                &self.id,
                Stream::Stderr,
            ));
        }
        sockets::allow(&mut wasi, &self.allowed);
        for mount in &self.mounts {
            wasi.preopened_dir(&mount.host, &mount.guest, mount.perms)?;
        }
        let state = State {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: Hooks { allowed: Arc::clone(&self.allowed), chain: self.chain.clone() },
            limits: Limits::new(self.max_memory),
            services: self.services.clone(),
            connections: 0,
            _permit: permit,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        Ok(store)
    }
}

/// What the instances of a component that serves requests are made from.
pub(crate) type Serving = Template<Arc<ProxyPre<State>>>;

impl Serving {
    /// What depends on the generation of `wasi:http`: instances of 0.2 are not reused.
    pub(crate) fn by_generation(mut self) -> Self {
        let reused = matches!(*self.pre, ProxyPre::P3(_));
        self.tally = Arc::new(Tally::new(reused));
        if !reused {
            self.reuse = Reuse::none();
        }
        self
    }
}

impl HandlerState for Serving {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> Result<Instance<State, Expiration, Worker>> {
        let mut stop = self.stop.clone();
        let request_timeout = self.request_timeout;
        let instantiate = async {
            let mut store = self.new_store().await?;
            // A start function can loop as well as any other.
            let limit = request_timeout.unwrap_or(LONGEST_START);
            let proxy = tokio::time::timeout(limit, self.pre.instantiate_async(&mut store)).await;
            wasmtime::error::Ok((store, proxy.map_err(|_| Late(limit))??))
        };
        let (store, proxy) = tokio::select! {
            biased;
            made = instantiate => made?,
            () = told(&mut stop) => return Err(wasmtime::Error::msg("the server stops")),
        };
        self.tally.add();
        let (reuse, exchanges) = (self.reuse.pick(), Exchanges::default());
        let end = Arc::new(Mutex::new(End::OwnWill));
        Ok(Instance {
            store,
            proxy,
            view: <State as WasiHttpView>::http,
            expiration: Expiration {
                end: Arc::clone(&end),
                exchanges: exchanges.clone(),
                idle: reuse.idle,
                request: request_timeout,
                waiting: None,
                sleep: None,
                stopped: Box::pin(async move { told(&mut stop).await }),
            },
            state: Worker { id: Arc::clone(&self.id), output: self.output.clone(), reuse, exchanges, end },
        })
    }
}

/// The data of an instance's store.
pub(crate) struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Hooks,
    limits: Limits,
    services: Granted,
    /// The number of connections to databases that are open.
    connections: usize,
    _permit: OwnedSemaphorePermit,
}

impl State {
    pub(crate) fn services(&self) -> &Granted {
        &self.services
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    pub(crate) fn connections(&mut self) -> &mut usize {
        &mut self.connections
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

struct Hooks {
    allowed: Arc<[AllowedHost]>,
    chain: Option<Arc<Server>>,
}

impl Hooks {
    fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return false;
        };
        self.allowed.iter().any(|entry| entry.allows(scheme, host, uri.port_u16()))
    }
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Io,
    ) -> Sent {
        let allowed = self.allows(request.uri());
        let place = chain::place(request.uri());
        let next = self.chain.clone();
        Box::new(async move {
            if !allowed {
                return Err(Error::HttpRequestDenied);
            }
            if let Some(place) = place {
                let response = chain::ask(next, place, request).await?;
                return Ok((response, Box::new(async { Ok(()) }) as Io));
            }
            let (response, io) = default_send_request(request, options).await?;
            Ok((response.map(http_body_util::BodyExt::boxed_unsync), Box::new(io) as Io))
        })
    }
}

/// Why an instance goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// It is used up, or it trapped.
    OwnWill,
    /// It was idle, its client went, it did not answer in time, which the server says itself, or the server stops.
    Expected,
    /// It answered, but then went on for too long.
    NeverDone,
}

/// Decides when an instance has to go.
pub(crate) struct Expiration {
    end: Arc<Mutex<End>>,
    exchanges: Exchanges,
    idle: Duration,
    request: Option<Duration>,
    /// What the sleep is for: the status and its beginning.
    waiting: Option<(WorkerStatus, Instant)>,
    sleep: Option<Pin<Box<Sleep>>>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl Expiration {
    fn over(&self, end: End) -> Poll<()> {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
        Poll::Ready(())
    }

    fn sleep_until(&mut self, end: Option<Instant>) {
        self.sleep = end.map(|end| match self.sleep.take() {
            Some(mut sleep) => {
                sleep.as_mut().reset(end.into());
                sleep
            }
            None => Box::pin(tokio::time::sleep_until(end.into())),
        });
    }
}

impl WorkerExpiration for Expiration {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let this = self.get_mut();
        if this.stopped.as_mut().poll(cx).is_ready() || this.exchanges.are_abandoned(cx) {
            return this.over(End::Expected);
        }
        let limit = if status == WorkerStatus::Idle { Some(this.idle) } else { this.request };
        if this.waiting != Some((status, start)) {
            this.waiting = Some((status, start));
            this.sleep_until(limit.and_then(|limit| start.checked_add(limit)));
        }
        while let Some(sleep) = &mut this.sleep {
            if sleep.as_mut().poll(cx).is_pending() {
                break;
            }
            // The guest may be waiting for a slow client, which is not its fault.
            if status != WorkerStatus::Idle && this.exchanges.have_moved() {
                this.sleep_until(limit.and_then(|limit| Instant::now().checked_add(limit)));
                continue;
            }
            let answered = status != WorkerStatus::Idle && this.exchanges.are_answered();
            return this.over(if answered { End::NeverDone } else { End::Expected });
        }
        Poll::Pending
    }
}

/// The rules of one instance.
pub(crate) struct Worker {
    id: Arc<str>,
    output: Output,
    reuse: Picked,
    exchanges: Exchanges,
    end: Arc<Mutex<End>>,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = Arc<Exchange>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse.requests {
            ShouldAccept::Never
        } else if concurrent >= self.reuse.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, State>,
        exchange: Arc<Exchange>,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        // When this ends first, the instance takes no more requests and goes once it has no others.
        Box::pin(self.exchanges.add(exchange))
    }

    fn drop(&self, store: Store<State>, result: Result<()>) {
        let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match (&result, end) {
            (Ok(()), _) | (Err(_), End::Expected) => None,
            (Err(_), End::NeverDone) => {
                Some("was stopped, for it went on for too long after its answer".to_owned())
            }
            (Err(error), End::OwnWill) => Some(trap::report(error, &store.data().limits)),
        };
        if let Some(text) = text {
            self.output.line(&self.id, Stream::Trap, &text);
        }
        // Before the store goes, and with it the other ends of the bodies, which then look complete.
        self.exchanges.end(result.is_err());
    }
}
