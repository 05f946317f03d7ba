//! What holds for any manifest, in any layout.
//!
//! Manifests are put together from pieces in random layouts: tables, dotted keys and inline tables,
//! arrays on one line and on several, comments everywhere, both kinds of line ends, with and without
//! a last newline. Left out is only what no text can tell apart: an empty table or array for
//! dependencies, just where adding the first one would make it.

use proptest::{collection::vec, option, prelude::*, sample::select};
use spin_deps_manifest::{Capability, DependencyName, Document, Inherit, Manifest, Source};

const COMMENTS: [&str; 5] = ["", "", " # why", "\t# \"a\" = [1, {", " #"];
const GAPS: [&str; 6] = ["", "", "\n", "# note\n", "\n\n", "\n# [component.x]\n"];
const INDENTS: [&str; 4] = ["", "", "\t", "  "];

fn comment() -> impl Strategy<Value = &'static str> {
    select(&COMMENTS[..])
}

fn gap() -> impl Strategy<Value = &'static str> {
    select(&GAPS[..])
}

fn indent() -> impl Strategy<Value = &'static str> {
    select(&INDENTS[..])
}

/// Names that do not overlap, with values that fit all of them.
fn entries() -> impl Strategy<Value = Vec<(String, Vec<(&'static str, &'static str)>)>> {
    let names = proptest::sample::subsequence(
        vec!["\"a:b\"", "\"c:d/e\"", "plain-name", "'f:g@1.0.0'", "\"f:g@2.0.0\"", "\"h:i/j@0.1.0\""],
        0..4,
    );
    let fields = select(vec![
        vec![("version", "\"1\""), ("package", "\"x:y\"")],
        vec![("path", "'a.wasm'")],
        vec![
            ("version", "\"^0.3\""),
            ("package", "\"x:y\""),
            ("inherit_configuration", "[ \"files\", 'variables' ]"),
        ],
        vec![("path", "\"b # c.wasm\""), ("inherit_configuration", "true")],
    ]);
    (names, vec(fields, 4))
        .prop_map(|(names, fields)| names.into_iter().map(str::to_owned).zip(fields).collect())
}

/// `{ a = 1, b = 2 }`, on one line or on several.
fn inline(fields: &[(impl AsRef<str>, impl AsRef<str>)], style: u8, note: &str) -> String {
    let pairs: Vec<String> = fields.iter().map(|(k, v)| format!("{} = {}", k.as_ref(), v.as_ref())).collect();
    list("{", "}", &pairs, style, note)
}

fn list(open: &str, close: &str, items: &[String], style: u8, note: &str) -> String {
    if items.is_empty() {
        return format!("{open}{close}");
    }
    match style % 5 {
        0 => format!("{open} {} {close}", items.join(", ")),
        1 => format!("{open}{}{close}", items.join(",")),
        2 => format!("{open}\n  {}{note}\n{close}", items.join(&format!(",{note}\n  "))),
        3 => format!("{open} # in\n\t{},{note}\n\n  {close}", items.join(&format!(",{note}\n\t"))),
        _ => format!("{open}{}, {close}", items.join(" , ")),
    }
}

#[derive(Debug, Clone)]
struct ComponentSpec {
    entries: Vec<(String, Vec<(&'static str, &'static str)>)>,
    layout: u8,
    dependencies: u8,
    style: u8,
    notes: (&'static str, &'static str),
    gaps: (&'static str, &'static str),
    indent: &'static str,
    build: u8,
}

fn component() -> impl Strategy<Value = ComponentSpec> {
    let decoration = ((comment(), comment()), (gap(), gap()), indent());
    (entries(), 0..4_u8, any::<u8>(), any::<u8>(), decoration, 0..4_u8).prop_map(
        |(entries, layout, dependencies, style, (notes, gaps, indent), build)| ComponentSpec {
            entries,
            layout,
            dependencies,
            style,
            notes,
            gaps,
            indent,
            build,
        },
    )
}

