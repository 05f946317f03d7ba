//! The files of a new project, by language.

use spin_deps_component::{Language, wit_name};
use wasm_pkg_common::package::PackageRef;

use super::NewKind;

/// The interfaces that middleware is about, each with the folder that it goes into below `wit/deps`.
const WASI: [(&str, &str); 6] = [
    ("wasi-cli-0.3.0", include_str!("wasi/cli.wit")),
    ("wasi-clocks-0.3.0", include_str!("wasi/clocks.wit")),
    ("wasi-filesystem-0.3.0", include_str!("wasi/filesystem.wit")),
    ("wasi-http-0.3.0", include_str!("wasi/http.wit")),
    ("wasi-random-0.3.0", include_str!("wasi/random.wit")),
    ("wasi-sockets-0.3.0", include_str!("wasi/sockets.wit")),
];

/// Names in WIT that the generated code of Rust has to write in another way.
const RUST_KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// What a language's toolchain needs.
struct Toolchain {
    /// The language, as people call it.
    name: &'static str,
    /// The commands of the build.
    build: Vec<String>,
    /// The files whose change calls for a build, beside the WIT.
    watch: &'static [&'static str],
    /// The command that fetches what the build needs, once.
    setup: Option<&'static str>,
    /// `[tool.deps] bindings`, where the code is built against generated files.
    bindings: Option<&'static str>,
    /// What the build leaves, beside the component.
    ignored: &'static [&'static str],
}

/// The files of a project.
pub(super) struct Template<'a> {
    kind: NewKind,
    language: Language,
    package: &'a PackageRef,
    toolchain: Toolchain,
}

/// The beginning of the manifest of a package.
pub(super) fn manifest(package: &PackageRef) -> String {
    filled(include_str!("templates/component.toml"), package)
}

impl<'a> Template<'a> {
    pub(super) fn new(kind: NewKind, language: Language, package: &'a PackageRef) -> Self {
        Self { kind, language, package, toolchain: toolchain(kind, language, package) }
    }

    /// Every file with its text, by its path in the project.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![
            (".gitignore".to_owned(), self.ignored()),
            ("README.md".to_owned(), self.readme()),
            ("component.toml".to_owned(), self.manifest()),
        ];
        let own = self
            .own()
            .into_iter()
            .map(|(path, text)| (filled(path, self.package), filled(text, self.package)));
        files.extend(own);
        if self.kind == NewKind::Middleware {
            let wasi = WASI
                .iter()
                .map(|(folder, text)| (format!("wit/deps/{folder}/package.wit"), (*text).to_owned()));
            files.extend(wasi);
        }
        files.sort();
        files
    }

    /// The commands that come next.
    pub(super) fn next(&self) -> Vec<String> {
        let setup = self.toolchain.setup.into_iter();
        setup.chain(["spin-deps build", "spin-deps publish"]).map(str::to_owned).collect()
    }

    /// The world and the code.
    fn own(&self) -> Vec<(&'static str, &'static str)> {
        let world = match self.kind {
            NewKind::Library => include_str!("templates/library.wit"),
            NewKind::Middleware => include_str!("templates/middleware.wit"),
        };
        let mut files = vec![("wit/world.wit", world)];
        files.extend(match (self.language, self.kind) {
            (Language::Js, _) => vec![
                ("package.json", include_str!("templates/js.json")),
                ("component.js", include_str!("templates/js-library.js")),
            ],
            (Language::Python, NewKind::Library) => vec![
                ("requirements.txt", include_str!("templates/python.txt")),
                ("app.py", include_str!("templates/python-library.py")),
            ],
            (Language::Python, NewKind::Middleware) => vec![
                ("requirements.txt", include_str!("templates/python.txt")),
                ("app.py", include_str!("templates/python-middleware.py")),
            ],
            (Language::C, NewKind::Library) => vec![("component.c", include_str!("templates/c-library.c"))],
            (Language::C, NewKind::Middleware) => {
                vec![("component.c", include_str!("templates/c-middleware.c"))]
            }
            (Language::Go, _) => vec![
                ("go.mod", include_str!("templates/go.mod")),
                ("main.go", include_str!("templates/go-main.go")),
                (
                    "spin_dependencies/export___SNAKE_PACKAGE___greet/greet.go",
                    include_str!("templates/go-library.go"),
                ),
            ],
            (_, NewKind::Library) => vec![
                ("Cargo.toml", include_str!("templates/rust.toml")),
                ("src/lib.rs", include_str!("templates/rust-library.rs")),
            ],
            (_, NewKind::Middleware) => vec![
                ("Cargo.toml", include_str!("templates/rust.toml")),
                ("src/lib.rs", include_str!("templates/rust-middleware.rs")),
            ],
        });
        files
    }

    fn manifest(&self) -> String {
        let value = |text: &str| toml_edit::Value::from(text).to_string();
        let mut lines = vec![manifest(self.package) + "[build]"];
        match self.toolchain.build.as_slice() {
            [only] => lines.push(format!("command = {}", value(only))),
            several => {
                lines.push("command = [".to_owned());
                lines.extend(several.iter().map(|command| format!("  {},", value(command))));
                lines.push("]".to_owned());
            }
        }
        let watched = self.toolchain.watch.iter().copied().chain(["wit/**/*.wit"]);
        let watched: Vec<_> = watched.map(value).collect();
        lines.push(format!("watch = [{}]", watched.join(", ")));
        if let Some(language) = self.toolchain.bindings {
            lines.push(format!("\n[tool.deps]\nbindings = \"{language}\""));
        }
        lines.join("\n") + "\n"
    }

    fn ignored(&self) -> String {
        let component = format!("/{}.wasm", self.package.name());
        let mut lines = vec![component.as_str()];
        lines.extend(self.toolchain.ignored);
        lines.join("\n") + "\n"
    }

    fn readme(&self) -> String {
        let purpose = |command: &str| match command {
            "spin-deps build" => "makes the component",
            "spin-deps publish" => "publishes it; see `spin-deps publish --help`",
            _ => "once",
        };
        let next = self.next();
        let width = next.iter().map(String::len).max().unwrap_or_default();
        let commands = next.iter().map(|command| format!("    {command:<width$}  # {}\n", purpose(command)));
        filled(include_str!("templates/README.md"), self.package)
            .replace("__KIND__", self.kind.name())
            .replace("__LANGUAGE__", self.toolchain.name)
            .replace("__COMMANDS__\n", &commands.collect::<String>())
    }
}

