//! What is not granted is denied: by the interface's own error, by nothing, or by a trap that says why.

use spin_deps_component::{ComposeError, Composition, Denial, Part, Reach, compose, inspect, refuse};
use wasmtime::component::Val;

use crate::{
    denied::{Denied, forwarder, guest},
    support::{composed, failure, linked, part},
};

fn imports(bytes: &[u8]) -> Vec<String> {
    inspect(bytes).unwrap().imports.into_iter().map(|import| import.name).collect()
}

/// An interface without a capability, with functions of all kinds.
const ODD: &str = "package acme:app; world w { import wasi:odd/api@1.0.0; }
    package wasi:io@0.2.0 { interface poll { resource pollable; } }
    package wasi:odd@1.0.0 { interface api {
      use wasi:io/poll@0.2.0.{pollable};
      enum code { busy, access-denied, other }
      enum weather { sun, rain }
      enum success { ok, success }
      flags permissions { read, write }
      variant told { io(string), other(string), closed }
      variant coded { closed, would-block, code(u32) }
      variant held { failed(own<pollable>), closed }
      record problem { id: u64, kind: code, text: string, cause: option<string>, at: list<u32> }
      resource error { constructor(); text: func() -> string; kind: func() -> told; }
      resource thing {
        constructor(on: list<borrow<pollable>>);
        of: static func(name: string) -> result<thing, error>;
        new: static func() -> thing;
        read: func(n: u64) -> result<list<u8>, code>;
        wait: func() -> pollable;
        size: func() -> u64;
        take: static func(other: thing) -> option<thing>;
        lend: func(other: borrow<thing>) -> list<thing>;
        later: async func(others: list<thing>) -> result<u32, told>;
      }
      by-name: func() -> result<u32, code>;
      by-nothing: func() -> result;
      by-text: func() -> result<list<u8>, string>;
      by-text-of-a-case: func() -> result<_, told>;
      by-a-case: func() -> result<u64, coded>;
      by-another-case: func() -> result<pollable, held>;
      by-record: func() -> result<string, problem>;
      by-number: func() -> result<string, s32>;
      by-resource: func() -> result<u8, own<error>>;
      by-tuple: func() -> result<u8, tuple<u8, string>>;
      no-error: func() -> result<u8, success>;
      not-mine: func() -> result<u8, own<pollable>>;
      direct-name: func() -> code;
      direct: func() -> weather;
      none: func() -> option<u32>;
      empty: func() -> list<string>;
      blank: func() -> string;
      unset: func() -> permissions;
      several: func() -> tuple<list<u8>, option<string>>;
      one-that-lies: func() -> tuple<list<u8>, bool>;
      number: func() -> u32;
      fraction: func() -> f64;
      truth: func() -> bool;
      silence: func();
      flow: func() -> stream<u8>;
      promise: async func() -> future<u8>;
      give: func(all: list<tuple<u8, option<own<pollable>>>>) -> option<u8>;
      give-more: func(a: option<result<own<pollable>, u64>>, b: tuple<borrow<pollable>, f32>) -> result<_, string>;
      give-many: func(a: string, b: u64, c: f32, d: f64, e: list<list<borrow<pollable>>>, f: string, g: string,
        h: string, i: string, j: own<pollable>, k: told) -> result<_, string>;
      give-streams: async func(a: stream<u8>, b: option<future<u8>>, c: list<stream<u8>>) -> result<_, told>;
    } }";

