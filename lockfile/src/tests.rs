use proptest::prelude::*;

use super::*;

mod damage;
mod merging;
mod messages;
mod reach;

fn digest(digit: char) -> ContentDigest {
    format!("sha256:{}", String::from(digit).repeat(64)).parse().unwrap()
}

fn needs(package: &str, req: &str, version: &str) -> Dependency {
    Dependency {
        package: package.parse().unwrap(),
        req: req.parse().unwrap(),
        version: version.parse().unwrap(),
    }
}

fn need(package: &str, req: &str) -> Need {
    Need { package: package.parse().unwrap(), req: req.parse().unwrap() }
}

fn replaced(name: &str, by: Replacement, replaces: &[&str]) -> Override {
    let replaces = replaces.iter().map(|version| version.parse().unwrap()).collect();
    Override { name: name.parse().unwrap(), by, replaces }
}

fn release(name: &str, version: &str, capabilities: &[&str], dependencies: Vec<Dependency>) -> Package {
    Package {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
        registry: "registry.example.com:5000".parse().unwrap(),
        digest: digest('a'),
        manifest: None,
        signers: None,
        size: 20_480,
        capabilities: capabilities.iter().map(|name| (*name).to_owned()).collect(),
        imports: Vec::new(),
        granted: Vec::new(),
        dependencies,
        overridden: Vec::new(),
    }
}

fn source(url: &str, capabilities: &[&str]) -> HttpSource {
    let release = release("acme:any", "1.0.0", capabilities, Vec::new());
    HttpSource {
        url: url.parse().unwrap(),
        digest: digest('c'),
        size: 7,
        capabilities: release.capabilities,
        imports: Vec::new(),
        granted: Vec::new(),
        dependencies: Vec::new(),
        overridden: Vec::new(),
    }
}

fn granted(to: &str, capabilities: &[&str]) -> Granted {
    Granted { to: to.to_owned(), capabilities: capabilities.iter().map(|name| (*name).to_owned()).collect() }
}

fn environment(target: EnvironmentRef, packages: Vec<WitPackage>) -> Environment {
    let digest = (!matches!(target, EnvironmentRef::Path(_))).then(|| digest('e'));
    Environment { target, digest, packages }
}

fn named(name: &str) -> Environment {
    environment(EnvironmentRef::Name(name.to_owned()), Vec::new())
}

fn wit(name: &str, version: Option<&str>, source: WitSource) -> WitPackage {
    WitPackage {
        name: name.parse().unwrap(),
        version: version.map(|version| version.parse().unwrap()),
        manifest: matches!(source, WitSource::Registry(_)).then(|| digest('f')),
        source,
        digest: digest('d'),
        size: 512,
    }
}

