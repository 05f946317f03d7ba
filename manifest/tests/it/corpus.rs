//! Manifests as people write them, and what they say.

use crate::support::app;
use insta::assert_debug_snapshot;
use spin_deps_manifest::{
    Capability, ComponentSource, DependencyName, Document, Executor, FileMount, Grant, Inherit, Manifest,
    Route, Source, Target,
};
use wasm_pkg_common::config::Config;

const SHOP: &str = include_str!("corpus/shop.toml");
const COMPACT: &str = include_str!("corpus/compact.toml");
const MIDDLEWARE: &str = include_str!("corpus/middleware.toml");

fn read(text: &str) -> Manifest {
    let document = Document::parse(text).unwrap_or_else(|e| panic!("{}", crate::support::show(text, &e)));
    assert_eq!(document.text(), text);
    document.manifest().clone()
}

fn name(text: &str) -> DependencyName {
    text.parse().unwrap()
}

#[test]
fn a_whole_application() {
    let manifest = read(SHOP);
    let app = &manifest.application;
    assert_eq!((app.name.as_str(), app.version.as_deref()), ("shop", Some("1.4.0")));
    assert_eq!(app.authors, ["Ada <ada@example.com>", "Bob"]);
    assert_eq!(app.http_base.as_deref(), Some("/shop"));
    assert_eq!(app.targets.len(), 3);
    assert_eq!(app.targets[0], Target::Catalogue("spin-up:3.4".into()));
    assert_eq!(app.targets[2], Target::Path("envs/edge.toml".into()));

    assert!(manifest.variables["api_token"].required && manifest.variables["api_token"].secret);
    assert_eq!(manifest.variables["greeting"].default.as_deref(), Some("hello"));

    let ids: Vec<_> =
        manifest.triggers.iter().map(|t| (t.kind.as_str(), t.id.as_str(), t.explicit_id)).collect();
    assert_eq!(
        ids,
        [
            ("http", "cart-http-trigger", false),
            ("http", "http-trigger1", false),
            ("http", "health", true),
            ("http", "http-trigger2", false),
            ("http", "worker-http-trigger", false),
            ("redis", "worker-redis-trigger", false),
            ("cron", "cron-trigger1", false),
        ]
    );
    let http: Vec<_> = manifest.triggers.iter().filter_map(|t| t.http.as_ref()).collect();
    assert_eq!(http[0].route, Route::Path("/cart/:item/...".into()));
    assert_eq!(http[4].route, Route::Private);
    assert_eq!(http[1].executor, Executor::Wagi { argv: Some("run".into()), entrypoint: None });
    let health = http[2].static_response.as_ref().unwrap();
    assert_eq!((health.status_code, health.body.as_deref()), (204, None));
    assert_eq!(health.headers, [("cache-control".to_owned(), "no-store".to_owned())]);

    let components: Vec<_> = manifest.components.keys().collect();
    assert_eq!(
        components,
        ["cart", "worker", "digest", "http-trigger2-component", "inline-component1", "inline-component2"]
    );
    assert!(manifest.components["inline-component2"].inline && !manifest.components["cart"].inline);
    assert_eq!(
        manifest.triggers[6].components["steps"],
        ["inline-component1", "inline-component2", "worker"]
    );

    let cart = &manifest.components["cart"];
    assert_eq!(cart.source, ComponentSource::Path("target/wasm32-wasip2/release/cart.wasm".into()));
    assert_eq!(&SHOP[cart.source_span.clone()], "\"target/wasm32-wasip2/release/cart.wasm\"");
    assert_eq!(cart.variables["url"], "https://{{ host }}/v1?token={{ api_token }}");
    assert_eq!(cart.files[0], FileMount::Glob("assets/**/*.png".into()));
    assert_eq!(cart.files[1], FileMount::Place { source: "static".into(), destination: "/".into() });
    assert_eq!(cart.build.as_ref().unwrap().command, ["npm ci", "npm run build"]);
    assert_eq!(cart.deps.bindings.as_deref(), Some("rust"));
    assert_eq!(manifest.components["worker"].targets, Some(vec![]));
    assert!(
        matches!(&manifest.components["worker"].source, ComponentSource::Registry { version, .. } if version.to_string() == "1.2.3-rc.1")
    );
    assert!(
        matches!(&manifest.components["digest"].source, ComponentSource::Url { url, .. } if url.host_str() == Some("example.com"))
    );
}

