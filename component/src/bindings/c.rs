//! C and C++: the generators of `wit-bindgen`, with the description of the world in the source.
//!
//! What makes a component of a core module finds the world in a custom section of the module. The generators put that
//! section into an object file of its own, which cannot say where it comes from, shows nothing to a reviewer, and has to
//! be named in every link command. Here it is a section in assembly at the end of the generated source, which clang puts
//! into the object file of that source; other compilers, for which it means nothing, do not see it.

use std::fmt::Write as _;

use wit_component::StringEncoding;
use wit_parser::{Resolve, WorldId};

use super::{GeneratedFile, extension, run};
use crate::guard::guarded;

/// How many bytes of the description stand on a line.
const PER_LINE: usize = 48;

pub(super) fn c(resolve: Resolve, world: WorldId) -> Result<Vec<GeneratedFile>, String> {
    let section = section(&resolve, world, "")?;
    let opts = wit_bindgen_c::Opts { no_object_file: true, ..Default::default() };
    let mut files = run(opts.build(), resolve, world)?;
    for file in files.iter_mut().filter(|file| extension(&file.path) == "c") {
        file.text.push_str(&section);
    }
    keep_format(&mut files);
    Ok(files)
}

pub(super) fn cpp(resolve: Resolve, world: WorldId) -> Result<Vec<GeneratedFile>, String> {
    let section = section(&resolve, world, "extern \"C\" ")?;
    let generate = guarded(|| run(wit_bindgen_cpp::Opts::default().build(None), resolve, world));
    let mut files = generate.unwrap_or_else(|message| match message.as_str() {
        "not yet implemented" => Err("it has an asynchronous function, a stream or a future".to_owned()),
        _ => Err(message),
    })?;
    // The other headers declare the classes of exported resources, with the members that their author gives them.
    files.retain(|file| {
        file.path.ends_with("_cpp.h") || extension(&file.path) == "cpp" || file.path == "wit.h"
    });
    for file in files.iter_mut().filter(|file| extension(&file.path) == "cpp") {
        file.text.push_str(&section);
    }
    keep_format(&mut files);
    Ok(files)
}

/// Tells clang-format to leave the files alone: it would break comments and strings at other places.
fn keep_format(files: &mut [GeneratedFile]) {
    for file in files {
        file.text.insert_str(0, "// clang-format off\n\n");
    }
}

/// The custom section `component-type…` in assembly, and the function by which the generators refer to its object file.
fn section(resolve: &Resolve, world: WorldId, linkage: &str) -> Result<String, String> {
    let name = &resolve.worlds[world].name;
    let encoded = wit_component::metadata::encode(resolve, world, StringEncoding::UTF8, None);
    let bytes = encoded.map_err(|error| format!("{error:#}"))?;
    let symbol = wit_bindgen_c::component_type_object::linking_symbol(name);
    let mut text = format!(
        "\n{linkage}void {symbol}(void) {{}}\n\n// The world, for the tool that makes a component of the module.\n\
         #ifdef __wasm__\n__asm__(\n    \
         \".section \\\".custom_section.component-type:{name}\\\",\\\"\\\",@\\n\"\n"
    );
    for line in bytes.chunks(PER_LINE) {
        text.push_str("    \".ascii \\\"");
        for byte in line {
            // Letters and digits as they are, so that the names can be read; the rest means something to C, to the
            // assembler or to an old preprocessor.
            let _ = match byte {
                byte if byte.is_ascii_alphanumeric() => write!(text, "{}", char::from(*byte)),
                byte => write!(text, "\\\\{byte:03o}"),
            };
        }
        text.push_str("\\\"\\n\"\n");
    }
    text.push_str(");\n#endif\n");
    Ok(text)
}
