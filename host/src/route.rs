//! Which component answers a path: Spin's rules.
//!
//! A route is a path whose segments are literal (`/users`) or a parameter (`/:id`), and whose last one may be `...`,
//! which takes all the rest, also nothing. Slashes at the end count neither in a route nor in a path. Of the routes
//! that match, the most specific wins: from the left, a literal segment is before a parameter and a parameter
//! before `...`; so a longer wildcard route is before a shorter one.

use std::cmp::Ordering;

/// The paths that a route answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Pattern {
    /// A path in Spin's notation: `/hello`, `/users/:id`, `/files/...`.
    Path(String),
    /// None: the component is not reachable from outside.
    Private,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    Literal(String),
    Parameter(String),
    Rest,
}

impl Segment {
    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Parameter(_) => 1,
            Self::Rest => 2,
        }
    }
}

#[derive(Debug)]
struct Entry<T> {
    route: String,
    segments: Vec<Segment>,
    target: T,
}

/// The routes of an app, most specific first.
#[derive(Debug)]
pub struct Router<T> {
    entries: Vec<Entry<T>>,
}

/// A route that matches a path.
#[derive(Debug, Eq, PartialEq)]
pub struct Match<'a, T> {
    /// What the route leads to.
    pub target: &'a T,
    /// The route as written.
    pub route: &'a str,
    /// The parameters, by name and text as it stands in the path.
    pub parameters: Vec<(&'a str, &'a str)>,
    /// What the final `...` took, with its first slash and the path's last one; empty for a route without it.
    pub rest: String,
}

impl<T> Match<'_, T> {
    /// The route without its final `/...`.
    pub fn prefix(&self) -> &str {
        self.route.strip_suffix("/...").unwrap_or(self.route)
    }
}

/// Why a route was not added.
#[derive(Debug, Eq, PartialEq)]
pub enum Rejected {
    /// It is not a route, for this reason.
    Invalid(&'static str),
    /// The route at this place, in the order of adding, answers the same paths.
    Duplicate(usize),
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T> Router<T> {
    /// A router with `routes`, each with its target.
    ///
    /// # Errors
    /// With the place of the first route that is not valid or that answers the same paths as one before it.
    pub fn new(routes: impl IntoIterator<Item = (String, T)>) -> Result<Self, (usize, Rejected)> {
        let mut entries: Vec<(usize, Entry<T>)> = Vec::new();
        for (place, (route, target)) in routes.into_iter().enumerate() {
            let segments = parse(&route).map_err(|reason| (place, Rejected::Invalid(reason)))?;
            if let Some((earlier, _)) = entries.iter().find(|(_, entry)| same(&entry.segments, &segments)) {
                return Err((place, Rejected::Duplicate(*earlier)));
            }
            entries.push((place, Entry { route, segments, target }));
        }
        entries.sort_by(|(_, a), (_, b)| specificity(&a.segments, &b.segments));
        Ok(Self { entries: entries.into_iter().map(|(_, entry)| entry).collect() })
    }

    /// The most specific route that matches `path`, which comes without its query.
    pub fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a, T>> {
        let trimmed = path.strip_prefix('/').unwrap_or(path);
        let parts = split(trimmed.strip_suffix('/').unwrap_or(trimmed));
        self.entries.iter().find_map(|entry| {
            let (parameters, taken) = capture(&entry.segments, &parts)?;
            let rest = match taken {
                None => String::new(),
                Some(taken) => {
                    let mut rest = String::new();
                    for part in parts.get(taken..).unwrap_or_default() {
                        rest.push('/');
                        rest.push_str(part);
                    }
                    if path.ends_with('/') {
                        rest.push('/');
                    }
                    rest
                }
            };
            Some(Match { target: &entry.target, route: &entry.route, parameters, rest })
        })
    }

    /// The routes, most specific first.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().map(|entry| (entry.route.as_str(), &entry.target))
    }
}

fn split(trimmed: &str) -> Vec<&str> {
    if trimmed.is_empty() { Vec::new() } else { trimmed.split('/').collect() }
}

fn parse(route: &str) -> Result<Vec<Segment>, &'static str> {
    let Some(trimmed) = route.strip_prefix('/') else {
        return Err("it must begin with `/`");
    };
    if route.contains(['?', '#']) {
        return Err("it can have no query or fragment");
    }
    let parts = split(trimmed.strip_suffix('/').unwrap_or(trimmed));
    let last = parts.len().saturating_sub(1);
    let mut segments = Vec::with_capacity(parts.len());
    for (place, part) in parts.into_iter().enumerate() {
        segments.push(match part.strip_prefix(':') {
            _ if part == "..." && place == last => Segment::Rest,
            _ if part == "..." => return Err("`...` can only be its last segment"),
            Some("") => return Err("a parameter needs a name after `:`"),
            Some(name) if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) => {
                return Err("the name of a parameter has only letters, digits, `-` and `_`");
            }
            Some(name) => Segment::Parameter(name.to_owned()),
            None if part.contains(|c: char| c.is_control() || c.is_whitespace()) => {
                return Err("it can have no spaces and no control characters");
            }
            None => Segment::Literal(part.to_owned()),
        });
    }
    Ok(segments)
}

