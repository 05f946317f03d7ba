//! What can be wrong with a composition, in the words of someone who edits a `spin.toml`.

use super::Denial;
use crate::{InspectError, Kind, capability, wit::listed};

/// Why a composition failed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A part's file cannot be read.
    #[error("`{label}` cannot be read")]
    Unreadable {
        /// The part.
        label: String,
        /// What is wrong with it.
        source: InspectError,
    },
    /// A part holds interfaces and no implementation.
    #[error("`{label}` is a WIT package: it describes interfaces and implements none of them")]
    WitOnly {
        /// The part.
        label: String,
    },
    /// A part is not a component.
    #[error("`{label}` is {}, not a component", .found.described())]
    NotComponent {
        /// The part.
        label: String,
        /// What it is.
        found: Kind,
    },
    /// A part's index is not one of the composition's parts.
    #[error("the composition has no part number {index}")]
    NoSuchPart {
        /// The index.
        index: usize,
    },
    /// A dependency's name matches no import of the component.
    #[error("the dependency `{origin}` matches no import of `{part}`")]
    NoImport {
        /// The dependency's name in `spin.toml`.
        origin: String,
        /// The component.
        part: String,
        /// The imports that dependencies could satisfy.
        imports: Vec<String>,
    },
    /// Two dependency names match one import.
    #[error("the import `{import}` of `{part}` is matched by two dependencies, `{first}` and `{second}`")]
    DoubleMatch {
        /// The component.
        part: String,
        /// The import.
        import: String,
        /// One dependency's name.
        first: String,
        /// The other's.
        second: String,
    },
    /// A dependency does not export what it should satisfy.
    #[error("`{target}` does not export `{export}`, which `{part}` imports{}", renamed(.import, .export))]
    NoExport {
        /// The importing part.
        part: String,
        /// Its import.
        import: String,
        /// The part that should satisfy it.
        target: String,
        /// The export that was looked for.
        export: String,
        /// What the target does export.
        exports: Vec<String>,
    },
    /// An export's type does not fit an import.
    #[error("{}", mismatch(.part, .import, .target, .export, .difference))]
    Mismatch {
        /// The importing part.
        part: String,
        /// Its import.
        import: String,
        /// The exporting part.
        target: String,
        /// Its export.
        export: String,
        /// Where the types differ.
        difference: Box<Difference>,
    },
    /// Two parts exchange a resource that is one thing for the one and another for the other.
    #[error("{}", apart(.part, .import, .target, .resource, [.ours, .theirs]))]
    Resource {
        /// The resource, as the import calls it.
        resource: String,
        /// The importing part.
        part: String,
        /// Its import.
        import: String,
        /// The exporting part.
        target: String,
        /// What the resource is for the importing part.
        ours: Box<Owned>,
        /// What it is for the exporting part.
        theirs: Box<Owned>,
    },
    /// Two parts exchange a resource of an interface that is denied to one of them, to which the real one means nothing.
    #[error(
        "`{part}` and `{target}` exchange the resource `{resource}` in `{import}`, and its interface `{}` is denied to `{}`",
        .denial.import, .denial.part
    )]
    DeniedResource {
        /// The resource, as the import calls it.
        resource: String,
        /// The importing part.
        part: String,
        /// Its import.
        import: String,
        /// The exporting part.
        target: String,
        /// What is denied, and to which of the two.
        denial: Box<Denial>,
    },
    /// Nothing satisfies an import that no host provides.
    #[error("`{part}` imports `{import}`, and no dependency provides it")]
    Unsatisfied {
        /// The importing part.
        part: String,
        /// The import.
        import: String,
        /// The part is the one that is composed, whose dependencies `spin.toml` lists.
        root: bool,
    },
    /// A part wants a component to instantiate on its own.
    #[error("`{part}` imports the component `{import}` itself, and only instances can be shared")]
    ComponentImport {
        /// The importing part.
        part: String,
        /// The import.
        import: String,
    },
    /// Parts depend on each other in a circle.
    #[error("the dependencies form a cycle: {}", .path.join(" → "))]
    Cycle {
        /// The labels along the cycle; the first is also the last.
        path: Vec<String>,
    },
    /// A component used as middleware does not import and export the handler.
    #[error("`{label}` is not middleware: it does not {missing} `wasi:http/handler`")]
    NotMiddleware {
        /// The part.
        label: String,
        /// What it lacks: "import", "export".
        missing: &'static str,
    },
    /// There is no handler for the middleware to wrap.
    #[error("{}", unwrapped(.label, .found.as_deref()))]
    NoHandler {
        /// The component behind the middleware.
        label: String,
        /// The handler that it does export.
        found: Option<String>,
    },
    /// The versions of the handler do not fit.
    #[error("the middleware `{middleware}` passes requests to `{import}`, and `{next}` exports `{export}`")]
    HandlerVersion {
        /// The middleware.
        middleware: String,
        /// What it imports.
        import: String,
        /// The component behind it.
        next: String,
        /// What that one exports.
        export: String,
    },
    /// Two parts import one interface of the host with types that exclude each other.
    #[error("`{first}` and `{second}` import `{import}` with types that exclude each other: {detail}")]
    ImportConflict {
        /// The import.
        import: String,
        /// One part.
        first: String,
        /// The other.
        second: String,
        /// What differs.
        detail: String,
    },
    /// A part uses a construct that cannot be composed.
    #[error("`{label}` cannot be composed: {message}")]
    Unsupported {
        /// The part.
        label: String,
        /// What it is about.
        message: String,
    },
    /// No adapter can be made for what a part may not have.
    #[error("{} cannot be denied to `{label}`: {message}", listed(.imports))]
    Undeniable {
        /// The part.
        label: String,
        /// Its imports that would have to be denied.
        imports: Vec<String>,
        /// Why.
        message: String,
    },
    /// There are more parts, or more wires, than one component may hold.
    #[error(
        "the app and its dependencies are {instances} components, more than one component can hold: {message}"
    )]
    TooLarge {
        /// How many instances it would hold.
        instances: usize,
        /// The validator's words for the bound.
        message: String,
    },
    /// The parts fit one by one, and not together.
    #[error("the composed component is not valid: {message}")]
    Invalid {
        /// The validator's words.
        message: String,
    },
}

