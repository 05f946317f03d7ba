//! A place in a pipeline: the new one is moved through it with the arrow keys.
//!
//! `dialoguer` can sort a list, but then everything in it moves; here all others stay where they are.

use std::io;

use dialoguer::{
    Result,
    console::{Key, Term},
};
use spin_deps_project::Question;

use super::choice::{fitting, heading, painted, summary};
use crate::output::{DIM, GOOD, NAME};

/// Room for the mark before a line, in columns.
const MARK: usize = 5;

/// Asks for the number of those in the pipeline that the new one comes behind.
pub(super) fn place(question: &Question, new: &str, end: &str) -> Result<Vec<usize>> {
    let term = Term::stderr();
    let others: Vec<_> = question.choices.iter().map(|it| fitting(&it.label, MARK)).collect();
    let new = fitting(new, MARK);
    let last = others.len();
    let mut place = question.default.as_ref().and_then(|it| it.first()).map_or(last, |at| *at.min(&last));
    let heading = heading(&question.text, "arrows move it, enter confirms");
    term.hide_cursor()?;
    loop {
        let mut lines: Vec<_> = heading.lines().map(str::to_owned).collect();
        lines.push(painted(DIM, "    request"));
        for at in 0..=last {
            if at == place {
                lines.push(format!("  {} {}", painted(GOOD, ">"), painted(NAME, &new)));
            }
            lines.extend(others.get(at).map(|it| format!("    {it}")));
        }
        lines.push(painted(DIM, &format!("    {}", fitting(end, MARK))));
        term.write_line(&lines.join("\n"))?;
        let key = term.read_key()?;
        term.clear_last_lines(lines.len())?;
        match key {
            Key::ArrowUp | Key::Char('k') => place = place.saturating_sub(1),
            Key::ArrowDown | Key::Char('j') => place = (place + 1).min(last),
            Key::Home => place = 0,
            Key::End => place = last,
            Key::Enter => break,
            Key::Escape | Key::Char('q') => return Err(io::Error::from(io::ErrorKind::Interrupted).into()),
            _ => {}
        }
    }
    term.show_cursor()?;
    let answer = match (place.checked_sub(1).and_then(|at| others.get(at)), others.get(place)) {
        (_, Some(next)) => format!("before {next}"),
        (Some(previous), None) => format!("after {previous}"),
        (None, None) => String::new(),
    };
    summary(&question.text, &answer)?;
    Ok(vec![place])
}
