//! Bindings: the same for the same WIT, in every language, for worlds with imports and with exports.

use spin_deps_component::{BindingsOptions, GeneratedFile, GuestWorld, Language, Seal, WitError, bindings};

/// What a component of an app imports.
const IMPORTS: &str = include_str!("wit/imports.wit");
/// What a component of an author imports and exports.
const EXPORTS: &str = include_str!("wit/exports.wit");

fn generate(world: &GuestWorld, language: Language) -> Result<Vec<GeneratedFile>, WitError> {
    bindings(world, language, &BindingsOptions::default())
}

fn imports() -> GuestWorld {
    GuestWorld::from_dependencies(IMPORTS).unwrap()
}

fn folder(text: &str) -> GuestWorld {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("world.wit"), text).unwrap();
    GuestWorld::read(folder.path(), None).unwrap()
}

/// Every world with its name.
fn worlds() -> [(&'static str, GuestWorld); 4] {
    [
        ("imports", imports()),
        ("exports", folder(EXPORTS)),
        ("async", GuestWorld::from_dependencies(include_str!("wit/async.wit")).unwrap()),
        ("async_exports", folder(include_str!("wit/async_exports.wit"))),
    ]
}

fn languages() -> impl Iterator<Item = Language> {
    Language::ALL.into_iter().filter(|language| *language != Language::Python)
}

#[test]
fn the_same_world_gives_the_same_files() {
    for language in languages() {
        for (name, world) in worlds() {
            let first = match generate(&world, language) {
                Ok(files) => files,
                Err(error) => {
                    assert!(language == Language::Cpp && name.starts_with("async"), "{error}");
                    continue;
                }
            };
            assert!(!first.is_empty());
            // Each run hashes with other keys.
            for _ in 0..20 {
                let again = generate(&world, language).unwrap();
                assert_eq!(first.len(), again.len());
                for (one, other) in first.iter().zip(again) {
                    assert!(*one == other, "{language}: {} differs", one.path);
                }
            }
        }
    }
}

#[test]
fn the_order_of_packages_does_not_matter() {
    let at = IMPORTS.find("package acme:rich").unwrap();
    let next = IMPORTS.find("package acme:hash").unwrap();
    let other = format!("{}{}\n{}", &IMPORTS[..at], &IMPORTS[next..], &IMPORTS[at..next]);
    let other = GuestWorld::from_dependencies(&other).unwrap();
    for language in languages() {
        assert!(generate(&imports(), language).unwrap() == generate(&other, language).unwrap(), "{language}");
    }
}

#[test]
fn rust_bindings_are_rust() {
    let files = generate(&imports(), Language::Rust).unwrap();
    assert_eq!(files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["spin_dependencies.rs"]);
    let text = files[0].sealed("spin-dependencies.wit");
    let file = syn::parse_file(&text).unwrap();
    let modules: Vec<_> = (file.items.iter())
        .filter_map(|item| match item {
            syn::Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        })
        .collect();
    assert!(modules.contains(&"acme".to_owned()), "{modules:?}");
    assert!(text.contains("pub fn draw(") && text.contains("pub fn init_it("));
    assert!(text.lines().all(|line| line.trim_end() == line), "formatted");
}

#[test]
fn a_generator_that_cannot_says_so() {
    let world = GuestWorld::from_dependencies(include_str!("wit/async.wit")).unwrap();
    insta::assert_snapshot!(generate(&world, Language::Cpp).unwrap_err(), @"bindings for `cpp` cannot be made of this WIT: it has an asynchronous function, a stream or a future");
    assert!(matches!(GuestWorld::from_dependencies("package a:b;"), Err(WitError::Invalid { .. })));
    assert!(matches!(GuestWorld::from_dependencies("nonsense"), Err(WitError::Invalid { .. })));
}

#[test]
fn every_file_is_sealed() {
    for language in languages() {
        for file in generate(&folder(EXPORTS), language).unwrap() {
            let text = file.sealed("wit");
            assert_eq!(Seal::of(&file.path, &text), Seal::Intact, "{}", file.path);
            assert!(file.path.split('/').all(|part| !part.is_empty() && part != ".."), "{}", file.path);
        }
    }
}

#[test]
fn python_is_not_generated_here() {
    assert!(matches!(generate(&imports(), Language::Python), Err(WitError::Generator { .. })));
}
