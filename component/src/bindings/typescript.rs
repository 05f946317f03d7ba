//! TypeScript: the types of a guest's imports and exports as ambient modules, from the generator of `jco`.
//!
//! ```ts
//! import { digest } from "acme:hash/api@1.2.0";
//! import init from "init"; // a plain function
//! ```
//!
//! The generator has nothing for plain functions that are imported, each of which is the default export of a module
//! with its name. It has for such that are exported, so each one is written as the only export of a world.

use js_component_bindgen::{TranspileOpts, generate_types};
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

use super::{GeneratedFile, text};

pub(super) fn typescript(resolve: &Resolve, world: WorldId) -> Result<Vec<GeneratedFile>, String> {
    let mut files = generate(resolve.clone(), world)?;
    let mut functions = String::new();
    for (key, item) in &resolve.worlds[world].imports {
        if let (WorldKey::Name(name), WorldItem::Function(_)) = (key, item) {
            functions.push_str(&plain_function(resolve, world, name)?);
        }
    }
    let main = format!("{}.d.ts", resolve.worlds[world].name);
    if let Some(file) = files.iter_mut().find(|file| file.path == main) {
        file.text.push_str(&functions);
    }
    Ok(files)
}

/// The module of one imported function.
fn plain_function(resolve: &Resolve, world: WorldId, name: &str) -> Result<String, String> {
    let mut resolve = resolve.clone();
    let alone = &mut resolve.worlds[world];
    let key = WorldKey::Name(name.to_owned());
    let function = alone.imports.shift_remove(&key).ok_or("no such function")?;
    alone.imports.retain(|_, item| matches!(item, WorldItem::Type { .. }));
    alone.exports.clear();
    alone.exports.insert(key, function);
    let main = format!("{}.d.ts", alone.name);
    let files = generate(resolve, world)?;
    let file = files.into_iter().find(|file| file.path == main).ok_or("no types were generated")?;
    let module = file.text.lines().map(|line| {
        if line.starts_with("declare module ") {
            format!("declare module '{name}' {{\n")
        } else {
            let line = line.replacen("export function ", "export default function ", 1);
            format!("{line}\n")
        }
    });
    Ok(module.collect())
}

fn generate(resolve: Resolve, world: WorldId) -> Result<Vec<GeneratedFile>, String> {
    let name = resolve.worlds[world].name.clone();
    let opts = TranspileOpts { name: name.clone(), guest: true, ..Default::default() };
    let files = generate_types(&name, resolve, world, opts);
    files.map_err(|error| format!("{error:#}"))?.into_iter().map(text).collect()
}