impl ComponentSpec {
    /// The lines of the component: for its own table, for `[component]`, and behind its own table.
    fn lines(&self, id: &str) -> (String, String) {
        let Self { indent, notes: (first, second), gaps: (above, between), style, .. } = self;
        let values: Vec<(String, String)> =
            self.entries.iter().map(|(name, fields)| (name.clone(), inline(fields, *style, first))).collect();
        let files = list("[", "]", &["\"a\"".to_owned(), "'b'".to_owned()], *style, second);
        let mut fields = vec![
            ("source".to_owned(), format!("\"{id}.wasm\"")),
            ("description".to_owned(), "'''\n# x\n'''".to_owned()),
        ];
        if self.build == 0 {
            fields.push(("build.command".to_owned(), "\"make\"".to_owned()));
        }
        if style % 2 == 0 {
            fields.push(("exclude_files".to_owned(), files));
        }
        let mut tables = String::new();
        if !values.is_empty() {
            match if self.layout == 0 { self.dependencies % 5 } else { 1 + self.dependencies % 2 } {
                0 => {
                    tables.push_str(&format!("{above}{indent}[component.{id}.dependencies]{first}\n"));
                    for (name, value) in &values {
                        tables.push_str(&format!("{indent}{name} = {value}{second}\n{between}"));
                    }
                }
                1 => fields.push(("dependencies".to_owned(), inline(&values, style / 5, second))),
                2 => fields.extend(
                    values.iter().map(|(name, value)| (format!("dependencies.{name}"), value.clone())),
                ),
                3 => {
                    for (name, fields) in &self.entries {
                        fields.iter().enumerate().for_each(|(place, (field, value))| {
                            if place == 0 {
                                tables.push_str(&format!(
                                    "{above}[component.{id}.dependencies.{name}]{first}\n"
                                ));
                            }
                            tables.push_str(&format!("{indent}{field} = {value}{second}\n"));
                        });
                        tables.push_str(between);
                    }
                }
                _ => fields.extend(self.entries.iter().flat_map(|(name, fields)| {
                    fields.iter().map(move |(field, value)| {
                        (format!("dependencies . {name}.{field}"), (*value).to_owned())
                    })
                })),
            }
        }
        if self.build == 1 && self.layout == 0 {
            let build = format!("{between}[component.{id}.build]\n{indent}command = \"make\"{second}\n");
            tables = if style % 2 == 0 { build + &tables } else { tables + &build };
        }
        match self.layout {
            0 => {
                let mut own = format!("{above}{indent}[component.{id}]{first}\n");
                for (key, value) in &fields {
                    own.push_str(&format!("{indent}{key} = {value}{second}\n"));
                }
                (String::new(), own + between + &tables)
            }
            1 | 2 => {
                let mut own = above.to_string();
                for (key, value) in &fields {
                    own.push_str(&format!("{indent}{id}.{key} = {value}{second}\n"));
                }
                (own, String::new())
            }
            _ => (
                format!("{above}{indent}{id} = {}{second}\n{between}", inline(&fields, *style, first)),
                String::new(),
            ),
        }
    }
}

#[derive(Debug, Clone)]
struct TriggerSpec {
    layers: Vec<&'static str>,
    layout: u8,
    style: u8,
    note: &'static str,
    gap: &'static str,
    indent: &'static str,
    inline_component: bool,
}

fn trigger() -> impl Strategy<Value = TriggerSpec> {
    let layers = vec(
        select(vec![
            "path = 'a.wasm'",
            "path = \"b.wasm\", inherit_configuration = [\"files\"]",
            "version = \"1\", package = \"m:n\"",
        ]),
        0..4,
    );
    (layers, any::<u8>(), any::<u8>(), comment(), gap(), indent(), any::<bool>()).prop_map(
        |(layers, layout, style, note, gap, indent, inline_component)| TriggerSpec {
            layers,
            layout,
            style,
            note,
            gap,
            indent,
            inline_component,
        },
    )
}