/// Where the types of an import and an export differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// In one type or function of the interface.
    Item {
        /// "function", "type", "method".
        what: &'static str,
        /// Its name.
        item: String,
        /// The declaration that the import has, in WIT.
        expected: String,
        /// The one that the export has, if it has one.
        found: Option<String>,
    },
    /// Somewhere that only the type checker's words tell.
    Other(String),
}

/// A resource as one part knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// How the part's interface declares it, in WIT: `use acme:store/api@1.0.0.{counter}`, or `resource counter`.
    pub declaration: String,
    /// The label of the part that defines it; `None` if the host does.
    pub owner: Option<String>,
}

impl Owned {
    fn owner(&self) -> String {
        self.owner.as_ref().map_or_else(|| "the host".to_owned(), |label| format!("`{label}`"))
    }
}

fn apart(part: &str, import: &str, target: &str, resource: &str, [ours, theirs]: [&Owned; 2]) -> String {
    format!(
        "`{target}` does not fit the import `{import}` of `{part}`: they differ in the resource `{resource}`\n  \
         expected by {part}: {}, which is that of {}\n  found in {target}: {}, which is that of {}",
        ours.declaration,
        ours.owner(),
        theirs.declaration,
        theirs.owner()
    )
}

fn grant(label: &str, capability: Option<&str>) -> String {
    match capability {
        Some(key) => format!("grant `{key}` to `{label}`: `inherit_configuration = [\"{key}\"]`"),
        None => format!(
            "no single capability covers it: grant all to `{label}` with `inherit_configuration = true`"
        ),
    }
}

fn unwrapped(label: &str, found: Option<&str>) -> String {
    let exports = match found {
        Some(found) => format!("exports `{found}`, whose requests are not those"),
        None => "exports no handler of HTTP requests".to_owned(),
    };
    format!(
        "no middleware can stand in front of `{label}`: middleware passes requests to `wasi:http/handler@0.3`, and \
         `{label}` {exports}"
    )
}

