//! What a merge leaves, and what of it is still believed.

use super::*;

/// A lock of releases of `acme:NAME`, whose content follows from name and version.
fn lock(releases: &[(&str, &str)]) -> Lockfile {
    let packages = releases.iter().map(|(name, version)| {
        let digits = name.bytes().chain(version.bytes()).map(u64::from).fold(7, |sum, byte| sum * 31 + byte);
        Package {
            digest: format!("sha256:{digits:064x}").parse().unwrap(),
            size: digits % 1000,
            ..release(&format!("acme:{name}"), version, &[], Vec::new())
        }
    });
    let mut lock = Lockfile { packages: packages.collect(), ..Lockfile::default() };
    lock.sort();
    lock
}

fn kept(text: &str) -> (Vec<String>, Vec<String>) {
    let salvage = Lockfile::salvage(text).unwrap();
    let packages = salvage.lockfile.packages.iter();
    (packages.map(|it| format!("{} {}", it.name, it.version)).collect(), salvage.remarks)
}

/// The text with the lines of `ours` and `theirs` that differ between markers, as git writes them.
fn conflict(ours: &str, base: Option<&str>, theirs: &str) -> String {
    let base = base.map_or(String::new(), |base| format!("||||||| 1234567\n{base}"));
    format!("<<<<<<< HEAD\n{ours}{base}=======\n{theirs}>>>>>>> branch\n")
}

#[test]
fn a_sound_lock_is_kept_whole() {
    let text = sample().to_text();
    let salvage = Lockfile::salvage(&text).unwrap();
    assert_eq!((salvage.lockfile.to_text(), salvage.remarks), (text, Vec::new()));
}

#[test]
fn both_sides_of_a_conflict_are_kept() {
    let entry = |name: &str| {
        let text = lock(&[(name, "1.0.0")]).to_text();
        text[text.find("[[package]]").unwrap()..].to_owned()
    };
    let before = lock(&[("a", "1.0.0")]).to_text();
    for base in [None, Some("")] {
        let text = format!("{before}\n{}", conflict(&entry("m"), base, &entry("n")));
        assert!(matches!(Lockfile::parse(&text), Err(LockError::MergeConflict { .. })));
        assert_eq!(kept(&text).0, ["acme:a 1.0.0", "acme:m 1.0.0", "acme:n 1.0.0"]);
        assert_eq!(kept(&text.replace('\n', "\r\n")), kept(&text));
    }
    let moved = |version: &str| lock(&[("a", "1.0.0"), ("b", version)]).to_text();
    let text = conflict(&moved("1.1.0"), Some(&moved("1.0.0")), &moved("1.2.0"));
    assert_eq!(kept(&text).0, ["acme:a 1.0.0", "acme:b 1.1.0", "acme:b 1.2.0"], "and nothing of the base");
}

#[test]
fn what_the_sides_say_differently_of_a_release_is_not_believed() {
    let ours = lock(&[("a", "1.0.0"), ("b", "1.0.0")]);
    let mut theirs = ours.clone();
    theirs.packages[1].digest = digest('f');
    let text = conflict(&ours.to_text(), None, &theirs.to_text());
    assert_eq!(
        kept(&text),
        (
            vec!["acme:a 1.0.0".into()],
            vec!["asked again about acme:b 1.0.0, which is there in two ways".into()]
        )
    );
    // Which release meets a need is no fact about the one that has it.
    let mut moved = ours.clone();
    moved.packages[0].dependencies = vec![needs("acme:b", "^1", "1.0.0")];
    let mut other = ours;
    other.packages[0].dependencies = vec![needs("acme:b", "^1", "1.1.0")];
    let text = conflict(&moved.to_text(), None, &other.to_text());
    assert_eq!(kept(&text).0, ["acme:a 1.0.0", "acme:b 1.0.0"]);
}

#[test]
fn of_an_entry_that_a_conflict_runs_through_only_the_version_counts() {
    // What git makes of `a` alone, where one side puts `m` before it and the other one replaces it by `n`.
    let text = lock(&[("n", "1.0.0")]).to_text();
    let name = "name = \"acme:n\"\n";
    let text = text.replacen(name, &conflict("name = \"acme:a\"\n", None, name), 1);
    let salvage = Lockfile::salvage(&text).unwrap();
    assert_eq!(salvage.lockfile, Lockfile::default(), "the digest is not that of `a`");
    let versions: Vec<_> =
        salvage.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    assert_eq!(versions, ["acme:a 1.0.0", "acme:n 1.0.0"]);
    assert_eq!(salvage.remarks[0], "asked again about acme:a 1.0.0, which a conflict runs through");
}

