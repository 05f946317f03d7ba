//! What a page points to is there: every relative link and picture, and every heading behind a `#`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::repository;

/// Every page of the repository, by its path from there.
pub(crate) fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    let mut folders = vec!["docs".to_owned(), "examples".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(repository().join(&folder)).expect("a folder of pages") {
            let entry = entry.expect("an entry");
            let path = format!("{folder}/{}", entry.file_name().display());
            if entry.file_type().expect("its type").is_dir() {
                folders.push(path);
            } else if Path::new(&path).extension().is_some_and(|it| it == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// The text of a page outside of its blocks of code.
fn prose(text: &str) -> String {
    let mut within = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            within = !within;
        } else if !within {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// Where the links and pictures of a page lead.
fn targets(text: &str) -> Vec<String> {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\]\((?P<inline>[^)\s]+)\)|(?:src|href)="(?P<html>[^"]+)""#).expect("a pattern")
    });
    // What is set as code is no link, save that a link's own text may be.
    static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new("`[^`\n]*`").expect("a pattern"));
    let text = prose(text);
    LINK.captures_iter(&CODE.replace_all(&text, "code"))
        .filter_map(|found| found.name("inline").or(found.name("html")))
        .map(|target| target.as_str().to_owned())
        .collect()
}

/// The names that a page's headings have as targets of links, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in prose(text).lines() {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let name: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let before = seen.entry(name.clone()).or_default();
        anchors.insert(if *before == 0 { name } else { format!("{name}-{before}") });
        *before += 1;
    }
    anchors
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs_err::read_to_string(repository().join(&page)).expect("a page");
        for target in targets(&text).into_iter().filter(|target| !target.contains("://")) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match path {
                "" => PathBuf::from(&page),
                path => plain(&Path::new(&page).with_file_name(path)),
            };
            let there = repository().join(&file);
            let found = there.exists()
                && (anchor.is_empty()
                    || fs_err::read_to_string(&there).is_ok_and(|text| anchors(&text).contains(anchor)));
            if !found {
                broken.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_is_on_the_map() {
    let map = fs_err::read_to_string(repository().join("docs/README.md")).expect("the map");
    let linked: BTreeSet<_> =
        targets(&map).into_iter().map(|target| plain(&Path::new("docs").join(target))).collect();
    let missing: Vec<_> = pages()
        .into_iter()
        .filter(|page| {
            page.starts_with("docs/") && page != "docs/README.md" && !linked.contains(Path::new(page))
        })
        .collect();
    assert!(missing.is_empty(), "docs/README.md does not name {}", missing.join(", "));
}

#[test]
fn links_and_anchors_are_found() {
    let text = "# A `b`: c, d\n[x](a.md#b) and `[y](no.md)` and [`z`](#z)\n```\n[n](no.md)\n# no\n```\n## Same\n## Same\n\
                <img src=\"p.svg\">\n";
    assert_eq!(targets(text), ["a.md#b", "#z", "p.svg"]);
    assert_eq!(anchors(text).into_iter().collect::<Vec<_>>(), ["a-b-c-d", "same", "same-1"]);
}
