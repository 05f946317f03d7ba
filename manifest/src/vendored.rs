//! The manifest of a copy of the app that has all its content beside it.
//!
//! Everything that would be looked for elsewhere becomes a path: the components' own Wasm, their dependencies, their
//! middleware. What serves to get there goes: registries, overrides, profiles, and what only a build needs. The rest of
//! the text, its comments included, stays as it is.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, InlineTable, Item, KeyMut, Table, TableLike, Value};

use crate::{Document, ErrorKind, Inherit, ManifestError, edit::Step, read::printable};

/// Where the content of the copy lies. All paths are relative to the copy's manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendored {
    /// Comment lines to begin with, without their `#`.
    pub header: Vec<String>,
    /// Every component, by id.
    pub components: BTreeMap<String, VendoredComponent>,
    /// The paths of each trigger's middleware, outermost first, in the order of [`Manifest::triggers`](crate::Manifest).
    pub middleware: Vec<Vec<String>>,
}

/// A component of the copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendoredComponent {
    /// Its Wasm.
    pub source: String,
    /// Comment lines above it, without their `#`.
    pub notes: Vec<String>,
    /// The sources of its `files` that have moved, by their place in that list.
    pub files: BTreeMap<usize, String>,
    /// What satisfies its imports, in place of all that there was.
    pub dependencies: Vec<VendoredDependency>,
}

/// A dependency of a component of the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendoredDependency {
    /// Which imports.
    pub name: String,
    /// The implementation.
    pub path: String,
    /// The implementation's export, if its name is not the import's.
    pub export: Option<String>,
    /// What it may reach.
    pub inherit: Inherit,
    /// Comment lines above it, without their `#`.
    pub notes: Vec<String>,
}

impl Document {
    /// The manifest of a copy whose content lies where `vendored` says.
    pub fn vendored(&self, vendored: &Vendored) -> Result<Self, ManifestError> {
        let uneditable = |what: String| ManifestError::request(ErrorKind::Uneditable(what));
        let mut tree: DocumentMut = self.text().parse().map_err(|_| uneditable("the manifest".to_owned()))?;
        for component in self.manifest().components.values() {
            let what = || format!("component `{}`", printable(&component.id));
            let wanted = vendored.components.get(&component.id).ok_or_else(|| uneditable(what()))?;
            let place = table_at(tree.as_table_mut(), &component.path).ok_or_else(|| uneditable(what()))?;
            write_component(place, wanted, component.dependencies_inherit_configuration.is_some());
        }
        for (trigger, paths) in self.manifest().triggers.iter().zip(&vendored.middleware) {
            if trigger.middleware.is_empty() {
                continue;
            }
            let path = [Step::key("trigger"), Step::key(&trigger.kind), Step::Index(trigger.index)];
            let dependencies = table_at(tree.as_table_mut(), &path)
                .and_then(|place| place.table.get_mut("dependencies")?.as_table_like_mut())
                .ok_or_else(|| uneditable(format!("trigger `{}`", printable(&trigger.id))))?;
            let layers = trigger.middleware.iter().zip(paths);
            let layers = layers.map(|(layer, path)| Value::InlineTable(entry(path, None, &layer.inherit)));
            dependencies.insert("middleware", Item::Value(Value::Array(layers.collect())));
        }
        if let Some(application) = tree.get_mut("application").and_then(Item::as_table_like_mut) {
            application.remove("targets");
            keep_requests(application);
        }
        let header: String = vendored.header.iter().map(|line| comment(line)).collect();
        Self::parse(&format!("{header}\n{}", tree.to_string().trim_start()))
    }
}

/// What the copy has of our own settings: the requests that `verify` makes.
fn keep_requests(application: &mut dyn TableLike) {
    let Some(tool) = application.get_mut("tool").and_then(Item::as_table_like_mut) else { return };
    if let Some(deps) = tool.get_mut("deps").and_then(Item::as_table_like_mut) {
        let others: Vec<String> =
            deps.iter().map(|(key, _)| key.to_owned()).filter(|key| key != "verify").collect();
        for key in others {
            deps.remove(&key);
        }
        let is_empty = deps.is_empty();
        if is_empty {
            tool.remove("deps");
        } else if let Some(deps) = tool.get_mut("deps").and_then(Item::as_table_mut) {
            // Its header says nothing any more; those of the requests do.
            deps.set_implicit(true);
        }
    }
    if tool.is_empty() {
        application.remove("tool");
    }
}

