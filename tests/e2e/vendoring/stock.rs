//! What stock Spin makes of an app, by its own rule and without any of our code.
//!
//! A name of a component's dependency table stands for the imports of its package, and of its interface and version where
//! it has them, compared exactly. Each is plugged with the dependency's export of the import's own name, or of the name
//! that `export` gives. One level only, and every source is a file.

use std::path::Path;

use toml_edit::{DocumentMut, Item};
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, types::Package};

/// Every component of the app with its dependencies, by its id. Panics where Spin would refuse.
pub(super) fn compose(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let text = fs_err::read_to_string(folder.join("spin.toml")).expect("a manifest");
    let manifest: DocumentMut = text.parse().expect("TOML");
    let components = manifest["component"].as_table_like().expect("components");
    components.iter().map(|(id, component)| (id.to_owned(), plug(folder, component))).collect()
}

fn plug(folder: &Path, component: &Item) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let root = register(&mut graph, "root", &folder.join(text(component, "source")));
    let instance = graph.instantiate(root);
    let imports = names(&graph, root, false);
    let dependencies = component.get("dependencies").and_then(Item::as_table_like);
    for (number, (name, entry)) in dependencies.iter().flat_map(|table| table.iter()).enumerate() {
        let plug = register(&mut graph, &format!("plug-{number}"), &folder.join(text(entry, "path")));
        let plugged = graph.instantiate(plug);
        let matching: Vec<_> = imports.iter().filter(|import| matches(name, import)).collect();
        assert!(!matching.is_empty(), "`{name}` matches no import of {imports:?}");
        for import in matching {
            let export = entry.get("export").and_then(Item::as_str).unwrap_or(import);
            let alias = graph.alias_instance_export(plugged, export);
            let alias = alias.unwrap_or_else(|error| panic!("`{name}`: {error:#}"));
            let set = graph.set_instantiation_argument(instance, import, alias);
            set.unwrap_or_else(|error| panic!("`{name}`: {error:#}"));
        }
    }
    for export in names(&graph, root, true) {
        let alias = graph.alias_instance_export(instance, &export).expect("an export of the root");
        graph.export(alias, &export).expect("an export of the result");
    }
    let bytes = graph.encode(EncodeOptions::default()).expect("a valid component");
    let mut graph = CompositionGraph::new();
    let bare = Package::from_bytes("composed", None, bytes.clone(), graph.types_mut()).expect("a component");
    let bare = graph.register_package(bare).expect("a package");
    for import in names(&graph, bare, false) {
        assert!(import.starts_with("wasi:") || import.starts_with("spin:"), "`{import}` is left open");
    }
    bytes
}

fn register(graph: &mut CompositionGraph, name: &str, path: &Path) -> PackageId {
    let bytes = fs_err::read(path).expect("a file of the folder");
    let package = Package::from_bytes(name, None, bytes, graph.types_mut()).expect("a component");
    graph.register_package(package).expect("a package")
}

fn names(graph: &CompositionGraph, package: PackageId, exports: bool) -> Vec<String> {
    let world = &graph.types()[graph[package].ty()];
    let names = if exports { &world.exports } else { &world.imports };
    names.keys().cloned().collect()
}

fn text<'a>(table: &'a Item, key: &str) -> &'a str {
    table.get(key).and_then(Item::as_str).unwrap_or_else(|| panic!("a text as `{key}`"))
}

fn matches(name: &str, import: &str) -> bool {
    let parts = |name: &str| {
        let (path, version) = name.split_once('@').map_or((name, None), |(path, it)| (path, Some(it)));
        let (package, interface) =
            path.split_once('/').map_or((path, None), |(package, it)| (package, Some(it)));
        (package.to_owned(), interface.map(str::to_owned), version.map(str::to_owned))
    };
    let (wanted, found) = (parts(name), parts(import));
    wanted.0 == found.0
        && (wanted.1.is_none() || wanted.1 == found.1)
        && (wanted.2.is_none() || wanted.2 == found.2)
}
