//! What git makes of two branches that both changed the lock, and what `lock` makes of that.

use spin_deps_fixtures::http::p2_app;
use spin_deps_fixtures::library::chain;

use crate::support::world::{Run, Sandbox, manifest};

/// The packages that there are. Those of one branch stand beside those of the other or apart from them.
const PACKAGES: [&str; 6] = ["acme:ant", "acme:bee", "acme:cat", "acme:dog", "acme:eel", "acme:fox"];

/// A repository whose app has two components, `one` and `two`, on the branch `main`; `one` depends on `acme:cat`.
struct Repository(Sandbox);

impl Repository {
    fn new(style: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.use_folder();
        for package in PACKAGES {
            sandbox.publish(&chain(package, "1.0.0", &[]));
        }
        for (id, imports) in [("one", &[("acme:cat", "1.0.0")][..]), ("two", &[])] {
            sandbox.write(&format!("{id}.wasm"), p2_app(imports));
        }
        let two = "\n[component.one.dependencies]\n\"acme:cat\" = \"^1\"\n\n[component.two]\nsource = \"two.wasm\"\n";
        let one = manifest("", "").replace("component = \"app\"", "component = \"one\"");
        let one =
            one.replace("[component.app]\nsource = \"app.wasm\"", "[component.one]\nsource = \"one.wasm\"");
        sandbox.write("spin.toml", one + two);
        sandbox.write(".gitignore", "*.wit\n*.wasm\n");
        sandbox.run(&["lock"]).done();
        let repository = Self(sandbox);
        repository.git(&["init", "-q", "-b", "main"]);
        for (key, value) in
            [("user.name", "Ada"), ("user.email", "ada@example.com"), ("merge.conflictStyle", style)]
        {
            repository.git(&["config", key, value]);
        }
        repository.commit("base");
        repository
    }

