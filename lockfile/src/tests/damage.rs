//! One damaged byte in the text of a lock, at every place.
//!
//! Whatever the byte becomes, the reader refuses the text and says where, or reads a lock that differs in one word at
//! most. What each of these words is checked against, since a reader of text cannot, is the business of those who use
//! the lock: content by its digest, a release by the manifest's requirements, capabilities by what the content imports.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// What every byte becomes: a near miss, and the begin of a comment.
const ALWAYS: [fn(u8) -> u8; 2] = [|byte| byte ^ 1, |_| b'#'];
/// What bytes become in turn: another letter case, the end of a string, of a line, of a word, of a number.
const IN_TURN: [fn(u8) -> u8; 5] = [|byte| byte ^ 0x20, |_| b'"', |_| b'\n', |_| b' ', |_| b'0'];

/// The entries of a lock, each by the words that it has.
fn entries(lock: &Lockfile) -> Vec<BTreeMap<&'static str, String>> {
    let packages = lock.packages.iter().map(|package| {
        BTreeMap::from([
            ("name", package.name.to_string()),
            ("version", package.version.to_string()),
            ("registry", package.registry.to_string()),
            ("digest", package.digest.to_string()),
            ("manifest", format!("{:?}", package.manifest)),
            ("size", package.size.to_string()),
            ("capabilities", format!("{:?}", package.capabilities)),
            ("dependencies", format!("{:?}", package.dependencies)),
            ("overridden", format!("{:?}", package.overridden)),
        ])
    });
    let sources = lock.http.iter().map(|source| {
        BTreeMap::from([
            ("url", source.url.to_string()),
            ("digest", source.digest.to_string()),
            ("size", source.size.to_string()),
            ("capabilities", format!("{:?}", source.capabilities)),
            ("dependencies", format!("{:?}", source.dependencies)),
        ])
    });
    let overrides = lock.overrides.iter().map(|it| {
        BTreeMap::from([
            ("override", it.name.to_string()),
            ("by", format!("{:?}", it.by)),
            ("replaces", format!("{:?}", it.replaces)),
        ])
    });
    packages.chain(sources).chain(overrides).collect()
}

/// The words that differ between two locks, which must all be of one entry.
fn differing(before: &Lockfile, after: &Lockfile) -> Vec<&'static str> {
    let (mut before, mut after) = (entries(before), entries(after));
    let both = before.clone();
    before.retain(|entry| !after.contains(entry));
    after.retain(|entry| !both.contains(entry));
    match (before.as_slice(), after.as_slice()) {
        ([], []) => Vec::new(),
        ([before], [after]) => before.keys().copied().filter(|word| before[word] != after[word]).collect(),
        _ => panic!("more than one entry differs: {before:?} is now {after:?}"),
    }
}

#[test]
fn is_refused_or_changes_one_word() {
    let text = sample().to_text();
    let lock = Lockfile::parse(&text).unwrap();
    let mut changed = BTreeSet::new();
    for place in 0..text.len() {
        for change in ALWAYS.iter().chain(IN_TURN.get(place % IN_TURN.len())) {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = change(bytes[place]);
            let Ok(damaged) = String::from_utf8(bytes) else { continue };
            match Lockfile::parse(&damaged) {
                Err(error) => assert!(damaged.get(error.span()).is_some(), "byte {place}: {error}"),
                Ok(read) => {
                    assert_eq!(Lockfile::parse(&read.to_text()).unwrap(), read, "byte {place}");
                    let differing = differing(&lock, &read);
                    assert!(differing.len() <= 1, "byte {place} changes {differing:?}:\n{damaged}");
                    changed.extend(differing);
                }
            }
        }
    }
    let all: BTreeSet<_> = entries(&lock).into_iter().flat_map(BTreeMap::into_keys).collect();
    assert_eq!(changed, all, "no word is safe, so each has to be checked by someone");
}
