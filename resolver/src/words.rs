//! Words of the messages: lists, names, and texts from outside made fit to show.

use wasm_pkg_common::package::{PackageRef, Version};

use crate::Reason;
use crate::known::Slot;
use crate::node::Obstacle;
use crate::set::VersionSet;

/// Versions or names listed before the rest is only counted.
const MAX_LISTED: usize = 6;
/// Characters taken from a text that a registry or a file supplied.
const MAX_TEXT: usize = 300;

/// A text from outside made fit for a terminal: one line, no control characters, of bounded length.
pub(crate) fn tame(text: &str) -> String {
    let mut tame = String::new();
    for (at, c) in text.trim().chars().enumerate() {
        if at == MAX_TEXT {
            tame.push('…');
            break;
        }
        let reorders =
            matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        tame.push(match c {
            '\n' | '\r' | '\t' => ' ',
            _ if c.is_control() || reorders => '\u{fffd}',
            _ => c,
        });
    }
    tame
}

pub(crate) fn name_release(package: &PackageRef, version: &Version) -> String {
    tame(&format!("{package} {version}"))
}

/// What is wrong with a release, as a sentence about `subject`.
pub(crate) fn obstacle(subject: &str, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Unusable(Reason::WitOnly) => format!("{subject} holds only WIT, no implementation"),
        Obstacle::Unusable(Reason::Offline) => {
            format!("{subject} is not in the store and the network is off")
        }
        Obstacle::Unusable(Reason::NotComponent(what)) => {
            format!("{subject} is not a component ({})", tame(what))
        }
        Obstacle::Unusable(Reason::Unreachable(why) | Reason::Other(why)) => {
            format!("{subject} cannot be used ({})", tame(why))
        }
        Obstacle::NeedsOther(req) => format!("{subject} depends on {} of itself, which it is not", tame(req)),
    }
}

/// `a, b, c and 4 more`
pub(crate) fn enumerate<T: ToString>(items: &[T]) -> String {
    let shown: Vec<String> = items.iter().take(MAX_LISTED).map(ToString::to_string).collect();
    match items.len().saturating_sub(MAX_LISTED) {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`
pub(crate) fn list(items: &[String], last: &str) -> String {
    let rest = items.len().saturating_sub(MAX_LISTED);
    match items {
        [] => String::new(),
        [one] => one.clone(),
        _ if rest > 0 => format!("{} {last} {rest} more", items[..MAX_LISTED].join(", ")),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// The versions of a set as runs of what exists: `1.0.0`, `>=1.2.0, <=1.6.0`.
pub(crate) fn runs(slots: &[Slot], set: &VersionSet) -> Vec<String> {
    let mut runs = Vec::new();
    let mut run: Vec<&Version> = Vec::new();
    let mut close = |run: &mut Vec<&Version>| {
        match run.as_slice() {
            [first, _, .., last] => runs.push(format!(">={first}, <={last}")),
            few => runs.extend(few.iter().map(ToString::to_string)),
        }
        run.clear();
    };
    for slot in slots {
        if set.contains(&slot.key) {
            run.push(&slot.key);
        } else {
            close(&mut run);
        }
    }
    close(&mut run);
    runs
}