impl TriggerSpec {
    fn lines(&self, number: usize) -> String {
        let Self { style, note, gap, indent, .. } = self;
        let mut text = format!(
            "{gap}{indent}[[trigger.http]]{note}\n{indent}id = \"t{number}\"\n{indent}route = \"/{number}\"{note}\n"
        );
        let mut tables = String::new();
        if self.inline_component && self.layout.is_multiple_of(2) {
            tables.push_str(&format!(
                "{indent}[trigger.http.component]\n{indent}source = \"inline.wasm\"{note}\n{gap}"
            ));
        } else if self.inline_component {
            text.push_str(&format!(
                "{indent}component = {}{note}\n",
                inline(&[("source", "'i.wasm'"), ("description", "\"}\"")], *style, note)
            ));
        } else {
            text.push_str(&format!("{indent}component = \"c0\"{note}\n"));
        }
        let layers: Vec<String> = self.layers.iter().map(|layer| format!("{{ {layer} }}")).collect();
        if !layers.is_empty() {
            let array = list("[", "]", &layers, *style, note);
            match self.layout % 4 {
                0 => text.push_str(&format!("{indent}dependencies.middleware = {array}{note}\n")),
                1 => text.push_str(&format!("{indent}dependencies = {{ middleware = {array} }}{note}\n")),
                2 => tables.push_str(&format!(
                    "{gap}[trigger.http.dependencies]\n{indent}middleware = {array}{note}\n"
                )),
                _ => {
                    for layer in &self.layers {
                        tables.push_str(&format!(
                            "{gap}{indent}[[trigger.http.dependencies.middleware]]{note}\n"
                        ));
                        tables.push_str(&format!(
                            "{indent}{}\n",
                            layer.replace(", i", "\ni").replace(", p", "\np")
                        ));
                    }
                }
            }
        }
        text + gap + &tables
    }
}

#[derive(Debug, Clone)]
struct Spec {
    components: Vec<ComponentSpec>,
    triggers: Vec<TriggerSpec>,
    triggers_last: bool,
    head: &'static str,
    last: &'static str,
    windows: bool,
    last_newline: bool,
}

impl Spec {
    fn text(&self) -> String {
        let mut shared = String::new();
        let mut tables = String::new();
        for (number, component) in self.components.iter().enumerate() {
            let (lines, own) = component.lines(&format!("c{number}"));
            shared.push_str(&lines);
            tables.push_str(&own);
        }
        if !shared.is_empty() {
            shared = format!("[component]{}\n{shared}", self.head);
        }
        let triggers: String = self.triggers.iter().enumerate().map(|(number, t)| t.lines(number)).collect();
        let (first, second) = if self.triggers_last { (tables, triggers) } else { (triggers, tables) };
        let mut text = format!(
            "spin_manifest_version = 2{}\n[application]\nname = \"shop\"\n{first}{shared}{second}{}",
            self.head, self.last
        );
        if !self.last_newline {
            text.truncate(text.trim_end_matches('\n').len());
        }
        if self.windows { text.replace('\n', "\r\n") } else { text }
    }
}

prop_compose! {
    fn manifest()(
        components in vec(component(), 1..4),
        triggers in vec(trigger(), 1..3),
        triggers_last in any::<bool>(),
        head in comment(),
        last in gap(),
        windows in any::<bool>(),
        last_newline in any::<bool>(),
    ) -> Spec {
        Spec { components, triggers, triggers_last, head, last, windows, last_newline }
    }
}

fn source() -> impl Strategy<Value = Source> {
    let registry = (select(vec!["new:one", "other:impl"]), option::of(Just("localhost:5000"))).prop_map(
        |(package, registry)| Source::Registry {
            package: package.parse().unwrap(),
            explicit_package: false,
            req: ">=1.2, <2".parse().unwrap(),
            registry: registry.map(|r| r.parse().unwrap()),
        },
    );
    prop_oneof![
        registry,
        "[ -~\\t\u{e9}\u{1}]{0,12}".prop_map(Source::Path),
        Just(Source::Url {
            url: "https://example.com/a.wasm".parse().unwrap(),
            digest: format!("sha256:{}", "0a".repeat(32)).parse().unwrap(),
        }),
    ]
}