fn write_component(Place { table, has_lines }: Place<'_>, wanted: &VendoredComponent, inherits: bool) {
    for key in ["build", "profile", "targets", "dependencies"] {
        table.remove(key);
    }
    if let Some(tool) = table.get_mut("tool").and_then(Item::as_table_like_mut) {
        tool.remove("deps");
        if tool.is_empty() {
            table.remove("tool");
        }
    }
    // In its old place, under its old comments.
    match table.get_mut("source") {
        Some(source) => *source = Item::Value(wanted.source.as_str().into()),
        None => drop(table.insert("source", Item::Value(wanted.source.as_str().into()))),
    }
    if has_lines && let Some(key) = table.key_mut("source") {
        annotate(key, &wanted.notes);
    }
    if let Some(files) = table.get_mut("files").and_then(Item::as_array_mut) {
        for (place, source) in &wanted.files {
            if let Some(file) = files.get_mut(*place).and_then(Value::as_inline_table_mut) {
                file.insert("source", source.as_str().into());
            }
        }
    }
    if wanted.dependencies.is_empty() {
        table.remove("dependencies_inherit_configuration");
        return;
    }
    let mut entries = Table::new();
    for dependency in &wanted.dependencies {
        let inherit = if inherits { &Inherit::Default } else { &dependency.inherit };
        let value = entry(&dependency.path, dependency.export.as_deref(), inherit);
        entries.insert(&dependency.name, Item::Value(Value::InlineTable(value)));
        if has_lines && let Some(key) = entries.key_mut(&dependency.name) {
            annotate(key, &dependency.notes);
        }
    }
    let entries = if has_lines {
        Item::Table(entries)
    } else {
        Item::Value(Value::InlineTable(entries.into_inline_table()))
    };
    table.insert("dependencies", entries);
}

fn entry(path: &str, export: Option<&str>, inherit: &Inherit) -> InlineTable {
    let mut entry = InlineTable::new();
    entry.insert("path", path.into());
    if let Some(export) = export {
        entry.insert("export", export.into());
    }
    match inherit {
        Inherit::Default => {}
        Inherit::All(all) => drop(entry.insert("inherit_configuration", (*all).into())),
        Inherit::Only(keys) => {
            let keys: Array = keys.iter().map(|key| key.key()).collect();
            entry.insert("inherit_configuration", Value::Array(keys));
        }
    }
    entry
}

/// Puts comments above a key, below those that are there.
fn annotate(mut key: KeyMut<'_>, notes: &[String]) {
    let before = key.leaf_decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned();
    let notes: String = notes.iter().map(|note| comment(note)).collect();
    key.leaf_decor_mut().set_prefix(before + &notes);
}

/// A line of a comment, which can hold neither a control character nor the end of the line.
fn comment(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    format!("# {text}\n")
}

/// A table of the manifest.
struct Place<'a> {
    table: &'a mut dyn TableLike,
    /// Whether its entries have lines of their own, as below a header in brackets.
    has_lines: bool,
}

/// The table at the end of a way that reading found.
fn table_at<'a>(root: &'a mut Table, path: &[Step]) -> Option<Place<'a>> {
    let mut place = Place { table: root, has_lines: true };
    let mut steps = path.iter().peekable();
    while let Some(step) = steps.next() {
        let Step::Key(key) = step else { return None };
        let item = place.table.get_mut(key)?;
        place = if let Some(Step::Index(index)) = steps.next_if(|step| matches!(step, Step::Index(_))) {
            element(item, *index)?
        } else {
            let has_lines = item.as_table().is_some_and(|table| !table.is_dotted());
            Place { table: item.as_table_like_mut()?, has_lines }
        };
    }
    Some(place)
}