fn same(a: &[Segment], b: &[Segment]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|pair| match pair {
            (Segment::Literal(a), Segment::Literal(b)) => a == b,
            (a, b) => a.rank() == b.rank(),
        })
}

/// Orders routes of which both match a path: the more specific first.
fn specificity(a: &[Segment], b: &[Segment]) -> Ordering {
    // Where one is the beginning of the other, the longer one goes on with `...`, which took nothing.
    a.iter().map(Segment::rank).cmp(b.iter().map(Segment::rank))
}

type Captured<'a> = (Vec<(&'a str, &'a str)>, Option<usize>);

/// The parameters, and the place at which `...` begins, if `segments` match `parts`.
fn capture<'a>(segments: &'a [Segment], parts: &[&'a str]) -> Option<Captured<'a>> {
    let mut parameters = Vec::new();
    for (place, segment) in segments.iter().enumerate() {
        match (segment, parts.get(place)) {
            (Segment::Rest, _) => return Some((parameters, Some(place))),
            (Segment::Literal(literal), Some(part)) if literal == part => {}
            (Segment::Parameter(name), Some(part)) if !part.is_empty() => {
                parameters.push((name.as_str(), *part));
            }
            _ => return None,
        }
    }
    (segments.len() == parts.len()).then_some((parameters, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[&str]) -> Router<String> {
        Router::new(routes.iter().map(|route| ((*route).to_owned(), (*route).to_owned()))).unwrap()
    }

    fn found(router: &Router<String>, path: &str) -> String {
        router.find(path).map_or_else(|| "none".to_owned(), |found| found.target.clone())
    }

    #[test]
    fn exact_routes_match_only_themselves() {
        let router = router(&["/", "/hello", "/hello/world"]);
        assert_eq!(found(&router, "/"), "/");
        assert_eq!(found(&router, "/hello"), "/hello");
        assert_eq!(found(&router, "/hello/"), "/hello");
        assert_eq!(found(&router, "/hello/world"), "/hello/world");
        assert_eq!(found(&router, "/hello/world/x"), "none");
        assert_eq!(found(&router, "/hell"), "none");
        assert_eq!(found(&router, "//hello"), "none");
    }

    #[test]
    fn the_most_specific_route_wins_whatever_the_order() {
        let mut routes = [
            "/", "/...", "/c", "/c/...", "/a/...", "/a/b/...", "/a/:x", "/a/b", "/:x/b", "/a/:x/c", "/:x/...",
        ];
        for _ in 0..routes.len() {
            routes.rotate_left(1);
            let built = router(&routes);
            for (path, route) in [
                ("/", "/"),
                ("/c", "/c"),
                ("/c/d", "/c/..."),
                ("/z", "/:x/..."),
                ("/a", "/a/..."),
                ("/a/b", "/a/b"),
                ("/a/z", "/a/:x"),
                ("/a/b/c", "/a/b/..."),
                ("/a/z/c", "/a/:x/c"),
                ("/a/z/d", "/a/..."),
                ("/z/b", "/:x/b"),
                ("/z/z/z", "/:x/..."),
            ] {
                assert_eq!(found(&built, path), route, "{path} among {routes:?}");
            }
        }
    }

    #[test]
    fn parameters_and_the_rest_are_captured() {
        let router = router(&["/users/:user-id/files/..."]);
        for (path, rest) in [
            ("/users/42/files", ""),
            ("/users/42/files/", "/"),
            ("/users/42/files/a/b", "/a/b"),
            ("/users/42/files/a/", "/a/"),
            ("/users/42/files/a%20b", "/a%20b"),
        ] {
            let found = router.find(path).unwrap();
            assert_eq!(found.rest, rest, "{path}");
            assert_eq!(found.parameters, [("user-id", "42")]);
            assert_eq!(found.prefix(), "/users/:user-id/files");
        }
        assert_eq!(router.find("/users//files"), None, "a parameter is never empty");
    }

    #[test]
    fn same_paths_twice_are_refused() {
        let routes =
            |routes: &[&str]| Router::new(routes.iter().map(|route| ((*route).to_owned(), ()))).map(|_| ());
        assert_eq!(routes(&["/a", "/b", "/a/"]), Err((2, Rejected::Duplicate(0))));
        assert_eq!(routes(&["/:x/b", "/:y/b"]), Err((1, Rejected::Duplicate(0))));
        assert_eq!(routes(&["/...", "/..."]), Err((1, Rejected::Duplicate(0))));
        assert_eq!(routes(&["/a", "/:x", "/..."]), Ok(()));
    }

    #[test]
    fn what_is_no_route_is_refused() {
        let reason = |route: &str| match Router::new([(route.to_owned(), ())]) {
            Err((0, Rejected::Invalid(reason))) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason("hello"), "it must begin with `/`");
        assert_eq!(reason("/a?b"), "it can have no query or fragment");
        assert_eq!(reason("/.../a"), "`...` can only be its last segment");
        assert_eq!(reason("/:"), "a parameter needs a name after `:`");
        assert_eq!(reason("/:a.b"), "the name of a parameter has only letters, digits, `-` and `_`");
        assert_eq!(reason("/a b"), "it can have no spaces and no control characters");
    }
}
