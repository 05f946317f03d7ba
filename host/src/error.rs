//! What can be wrong with an app, and what to do about it.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

/// Why an app could not be started, or a running one not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// A route is not one that Spin understands.
    #[error("the route `{route}` of trigger `{trigger}` is not valid: {reason}")]
    BadRoute {
        /// The route as written.
        route: String,
        /// The trigger's id.
        trigger: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two routes answer the same paths.
    #[error("the triggers `{first}` and `{second}` both answer the route `{route}`")]
    DuplicateRoute {
        /// The route as the second trigger writes it.
        route: String,
        /// The first trigger's id.
        first: String,
        /// The second trigger's id.
        second: String,
    },
    /// A route names a component that the app does not have.
    #[error("the trigger `{trigger}` names the component `{component}`, which the app does not have")]
    UnknownComponent {
        /// The trigger's id.
        trigger: String,
        /// The component's id.
        component: String,
    },
    /// A static response cannot be sent.
    #[error("the static response of trigger `{trigger}` is not valid: {reason}")]
    BadResponse {
        /// The trigger's id.
        trigger: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes of a component are not those that its digest stands for.
    #[error("the bytes of the component `{component}` do not have the digest that was given for them")]
    Digest {
        /// The component's id.
        component: String,
    },
    /// The bytes of a component could not be compiled.
    #[error("the component `{component}` cannot be compiled: {reason}")]
    Compile {
        /// The component's id.
        component: String,
        /// What the compiler says.
        reason: String,
    },
    /// A component does not serve HTTP.
    #[error("the component `{component}` exports no HTTP handler")]
    NoHandler {
        /// The component's id.
        component: String,
    },
    /// A component serves HTTP by an interface that is not supported here.
    #[error("the component `{component}` exports `{handler}`, which the embedded host does not serve")]
    UnsupportedHandler {
        /// The component's id.
        component: String,
        /// The exported interface.
        handler: String,
    },
    /// A component serves HTTP in more than one way.
    #[error("the component `{component}` exports more than one HTTP handler: {}", handlers.join(", "))]
    SeveralHandlers {
        /// The component's id.
        component: String,
        /// The exported interfaces.
        handlers: Vec<String>,
    },
    /// A component imports what this host does not have.
    #[error("the embedded host does not provide `{import}`, which the component `{component}` imports")]
    NotProvided {
        /// The component's id.
        component: String,
        /// The import's name.
        import: String,
    },
    /// An import is provided, but with other types.
    #[error("the component `{component}` does not fit the embedded host: {reason}")]
    Link {
        /// The component's id.
        component: String,
        /// What does not fit.
        reason: String,
    },
    /// A directory for a component cannot be opened.
    #[error("the directory {} for the component `{component}` cannot be opened", path.display())]
    Mount {
        /// The component's id.
        component: String,
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What key-value stores and databases keep cannot be opened.
    #[error("the state of the app{} cannot be opened: {reason}", path.as_ref().map(|it| format!(" in {}", it.display())).unwrap_or_default())]
    State {
        /// The directory, unless it is in memory.
        path: Option<PathBuf>,
        /// Why.
        reason: String,
    },
    /// A statement for the database `default` cannot be run.
    #[error("the SQL statement `{statement}` went wrong: {reason}")]
    Statement {
        /// The statement.
        statement: String,
        /// What SQLite says.
        reason: String,
    },
    /// A component of a command trigger is no command.
    #[error("the component `{component}` of a command trigger does not export `wasi:cli/run`")]
    NoCommand {
        /// The component's id.
        component: String,
    },
    /// A command did not come to an end of its own.
    #[error("the command `{component}` trapped: {reason}")]
    CommandTrapped {
        /// The component's id.
        component: String,
        /// Why.
        reason: String,
    },
    /// An entry of `allowed_outbound_hosts` is not one.
    #[error("`{pattern}` in the allowed_outbound_hosts of component `{component}` is not valid: {reason}")]
    OutboundHost {
        /// The component's id.
        component: String,
        /// The entry.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The engine could not be made on this machine.
    #[error("the WebAssembly engine cannot start: {0}")]
    Engine(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A request to ask is not one that can be sent.
    #[error("the request {method} {path} is not valid: {reason}")]
    BadRequest {
        /// The method.
        method: String,
        /// The path and query.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server did not take the connection, or broke it.
    #[error("asking {address} went wrong: {reason}")]
    Ask {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        reason: String,
    },
    /// The answer took too long.
    #[error("no answer from {address} within {} s", after.as_secs_f32())]
    AskTimeout {
        /// The address.
        address: SocketAddr,
        /// How long was waited.
        after: Duration,
    },
    /// The answer's body is too large.
    #[error("the answer from {address} is larger than {limit} bytes")]
    AnswerTooLarge {
        /// The address.
        address: SocketAddr,
        /// The limit, in bytes.
        limit: usize,
    },
}

impl HostError {
    /// What to do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BadRoute { .. } => {
                Some("a route is a path such as `/hello`, `/users/:id` or `/files/...`".to_owned())
            }
            Self::DuplicateRoute { .. } => {
                Some("give each trigger a route of its own; names of parameters do not tell routes apart".to_owned())
            }
            Self::NoHandler { .. } => Some(
                "the component of an HTTP trigger exports `wasi:http/incoming-handler@0.2` or \
                 `wasi:http/handler@0.3`; is this a library?"
                    .to_owned(),
            ),
            Self::UnsupportedHandler { .. } => Some(
                "rebuild the component with an SDK for `wasi:http/incoming-handler@0.2` or `wasi:http/handler@0.3`, \
                 or run the app with `spin up`"
                    .to_owned(),
            ),
            Self::SeveralHandlers { .. } => {
                Some("export one handler, and put the other in a component of its own".to_owned())
            }
            Self::NotProvided { import, .. } => Some(if is_spin(import) {
                "the embedded host has WASI 0.2 and 0.3, variables, key-value stores and SQLite; run an app with other \
                 needs with `spin up`"
                    .to_owned()
            } else {
                format!("add a dependency that exports `{import}` with `spin-deps add`")
            }),
            Self::NoCommand { .. } => Some(
                "build it as a command, for example of a `main` function for `wasm32-wasip2`; \
                 `[[trigger.http]]` serves an HTTP handler"
                    .to_owned(),
            ),
            Self::Mount { .. } => Some("check `files` of the component in spin.toml".to_owned()),
            Self::OutboundHost { .. } => {
                Some("write for example `https://example.com`, `http://*.example.com:8080` or `*://*:*`".to_owned())
            }
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("another program listens there; choose another address with --listen".to_owned())
            }
            _ => None,
        }
    }
}

fn is_spin(import: &str) -> bool {
    ["spin:", "fermyon:", "wasi:"].iter().any(|namespace| import.starts_with(namespace))
}
