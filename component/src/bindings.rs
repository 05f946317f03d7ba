//! Rust bindings for the dependencies of a component, as `wit_bindgen::generate!` would expand them.
//!
//! Generated text beside the code, instead of a macro, lets an editor show what there is and needs nothing but the
//! `wit-bindgen` crate at run time.

use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

use crate::{WitError, guard::guarded, wit};

/// The Rust module for the text of a `spin-dependencies.wit`: formatted, the same for the same text. It refers to the
/// crate `wit-bindgen` 0.60.
pub fn rust_bindings(dependencies_wit: &str) -> Result<String, WitError> {
    let (mut resolve, world) = wit::parse(dependencies_wit)?;
    let generated = guarded(move || {
        let mut files = Files::default();
        let opts = Opts { generate_all: true, format: true, ..Opts::default() };
        opts.build().generate(&mut resolve, world, &mut files).map_err(|error| format!("{error:#}"))?;
        let (_, contents) = files.iter().next().ok_or("no file was generated")?;
        String::from_utf8(contents.to_vec()).map_err(|error| error.to_string())
    });
    generated.and_then(|result| result).map_err(|message| WitError::Invalid { message })
}
