//! The server: from connections to routes to instances, and the end of it all.
//!
//! A shutdown has three steps. First nothing new is accepted, and idle connections close. Then the requests in
//! flight have a time of grace. At last every instance is told to go, also one in an endless loop, and the
//! shutdown waits until their memory is free again.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Full};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use wasmtime::component::Component;
use wasmtime_wasi_http::{
    WasiBody,
    handler::{ExpirationError, InstantiationError, ProxyHandler},
    p2, p3,
};

use crate::{
    app::{App, Handler, Options, pick},
    chain,
    command::{self, CommandPre},
    compile,
    connection::accept,
    engine,
    error::HostError,
    exchange::{Client, Exchange},
    forward,
    instance::{Serving, Shared, Template},
    link,
    output::{Output, Stream},
    route::{Pattern, Rejected, Router},
    services::Services,
    tally::{Instances, Tally},
    trap,
};

/// How long instances may take to go after they were told to: a few ticks of the epoch.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// A server that runs an app. Dropping it stops it at once; [`Running::shutdown`] lets it finish.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    grace: Duration,
    stop_accepting: watch::Sender<bool>,
    stop_instances: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    room: Arc<Semaphore>,
    capacity: u32,
    commands: BTreeMap<String, Template<CommandPre>>,
    tallies: BTreeMap<String, Arc<Tally>>,
}

impl Running {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs the command `id` to its end, and tells its exit status.
    ///
    /// # Errors
    /// When it is none of [`App::commands`], or traps.
    pub async fn run(&self, id: &str) -> Result<i32, HostError> {
        match self.commands.get(id) {
            Some(template) => command::run(template).await,
            None => Err(HostError::NoCommand { component: id.to_owned() }),
        }
    }

    /// The instances that were made of each component so far.
    pub fn instances(&self) -> BTreeMap<String, Instances> {
        self.tallies.iter().map(|(id, tally)| (id.clone(), tally.read())).collect()
    }

    /// Whether there is no instance of any component now: those of the last requests are gone, with what they held.
    pub fn is_idle(&self) -> bool {
        self.room.available_permits() >= self.capacity as usize
    }

