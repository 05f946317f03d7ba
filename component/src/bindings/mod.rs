//! Bindings: what a component's own code is written against, in its own language.
//!
//! The generators are those of `wit-bindgen` and, for TypeScript, of `jco`; each runs in this process. Generated text
//! beside the code, instead of a macro or a build step, lets an editor show what there is and a reviewer see what
//! changed. For that the text must be the same for the same WIT: what a generator writes in the order of a hash map is
//! put in order here (see [`order`]).
//!
//! Only text is generated. Where a generator makes an object file, as those of C and C++ do for the description of the
//! world, its content goes into the source instead (see [`c`]), so that every file can say where it comes from and be
//! told from one that somebody wrote (see [`Seal`]). Python has no generator in Rust: `componentize-py bindings` is a
//! program, which the project runs.

mod c;
mod language;
mod order;
mod seal;
mod typescript;

use wit_bindgen_core::{Files, WorldGenerator};
use wit_parser::{Resolve, WorldId};

pub use self::{
    language::{Language, UnknownLanguage},
    seal::{GeneratedFile, Seal},
};
use crate::{GuestWorld, WitError, guard::guarded};

/// The name of the module, package or folder that bindings go into.
const MODULE: &str = "spin_dependencies";

/// What bindings depend on beside their world.
#[derive(Clone, Debug, Default)]
pub struct BindingsOptions {
    /// How other code of the project imports the folder of the bindings, in the languages where generated files import
    /// each other by an absolute name: `example.com/app/spin_dependencies` in Go, `acme/app/spin_dependencies` in
    /// MoonBit.
    pub import_path: Option<String>,
}

/// The bindings for a world: files with paths relative to the folder of the bindings, sorted by path, the same for the
/// same world.
///
/// Rust is one module, `spin_dependencies.rs`, and refers to the crate `wit-bindgen` 0.60; in the other languages there
/// may be several files. For a world with exports they hold what the author's code has to implement, never a stub of
/// the implementation.
pub fn bindings(
    world: &GuestWorld,
    language: Language,
    options: &BindingsOptions,
) -> Result<Vec<GeneratedFile>, WitError> {
    let GuestWorld { resolve, world } = world.clone();
    let import_path = options.import_path.clone().unwrap_or_else(|| MODULE.to_owned());
    let generated = guarded(move || match language {
        Language::Rust => rust(resolve, world),
        Language::Js => typescript::typescript(&resolve, world),
        Language::C => c::c(resolve, world),
        Language::Cpp => c::cpp(resolve, world),
        Language::Go => go(resolve, world, import_path),
        Language::Csharp => run(wit_bindgen_csharp::Opts::default().build(), resolve, world),
        Language::Moonbit => moonbit(resolve, world, import_path),
        Language::Python => Err("bindings for Python are made by `componentize-py`".to_owned()),
    });
    let mut files =
        generated.and_then(|result| result).map_err(|message| WitError::Generator { language, message })?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn rust(resolve: Resolve, world: WorldId) -> Result<Vec<GeneratedFile>, String> {
    let opts = wit_bindgen_rust::Opts {
        generate_all: true,
        format: true,
        // So that `export!(Type)` works from anywhere in the crate.
        default_bindings_module: Some(format!("crate::{MODULE}")),
        ..Default::default()
    };
    let files = run(Box::new(opts.build()), resolve, world)?;
    let modules = files.into_iter().map(|file| GeneratedFile {
        path: format!("{MODULE}.rs"),
        // It is formatted already, a little differently.
        text: format!("#![cfg_attr(rustfmt, rustfmt_skip)]\n\n{}", file.text),
    });
    Ok(modules.collect())
}

fn go(resolve: Resolve, world: WorldId, import_path: String) -> Result<Vec<GeneratedFile>, String> {
    let opts = wit_bindgen_go::Opts {
        // gofmt may be there or not, and what is generated must not depend on it.
        format: wit_bindgen_go::Format::False,
        pkg_name: Some(import_path),
        ..Default::default()
    };
    run(opts.build(), resolve, world)
}

fn moonbit(resolve: Resolve, world: WorldId, import_path: String) -> Result<Vec<GeneratedFile>, String> {
    let opts = wit_bindgen_moonbit::Opts {
        // What a package with exports depends on beside these files is known to its author only.
        ignore_stub: true,
        ignore_module_file: true,
        gen_dir: "gen".to_owned(),
        project_name: Some(import_path),
        ..Default::default()
    };
    let mut files = run(opts.build(), resolve, world)?;
    files.retain(|file| !file.path.ends_with("README.md"));
    let name = |file: &GeneratedFile| file.path.rsplit('/').next().unwrap_or_default().to_owned();
    for file in files.iter_mut().filter(|file| name(file).starts_with("ffi")) {
        file.text = order::moonbit(&file.text);
    }
    Ok(files)
}

/// Runs one of the generators of `wit-bindgen`.
fn run(
    mut generator: Box<dyn WorldGenerator>,
    mut resolve: Resolve,
    world: WorldId,
) -> Result<Vec<GeneratedFile>, String> {
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files).map_err(|error| format!("{error:#}"))?;
    // An object file is no text: see `c`.
    let texts = files.iter().filter(|(path, _)| extension(path) != "o");
    texts.map(|(path, bytes)| text((path.to_owned(), bytes.to_vec()))).collect()
}

/// The end of a file's name, without its dot.
fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn text((path, bytes): (String, Vec<u8>)) -> Result<GeneratedFile, String> {
    let text = String::from_utf8(bytes).map_err(|_| format!("{path} is not UTF-8"))?;
    Ok(GeneratedFile { path, text })
}
