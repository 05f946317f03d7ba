//! What `add` and `remove` have in common: what they would change, for `--dry-run`.

use similar::{ChangeTag, TextDiff};
use spin_deps_project::{Edit, LockOutcome};

use super::change_line;
use crate::output::{BAD, DIM, GOOD, Output, clean, styled};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Shows what would change: the manifest as a unified diff, and the lockfile by its packages.
pub(super) fn preview_lines(output: &mut Output, name: &str, edit: &Edit, lock: &LockOutcome) {
    output.lines(diff(name, edit));
    if !lock.changes.is_empty() {
        output.line(styled(DIM, "spin-deps.lock"));
        output.lines(lock.changes.iter().map(|change| format!("  {}", change_line(change))));
    }
    output.line("Nothing was written: `--dry-run`");
}

/// The manifest's change as a unified diff without a header; its lines are clean.
fn diff(name: &str, edit: &Edit) -> Vec<String> {
    let diff = TextDiff::from_lines(&edit.before, &edit.after);
    let mut lines = vec![styled(DIM, clean(name))];
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        lines.push(styled(DIM, hunk.header()));
        for change in hunk.iter_changes() {
            let text = clean(change.value().trim_end_matches(['\r', '\n']));
            lines.push(match change.tag() {
                ChangeTag::Delete => styled(BAD, format!("-{text}")),
                ChangeTag::Insert => styled(GOOD, format!("+{text}")),
                ChangeTag::Equal => format!(" {text}"),
            });
        }
    }
    lines
}

/// The same as JSON.
pub(super) fn edit_json(edit: &Edit) -> serde_json::Value {
    let diff = TextDiff::from_lines(&edit.before, &edit.after);
    serde_json::Value::String(diff.unified_diff().context_radius(CONTEXT).to_string())
}