#[test]
fn every_kind_of_function_denies() {
    let denied = Denied::new(ODD);
    assert_eq!(imports(&denied.bytes), ["wasi:io/poll@0.2.0"]);
    insta::assert_snapshot!(denied.answers(), @r#"
    wasi:odd/api [constructor]error: a resource
    wasi:odd/api [method]error.text: why
    wasi:odd/api [method]error.kind: other(why)
    wasi:odd/api [constructor]thing: a resource
    wasi:odd/api [static]thing.of: err(a resource)
    wasi:odd/api [static]thing.new: a resource
    wasi:odd/api [method]thing.read: err(access-denied)
    wasi:odd/api [method]thing.wait: trap
    wasi:odd/api [method]thing.size: trap
    wasi:odd/api [static]thing.take: none
    wasi:odd/api [method]thing.lend: []
    wasi:odd/api [method]thing.later: err(other(why))
    wasi:odd/api by-name: err(access-denied)
    wasi:odd/api by-nothing: err
    wasi:odd/api by-text: err(why)
    wasi:odd/api by-text-of-a-case: err(other(why))
    wasi:odd/api by-a-case: err(code(U32(1)))
    wasi:odd/api by-another-case: err(closed)
    wasi:odd/api by-record: err({id: U64(1), kind: access-denied, text: why, cause: some(why), at: []})
    wasi:odd/api by-number: err(S32(1))
    wasi:odd/api by-resource: err(a resource)
    wasi:odd/api by-tuple: err([U8(1), why])
    wasi:odd/api no-error: trap
    wasi:odd/api not-mine: trap
    wasi:odd/api direct-name: access-denied
    wasi:odd/api direct: trap
    wasi:odd/api none: none
    wasi:odd/api empty: []
    wasi:odd/api blank: ""
    wasi:odd/api unset: Flags([])
    wasi:odd/api several: [[], none]
    wasi:odd/api one-that-lies: trap
    wasi:odd/api number: trap
    wasi:odd/api fraction: trap
    wasi:odd/api truth: trap
    wasi:odd/api silence: trap
    wasi:odd/api flow: trap
    wasi:odd/api promise: trap
    wasi:odd/api give: none
    wasi:odd/api give-more: err(why)
    wasi:odd/api give-many: err(why)
    wasi:odd/api give-streams: err(other(why))
    "#);
}

#[test]
fn a_message_says_what_is_denied_and_to_whom() {
    let denied = Denied::new(ODD);
    let Val::Result(Err(Some(told))) =
        denied.start().call("wasi:odd/api@1.0.0", "by-text", &[]).unwrap().unwrap()
    else {
        panic!("an error");
    };
    insta::assert_debug_snapshot!(told, @r#"
    String(
        "access denied: `wasi:odd/api@1.0.0` is behind no capability, and `acme:guest@1.0.0` was not granted all of the app's",
    )
    "#);
    let trap = denied.start().call("wasi:odd/api@1.0.0", "number", &[]).unwrap_err();
    let frame = trap.lines().find_map(|line| line.split_once('!')).unwrap().1;
    insta::assert_snapshot!(frame, @"access denied: `wasi:odd/api@1.0.0` is behind no capability, and `acme:guest@1.0.0` was not granted all of the app's (wasi:odd/api@1.0.0#number)");

    let net = "package acme:app; world w { import wasi:sockets/net@0.2.0; }
         package wasi:sockets@0.2.0 { interface net { open: func() -> result<u32, string>; } }";
    let Val::Result(Err(Some(told))) =
        Denied::new(net).start().call("wasi:sockets/net@0.2.0", "open", &[]).unwrap().unwrap()
    else {
        panic!("an error");
    };
    insta::assert_debug_snapshot!(told, @r#"
    String(
        "access denied: `wasi:sockets/net@0.2.0` takes the capability `allowed_outbound_hosts`, which `acme:guest@1.0.0` was not granted",
    )
    "#);
}

#[test]
fn interfaces_of_hosts_answer_with_their_own_errors() {
    insta::assert_snapshot!(Denied::new(include_str!("wit/hosts.wit")).answers(), @"
    fermyon:spin/config get-config: err(other(why))
    fermyon:spin/http send-request: err(destination-not-allowed)
    fermyon:spin/key-value [static]store.open: err(access-denied)
    fermyon:spin/key-value [method]store.get: cannot be called
    fermyon:spin/llm infer: err(runtime-error(why))
    fermyon:spin/redis publish: err(error)
    spin:mqtt/mqtt [static]connection.open: err(other(why))
    spin:mqtt/mqtt [method]connection.publish: cannot be called
    spin:postgres/postgres [static]connection.open: err(other(why))
    spin:postgres/postgres [static]connection.open-async: err(other(why))
    spin:postgres/postgres [method]connection.query-async: cannot be called
    spin:redis/redis [static]connection.open: err(other(why))
    spin:sqlite/sqlite [static]connection.open-async: err(access-denied)
    spin:sqlite/sqlite [method]connection.changes-async: cannot be called
    spin:variables/variables get: err(other(why))
    wasi:cli/environment get-environment: []
    wasi:cli/environment get-environment: []
    wasi:cli/environment get-arguments: []
    wasi:cli/environment initial-cwd: none
    wasi:cli/environment get-environment: []
    wasi:cli/environment get-initial-cwd: none
    wasi:config/store get: err(upstream(why))
    wasi:config/store get-all: err(upstream(why))
    wasi:filesystem/preopens get-directories: []
    wasi:filesystem/preopens get-directories: []
    wasi:http/client send: err(HTTP-request-denied)
    wasi:http/client send: err(internal-error(some(why)))
    wasi:http/handler handle: err(HTTP-request-denied)
    wasi:http/incoming-handler handle: trap
    wasi:http/outgoing-handler handle: err(unexpected-error(why))
    wasi:http/outgoing-handler handle: err(HTTP-request-denied)
    wasi:keyvalue/store [method]bucket.get: cannot be called
    wasi:keyvalue/store open: err(access-denied)
    wasi:sockets/instance-network instance-network: a resource
    wasi:sockets/ip-name-lookup [method]resolve-address-stream.resolve-next-address: cannot be called
    wasi:sockets/ip-name-lookup [method]resolve-address-stream.subscribe: cannot be called
    wasi:sockets/ip-name-lookup resolve-addresses: err(access-denied)
    wasi:sockets/ip-name-lookup resolve-addresses: err(access-denied)
    wasi:sockets/tcp [method]tcp-socket.start-connect: cannot be called
    wasi:sockets/tcp [method]tcp-socket.is-listening: cannot be called
    wasi:sockets/tcp-create-socket create-tcp-socket: err(access-denied)
    wasi:sockets/types [static]tcp-socket.create: err(access-denied)
    wasi:sockets/types [method]tcp-socket.connect: cannot be called
    wasi:sockets/types [method]tcp-socket.send: cannot be called
    ");
}

#[test]
fn what_is_granted_stays_open() {
    let wit = "package acme:app; world w {
           import wasi:cli/environment@0.2.0; import wasi:cli/environment@0.3.0; import wasi:cli/stdout@0.2.0;
           import wasi:filesystem/preopens@0.2.0; import spin:unheard/of@1.0.0; }
         package wasi:cli@0.2.0 { interface environment { get: func() -> list<string>; } interface stdout { get: func() -> u32; } }
         package wasi:cli@0.3.0 { interface environment { get: func() -> list<string>; } }
         package wasi:filesystem@0.2.0 { interface preopens { get: func() -> list<string>; } }
         package spin:unheard@1.0.0 { interface of { get: func() -> list<string>; } }";
    let open =
        |reach: Reach| imports(&composed(vec![Part { reach, ..guest(wit, &[]) }]).unwrap().bytes).join(" ");
    let only = |keys: &[&str]| Reach::Only(keys.iter().map(|key| (*key).to_owned()).collect());
    insta::assert_snapshot!(open(only(&[])), @"wasi:cli/stdout@0.2.0");
    insta::assert_snapshot!(open(only(&["environment"])), @"wasi:cli/environment@0.2.0 wasi:cli/environment@0.3.0 wasi:cli/stdout@0.2.0");
    insta::assert_snapshot!(open(only(&["environment", "files", "variables"])), @"wasi:cli/environment@0.2.0 wasi:cli/environment@0.3.0 wasi:cli/stdout@0.2.0 wasi:filesystem/preopens@0.2.0");
    insta::assert_snapshot!(open(Reach::All), @"wasi:cli/environment@0.2.0 wasi:cli/environment@0.3.0 wasi:cli/stdout@0.2.0 wasi:filesystem/preopens@0.2.0 spin:unheard/of@1.0.0");

    let composed = composed(vec![guest(wit, &["environment"])]).unwrap();
    assert_eq!((composed.instances, composed.wires.len()), (1, 0));
    let denial = |import: &str, capability| Denial {
        part: "acme:guest@1.0.0".into(),
        import: import.into(),
        capability,
    };
    assert_eq!(
        composed.denials,
        [denial("spin:unheard/of@1.0.0", None), denial("wasi:filesystem/preopens@0.2.0", Some("files"))]
    );
}

/// A library that calls what is denied to it, behind an app that may have all of it.
#[test]
fn a_dependency_is_denied_what_its_dependent_has() {
    let app = "package acme:app; world w { import acme:lib/api@1.0.0; import wasi:cli/environment@0.2.0; }
         package acme:lib@1.0.0 { interface api { get: func() -> list<string>; } }
         package wasi:cli@0.2.0 { interface environment { get: func() -> list<string>; } }";
    let lib = spin_deps_fixtures::component(
        "package acme:lib@1.0.0; interface api { get: func() -> list<string>; }
         world w { import wasi:cli/environment@0.2.0; export api; }
         package wasi:cli@0.2.0 { interface environment { get: func() -> list<string>; } }",
        "w",
        r#"(module
             (import "wasi:cli/environment@0.2.0" "get" (func $get (param i32)))
             (memory (export "memory") 1)
             (func (export "acme:lib/api@1.0.0#get") (result i32) (call $get (i32.const 8)) (i32.const 8))
             (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))"#,
    )
    .unwrap();
    let parts = |reach: Reach| {
        vec![
            linked("app", forwarder(app, |name| name.starts_with("acme:")), &[("acme:lib", 1)]),
            Part { reach, ..part("acme:lib@1.0.0", lib.clone()) },
        ]
    };
    let composed_of = |reach| composed(parts(reach)).unwrap();
    let denied = composed_of(Reach::Only([].into()));
    assert_eq!(imports(&denied.bytes), ["wasi:cli/environment@0.2.0"], "the app still has it");
    assert_eq!(denied.instances, 2);
    assert_eq!(denied.denials.len(), 1);
    assert!(denied.bytes == composed_of(Reach::Only([].into())).bytes);
    let denied = Denied::of(denied.bytes);
    let answer = denied.start().call("acme:lib/api@1.0.0", "get", &[]).unwrap();
    assert_eq!(answer, Some(Val::List(vec![])));

    let granted = Denied::of(composed_of(Reach::Only(["environment".to_owned()].into())).bytes);
    let trap = granted.start().call("acme:lib/api@1.0.0", "get", &[]).unwrap_err();
    assert!(trap.contains("unknown import"), "the library reaches the host: {trap}");
}

#[test]
fn what_a_dependency_provides_is_not_denied() {
    let wit = "package acme:app; world w { import wasi:keyvalue/store@0.2.0; }
         package wasi:keyvalue@0.2.0 { interface store { get: func() -> list<string>; } }";
    let store = crate::dummy::dummy(
        "package wasi:keyvalue@0.2.0; interface store { get: func() -> list<string>; } world w { export store; }",
    );
    let root = Part {
        reach: Reach::Only([].into()),
        ..linked("app", forwarder(wit, |_| false), &[("wasi:keyvalue", 1)])
    };
    let composed = composed(vec![root, part("store", store)]).unwrap();
    assert_eq!((composed.denials.len(), composed.wires.len()), (0, 1));
}

/// An adapter has its types from where the part has them.
#[test]
fn an_adapter_is_linked_as_its_part_is() {
    let wit = "package acme:app; world w { import acme:res/api@1.0.0; import wasi:odd/api@1.0.0; }
         package acme:res@1.0.0 { interface api { resource cell { constructor(); } } }
         package wasi:odd@1.0.0 { interface api {
           use acme:res/api@1.0.0.{cell};
           put: func(all: list<cell>) -> result<_, string>; } }";
    let res =
        "package acme:res@1.0.0; interface api { resource cell { constructor(); } } world w { export api; }";
    let root = Part { links: linked("", Vec::new(), &[("acme:res", 1)]).links, ..guest(wit, &[]) };
    let composed = composed(vec![root, part("res", crate::dummy::dummy(res))]).unwrap();
    assert!(imports(&composed.bytes).is_empty());
    assert_eq!((composed.instances, composed.wires.len(), composed.denials.len()), (2, 1, 1));
    let denied = Denied::of(composed.bytes);
    let answer = denied.start().call("wasi:odd/api@1.0.0", "put", &[Val::List(vec![])]).unwrap();
    assert!(matches!(answer, Some(Val::Result(Err(Some(_))))), "{answer:?}");
}

/// Middleware in two places of a chain, and once more as what something depends on.
#[test]
fn middleware_keeps_its_chain_and_nothing_else() {
    let http = "package wasi:http@0.3.0 {
           interface types { resource request; resource response; variant error-code { internal-error(option<string>) } }
           interface handler { use types.{request, response, error-code};
             handle: async func(request: request) -> result<response, error-code>; }
           interface client { use types.{request, response, error-code};
             send: async func(request: request) -> result<response, error-code>; } }";
    let app = format!("package acme:app; world w {{ export wasi:http/handler@0.3.0; }} {http}");
    let guard = format!(
        "package acme:guard; world w {{ import wasi:http/handler@0.3.0; import wasi:http/client@0.3.0;
           export wasi:http/handler@0.3.0; }} {http}"
    );
    let parts = vec![
        part("app", crate::dummy::dummy(&app)),
        Part { reach: Reach::Only([].into()), ..part("guard", crate::dummy::dummy(&guard)) },
    ];
    let composition = Composition { root: 0, parts, middleware: vec![1, 1] };
    let composed = compose(&composition).unwrap();
    assert_eq!(imports(&composed.bytes), ["wasi:http/types@0.3.0"]);
    assert_eq!((composed.instances, composed.wires.len()), (3, 2));
    let denial = Denial {
        part: "guard".to_owned(),
        import: "wasi:http/client@0.3.0".to_owned(),
        capability: Some("allowed_outbound_hosts"),
    };
    assert_eq!(composed.denials, [denial]);
    Denied::of(composed.bytes).start();
}