    /// Stops it: no new connections, then an end to the requests in flight, within [`Options::grace`].
    pub async fn shutdown(mut self) {
        self.stop_accepting.send_replace(true);
        if tokio::time::timeout(self.grace, &mut self.accepting).await.is_err() {
            tracing::warn!(
                "requests are still in flight after {} s and are cut off",
                self.grace.as_secs_f32()
            );
            self.accepting.abort();
        }
        self.stop_instances.send_replace(true);
        // Every instance holds a part of the room, so all of it is free when none is left.
        if tokio::time::timeout(LAST_MOMENT, self.room.acquire_many(self.capacity)).await.is_err() {
            tracing::warn!("some instances did not stop");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_accepting.send_replace(true);
        self.stop_instances.send_replace(true);
        self.accepting.abort();
    }
}

/// Compiles the components of `app` and serves its routes.
///
/// # Errors
/// When the app is not sound, a component cannot run here, or the address is taken.
pub async fn start(app: App, options: Options) -> Result<Running, HostError> {
    let router = routes(&app)?;
    let failed = |source| HostError::Listen { address: options.listen, source };
    let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;

    let pool = engine::new()?;
    engine::start_ticking(&pool.engine)?;
    let linker = link::linker(&pool.engine)?;
    let (stop_accepting, accepting_stopped) = watch::channel(false);
    let (stop_instances, instances_stopped) = watch::channel(false);
    let room = Arc::new(Semaphore::new(pool.memories as usize));
    let services = open_services(&app, &options).await?;
    let shared =
        Shared { engine: pool.engine.clone(), services, room: Arc::clone(&room), stop: instances_stopped };

    let code = compile::all(&app.components, &pool.engine, &options).await?;
    let (mut templates, mut commands, mut tallies) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (id, component) in &app.components {
        let Some(code) = code.get(&component.digest) else {
            continue;
        };
        let weight = weight(code, pool.memories);
        if app.commands.contains(id) {
            let pre = command::prepare(id, code, &linker)?;
            commands.insert(id.clone(), Template::new(id, component, pre, weight, &shared, &options)?);
        } else {
            let pre = Arc::new(link::prepare(id, code, &linker)?);
            let template = Serving::new(id, component, pre, weight, &shared, &options)?.by_generation();
            tallies.insert(id.clone(), Arc::clone(template.tally()));
            templates.insert(id.clone(), template);
        }
    }

    let (router, internal) = (Arc::new(router), Arc::new(app.internal));
    let serving = |next: Option<Arc<Server>>| {
        let handler = |template: &Serving| ProxyHandler::new(template.clone().chained(next.clone()));
        Arc::new(Server {
            handlers: templates.iter().map(|(id, template)| (id.clone(), handler(template))).collect(),
            router: Arc::clone(&router),
            internal: Arc::clone(&internal),
            address,
            output: options.output.clone(),
            request_timeout: options.request_timeout.clone(),
        })
    };
    // From the last step of a chain to the first, which is the one that clients ask.
    let server = (1..chain::LONGEST).fold(serving(None), |next, _| serving(Some(next)));
    let commands = commands.into_iter().map(|(id, it)| (id, it.chained(Some(Arc::clone(&server))))).collect();
    let accepting = tokio::spawn(accept(listener, server, accepting_stopped));
    let (grace, capacity) = (options.grace, pool.memories);
    Ok(Running {
        address,
        grace,
        stop_accepting,
        stop_instances,
        accepting,
        room,
        capacity,
        commands,
        tallies,
    })
}

/// Opens what the components keep, which reads files.
async fn open_services(app: &App, options: &Options) -> Result<Services, HostError> {
    let (components, statements): (Vec<_>, _) =
        (app.components.values().cloned().collect(), app.statements.clone());
    let state = options.state.clone();
    let open = move || Services::open(state.as_deref(), &components, &statements);
    tokio::task::spawn_blocking(open).await.map_err(|error| HostError::Engine(error.to_string()))?
}

/// How much of the pool an instance takes, in linear memories.
fn weight(code: &Component, memories: u32) -> u32 {
    let (memory, tables) = code.resources_required().map_or((1, 1), |it| (it.num_memories, it.num_tables));
    memory.max(tables.div_ceil(engine::TABLES_PER_MEMORY)).clamp(1, memories)
}

/// What a public route leads to.
enum Target {
    Component(String),
    Static(Box<Response<Bytes>>),
}

fn routes(app: &App) -> Result<Router<Target>, HostError> {
    let mut public = Vec::new();
    let mut triggers = Vec::new();
    for route in &app.routes {
        let target = match &route.handler {
            Handler::Component(component) if !app.components.contains_key(component) => {
                return Err(HostError::UnknownComponent {
                    trigger: route.trigger.clone(),
                    component: component.clone(),
                });
            }
            Handler::Component(component) => Target::Component(component.clone()),
            Handler::Static { status, headers, body } => fixed(*status, headers, body)
                .map(|response| Target::Static(Box::new(response)))
                .map_err(|reason| HostError::BadResponse { trigger: route.trigger.clone(), reason })?,
        };
        if let Pattern::Path(path) = &route.pattern {
            public.push((path.clone(), target));
            triggers.push((path, &route.trigger));
        }
    }
    Router::new(public).map_err(|(place, rejected)| {
        let name = |place: usize| {
            triggers
                .get(place)
                .map(|(path, trigger)| ((*path).clone(), (*trigger).clone()))
                .unwrap_or_default()
        };
        let (route, trigger) = name(place);
        match rejected {
            Rejected::Invalid(reason) => HostError::BadRoute { route, trigger, reason },
            Rejected::Duplicate(earlier) => {
                HostError::DuplicateRoute { route, first: name(earlier).1, second: trigger }
            }
        }
    })
}

fn fixed(status: u16, headers: &[(String, String)], body: &Bytes) -> Result<Response<Bytes>, String> {
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or_else(|| format!("{status} is not the status code of a response"))?;
    let mut response = Response::new(body.clone());
    *response.status_mut() = status;
    for (name, value) in headers {
        let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is not the name of a header"))?;
        let value: HeaderValue =
            value.parse().map_err(|_| format!("the header `{name}` has characters that cannot be sent"))?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

/// What answers requests: of clients or, a step further each, of the app's own components.
pub(crate) struct Server {
    router: Arc<Router<Target>>,
    internal: Arc<BTreeMap<String, String>>,
    handlers: BTreeMap<String, ProxyHandler<Serving>>,
    address: SocketAddr,
    output: Output,
    request_timeout: Option<RangeInclusive<Duration>>,
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The answer of a component to a request for `NAME.spin.internal`; `None` if nothing has this name.
    pub(crate) async fn ask_component(
        &self,
        name: &str,
        mut request: http::Request<WasiBody>,
    ) -> Option<Response<WasiBody>> {
        let id = self.internal.get(name)?;
        let handler = self.handlers.get(id)?;
        // All paths of a component lead to it from within the app, so it learns the same as at the route `/...`.
        let all = Router::new([("/...".to_owned(), ())]).ok()?;
        let uri = request.uri().clone();
        forward::set_headers(request.headers_mut(), &uri, &all.find(uri.path())?, self.address);
        Some(self.ask(id, handler, request).await)
    }

    pub(crate) async fn answer(
        &self,
        request: http::Request<WasiBody>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return self.routed(request, client).await;
        }
        let started = Instant::now();
        let asked = format!("{} {}", request.method(), request.uri().path());
        let response = self.routed(request, client).await;
        tracing::debug!("{asked} → {} in {:.1?}", response.status().as_u16(), started.elapsed());
        response
    }

    async fn routed(&self, mut request: http::Request<WasiBody>, client: SocketAddr) -> Response<WasiBody> {
        let path = request.uri().path().to_owned();
        let Some(route) = self.router.find(&path) else {
            return text(StatusCode::NOT_FOUND, "no route of this app matches the path\n");
        };
        let id = match route.target {
            Target::Static(response) => return response.as_ref().clone().map(full),
            Target::Component(id) => id,
        };
        let Some(handler) = self.handlers.get(id) else {
            return text(StatusCode::NOT_FOUND, "no component answers this route\n");
        };

        let Some(authority) = forward::authority(request.uri(), request.headers(), self.address) else {
            return text(StatusCode::BAD_REQUEST, "the request needs one valid Host header\n");
        };
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority);
        let Ok(uri) = Uri::from_parts(parts) else {
            return text(StatusCode::BAD_REQUEST, "the target of the request is not a URL\n");
        };
        forward::set_headers(request.headers_mut(), &uri, &route, client);
        *request.uri_mut() = uri;
        self.ask(id, handler, request).await
    }

    /// Has a component answer. If this is dropped, the client is gone, and the component is told to stop.
    async fn ask(
        &self,
        id: &str,
        handler: &ProxyHandler<Serving>,
        request: http::Request<WasiBody>,
    ) -> Response<WasiBody> {
        let started = Instant::now();
        let client = Client::new(self.request_timeout.as_ref().map(pick));
        let answer = handler.handle(client.exchange(), request);
        let result = match client.limit() {
            Some(limit) => match tokio::time::timeout(limit, answer).await {
                Ok(result) => result,
                Err(_) => return self.too_slow(id, &client),
            },
            None => answer.await,
        };
        let error = match result {
            Ok(response) => return response.map(|body| client.answered(body)),
            Err(error) => error,
        };
        let start = error.downcast_ref::<InstantiationError<Arc<Exchange>>>();
        // Whoever was first to see that the time was over.
        let late = client.limit().is_some_and(|limit| started.elapsed() >= limit);
        if late || error.is::<ExpirationError>() {
            return self.too_slow(id, &client);
        }
        if let Some(failed) = start {
            let reason = trap::reason(&failed.error);
            self.output.line(id, Stream::Trap, &format!("cannot be instantiated: {reason}"));
        } else if is_error_code(&error) {
            self.output.line(id, Stream::Trap, &format!("answered with an error: {error:#}"));
        } else if !matches!(tokio::time::timeout(LAST_MOMENT, client.failed()).await, Ok(true)) {
            // The instance has not trapped, or its output would say so.
            self.output.line(id, Stream::Trap, "ended without an answer");
        }
        text(StatusCode::INTERNAL_SERVER_ERROR, "the component failed to answer\n")
    }

    fn too_slow(&self, id: &str, client: &Client) -> Response<WasiBody> {
        let limit = client.limit().unwrap_or_default().as_secs_f32();
        self.output.line(id, Stream::Trap, &format!("no answer within {limit} s"));
        text(StatusCode::GATEWAY_TIMEOUT, "the component took too long to answer\n")
    }
}

/// Whether the guest returned this error itself.
fn is_error_code(error: &wasmtime::Error) -> bool {
    error.is::<p2::bindings::http::types::ErrorCode>() || error.is::<p3::bindings::http::types::ErrorCode>()
}

fn full(body: Bytes) -> WasiBody {
    Full::new(body).map_err(Into::into).boxed_unsync()
}

fn text(status: StatusCode, text: &'static str) -> Response<WasiBody> {
    let mut response = Response::new(full(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