fn renamed(import: &str, export: &str) -> String {
    if import == export { String::new() } else { format!(" as `{import}`") }
}

fn mismatch(part: &str, import: &str, target: &str, export: &str, difference: &Difference) -> String {
    let exported = if import == export { String::new() } else { format!(" with `{export}`") };
    match difference {
        Difference::Item { what, item, expected, found } => {
            let found = found.as_deref().unwrap_or("(nothing of that name)");
            format!(
                "`{target}` does not fit the import `{import}` of `{part}`{exported}: they differ in the {what} \
                 `{item}`\n  expected by {part}: {expected}\n  found in {target}: {found}"
            )
        }
        Difference::Other(detail) => {
            format!("`{target}` does not fit the import `{import}` of `{part}`{exported}: {detail}")
        }
    }
}

impl ComposeError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { source, .. } => source.hint(),
            Self::WitOnly { .. } => Some(
                "name a package that implements it: `{ version = \"…\", package = \"ns:implementation\" }`"
                    .to_owned(),
            ),
            Self::NotComponent { .. } => {
                Some("make a component of it with `spin-deps componentize`".to_owned())
            }
            Self::NoImport { imports, .. } if imports.is_empty() => Some(
                "it imports nothing that a dependency could provide: remove it with `spin-deps remove`"
                    .to_owned(),
            ),
            Self::NoImport { imports, .. } => Some(format!(
                "it imports {}; build the component after a dependency was added",
                listed(imports)
            )),
            Self::DoubleMatch { .. } => Some("remove one of them with `spin-deps remove`".to_owned()),
            Self::NoExport { exports, .. } if exports.is_empty() => Some("it exports nothing".to_owned()),
            Self::NoExport { exports, .. } => Some(format!("it exports {}", listed(exports))),
            Self::Mismatch { target, .. } => Some(format!(
                "choose another release than `{target}`, or build against its interface: `spin-deps sync`, then `spin build`"
            )),
            Self::Unsatisfied { import, root: true, .. } => {
                let name = import.split_once('/').map_or("ns:package", |(package, _)| package);
                Some(format!("add a dependency that does: `spin-deps add {name}`"))
            }
            Self::Unsatisfied { part, root: false, .. } => Some(format!(
                "`{part}` was published without naming this dependency: choose another release of it"
            )),
            Self::Cycle { .. } => {
                Some("one of them has to do without the next: choose another release".to_owned())
            }
            Self::NotMiddleware { .. } => {
                Some("middleware imports and exports `wasi:http/handler@0.3.0`".to_owned())
            }
            Self::NoHandler { label, found: Some(_) } => Some(format!(
                "build `{label}` for WASIp3, where Rust, C, Python (componentize-py) and JavaScript (componentize-qjs) \
                 have handlers of `wasi:http@0.3`, or let its routes do without middleware"
            )),
            Self::NoHandler { found: None, .. } => {
                Some("middleware is for components that answer HTTP requests".to_owned())
            }
            Self::HandlerVersion { middleware, next, .. } => Some(format!(
                "choose releases of `{middleware}` and `{next}` that were built for one version of `wasi:http`"
            )),
            Self::ImportConflict { first, second, .. } => Some(format!(
                "choose releases of `{first}` and `{second}` that were built against the same version"
            )),
            Self::Resource { part, target, resource, ours, .. } => Some(format!(
                "components that exchange a resource share the package that defines it: choose another release than \
                 `{target}`, one that uses the `{resource}` of {}, or build `{part}` against it",
                ours.owner()
            )),
            Self::DeniedResource { denial, .. } => Some(grant(&denial.part, denial.capability)),
            Self::Undeniable { label, imports, .. } => {
                Some(grant(label, imports.iter().find_map(|import| capability(import))))
            }
            Self::TooLarge { .. } => {
                Some("split the app into several components, each with some of the dependencies".to_owned())
            }
            Self::Invalid { .. }
            | Self::NoSuchPart { .. }
            | Self::ComponentImport { .. }
            | Self::Unsupported { .. } => None,
        }
    }
}