fn toolchain(kind: NewKind, language: Language, package: &PackageRef) -> Toolchain {
    let name = package.name().to_string();
    let snake = snake(&name);
    let world = kind.name();
    match language {
        Language::Js => Toolchain {
            name: "JavaScript",
            build: vec!["npm run build".into()],
            watch: &["*.js", "package.json"],
            setup: Some("npm install"),
            bindings: None,
            ignored: &["/node_modules/"],
        },
        Language::Python => Toolchain {
            name: "Python",
            build: vec![match kind {
                NewKind::Library => {
                    format!("componentize-py -d wit -w {world} componentize --stub-wasi app -o {name}.wasm")
                }
                // Its event loop asks for the time and for random numbers.
                NewKind::Middleware => {
                    format!("componentize-py -d wit -w {world} componentize app -o {name}.wasm")
                }
            }],
            watch: &["**/*.py", "requirements.txt"],
            setup: Some("pip install -r requirements.txt"),
            bindings: None,
            ignored: &["__pycache__/"],
        },
        Language::C => Toolchain {
            name: "C",
            build: vec![
                format!(
                    "${{WASI_CC:-clang}} --target=wasm32-wasi -mexec-model=reactor -O2 -s -Ispin_dependencies component.c spin_dependencies/{world}.c -o {name}.core.wasm"
                ),
                format!("spin-deps componentize {name}.core.wasm -o {name}.wasm"),
            ],
            watch: &["**/*.c", "**/*.h"],
            setup: None,
            bindings: Some("c"),
            ignored: &["*.core.wasm"],
        },
        Language::Go => Toolchain {
            name: "Go",
            build: vec![
                "go mod tidy".into(),
                format!(
                    "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags=-checklinkname=0 -o {name}.core.wasm ."
                ),
                format!("spin-deps componentize {name}.core.wasm -o {name}.wasm --wit wit --world {world}"),
            ],
            watch: &["**/*.go", "go.mod"],
            setup: None,
            bindings: Some("go"),
            ignored: &["*.core.wasm"],
        },
        _ => Toolchain {
            name: "Rust",
            build: vec![
                "cargo build --release --target wasm32-unknown-unknown".into(),
                format!(
                    "spin-deps componentize ${{CARGO_TARGET_DIR:-target}}/wasm32-unknown-unknown/release/{snake}.wasm -o {name}.wasm"
                ),
            ],
            watch: &["src/**/*.rs", "Cargo.toml"],
            setup: Some("rustup target add wasm32-unknown-unknown"),
            bindings: None,
            ignored: &["/target/"],
        },
    }
}

/// A template with the names of a package in it.
fn filled(text: &str, package: &PackageRef) -> String {
    let (namespace, name) = (package.namespace().to_string(), package.name().to_string());
    text.replace("__SNAKE_PACKAGE__", &format!("{}_{}", snake(&namespace), snake(&name)))
        .replace("__RUST_PATH__", &format!("{}::{}", rust_name(&namespace), rust_name(&name)))
        .replace("__WIT_PACKAGE__", &wit_name(&package.to_string()))
        .replace("__PACKAGE__", &package.to_string())
        .replace("__NAME__", &name)
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// The name of a module of generated Rust.
fn rust_name(name: &str) -> String {
    let name = snake(name);
    if RUST_KEYWORDS.contains(&name.as_str()) { format!("{name}_") } else { name }
}