/// A resource of a denied interface is the adapter's, and so another one than that of whoever has the real one.
#[test]
fn a_resource_that_is_denied_to_one_of_two_is_explained() {
    let net = "package wasi:sockets@0.2.0 { interface tcp { resource socket { constructor(); } } }";
    let app = format!(
        "package acme:app; world w {{ import acme:db/api@1.0.0; import wasi:sockets/tcp@0.2.0; }}
         package acme:db@1.0.0 {{ interface api {{ use wasi:sockets/tcp@0.2.0.{{socket}}; put: func(it: socket); }} }} {net}"
    );
    let db = format!(
        "package acme:db@1.0.0; interface api {{ use wasi:sockets/tcp@0.2.0.{{socket}}; put: func(it: socket); }}
         world w {{ import wasi:sockets/tcp@0.2.0; export api; }} {net}"
    );
    let parts = vec![
        linked("app", crate::dummy::dummy(&app), &[("acme:db", 1)]),
        Part { reach: Reach::Only([].into()), ..part("acme:db@1.0.0", crate::dummy::dummy(&db)) },
    ];
    insta::assert_snapshot!(failure(composed(parts)), @r#"
    `app` and `acme:db@1.0.0` exchange the resource `socket` in `acme:db/api@1.0.0`, and its interface `wasi:sockets/tcp@0.2.0` is denied to `acme:db@1.0.0`
    hint: grant `allowed_outbound_hosts` to `acme:db@1.0.0`: `inherit_configuration = ["allowed_outbound_hosts"]`
    "#);
}

#[test]
fn an_import_that_shares_the_types_of_a_denied_one_is_an_error() {
    let wit = "package acme:app; world w { import wasi:odd/api@1.0.0; import acme:mid/api@1.0.0; }
         package wasi:base@1.0.0 { interface base { resource it; } }
         package acme:mid@1.0.0 { interface api { use wasi:base/base@1.0.0.{it}; get: func() -> it; } }
         package wasi:odd@1.0.0 { interface api { use acme:mid/api@1.0.0.{it}; put: func(it: it); } }";
    let mid = "package acme:mid@1.0.0; world w { import wasi:base/base@1.0.0; export api; }
         interface api { use wasi:base/base@1.0.0.{it}; get: func() -> it; }
         package wasi:base@1.0.0 { interface base { resource it; } }";
    let parts = vec![
        Part { reach: Reach::Only([].into()), ..linked("app", crate::dummy::dummy(wit), &[("acme:mid", 1)]) },
        part("acme:mid@1.0.0", crate::dummy::dummy(mid)),
    ];
    insta::assert_snapshot!(failure(composed(parts)), @"
    `wasi:base/base@1.0.0`, `wasi:odd/api@1.0.0` cannot be denied to `app`: its import `acme:mid/api@1.0.0` is not denied and has types of `wasi:base/base@1.0.0`, which is
    hint: no single capability covers it: grant all to `app` with `inherit_configuration = true`
    ");
}

#[test]
fn a_host_refuses_what_it_does_not_have() {
    let bytes = forwarder(ODD, |name| name.starts_with("wasi:odd/"));
    let wanted = ["wasi:odd/api@1.0.0".to_owned(), "fermyon:spin/llm".to_owned()].into();
    let refused = Denied::of(refuse(&bytes, &wanted, "this host has nothing odd").unwrap());
    assert_eq!(imports(&refused.bytes), ["wasi:io/poll@0.2.0"]);
    let answer = refused.start().call("wasi:odd/api@1.0.0", "by-text", &[]).unwrap();
    let Some(Val::Result(Err(Some(told)))) = answer else {
        panic!("an error: {answer:?}");
    };
    assert_eq!(*told, Val::String("this host has nothing odd".into()));
    assert!(refuse(&bytes, &[].into(), "nothing").unwrap() == bytes);
    assert!(matches!(refuse(b"no", &wanted, "nothing"), Err(ComposeError::Unreadable { .. })));
}

#[test]
fn denied_calls_leave_nothing_behind() {
    let denied = Denied::new(ODD);
    let mut guest = denied.start();
    let api = "wasi:odd/api@1.0.0";
    let text = Val::String("x".repeat(1000));
    for _ in 0..25_000 {
        let Some(Val::Result(Err(Some(_)))) = guest.call(api, "by-text", &[]).unwrap() else {
            panic!("an error");
        };
        let made = guest.call(api, "[static]thing.new", &[]).unwrap();
        let Some(Val::Resource(thing)) = made else { panic!("a resource: {made:?}") };
        let read = guest.call(api, "[method]thing.read", &[Val::Resource(thing), Val::U64(1)]);
        assert!(matches!(read, Ok(Some(Val::Result(Err(_))))), "{read:?}");
        thing.resource_drop(&mut guest.store).unwrap();
        let of = guest.call(api, "[static]thing.of", std::slice::from_ref(&text)).unwrap();
        let Some(Val::Result(Err(Some(error)))) = of else { panic!("an error: {of:?}") };
        let Val::Resource(error) = *error else { panic!("a resource") };
        error.resource_drop(&mut guest.store).unwrap();
    }
    assert_eq!(guest.store.data().memory, 1 << 16, "the memory stays as it was made");
    for _ in 0..1000 {
        for function in ["give", "give-more", "give-many", "give-streams"] {
            guest.attempt(api, function).unwrap().unwrap();
        }
    }
    assert_eq!(guest.store.data().memory, 1 << 16);
}

#[test]
fn large_parameters_fit() {
    let denied = Denied::new(
        "package acme:app; world w { import wasi:odd/api@1.0.0; }
         package wasi:odd@1.0.0 { interface api { put: func(a: string, b: list<u64>) -> result<_, string>; } }",
    );
    let mut guest = denied.start();
    for size in [1usize, 3, 70_000, 1_000_001, 5] {
        let params = [Val::String("y".repeat(size)), Val::List(vec![Val::U64(u64::MAX); size / 8])];
        let Some(Val::Result(Err(Some(told)))) = guest.call("wasi:odd/api@1.0.0", "put", &params).unwrap()
        else {
            panic!("an error");
        };
        assert!(matches!(*told, Val::String(text) if text.starts_with("access denied: ")));
    }
}