fn inherit() -> impl Strategy<Value = Inherit> {
    prop_oneof![
        Just(Inherit::Default),
        any::<bool>().prop_map(Inherit::All),
        proptest::sample::subsequence(Capability::ALL.to_vec(), 0..4).prop_map(Inherit::Only),
    ]
}

/// Everything but one component's dependencies and one trigger's middleware, without places.
fn rest(manifest: &Manifest, component: &str, trigger: &str) -> String {
    let mut text = String::new();
    for (id, c) in &manifest.components {
        let dependencies: Vec<_> =
            c.dependencies.iter().map(|d| (&d.name, &d.source, &d.export, &d.inherit)).collect();
        let own = (id != component).then_some(dependencies);
        text.push_str(&format!("{id} {:?} {:?} {:?} {own:?}\n", c.source, c.exclude_files, c.build));
    }
    for t in &manifest.triggers {
        let layers: Vec<_> = t.middleware.iter().map(|m| (&m.source, &m.inherit)).collect();
        let own = (t.id != trigger).then_some(layers);
        text.push_str(&format!("{} {:?} {own:?}\n", t.id, t.component));
    }
    text
}

fn parse(text: &str) -> Document {
    Document::parse(text).unwrap_or_else(|e| panic!("{}\n{text}", crate::support::show(text, &e)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn reading_changes_nothing(spec in manifest()) {
        let text = spec.text();
        prop_assert_eq!(parse(&text).text(), text);
    }

    #[test]
    fn a_dependency_put_in_and_taken_out(spec in manifest(), pick in any::<prop::sample::Index>(), source in source(), export in option::of(Just("x:y/z")), inherit in inherit()) {
        let text = spec.text();
        let mut document = parse(&text);
        let before = document.manifest().clone();
        let (id, component) = before.components.get_index(pick.index(before.components.len())).unwrap();
        let name: DependencyName = "new:one/thing@1.0.0".parse().unwrap();
        document.set_dependency(id, &name, &source, export, &inherit).unwrap();
        let added = document.text();
        prop_assert_eq!(rest(document.manifest(), id, ""), rest(&before, id, ""));
        prop_assert_eq!(document.manifest().components[id].dependencies.len(), component.dependencies.len() + 1);
        if spec.windows {
            prop_assert_eq!(added.replace("\r\n", "").find('\n'), None);
        }
        prop_assert!(document.remove_dependency(id, &name).unwrap());
        prop_assert_eq!(document.text(), text, "with it:\n{}", added);
    }

    #[test]
    fn a_dependency_taken_out_or_changed(spec in manifest(), pick in any::<prop::sample::Index>(), source in source(), inherit in inherit()) {
        let text = spec.text();
        let mut document = parse(&text);
        let before = document.manifest().clone();
        let with: Vec<_> = before.components.values().filter(|c| !c.dependencies.is_empty()).collect();
        if with.is_empty() {
            return Ok(());
        }
        let component = with[pick.index(with.len())];
        let dependency = &component.dependencies[pick.index(component.dependencies.len())];
        document.set_dependency(&component.id, &dependency.name, &source, None, &inherit).unwrap();
        let changed = &document.manifest().components[&component.id];
        prop_assert_eq!(changed.dependencies.len(), component.dependencies.len());
        prop_assert_eq!(rest(document.manifest(), &component.id, ""), rest(&before, &component.id, ""));
        for document in [&mut document, &mut parse(&text)] {
            prop_assert!(document.remove_dependency(&component.id, &dependency.name).unwrap());
            let left = &document.manifest().components[&component.id];
            prop_assert_eq!(left.dependencies.len() + 1, component.dependencies.len());
            prop_assert_eq!(rest(document.manifest(), &component.id, ""), rest(&before, &component.id, ""));
        }
        // What the entry said stays when it is set to the same again.
        let mut document = parse(&text);
        document.set_dependency(&component.id, &dependency.name, &dependency.source, None, &Inherit::Default).unwrap();
        prop_assert_eq!(document.text(), text);
    }

    #[test]
    fn a_middleware_put_in_and_taken_out(spec in manifest(), pick in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), source in source(), inherit in inherit()) {
        let text = spec.text();
        let mut document = parse(&text);
        let before = document.manifest().clone();
        let trigger = &before.triggers[pick.index(before.triggers.len())];
        let place = place.index(trigger.middleware.len() + 1);
        document.insert_middleware(&trigger.id, place, &source, &inherit).unwrap();
        let added = document.text();
        prop_assert_eq!(rest(document.manifest(), "", &trigger.id), rest(&before, "", &trigger.id));
        document.remove_middleware(&trigger.id, place).unwrap();
        prop_assert_eq!(document.text(), text, "with it:\n{}", added);
    }

    #[test]
    fn a_middleware_taken_out(spec in manifest(), pick in any::<prop::sample::Index>()) {
        let text = spec.text();
        let mut document = parse(&text);
        let before = document.manifest().clone();
        let with: Vec<_> = before.triggers.iter().filter(|t| !t.middleware.is_empty()).collect();
        if with.is_empty() {
            return Ok(());
        }
        let trigger = with[pick.index(with.len())];
        document.remove_middleware(&trigger.id, pick.index(trigger.middleware.len())).unwrap();
        let left = &document.manifest().trigger(&trigger.id).unwrap().middleware;
        prop_assert_eq!(left.len() + 1, trigger.middleware.len());
        prop_assert_eq!(rest(document.manifest(), "", &trigger.id), rest(&before, "", &trigger.id));
    }

    #[test]
    fn changes_are_undone_in_turn(spec in manifest(), picks in vec((any::<prop::sample::Index>(), any::<bool>(), source()), 1..6)) {
        let text = spec.text();
        let mut document = parse(&text);
        let mut done = Vec::new();
        for (number, (pick, middleware, source)) in picks.into_iter().enumerate() {
            let before = document.text();
            let manifest = document.manifest().clone();
            if middleware {
                let trigger = &manifest.triggers[pick.index(manifest.triggers.len())];
                let place = pick.index(trigger.middleware.len() + 1);
                document.insert_middleware(&trigger.id, place, &source, &Inherit::Default).unwrap();
                done.push((before, trigger.id.clone(), None, place));
            } else {
                let (id, _) = manifest.components.get_index(pick.index(manifest.components.len())).unwrap();
                let name: DependencyName = format!("new:n{number}/thing").parse().unwrap();
                document.set_dependency(id, &name, &source, None, &Inherit::Default).unwrap();
                done.push((before, id.clone(), Some(name), 0));
            }
        }
        for (before, id, name, place) in done.into_iter().rev() {
            match name {
                Some(name) => prop_assert!(document.remove_dependency(&id, &name).unwrap()),
                None => document.remove_middleware(&id, place).unwrap(),
            }
            prop_assert_eq!(document.text(), before);
        }
        prop_assert_eq!(document.text(), text);
    }

    #[test]
    fn damaged_text_is_an_error_with_a_place(spec in manifest(), cuts in vec((any::<prop::sample::Index>(), 0..12_usize, "[\\[\\]{}=,.\"'#\\n\\r a-c\u{e9}]{0,3}"), 1..5)) {
        let mut text: Vec<char> = spec.text().chars().collect();
        for (at, length, insert) in cuts {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        match Document::parse(&text) {
            Ok(document) => prop_assert_eq!(document.text(), text),
            Err(error) => {
                crate::support::show(&text, &error);
                prop_assert!(error.span().is_some_and(|span| span.end <= text.len()));
                prop_assert!(!error.to_string().contains(|c: char| c.is_control()));
            }
        }
    }
}