/// A lock whose lists are in no order.
fn sample() -> Lockfile {
    let mut hash = release("acme:hash", "1.4.0", &[], Vec::new());
    hash.manifest = Some(digest('b'));
    let mut salt = release("acme:salt", "0.3.1", &[], Vec::new());
    salt.signers = Some(Signers { operator: digest('1'), author: digest('2') });
    let needs_of_auth = vec![
        needs("acme:salt", "*", "0.3.1"),
        needs("acme:hash", "^1.2.0", "1.4.0"),
        needs("acme:hash", "=0.9", "0.9.0"),
    ];
    let log = Replacement::Release {
        package: "other:log".parse().unwrap(),
        req: "^2".parse().unwrap(),
        registry: Some("ghcr.io".parse().unwrap()),
    };
    let mut mail = release("acme:mail", "1.0.0", &[], vec![needs("acme:salt", "*", "0.3.1")]);
    mail.overridden = vec![need("acme:log", "^1.2"), need("acme:log", "=0.9")];
    Lockfile {
        overrides: vec![
            replaced("acme:zip", Replacement::Path("../zip/\"zip\".wasm".to_owned()), &["2.0.0", "1.10.0"]),
            replaced("acme:log", log, &[]),
        ],
        packages: vec![
            mail,
            hash,
            release("acme:auth", "1.10.0", &["network", "files", "network"], needs_of_auth),
            release("acme:auth", "1.9.0", &["a \"quoted\" \\ name\n"], Vec::new()),
            release("acme:hash", "0.9.0", &[], Vec::new()),
            salt,
        ],
        http: vec![
            source("https://example.com/z.wasm", &["network"]),
            HttpSource {
                dependencies: vec![needs("acme:hash", ">=1, <3", "1.4.0")],
                ..source("https://example.com/greeter.wasm?v=1", &[])
            },
        ],
        environments: vec![
            environment(EnvironmentRef::Path("envs/ours.toml".to_owned()), Vec::new()),
            environment(
                EnvironmentRef::Name("spin-up:3.6".to_owned()),
                vec![
                    wit("spin:up", Some("3.6.0"), WitSource::Registry("spinframework.dev".parse().unwrap())),
                    wit("spin:up", Some("3.4.0"), WitSource::Registry("spinframework.dev".parse().unwrap())),
                ],
            ),
            environment(
                EnvironmentRef::Url("https://example.com/env.toml".parse().unwrap()),
                vec![wit("acme:wit", None, WitSource::Reference("ghcr.io/acme/wit:latest".to_owned()))],
            ),
        ],
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of them are the text")]
fn the_text_is_canonical() {
    let text = sample().to_text();
    insta::assert_snapshot!(text, @r#"
    # Written by spin-deps. Commit this file and do not edit it.
    # After a merge conflict, run `spin-deps lock`.
    version = 1

    [[override]]
    name = "acme:log"
    package = "other:log"
    req = "^2"
    registry = "ghcr.io"

    [[override]]
    name = "acme:zip"
    path = "../zip/\"zip\".wasm"
    replaces = ["1.10.0", "2.0.0"]

    [[package]]
    name = "acme:auth"
    version = "1.9.0"
    registry = "registry.example.com:5000"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    size = 20480
    capabilities = ["a \"quoted\" \\ name\n"]
    dependencies = []

    [[package]]
    name = "acme:auth"
    version = "1.10.0"
    registry = "registry.example.com:5000"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    size = 20480
    capabilities = ["files", "network"]
    dependencies = [
        { package = "acme:hash", req = "=0.9", version = "0.9.0" },
        { package = "acme:hash", req = "^1.2.0", version = "1.4.0" },
        { package = "acme:salt", req = "*", version = "0.3.1" },
    ]

    [[package]]
    name = "acme:hash"
    version = "0.9.0"
    registry = "registry.example.com:5000"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    size = 20480
    capabilities = []
    dependencies = []

    [[package]]
    name = "acme:hash"
    version = "1.4.0"
    registry = "registry.example.com:5000"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    manifest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    size = 20480
    capabilities = []
    dependencies = []

    [[package]]
    name = "acme:mail"
    version = "1.0.0"
    registry = "registry.example.com:5000"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    size = 20480
    capabilities = []
    dependencies = [
        { package = "acme:salt", req = "*", version = "0.3.1" },
    ]
    overridden = [
        { package = "acme:log", req = "=0.9" },
        { package = "acme:log", req = "^1.2" },
    ]

    [[package]]
    name = "acme:salt"
    version = "0.3.1"
    registry = "registry.example.com:5000"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    signers = { operator = "sha256:1111111111111111111111111111111111111111111111111111111111111111", author = "sha256:2222222222222222222222222222222222222222222222222222222222222222" }
    size = 20480
    capabilities = []
    dependencies = []

    [[http]]
    url = "https://example.com/greeter.wasm?v=1"
    digest = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
    size = 7
    capabilities = []
    dependencies = [
        { package = "acme:hash", req = ">=1, <3", version = "1.4.0" },
    ]

    [[http]]
    url = "https://example.com/z.wasm"
    digest = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
    size = 7
    capabilities = ["network"]
    dependencies = []

    [[environment]]
    name = "spin-up:3.6"
    digest = "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
    packages = [
        { package = "spin:up", version = "3.4.0", registry = "spinframework.dev", digest = "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", manifest = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", size = 512 },
        { package = "spin:up", version = "3.6.0", registry = "spinframework.dev", digest = "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", manifest = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", size = 512 },
    ]

    [[environment]]
    url = "https://example.com/env.toml"
    digest = "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
    packages = [
        { package = "acme:wit", reference = "ghcr.io/acme/wit:latest", digest = "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", size = 512 },
    ]

    [[environment]]
    path = "envs/ours.toml"
    packages = []
    "#);
    let mut sorted = sample();
    sorted.sort();
    let read = Lockfile::parse(&text).unwrap();
    assert_eq!(read, sorted);
    assert_eq!(read.to_text(), text);
}

#[test]
fn an_empty_lock() {
    let text = Lockfile::default().to_text();
    insta::assert_snapshot!(text, @r"
    # Written by spin-deps. Commit this file and do not edit it.
    # After a merge conflict, run `spin-deps lock`.
    version = 1
    ");
    assert_eq!(Lockfile::parse(&text).unwrap(), Lockfile::default());
    assert_eq!(Lockfile::parse("version = 1\npackage = []\n").unwrap(), Lockfile::default());
}

#[test]
fn what_an_editor_does_to_a_lock_does_no_harm() {
    let text = sample().to_text();
    let windows = text.replace('\n', "\r\n");
    let shouting = text.replace(&"a".repeat(64), &"A".repeat(64));
    let commented = text.replace("[[package]]", "# seen by me\n[[package]]  # a package");
    let signers = format!("signers = {{ operator = \"{}\", author = \"{}\" }}\n", digest('1'), digest('2'));
    let table = format!("[package.signers]\nauthor = \"{}\"\noperator = \"{}\"\n", digest('2'), digest('1'));
    let spread = text.replace(&signers, "").replacen("\n[[http]]", &format!("{table}\n[[http]]"), 1);
    assert_ne!(spread, text);
    for edited in [windows, shouting, commented, spread] {
        assert_eq!(Lockfile::parse(&edited).unwrap().to_text(), text);
    }
}

#[test]
fn releases_are_found_in_any_order() {
    let lock = sample();
    for package in &lock.packages {
        assert_eq!(lock.get(&package.name, &package.version), Some(package));
    }
    let name = "acme:hash".parse().unwrap();
    assert_eq!(lock.get(&name, &Version::new(9, 9, 9)), None);
    assert_eq!(lock.releases(&name).count(), 2);
}

#[test]
fn a_size_that_toml_cannot_hold_is_cut() {
    let mut lock =
        Lockfile { packages: vec![release("acme:hash", "1.0.0", &[], Vec::new())], ..Lockfile::default() };
    lock.packages[0].size = u64::MAX;
    let read = Lockfile::parse(&lock.to_text()).unwrap();
    assert_eq!(read.packages[0].size, i64::MAX.unsigned_abs());
}

fn diff(old: &Lockfile, new: &Lockfile) -> String {
    old.diff(new).iter().flat_map(|change| [change.to_string(), "\n".to_owned()]).collect()
}

#[test]
fn changes_are_told_in_a_line() {
    let old = Lockfile {
        overrides: ["acme:kept", "acme:left", "acme:moved"]
            .map(|name| replaced(name, Replacement::Path("kept.wasm".to_owned()), &[]))
            .to_vec(),
        packages: vec![
            release("acme:altered", "1.0.0", &["files"], Vec::new()),
            release("acme:auth", "1.0.0", &["files"], Vec::new()),
            release("acme:both", "1.0.0", &[], Vec::new()),
            release("acme:both", "2.0.0", &[], Vec::new()),
            release("acme:down", "1.5.0", &[], Vec::new()),
            release("acme:gone", "0.1.0", &[], Vec::new()),
            release("acme:major", "1.0.0", &[], Vec::new()),
            release("acme:same", "1.0.0", &[], Vec::new()),
        ],
        http: vec![source("https://example.com/a", &[]), source("https://example.com/b", &[])],
        environments: ["gone", "kept", "spin-up:3.6"].map(named).to_vec(),
    };
    let altered = Package {
        registry: "other.example.com".parse().unwrap(),
        digest: digest('d'),
        signers: Some(Signers { operator: digest('1'), author: digest('2') }),
        ..release("acme:altered", "1.0.0", &[], Vec::new())
    };
    let same = release("acme:same", "1.0.0", &[], vec![needs("acme:auth", "^1", "1.1.0")]);
    let path = |path: &str| Replacement::Path(path.to_owned());
    let exact = Replacement::Release {
        package: "acme:moved".parse().unwrap(),
        req: "=1.0.0".parse().unwrap(),
        registry: None,
    };
    let new = Lockfile {
        overrides: vec![
            replaced("acme:kept", path("kept.wasm"), &["1.0.0"]),
            replaced("acme:moved", exact, &[]),
        ],
        packages: vec![
            altered,
            release("acme:auth", "1.1.0", &["network", "files"], Vec::new()),
            release("acme:both", "2.1.0", &[], Vec::new()),
            release("acme:down", "1.4.0", &[], Vec::new()),
            release("acme:major", "2.0.0", &[], Vec::new()),
            release("acme:new", "1.0.0", &["network", "files"], Vec::new()),
            same,
        ],
        http: vec![
            HttpSource { digest: digest('e'), ..source("https://example.com/a", &["network"]) },
            source("https://example.com/c", &[]),
        ],
        environments: vec![
            Environment { digest: Some(digest('0')), ..named("spin-up:3.6") },
            named("kept"),
            named("\u{1b}[31m"),
        ],
    };

    insta::assert_snapshot!(diff(&old, &new), @"
    override acme:moved by acme:moved =1.0.0
    no longer override acme:left
    change acme:altered 1.0.0, registry registry.example.com:5000 → other.example.com, content sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa → sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd, signed by others, loses files
    update acme:auth 1.0.0 → 1.1.0, gains network
    update acme:both 2.0.0 → 2.1.0
    remove acme:both 1.0.0
    downgrade acme:down 1.5.0 → 1.4.0
    remove acme:gone 0.1.0
    update acme:major 1.0.0 → 2.0.0
    add acme:new 1.0.0, gains files, network
    change https://example.com/a, content sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc → sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee, gains network
    remove https://example.com/b
    add https://example.com/c
    change the environment spin-up:3.6
    add the environment �[31m
    remove the environment gone
    ");
    assert_eq!(old.diff(&old), []);
    let gained = old.diff(&new).iter().map(|change| change.gained().len()).sum::<usize>();
    assert_eq!(gained, 4);
    let escape = Lockfile {
        overrides: Vec::new(),
        packages: vec![release("acme:new", "1.0.0", &["\u{1b}[31m"], Vec::new())],
        ..Lockfile::default()
    };
    assert_eq!(diff(&Lockfile::default(), &escape), "add acme:new 1.0.0, gains \u{fffd}[31m\n");
}

/// A lock that is sound: every dependency names one of its releases by a requirement that it meets.
fn lock() -> impl Strategy<Value = Lockfile> {
    let version =
        prop::sample::select(vec!["0.0.7", "0.3.1", "1.0.0", "1.10.0", "2.0.0-rc.1", "2.0.0+build.7"]);
    let name = prop::sample::select(vec!["acme:auth", "acme:hash", "b-c:d-e2"]);
    let registry = prop::sample::select(vec!["registry.example.com", "localhost:5000", "[::1]:80"]);
    let text = prop::collection::hash_set(any::<String>(), 0..3).prop_map(Vec::from_iter);
    let keys = prop::option::of(("[0-9a-f]{64}", "[0-9a-f]{64}"));
    let manifest = prop::option::of("[0-9a-f]{64}");
    let details = (registry, "[0-9a-f]{64}", manifest, keys, 0..=i64::MAX.unsigned_abs(), text);
    let needs = prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize), 0..4);
    let package = (name, version, details, needs);
    let path = "[a-z./?&=%é -]{0,12}";
    (prop::collection::vec(package, 0..6), prop::collection::vec((path, any::<prop::sample::Index>()), 0..3))
        .prop_map(|(packages, sources)| {
            let mut lock = Lockfile::default();
            let mut wanted = Vec::new();
            for (name, version, (registry, content, manifest, keys, size, capabilities), needs) in packages {
                let key = |hex: String| format!("sha256:{hex}").parse().unwrap();
                let signers =
                    keys.map(|(operator, author)| Signers { operator: key(operator), author: key(author) });
                let mut package = Package {
                    registry: registry.parse().unwrap(),
                    digest: key(content),
                    manifest: manifest.map(key),
                    signers,
                    size,
                    imports: capabilities.clone(),
                    granted: capabilities.iter().map(|to| granted(to, &["files"])).collect(),
                    capabilities,
                    ..release(name, version, &[], Vec::new())
                };
                // All releases of a package have one origin.
                if let Some(other) = lock.releases(&package.name).next() {
                    package.registry.clone_from(&other.registry);
                    package.signers.clone_from(&other.signers);
                }
                if lock.get(&package.name, &package.version).is_none() {
                    lock.packages.push(package);
                    wanted.push(needs);
                }
            }
            let all = lock.packages.clone();
            let meet = |(at, form): (prop::sample::Index, usize)| {
                let Package { name, version, .. } = at.get(&all);
                let forms = [
                    format!("={version}"),
                    format!("^{version}"),
                    format!(">={version}, <99"),
                    "*".to_owned(),
                ];
                let req = VersionReq::parse(&forms[form]).unwrap();
                // `*` admits no pre-release.
                let req = if req.matches(version) { req } else { VersionReq::parse(&forms[0]).unwrap() };
                Dependency { package: name.clone(), req, version: version.clone() }
            };
            for (package, needs) in lock.packages.iter_mut().zip(wanted) {
                package.dependencies = needs.into_iter().map(meet).collect();
            }
            for (path, at) in sources {
                let mut source = source(&format!("https://example.com/{path}"), &["network"]);
                source.dependencies = if all.is_empty() { Vec::new() } else { vec![meet((at, 1))] };
                if lock.http.iter().all(|other| other.url != source.url) {
                    lock.http.push(source);
                }
            }
            lock
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read(lock in lock()) {
        let text = lock.to_text();
        let mut sorted = lock.clone();
        sorted.sort();
        prop_assert_eq!(Lockfile::parse(&text), Ok(sorted.clone()));
        prop_assert_eq!(sorted.to_text(), &*text);
        prop_assert_eq!(Lockfile::parse(&text.replace('\n', "\r\n")), Ok(sorted));
        prop_assert!(lock.diff(&Lockfile::parse(&text).unwrap()).is_empty());
    }

    /// Whatever is done to a text, reading it ends in a lock or in an error with a place inside the text.
    #[test]
    fn damage_is_noticed_or_harmless(lock in lock(), at in any::<prop::sample::Index>(), with in ".{0,3}", len in 0..20_usize) {
        let mut text = lock.to_text();
        let chars: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let from = *at.get(&chars);
        let to = (from + len..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        text.replace_range(from..to, &with);
        match Lockfile::parse(&text) {
            Ok(read) => prop_assert_eq!(Lockfile::parse(&read.to_text()), Ok(read)),
            Err(error) => {
                prop_assert!(error.span().end <= text.len(), "{:?}", error);
                prop_assert!(text.get(error.span()).is_some(), "{:?}", error);
                prop_assert!(!error.to_string().is_empty() && error.hint().is_some());
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Lockfile::parse(&text);
        let _ = Lockfile::parse(&format!("version = 1\n{text}"));
    }
}
