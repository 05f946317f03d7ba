//! Hints for a name that is not there: what was probably meant, else what there is.

/// Names further apart than this, in edits, are not taken for each other.
const MAX_DISTANCE: usize = 3;
/// At most this many names are listed.
const MAX_LISTED: usize = 12;

/// The hint for `name` where only `known` exist; `owner` has them, as in "the app has".
pub(crate) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, owner: &str) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match closest(name, known.iter().map(|it| (*it, *it))) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => format!("{owner} none"),
        None => {
            let mut list: Vec<_> = known.iter().take(MAX_LISTED).map(|it| format!("`{it}`")).collect();
            if known.len() > MAX_LISTED {
                list.push(format!("and {} more", known.len() - MAX_LISTED));
            }
            format!("{owner} {}", list.join(", "))
        }
    }
}

/// The one of `known` whose name is closest to `name`, if that is close enough to be meant.
pub(crate) fn closest<N: AsRef<str>, T: Ord>(
    name: &str,
    known: impl IntoIterator<Item = (N, T)>,
) -> Option<T> {
    let distances = known.into_iter().map(|(other, it)| (strsim::levenshtein(name, other.as_ref()), it));
    let (distance, meant) = distances.min()?;
    (distance <= MAX_DISTANCE && distance < name.chars().count()).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn a_near_name_is_meant_and_others_are_listed() {
        assert_eq!(
            hint("acme:midle", ["acme:middle", "acme:base"], "the app has"),
            "did you mean `acme:middle`?"
        );
        assert_eq!(
            hint("x", ["acme:middle", "acme:base"], "the app has"),
            "the app has `acme:middle`, `acme:base`"
        );
        assert_eq!(hint("x", [], "the app has"), "the app has none");
    }
}
