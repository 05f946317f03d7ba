//! The server: from connections to routes to instances, and the end of it all.
//!
//! A shutdown has three steps. First nothing new is accepted, and idle connections close. Then the requests in
//! flight have a time of grace. At last every instance is told to go, also one in an endless loop, and the
//! shutdown waits until their memory is free again.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot, watch},
    task::{JoinHandle, JoinSet},
};
use wasmtime::component::Component;
use wasmtime_wasi_http::{
    WasiBody,
    handler::{ExpirationError, InstantiationError, ProxyHandler},
    p2, p3,
};

use crate::{
    app::{App, Handler, Options},
    compile, engine,
    error::HostError,
    forward,
    instance::{Reported, Shared, Template},
    link,
    output::{Output, Stream},
    route::{Pattern, Rejected, Router},
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
}

impl Running {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
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
    let shared = Shared { engine: pool.engine.clone(), room: Arc::clone(&room), stop: instances_stopped };

    let code = compile::all(&app.components, &pool.engine, &options).await?;
    let mut handlers = BTreeMap::new();
    for (id, component) in &app.components {
        let Some(code) = code.get(&component.digest) else {
            continue;
        };
        let pre = link::prepare(id, code, &linker)?;
        let template = Template::new(id, component, pre, weight(code, pool.memories), &shared, &options)?;
        handlers.insert(id.clone(), ProxyHandler::new(template));
    }

    let server = Arc::new(Server {
        router,
        handlers,
        address,
        output: options.output.clone(),
        request_timeout: options.request_timeout.map(|range| *range.end()),
    });
    let accepting = tokio::spawn(accept(listener, server, accepting_stopped));
    let (grace, capacity) = (options.grace, pool.memories);
    Ok(Running { address, grace, stop_accepting, stop_instances, accepting, room, capacity })
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

struct Server {
    router: Router<Target>,
    handlers: BTreeMap<String, ProxyHandler<Template>>,
    address: SocketAddr,
    output: Output,
    request_timeout: Option<Duration>,
}

/// Accepts connections until it is told to stop, and then ends with the last of them.
async fn accept(listener: TcpListener, server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = told(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    connections.spawn(connection(stream, client, Arc::clone(&server), stop.clone()));
                }
                Err(error) => {
                    // Mostly that there are no file descriptors left; some will be free in a moment.
                    tracing::warn!("a connection was not accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Ends when `stop` becomes true, or nobody is left to say so.
async fn told(stop: &mut watch::Receiver<bool>) {
    // The guard that `wait_for` gives is dropped here, since it must not be held while waiting for more.
    drop(stop.wait_for(|stop| *stop).await);
}

async fn connection(
    stream: TcpStream,
    client: SocketAddr,
    server: Arc<Server>,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("{client}: {error}");
    }
    let service = service_fn(|request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request, client).await) }
    });
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = told(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!("{client}: {error}");
    }
}

impl Server {
    async fn answer(&self, mut request: http::Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
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

        let started = Instant::now();
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let (reported, was_reported) = oneshot::channel();
        let answer = handler.handle(reported, request);
        let result = match self.request_timeout {
            Some(limit) => match tokio::time::timeout(limit, answer).await {
                Ok(result) => result,
                Err(_) => return self.too_slow(id),
            },
            None => answer.await,
        };
        let error = match result {
            Ok(response) => return response,
            Err(error) => error,
        };
        let late = self.request_timeout.is_some_and(|limit| started.elapsed() >= limit);
        if late || error.is::<ExpirationError>() {
            return self.too_slow(id);
        }
        if let Some(failed) = error.downcast_ref::<InstantiationError<Reported>>() {
            self.output.line(id, Stream::Trap, &format!("cannot be instantiated: {:#}", failed.error));
        } else if !Self::is_reported(&error, was_reported).await {
            self.output.line(id, Stream::Trap, &format!("{error:#}"));
        }
        text(StatusCode::INTERNAL_SERVER_ERROR, "the component failed to answer\n")
    }

    /// Whether the worker has said, or is about to say, what went wrong. An error that the guest returned it does not
    /// know, and goes on; else it ends, and a trap goes to the output from there.
    async fn is_reported(error: &wasmtime::Error, was_reported: oneshot::Receiver<()>) -> bool {
        if error.is::<p2::bindings::http::types::ErrorCode>()
            || error.is::<p3::bindings::http::types::ErrorCode>()
        {
            return false;
        }
        matches!(tokio::time::timeout(LAST_MOMENT, was_reported).await, Ok(Ok(())))
    }

    fn too_slow(&self, id: &str) -> Response<WasiBody> {
        let limit = self.request_timeout.unwrap_or_default().as_secs_f32();
        self.output.line(id, Stream::Trap, &format!("no answer within {limit} s"));
        text(StatusCode::GATEWAY_TIMEOUT, "the component took too long to answer\n")
    }
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
