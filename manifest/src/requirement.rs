//! Version requirements as people write them, and what is wrong with one that is none.
//!
//! What a requirement means, and whether a text is one, is for the `semver` crate to say. It says no with the reason and
//! without the place; and who comes from another package manager needs more than a reason: `>=1 <2`, `~>1.2` and `v1.2`
//! are requirements elsewhere. So a text that is refused is looked at again, for the part that is wrong and for the
//! requirement that was probably meant.

use std::ops::Range;

use semver::{Comparator, VersionReq};

/// The longest text that is looked at for its wrong part, in bytes. Honest requirements have a few dozen.
const MAX_LENGTH: usize = 1_000;
/// How much of a requirement is shown in a message, in characters.
const MAX_SHOWN: usize = 60;

/// What `semver` knows as operators, the longer ones first.
const OPERATORS: [&str; 7] = [">=", "<=", "^", "~", "=", ">", "<"];
/// What other package managers know, and what is meant by it.
const FOREIGN: [(&str, &str); 6] =
    [("==", "="), ("=>", ">="), ("=<", "<="), ("~>", "~"), ("~=", "~"), ("^=", "^")];

/// A text that is no version requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid version requirement `{shown}`: {reason}")]
pub struct InvalidRequirement {
    /// The text, cut where it is long.
    shown: String,
    reason: String,
    part: Range<usize>,
    repaired: Option<String>,
}

impl InvalidRequirement {
    /// The text, cut where it is long.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Why it is none.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The part that is wrong, in bytes of the text.
    pub fn part(&self) -> Range<usize> {
        self.part.clone()
    }

    /// How to write it.
    pub fn hint(&self) -> String {
        match &self.repaired {
            Some(repaired) => format!("write `{repaired}`"),
            None => "write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version".to_owned(),
        }
    }
}

/// Reads a version requirement as `semver` does.
///
/// # Errors
/// When the text is none, with the part that is wrong.
pub fn parse_requirement(text: &str) -> Result<VersionReq, InvalidRequirement> {
    let invalid = |(part, reason): (Range<usize>, String)| {
        let mut shown: String = text.chars().take(MAX_SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let repaired = if text.len() > MAX_LENGTH { None } else { repaired(text) };
        InvalidRequirement { shown: crate::read::printable(&shown), reason, part, repaired }
    };
    VersionReq::parse(text).map_err(|error| invalid(wrong_part(text, &error.to_string())))
}

/// The part of `text` that is wrong, and why; `reason` is what `semver` says of the whole.
fn wrong_part(text: &str, reason: &str) -> (Range<usize>, String) {
    if text.len() > MAX_LENGTH {
        return (0..text.len(), reason.to_owned());
    }
    if text.trim().is_empty() {
        return (0..text.len(), "it is empty".to_owned());
    }
    if let Some(at) = text.find("||") {
        return (at..at + 2, "there is no `or`; one requirement is one range".to_owned());
    }
    let mut start = 0;
    for piece in text.split(',') {
        let range = trimmed(text, start..start + piece.len());
        if range.is_empty() {
            // The comma before it, or for the first one the comma after it.
            let comma = if start == 0 { piece.len() } else { start - 1 };
            return (comma..comma + 1, "a condition is missing beside the comma".to_owned());
        }
        start += piece.len() + 1;
        let condition = text.get(range.clone()).unwrap_or_default();
        if let Err(error) = Comparator::parse(condition) {
            let (part, reason) = wrong_in_condition(condition, &error.to_string());
            return (range.start + part.start..range.start + part.end, reason);
        }
    }
    (0..text.len(), reason.to_owned())
}

/// The same within one condition: an operator and a version.
fn wrong_in_condition(condition: &str, reason: &str) -> (Range<usize>, String) {
    if let Some((foreign, _)) = FOREIGN.iter().find(|(foreign, _)| condition.starts_with(foreign)) {
        return (0..foreign.len(), format!("there is no operator `{foreign}`"));
    }
    let operator =
        OPERATORS.iter().find(|operator| condition.starts_with(**operator)).map_or(0, |it| it.len());
    let version = trimmed(condition, operator..condition.len());
    let text = condition.get(version.clone()).unwrap_or_default();
    let within = |range: Range<usize>| version.start + range.start..version.start + range.end;
    if text.is_empty() {
        let operator = condition.get(..operator).unwrap_or_default();
        return (0..operator.len(), format!("a version is missing after `{operator}`"));
    }
    if let Some(space) = text.find(char::is_whitespace) {
        let rest = trimmed(text, space..text.len());
        return (within(rest), "a comma is missing between two conditions".to_owned());
    }
    if let Some(rest) = text.strip_prefix(['v', 'V'])
        && rest.starts_with(|c: char| c.is_ascii_digit())
    {
        return (within(0..1), "a version begins with a number".to_owned());
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '*' | 'x' | 'X')) {
        return (version, "a version begins with a number".to_owned());
    }
    let numbers = text.find(['-', '+']).unwrap_or(text.len());
    if let Some((fourth, _)) = text.get(..numbers).unwrap_or_default().match_indices('.').nth(2) {
        return (within(fourth..numbers), "a version has at most three numbers".to_owned());
    }
    let is_foreign = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '*'));
    match text.char_indices().find(|(_, c)| is_foreign(*c)) {
        Some((at, c)) => (within(at..at + c.len_utf8()), reason.to_owned()),
        None => (version, reason.to_owned()),
    }
}

/// A range without the white space at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (piece.len() - piece.trim_start().len());
    start..start + piece.trim().len()
}