#[test]
fn dependencies_of_every_form() {
    let manifest = read(SHOP);
    let cart = &manifest.components["cart"];
    let names: Vec<String> = cart.dependencies.iter().map(|d| d.name.to_string()).collect();
    assert_eq!(
        names,
        [
            "acme:crypto",
            "acme:money/format@1.2.0",
            "acme:mail@2.0.0",
            "acme:hash",
            "checksum",
            "acme:store/read",
        ]
    );
    for dependency in &cart.dependencies {
        let written = &SHOP[dependency.name_span.clone()];
        assert_eq!(written.trim_matches('"'), dependency.name.to_string());
    }
    let crypto = cart.dependency(&name("acme:crypto")).unwrap();
    assert_eq!(&SHOP[crypto.span.clone()], "\"^2.0\"");
    assert!(
        matches!(&crypto.source, Source::Registry { package, explicit_package: false, req, registry: None }
        if package.to_string() == "acme:crypto" && req.to_string() == "^2.0")
    );
    let money = cart.dependency(&name("acme:money/format@1.2.0")).unwrap();
    assert!(
        matches!(&money.source, Source::Registry { package, explicit_package: true, registry: Some(registry), .. }
        if package.to_string() == "other:money" && registry.to_string() == "localhost:5000")
    );
    assert_eq!(money.export.as_deref(), Some("other:money/print"));
    assert_eq!(money.inherit, Inherit::Only(vec![Capability::Variables, Capability::AllowedOutboundHosts]));
    assert_eq!(&SHOP[money.source_span.clone()], "\">=1.2, <1.9\"");
    assert_eq!(
        cart.dependency(&name("acme:mail@2.0.0")).unwrap().source,
        Source::Path("../mail.wasm".into())
    );
    assert!(matches!(cart.dependency(&name("acme:hash")).unwrap().source, Source::Url { .. }));
    assert_eq!(cart.dependency(&name("checksum")).unwrap().source, Source::Component("digest".into()));

    assert_eq!(cart.granted(crypto), Grant::none());
    assert!(cart.granted(money).allows(Capability::Variables));
    assert!(!cart.granted(money).allows(Capability::Files));
    assert!(cart.declares(Capability::Files) && !cart.declares(Capability::AiModels));
}

#[test]
fn inheritance_for_all_counts_for_the_string_form() {
    let text = |all| {
        app(&format!(
            "[component.api]\nsource = \"a\"\ndependencies_inherit_configuration = {all}\ndependencies.\"a:b\" = \"1\"\n"
        ))
    };
    for (all, grant) in [(true, Grant::All), (false, Grant::none())] {
        let manifest = read(&text(all));
        let api = &manifest.components["api"];
        assert_eq!(api.granted(&api.dependencies[0]), grant);
    }
}

