//! A `spin.toml` that Spin would refuse, or that asks for what cannot be put together.

use super::{refused, usual, with_manifest};
use crate::support::library::{ANSWER, DEPENDENCIES};
use crate::support::world::{Sandbox, manifest};

#[test]
fn is_missing() {
    insta::assert_snapshot!(refused(&Sandbox::new(), &["lock"]), @"");
}

#[test]
fn is_not_toml() {
    let text = manifest(DEPENDENCIES, "").replace("[component.app]", "[component.app");
    insta::assert_snapshot!(refused(&with_manifest(&text), &["lock"]), @"");
}

#[test]
fn has_a_field_that_spin_does_not_know() {
    let text = manifest("", "").replace("source = ", "sorce = ");
    insta::assert_snapshot!(refused(&with_manifest(&text), &["lock"]), @"");
}

#[test]
fn has_a_capability_that_does_not_exist() {
    let entry =
        "\"acme:base\" = { version = \"1\", inherit_configuration = [\"environment\", \"allowed_hosts\"] }";
    insta::assert_snapshot!(refused(&with_manifest(&manifest(entry, "")), &["lock"]), @"");
}

#[test]
fn has_two_names_for_one_import() {
    let entries = "\"acme:base\" = \"1\"\n\"acme:base/api@1.0.0\" = \"=1.1.0\"";
    insta::assert_snapshot!(refused(&with_manifest(&manifest(entries, "")), &["lock"]), @"");
}

#[test]
fn has_a_name_that_matches_no_import() {
    let (_registry, sandbox) = usual();
    sandbox.write("spin.toml", manifest(&format!("{DEPENDENCIES}\n\"acme:base\" = \"2\""), ANSWER));
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(refused(&sandbox, &["verify"]), @"");
}

#[test]
fn leaves_an_import_without_an_implementation() {
    let (_registry, sandbox) = usual();
    sandbox.write("spin.toml", manifest("", ANSWER));
    insta::assert_snapshot!(refused(&sandbox, &["verify"]), @"");
}
