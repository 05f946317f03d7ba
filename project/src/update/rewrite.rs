//! A requirement for a newer release, in the form of the one that it takes the place of.

use semver::{Comparator, Op, Version, VersionReq};
use spin_deps_manifest::{Manifest, Source, Span};
use wasm_pkg_common::package::PackageRef;

/// A requirement in the manifest.
pub(super) struct Entry<'a> {
    /// Who asks, in the user's words.
    pub(super) origin: String,
    pub(super) package: &'a PackageRef,
    pub(super) req: &'a VersionReq,
    /// Where the requirement stands.
    pub(super) place: &'a Span,
}

/// Every requirement of the manifest that could be another one, in its order. What a component is made of is named by
/// its version and not required by a range; who wants another writes that.
pub(super) fn entries(manifest: &Manifest) -> Vec<Entry<'_>> {
    let dependencies = manifest.components.iter().flat_map(|(id, component)| {
        let of_component = move || format!("component `{id}`");
        component.dependencies.iter().map(move |it| (of_component(), &it.source, &it.source_span))
    });
    let middleware = manifest.triggers.iter().flat_map(|trigger| {
        let of_trigger = || format!("the middleware of trigger `{}`", trigger.id);
        trigger.middleware.iter().map(move |it| (of_trigger(), &it.source, &it.source_span))
    });
    let mut entries: Vec<_> = dependencies
        .chain(middleware)
        .filter_map(|(origin, source, place)| match source {
            Source::Registry { package, req, .. } => Some(Entry { origin, package, req, place }),
            _ => None,
        })
        .collect();
    entries.sort_by_key(|entry| entry.place.start);
    entries
}

/// Whether a requirement names a pre-release: only then it may be rewritten for one.
pub(super) fn names_pre_release(req: &VersionReq) -> bool {
    req.comparators.iter().any(|it| !it.pre.is_empty())
}

/// The requirement `written` for the release `newest`, with the same operator and as many numbers: `^1` becomes `^2`,
/// `1.2` becomes `2.0`. `None` if it admits that release, if it is open, such as `*` or `>=1, <3`, or if that would be
/// a step back.
pub(super) fn rewritten(written: &str, newest: &Version) -> Option<String> {
    let req: VersionReq = written.parse().ok()?;
    let [only] = req.comparators.as_slice() else { return None };
    if req.matches(newest) || !is_below(only, newest) {
        return None;
    }
    let written = written.trim();
    let digits = written.find(|c: char| c.is_ascii_digit())?;
    let operator = written.get(..digits)?;
    let Version { major, minor, patch, pre, .. } = newest;
    let text = match only.op {
        Op::Wildcard => {
            // `*` in the place that it has, written as it is: `1.x` and `1.*.*` are known as well.
            let wildcard = written.get(written.find(['*', 'x', 'X'])?..)?;
            match only.minor {
                Some(_) => format!("{major}.{minor}.{wildcard}"),
                None => format!("{major}.{wildcard}"),
            }
        }
        Op::Caret | Op::Tilde | Op::Exact => match (only.minor, only.patch) {
            _ if !pre.is_empty() => format!("{operator}{major}.{minor}.{patch}-{pre}"),
            (None, _) => format!("{operator}{major}"),
            (Some(_), None) => format!("{operator}{major}.{minor}"),
            (Some(_), Some(_)) => format!("{operator}{major}.{minor}.{patch}"),
        },
        _ => return None,
    };
    let admits = text.parse::<VersionReq>().is_ok_and(|req| req.matches(newest));
    admits.then_some(text)
}

/// Whether a requirement asks for something older.
fn is_below(asked: &Comparator, newest: &Version) -> bool {
    let lowest = Version {
        pre: asked.pre.clone(),
        ..Version::new(asked.major, asked.minor.unwrap_or(0), asked.patch.unwrap_or(0))
    };
    lowest < *newest
}

#[cfg(test)]
mod tests {
    use super::{names_pre_release, rewritten};

    #[test]
    fn the_form_stays() {
        for (written, newest, wanted) in [
            ("^1", "2.3.1", Some("^2")),
            ("1.2", "2.0.0", Some("2.0")),
            ("1.2.3", "2.0.0", Some("2.0.0")),
            ("= 1.2.0", "2.1.0", Some("= 2.1.0")),
            ("=1.2.0", "1.3.0", Some("=1.3.0")),
            ("~1.2", "2.0.4", Some("~2.0")),
            ("~1.2", "1.3.0", Some("~1.3")),
            ("^0.3", "0.4.1", Some("^0.4")),
            ("^0.0.3", "0.0.4", Some("^0.0.4")),
            ("1.*", "2.5.0", Some("2.*")),
            ("1.2.x", "2.5.0", Some("2.5.x")),
            ("^1.0.0-rc.1", "2.0.0-rc.2", Some("^2.0.0-rc.2")),
            ("^1.0.0-rc.1", "2.0.0", Some("^2.0.0")),
            // Admitted already.
            ("^1", "1.9.0", None),
            ("*", "2.0.0", None),
            // Open, or more than one thing.
            (">=1, <2", "2.0.0", None),
            ("<2", "2.0.0", None),
            ("<=1.0", "2.0.0", None),
            // A step back.
            ("^3", "2.0.0", None),
            ("^2.0.0-rc.1", "1.9.0", None),
        ] {
            assert_eq!(
                rewritten(written, &newest.parse().unwrap()).as_deref(),
                wanted,
                "{written} for {newest}"
            );
        }
    }

    #[test]
    fn pre_releases_are_for_those_who_have_one() {
        let names = |req: &str| names_pre_release(&req.parse().unwrap());
        assert!(names("^1.0.0-rc.1") && names(">=1, <2.0.0-0") && !names("^1"));
    }
}