/// The requirement that was probably meant.
fn repaired(text: &str) -> Option<String> {
    if text.trim().is_empty() || matches!(text.trim(), "latest" | "newest" | "any") {
        return Some("*".to_owned());
    }
    let mut conditions = Vec::new();
    for piece in text.split(',') {
        // Whoever writes a range as `1.2 - 1.4` means both ends.
        if let Some((low, high)) = piece.split_once(" - ") {
            conditions.extend([format!(">={}", version(low)), format!("<={}", version(high))]);
            continue;
        }
        let mut operator = String::new();
        for word in piece.split_whitespace() {
            let end = word.find(|c: char| !"^~=<>".contains(c)).unwrap_or(word.len());
            let (signs, rest) = word.split_at(end);
            operator.push_str(signs);
            if !rest.is_empty() {
                let meant = FOREIGN.iter().find(|(foreign, _)| *foreign == operator);
                let meant = meant.map_or(operator.as_str(), |(_, meant)| meant);
                conditions.push(format!("{meant}{}", version(rest)));
                operator.clear();
            }
        }
    }
    let repaired = conditions.join(", ");
    VersionReq::parse(&repaired).is_ok().then_some(repaired)
}

/// A version without a `v` before it and without a fourth number.
fn version(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let numbers = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(numbers);
    let three: Vec<&str> = numbers.split('.').take(3).collect();
    format!("{}{rest}", three.join("."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text with its wrong part between `⟦` and `⟧`, the reason, and the hint.
    fn refused(text: &str) -> String {
        let error = parse_requirement(text).unwrap_err();
        let part = error.part();
        format!(
            "{}⟦{}⟧{}: {}; {}",
            &text[..part.start],
            &text[part.clone()],
            &text[part.end..],
            error.reason(),
            error.hint()
        )
    }

    #[test]
    fn the_wrong_part_is_found() {
        let texts = [
            "",
            " ",
            "^",
            ">=",
            "latest",
            "1.2.3.4",
            "^1.2.3.4-rc.1",
            ">=1 <2",
            ">= 1.2 < 1.9",
            "v1.2",
            "^v1.2.3",
            "==1.2",
            "~>1.2",
            "=>1",
            "1 || 2",
            "1.2 - 1.4",
            ",1",
            "1,",
            ">=1,,<2",
            "^1.2, latest",
            "^1.2, v1.9",
            "1.2.x.4",
            "^1.é",
            "²",
            "^01.2",
            "1.99999999999999999999",
            "1.2.3-",
            "*, 1",
            "^1_2",
            "!1.2",
        ];
        let shown: Vec<String> = texts.iter().map(|text| refused(text)).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        ⟦⟧: it is empty; write `*`
        ⟦ ⟧: it is empty; write `*`
        ⟦^⟧: a version is missing after `^`; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ⟦>=⟧: a version is missing after `>=`; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ⟦latest⟧: a version begins with a number; write `*`
        1.2.3⟦.4⟧: a version has at most three numbers; write `1.2.3`
        ^1.2.3⟦.4⟧-rc.1: a version has at most three numbers; write `^1.2.3-rc.1`
        >=1 ⟦<2⟧: a comma is missing between two conditions; write `>=1, <2`
        >= 1.2 ⟦< 1.9⟧: a comma is missing between two conditions; write `>=1.2, <1.9`
        ⟦v⟧1.2: a version begins with a number; write `1.2`
        ^⟦v⟧1.2.3: a version begins with a number; write `^1.2.3`
        ⟦==⟧1.2: there is no operator `==`; write `=1.2`
        ⟦~>⟧1.2: there is no operator `~>`; write `~1.2`
        ⟦=>⟧1: there is no operator `=>`; write `>=1`
        1 ⟦||⟧ 2: there is no `or`; one requirement is one range; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        1.2 ⟦- 1.4⟧: a comma is missing between two conditions; write `>=1.2, <=1.4`
        ⟦,⟧1: a condition is missing beside the comma; write `1`
        1⟦,⟧: a condition is missing beside the comma; write `1`
        >=1⟦,⟧,<2: a condition is missing beside the comma; write `>=1, <2`
        ^1.2, ⟦latest⟧: a version begins with a number; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ^1.2, ⟦v⟧1.9: a version begins with a number; write `^1.2, 1.9`
        1.2.x⟦.4⟧: a version has at most three numbers; write `1.2.x`
        ^1.⟦é⟧: unexpected character 'é' while parsing minor version number; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ⟦²⟧: a version begins with a number; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ^⟦01.2⟧: invalid leading zero in major version number; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ⟦1.99999999999999999999⟧: value of minor version number exceeds u64::MAX; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ⟦1.2.3-⟧: empty identifier segment in pre-release identifier; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ⟦*⟧, 1: unexpected character '*' while parsing major version number; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ^1⟦_⟧2: unexpected character '_' after major version number; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ⟦!1.2⟧: a version begins with a number; write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
        ");
    }

    #[test]
    fn what_is_long_is_cut() {
        let error = parse_requirement(&"^".repeat(100_000)).unwrap_err();
        assert_eq!(error.shown().chars().count(), MAX_SHOWN + 1);
        assert_eq!(error.part(), 0..100_000);
    }

    proptest! {
        #[test]
        fn what_semver_says_is_said(text in "[\\^~=<>]{0,2}[ 0-9a-cvxX*.,|+-é]{0,12}") {
            let parsed = parse_requirement(&text);
            prop_assert_eq!(parsed.is_ok(), VersionReq::parse(&text).is_ok());
            if let Err(error) = parsed {
                prop_assert!(text.get(error.part()).is_some(), "{:?} of {:?}", error.part(), text);
                prop_assert!(error.repaired.is_none_or(|it| VersionReq::parse(&it).is_ok()));
            }
        }
    }
}