fn element(item: &mut Item, index: usize) -> Option<Place<'_>> {
    match item {
        Item::ArrayOfTables(tables) => Some(Place { table: tables.get_mut(index)?, has_lines: true }),
        Item::Value(Value::Array(array)) => {
            Some(Place { table: array.get_mut(index)?.as_inline_table_mut()?, has_lines: false })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendored(text: &str) -> String {
        let document = Document::parse(text).unwrap();
        let mut wanted = Vendored { header: vec!["Made\nby us".to_owned()], ..Vendored::default() };
        for (id, component) in &document.manifest().components {
            let dependency = |(place, it): (usize, &crate::Dependency)| VendoredDependency {
                name: it.name.to_string(),
                path: format!("dependencies/{place}.wasm"),
                export: it.export.clone(),
                inherit: it.inherit.clone(),
                notes: vec![format!("number {place}")],
            };
            let component = VendoredComponent {
                source: format!("components/{id}.wasm"),
                notes: vec!["whole".to_owned()],
                files: BTreeMap::from([(0, "files/0".to_owned())]),
                dependencies: component.dependencies.iter().enumerate().map(dependency).collect(),
            };
            wanted.components.insert(id.clone(), component);
        }
        let layers = |trigger: &crate::Trigger| {
            (0..trigger.middleware.len()).map(|place| format!("dependencies/layer-{place}.wasm")).collect()
        };
        wanted.middleware = document.manifest().triggers.iter().map(layers).collect();
        document.vendored(&wanted).unwrap().text()
    }

    #[test]
    fn everything_becomes_a_path_and_the_rest_stays() {
        insta::assert_snapshot!(vendored(r#"# The app.
spin_manifest_version = 2

[application]
name = "demo" # its name
targets = ["spin-up:3.4"]
tool.other = { kept = true }

[application.tool.deps]
default_registry = "example.com"

[application.tool.deps.overrides]
"acme:hash" = { path = "hash.wasm" }

[[trigger.http]]
route = "/..."
component = "app"

[[trigger.http.dependencies.middleware]]
package = "acme:layer"
version = "1"
inherit_configuration = ["environment"]

[[trigger.http.dependencies.middleware]]
path = "layer.wasm"

# What answers.
[component.app]
description = "It answers" # always
# Where from.
source = "app.wasm"
files = [{ source = "../x", destination = "/x" }, "assets/*"]

[component.app.build]
command = "make"

[component.app.profile.debug]
source = "debug.wasm"

[component.app.tool.deps]
bindings = "rust"

[component.app.dependencies]
"acme:hash" = "^1"

[component.app.dependencies."acme:crypto/sign@1.0.0"]
url = "https://example.com/x.wasm"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
export = "sign"
"#), @r#"
        # Made�by us

        # The app.
        spin_manifest_version = 2

        [application]
        name = "demo" # its name
        tool.other = { kept = true }

        [[trigger.http]]
        route = "/..."
        component = "app"

        [trigger.http.dependencies]
        middleware = [{ path = "dependencies/layer-0.wasm", inherit_configuration = ["environment"] }, { path = "dependencies/layer-1.wasm" }]

        # What answers.
        [component.app]
        description = "It answers" # always
        # Where from.
        # whole
        source = "components/app.wasm"
        files = [{ source = "files/0", destination = "/x" }, "assets/*"]

        [component.app.dependencies]
        # number 0
        "acme:hash" = { path = "dependencies/0.wasm" }
        # number 1
        "acme:crypto/sign@1.0.0" = { path = "dependencies/1.wasm", export = "sign" }
        "#);
    }

    #[test]
    fn every_layout_has_a_place_for_it() {
        insta::assert_snapshot!(vendored(r#"spin_manifest_version = 2
application = { name = "demo", tool.deps.verify.requests = [{ path = "/" }], tool.deps.default_registry = "example.com" }
trigger.http = [
    { route = "/a", component = { source = "a.wasm", dependencies = { "a:b" = "1" }, dependencies_inherit_configuration = true }, dependencies.middleware = [{ path = "m" }] },
    { route = "/b", component = "b" },
]
component.b.source.registry = "example.com"
component.b.source.package = "a:b"
component.b.source.version = "1.0.0"
component.b.dependencies."c:d" = { path = "d.wasm", inherit_configuration = false }
component.b.dependencies_inherit_configuration = false
"#.replace(", inherit_configuration = false }", " }").as_str()), @r#"
        # Made�by us

        spin_manifest_version = 2
        application = { name = "demo", tool.deps.verify.requests = [{ path = "/" }]}
        trigger.http = [
            { route = "/a", component = { source = "components/http-trigger1-component.wasm", dependencies_inherit_configuration = true , dependencies = { "a:b" = { path = "dependencies/0.wasm" } } }, dependencies.middleware = [{ path = "dependencies/layer-0.wasm" }] },
            { route = "/b", component = "b" },
        ]
        component.b.source = "components/b.wasm"
        component.b.dependencies_inherit_configuration = false
        component.b.dependencies = { "c:d" = { path = "dependencies/0.wasm" } }
        "#);
    }
}