    fn try_git(&self, arguments: &[&str]) -> Run {
        Sandbox::run_command(self.0.command_of("git").args(arguments))
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) {
        self.try_git(arguments).done();
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Runs commands on a branch of their own that starts from `main`.
    fn branch(&self, name: &str, commands: &[&[&str]]) {
        self.git(&["checkout", "-q", "-b", name, "main"]);
        for command in commands {
            self.0.run(command).done();
        }
        self.commit(name);
    }

    /// Merges `theirs` into `ours`; whether git could.
    fn merge(&self, ours: &str, theirs: &str) -> bool {
        self.git(&["checkout", "-q", ours]);
        self.try_git(&["merge", "-q", "--no-edit", theirs]).code == Some(0)
    }

    fn locked(&self) -> Vec<String> {
        let lock = self.0.read("spin-deps.lock");
        lock.lines()
            .filter_map(|line| Some(line.strip_prefix("name = \"acme:")?.trim_end_matches('"').to_owned()))
            .collect()
    }
}

#[test]
fn branches_that_add_packages_apart_from_each_other_merge_by_themselves() {
    let repository = Repository::new("merge");
    repository.branch("ours", &[&["add", "acme:ant", "--to", "one"]]);
    repository.branch("theirs", &[&["add", "acme:fox", "--to", "two"]]);
    assert!(repository.merge("ours", "theirs"));
    assert_eq!(repository.locked(), ["ant", "cat", "fox"]);
    let lock = repository.0.read("spin-deps.lock");
    repository.0.run(&["lock", "--check"]).done();
    repository.0.run(&["sync", "--locked"]).done();
    repository.0.run(&["lock"]).done();
    assert_eq!(repository.0.read("spin-deps.lock"), lock, "the merged text is the canonical one");
}

#[test]
fn neighbours_conflict_and_lock_mends_it() {
    for style in ["merge", "diff3", "zdiff3"] {
        let repository = Repository::new(style);
        repository.branch("ours", &[&["add", "acme:dog", "--to", "one"]]);
        repository.branch("theirs", &[&["add", "acme:fox", "--to", "two"]]);
        // Newer releases, which nobody asked for.
        for package in PACKAGES {
            repository.0.publish(&chain(package, "1.1.0", &[]));
        }
        assert!(!repository.merge("ours", "theirs"), "both are new between the same two");
        let marked = repository.0.read("spin-deps.lock");
        assert!(marked.contains("<<<<<<<"), "{marked}");
        for command in [&["sync"][..], &["tree"], &["verify"], &["lock", "--check"], &["lock", "--locked"]] {
            let refused = repository.0.run(command).failed();
            assert!(refused.stderr.contains("markers of a merge conflict"), "{}", refused.stderr);
            assert!(refused.stderr.contains("run `spin-deps lock`"), "{}", refused.stderr);
        }
        let run = repository.0.run(&["lock"]).done();
        if style == "merge" {
            insta::assert_snapshot!(repository.0.snapshot(&run), @"
            exit: 0
            --- stdout
            Repaired spin-deps.lock, which was not sound
              asked again about acme:dog 1.0.0, which a conflict runs through
              asked again about acme:fox 1.0.0, which a conflict runs through
            Locked 3 packages in spin-deps.lock
              add acme:dog 1.0.0
              add acme:fox 1.0.0
            ");
        }
        assert_eq!(repository.locked(), ["cat", "dog", "fox"], "{style}");
        assert!(
            !repository.0.read("spin-deps.lock").contains("1.1.0"),
            "what either side had locked is kept"
        );
        repository.0.run(&["lock", "--check"]).done();
        repository.commit("merged");
    }
}

/// The entries that a conflict runs through are not believed, but for where their packages come from.
#[test]
fn what_a_conflict_runs_through_stays_at_its_registry() {
    let repository = Repository::new("merge");
    let sandbox = &repository.0;
    repository.branch("ours", &[&["add", "acme:dog", "--to", "one"]]);
    repository.branch("theirs", &[&["add", "acme:fox", "--to", "two"]]);
    let elsewhere = "other.example";
    sandbox.use_folders(&[elsewhere]);
    for package in ["acme:dog", "acme:fox"] {
        sandbox.publish_to(elsewhere, &chain(package, "1.9.0", &[]));
    }
    assert!(!repository.merge("ours", "theirs"), "both are new between the same two");
    let marked = sandbox.read("spin-deps.lock");
    // What git left whole comes from the folder that the lock names; it is told first, so it is taken out here.
    let cat = marked.find("[[package]]\nname = \"acme:cat\"").expect("acme:cat is locked");
    let next = cat + marked[cat..].find("\n\n").expect("something follows");
    let without = format!("{}{}", &marked[..cat], &marked[next + 2..]);
    sandbox.write("spin-deps.lock", &without);
    let manifest = sandbox.read("spin.toml").replace("\"acme:cat\" = \"^1\"\n", "");
    sandbox.write("spin.toml", manifest);
    let refused = sandbox.run(&["lock"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: acme:dog is locked from the registry wasm.example, but would now come from other.example

    hint: a package never moves to another registry by itself; restore the mapping of acme:dog, or, if the move is meant, remove its entry from spin-deps.lock and run `spin-deps lock`
    ");
    assert_eq!(sandbox.read("spin-deps.lock"), without);
}

#[test]
fn a_merge_without_conflict_into_something_unsound_is_mended() {
    let repository = Repository::new("merge");
    let sandbox = &repository.0;
    // One branch depends on a release that the other one moves away from.
    sandbox.publish(&chain("acme:user", "1.0.0", &[("acme:cat", "1.0.0")]));
    repository.branch("ours", &[&["add", "acme:user", "--to", "two"]]);
    sandbox.publish(&chain("acme:cat", "1.1.0", &[]));
    repository.git(&["checkout", "-q", "main"]);
    repository.branch("theirs", &[&["add", "acme:cat@^1.1", "--to", "one"]]);
    assert!(repository.merge("ours", "theirs"));
    let refused = sandbox.run(&["sync", "--locked"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @r#"
    exit: 1
    --- stderr
    error: acme:user 1.0.0 depends on acme:cat 1.0.0, which is not in the lock
        ╭─[spin-deps.lock:22:5]
     21 │ dependencies = [
     22 │     { package = "acme:cat", req = "^1.0.0", version = "1.0.0" },
        ·     ───────────────────────────────────────────────────────────
     23 │ ]
        ╰────

    hint: the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses the rest anew, or restore it from version control
    "#);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["lock"]).done()), @"
    exit: 0
    --- stdout
    Repaired spin-deps.lock, which was not sound
    Locked 2 packages in spin-deps.lock
    ");
    sandbox.run(&["lock", "--check"]).done();
    assert_eq!(repository.locked(), ["cat", "user"]);
}

#[test]
fn a_lock_of_another_app_is_replaced_with_a_word_and_refused_where_it_must_not_change() {
    let repository = Repository::new("merge");
    let sandbox = &repository.0;
    repository.branch("other", &[&["add", "acme:bee", "--to", "two"], &["remove", "acme:cat"]]);
    let other = sandbox.read("spin-deps.lock");
    repository.git(&["checkout", "-q", "main"]);
    sandbox.write("spin-deps.lock", &other);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["sync", "--locked"]).failed()), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--locked` forbids to change it:
      - component `one` asks for acme:cat ^1, which is not locked

    hint: run `spin-deps lock` without `--locked` and commit spin-deps.lock
    ");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["lock"]).done()), @"
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock
      remove acme:bee 1.0.0
      add acme:cat 1.0.0
    ");
    assert_eq!(repository.locked(), ["cat"]);
}