#[test]
fn entries_that_do_not_fit_together_are_kept_one_by_one() {
    let mut dangling = lock(&[("a", "1.0.0"), ("b", "1.1.0")]);
    dangling.packages[0].dependencies = vec![needs("acme:b", "^1", "1.0.0")];
    let twice = lock(&[("a", "1.0.0")]).to_text();
    let twice = format!("{twice}{}", twice.split_once("version = 1\n").unwrap().1);
    let lines = "registry = \"registry.example.com\"\nsize = 1\nsize = 2\n";
    let union = format!("{}\n[[package]]\nname = \"acme:u\"\n{lines}", lock(&[("a", "1.0.0")]).to_text());
    for (text, left) in [(dangling.to_text(), 2), (twice, 1), (union, 1)] {
        assert!(Lockfile::parse(&text).is_err());
        assert_eq!(kept(&text).0.len(), left, "{text}");
    }
    let mut overridden = lock(&[("a", "1.0.0")]);
    overridden.packages[0].overridden = vec![need("acme:x", "^1")];
    let lockfile = Lockfile::salvage(&overridden.to_text()).unwrap().lockfile;
    assert_eq!(lockfile, overridden, "what it needs is still true");
}

#[test]
fn whom_a_package_comes_from_is_not_left_to_a_merge() {
    let ours = lock(&[("a", "1.0.0")]);
    let mut theirs = lock(&[("a", "1.1.0")]);
    theirs.packages[0].registry = "elsewhere.example.com".parse().unwrap();
    let text = conflict(&ours.to_text(), None, &theirs.to_text());
    let error = Lockfile::salvage(&text).unwrap_err();
    assert!(matches!(error, LockError::Differ { what: "registries", .. }), "{error}");
    assert_eq!(&text[error.span()], "[[package]]\n");
    theirs = lock(&[("a", "1.1.0")]);
    theirs.packages[0].signers = Some(Signers { operator: digest('1'), author: digest('2') });
    let text = conflict(&ours.to_text(), None, &theirs.to_text());
    assert!(matches!(Lockfile::salvage(&text), Err(LockError::Differ { what: "signers", .. })));
}

#[test]
fn what_no_merge_makes_stays_an_error() {
    for text in ["<html>\n", "version = 2\n", "version = 1\nstrange = true\n", ""] {
        assert_eq!(Lockfile::salvage(text).unwrap_err(), Lockfile::parse(text).unwrap_err(), "{text}");
    }
    let newer = conflict("version = 1\n", None, "version = 2\n");
    assert!(matches!(Lockfile::salvage(&newer), Err(LockError::Newer { .. })));
}

proptest! {
    /// Whatever lines are repeated or stand between markers: reading ends, and no content is kept that was not there.
    #[test]
    fn no_damage_makes_a_digest_up(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..5_usize), 0..12),
    ) {
        let written = lock(&[("a", "1.0.0"), ("b", "1.0.0"), ("b", "2.0.0"), ("c", "0.3.0")]);
        let text = written.to_text();
        let mut lines: Vec<&str> = text.lines().collect();
        for (at, edit) in edits {
            let at = at.index(lines.len());
            match edit {
                0 => lines.insert(at, "<<<<<<< HEAD"),
                1 => lines.insert(at, "======="),
                2 => lines.insert(at, ">>>>>>> branch"),
                3 => lines.insert(at, "||||||| base"),
                _ => lines.insert(at, lines[at]),
            }
        }
        if let Ok(salvage) = Lockfile::salvage(&lines.join("\n")) {
            for package in &salvage.lockfile.packages {
                let digests = written.packages.iter().map(|it| &it.digest);
                prop_assert!(digests.clone().any(|digest| *digest == package.digest));
            }
        }
    }
}

#[test]
fn environments_that_both_sides_agree_on_stay() {
    let environment = |name: &str, digit: char| {
        format!("[[environment]]\nname = \"{name}\"\ndigest = \"{}\"\npackages = []\n\n", digest(digit))
    };
    let text = format!(
        "version = 1\n\n{}<<<<<<< ours\n{}=======\n{}{}>>>>>>> theirs\n",
        environment("kept:1", 'a'),
        environment("moved:1", 'a'),
        environment("moved:1", 'b'),
        environment("theirs:1", 'a')
    );
    let salvage = Lockfile::salvage(&text).unwrap();
    let names: Vec<_> = salvage.lockfile.environments.iter().map(|it| it.target.to_string()).collect();
    assert_eq!(names, ["kept:1", "theirs:1"]);
    assert_eq!(salvage.remarks, ["asked again about moved:1, which is there in two ways"]);
}