#[test]
fn our_own_settings() {
    let manifest = read(SHOP);
    let deps = &manifest.application.deps;
    let config = Config::from_toml(&deps.registries).unwrap();
    assert_eq!(config.default_registry().unwrap().to_string(), "ghcr.io");
    for (package, registry) in
        [("acme:crypto", "registry.acme.example"), ("other:money", "localhost:5000"), ("x:y", "ghcr.io")]
    {
        assert_eq!(config.resolve_registry(&package.parse().unwrap()).unwrap().to_string(), registry);
    }
    let local = config.registry_config(&"localhost:5000".parse().unwrap()).unwrap();
    assert_eq!(local.default_backend(), Some("oci"));
    assert!(SHOP[deps.registries_span.clone().unwrap()].starts_with("[application.tool.deps]"));
    assert_debug_snapshot!(deps.verify.iter().map(|r| (&r.method, &r.path, &r.headers, &r.body, &r.expect)).collect::<Vec<_>>(), @r#"
    [
        (
            "GET",
            "/cart/1",
            [],
            None,
            Expect {
                status: 200,
                headers: [],
                body: Some(
                    "one",
                ),
                body_pattern: None,
            },
        ),
        (
            "POST",
            "/cart",
            [
                (
                    "content-type",
                    "text/plain",
                ),
                (
                    "accept",
                    "*/*",
                ),
            ],
            Some(
                "two",
            ),
            Expect {
                status: 201,
                headers: [
                    (
                        "location",
                        "/cart/2",
                    ),
                ],
                body: None,
                body_pattern: Some(
                    "^o.$",
                ),
            },
        ),
    ]
    "#);
}

#[test]
fn overrides_of_every_form() {
    let text = r#"
spin_manifest_version = 2
[application]
name = "demo"
[application.tool.deps.overrides]
"acme:hash" = { path = "../hash/hash.wasm" }
"acme:auth" = "=1.2.3"
"acme:base" = { version = "^1", registry = "ghcr.io" }
"acme:log" = { package = "other:log", version = "^2" }
[[trigger.http]]
route = "/"
component = "api"
[component.api]
source = "api.wasm"
"#;
    let manifest = read(text);
    let overrides = manifest.application.deps.overrides.iter().map(|it| {
        let said = match &it.source {
            Source::Registry { package, req, registry, .. } => format!("{package} {req} {registry:?}"),
            other => format!("{other:?}"),
        };
        assert!(text[it.name_span.clone()].trim_matches('"') == it.package.to_string());
        format!("{} by {said}: {}", it.package, &text[it.span.clone()])
    });
    assert_debug_snapshot!(overrides.collect::<Vec<_>>(), @r#"
    [
        "acme:hash by Path(\"../hash/hash.wasm\"): { path = \"../hash/hash.wasm\" }",
        "acme:auth by acme:auth =1.2.3 None: \"=1.2.3\"",
        "acme:base by acme:base ^1 Some(Registry(ghcr.io)): { version = \"^1\", registry = \"ghcr.io\" }",
        "acme:log by other:log ^2 None: { package = \"other:log\", version = \"^2\" }",
    ]
    "#);
}

#[test]
fn registry_settings_in_every_layout() {
    let layouts = [
        "[application.tool.deps]\ndefault_registry = \"r.io\"\n[application.tool.deps.namespace_registries]\nacme = \"a.io\"\n[application.tool.deps.registry.\"a.io\".local]\nroot = \"x\"\n",
        "[application.tool]\ndeps = { default_registry = \"r.io\", namespace_registries = { acme = \"a.io\" }, registry.\"a.io\".local.root = \"x\" }\n",
        "[application.tool.deps]\ndefault_registry = 'r.io'\nnamespace_registries.acme = \"a.io\"\nregistry.\"a.io\".local = { root = \"x\" }\n",
    ];
    let texts: Vec<String> = layouts
        .iter()
        .map(|layout| {
            let manifest = read(&app(&format!("[component.api]\nsource = \"a\"\n{layout}")));
            let config = Config::from_toml(&manifest.application.deps.registries).unwrap();
            assert_eq!(config.resolve_registry(&"acme:x".parse().unwrap()).unwrap().to_string(), "a.io");
            manifest.application.deps.registries
        })
        .collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:#?}");
    let custom = "[application.tool.deps.namespace_registries]\nacme = { registry = \"acme\", metadata = { preferredProtocol = \"oci\", oci = { registry = \"ghcr.io\", namespacePrefix = \"acme/\" } } }\n";
    let manifest = read(&app(&format!("[component.api]\nsource = \"a\"\n{custom}")));
    Config::from_toml(&manifest.application.deps.registries).unwrap();
    let none = read(&app("[component.api]\nsource = \"a\"\n")).application.deps;
    assert_eq!((none.registries.as_str(), none.registries_span), ("", None));
}

#[test]
fn profiles_override() {
    let manifest = read(SHOP);
    assert_eq!(manifest.profiles(), ["debug", "offline"]);
    let debug = manifest.with_profile("debug").unwrap();
    let cart = &debug.components["cart"];
    assert_eq!(cart.source, ComponentSource::Path("target/wasm32-wasip2/debug/cart.wasm".into()));
    assert_eq!(cart.environment["LOG"], "debug");
    assert_eq!(cart.environment["REGION"], "eu");
    assert_eq!(cart.build.as_ref().unwrap().command, ["npm run debug"]);
    assert_eq!(cart.build.as_ref().unwrap().workdir.as_deref(), Some("cart"));
    assert_eq!(cart.dependencies.len(), 7);
    assert_eq!(cart.dependencies[0].source, Source::Path("crypto-debug.wasm".into()));
    assert_eq!(cart.dependencies[6].name, name("acme:trace"));
    assert_eq!(debug.components["worker"], manifest.components["worker"]);
}

#[test]
fn the_same_in_another_layout() {
    let manifest = read(COMPACT);
    assert_eq!(manifest.triggers[0].id, "api-http-trigger");
    let api = &manifest.components["api"];
    assert_eq!(api.dependencies.len(), 2);
    assert_eq!(api.dependencies[1].inherit, Inherit::All(true));
    assert_eq!(&COMPACT[api.dependencies[1].name_span.clone()], "\"acme:hash/digest@1.0.0\"");
    assert_eq!(api.build.as_ref().unwrap().watch, ["src/**/*.js", "package.json"]);
    assert_eq!(api.deps.bindings.as_deref(), Some("js"));
    assert_eq!(manifest.application.deps.verify[0].path, "/hello?name=ada");
    let windows = COMPACT.replace('\n', "\r\n");
    assert_eq!(read(&windows).components["api"].dependencies.len(), 2);
}

#[test]
fn bindings_of_every_form() {
    let deps = |bindings: &str| {
        let text = format!(
            "spin_manifest_version = 2\n[application]\nname = \"a\"\n[[trigger.http]]\nroute = \"/\"\ncomponent = \"api\"\n[component.api]\nsource = \"a.wasm\"\ntool.deps.bindings = {bindings}\n"
        );
        read(&text).components["api"].deps.clone()
    };
    assert_eq!(deps("\"c\"").bindings.as_deref(), Some("c"));
    assert_eq!(deps("false").bindings.as_deref(), Some("none"));
    let both = deps("{ language = \"go\", path = \"internal/gen\" }");
    assert_eq!((both.bindings.as_deref(), both.bindings_path.as_deref()), (Some("go"), Some("internal/gen")));
    let path = deps("{ path = \"gen\" }");
    assert_eq!((path.bindings, path.bindings_path.as_deref()), (None, Some("gen")));
}

#[test]
fn pipelines() {
    let manifest = read(MIDDLEWARE);
    let sources = |id: &str| -> Vec<String> {
        let trigger = manifest.trigger(id).unwrap();
        trigger
            .middleware
            .iter()
            .map(|m| match &m.source {
                Source::Registry { package, req, .. } => format!("{package} {req}"),
                Source::Path(path) => path.clone(),
                Source::Url { url, .. } => url.to_string(),
                Source::Component(id) => format!("component {id}"),
            })
            .collect()
    };
    assert_eq!(
        sources("public"),
        ["component log", "acme:auth ^1.1", "./geo.wasm", "https://example.com/cors.wasm"]
    );
    assert_eq!(sources("admin"), ["component log"]);
    assert_eq!(sources("site-http-trigger"), ["component log", "admin.wasm"]);
    let public = manifest.trigger("public").unwrap();
    assert_eq!(public.middleware[1].granted(), Grant::from(&Inherit::Only(vec![Capability::Variables])));
    assert_eq!(public.middleware[0].granted(), Grant::none());
    assert_eq!(
        &MIDDLEWARE[public.middleware[2].span.clone()],
        "{ path = \"./geo.wasm\", inherit_configuration = true }"
    );
}

#[test]
fn ids_are_those_that_spin_gives() {
    let text = "spin_manifest_version = 2\napplication.name = \"a\"\n\
        [[trigger.http]]\nroute = \"/a\"\ncomponent = \"c\"\n\
        [[trigger.http]]\nroute = \"/b\"\ncomponent = \"c\"\n\
        [[trigger.http]]\nid = \"http-trigger2\"\nroute = \"/c\"\ncomponent = \"c\"\n\
        [[trigger.http]]\nid = \"\"\nroute = \"/d\"\ncomponent = { source = \"d\" }\n\
        [[trigger.redis]]\nchannel = \"x\"\ncomponent = { source = \"e\" }\n\
        [component.c]\nsource = \"c\"\n[component.redis-trigger1-component]\nsource = \"f\"\n";
    let manifest = read(text);
    let ids: Vec<_> = manifest.triggers.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["c-http-trigger", "http-trigger1", "http-trigger2", "http-trigger3", "redis-trigger1"]);
    let components: Vec<_> = manifest.components.keys().collect();
    assert_eq!(components, ["c", "redis-trigger1-component", "http-trigger3-component", "inline-component1"]);
}

#[test]
fn spin_takes_these_too() {
    for text in [
        "spin_manifest_version = 2\ntrigger = {}\n[application]\nname = \"\"\n".to_owned(),
        app("component.api.source = \"a\"\n").replace("component.api.source", "[component]\napi.source"),
        app(
            "[component.api]\nsource = \"\"\n[application.tool.other]\nany = { thing = [1, 2.5, 1979-05-27] }\n",
        ),
        app("[component.api]\nsource = \"a\"\n[[trigger.mqtt]]\nany = { thing = 1 }\ncomponent = \"api\"\n"),
        app(
            "[component.API-2]\nsource = \"a\"\n[component.api]\nsource = \"a\"\ndependencies.\"a:b@0.1.0\" = \"1\"\ndependencies.\"a:b@0.2.0\" = \"*\"\n",
        ),
        app("[component.api]\nsource = \"a\"\n")
            .replace("component = \"api\"", "static_response = { other = 1 }"),
        "\u{feff}".to_owned() + &app("[component.api]\nsource = \"a\"\n"),
    ] {
        read(&text);
    }
}

/// Spin makes such a route absolute; a manifest that Spin accepts is accepted.
#[test]
fn a_route_without_a_slash_is_absolute() {
    let text = "spin_manifest_version = 2\n[application]\nname = \"a\"\n[[trigger.http]]\nroute = \"hello\"\ncomponent = \"c\"\n[component.c]\nsource = \"c.wasm\"\n";
    let document = Document::parse(text).unwrap();
    let route = &document.manifest().triggers[0].http.as_ref().unwrap().route;
    assert_eq!(*route, Route::Path("/hello".to_owned()));
}
