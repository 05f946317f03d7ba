//! One choice, or several, from a list.

use std::{fmt, io};

use anstyle::Style;
use dialoguer::{MultiSelect, Result, Select, console::Term, theme::Theme};
use spin_deps_project::Question;

use super::answered;
use crate::output::{DIM, GOOD, NAME, clean_line, styled};

/// Room for the marks before a choice, in columns.
const MARKS: usize = 8;

/// Room for what is added to a question about the pages of a long list, in columns.
const PAGE: usize = 20;

/// Asks for one choice.
pub(super) fn one(question: &Question) -> Result<Vec<usize>> {
    let look = Look { keys: "arrows move, enter chooses" };
    let select = Select::with_theme(&look)
        .with_prompt(clean_line(&question.text))
        .items(labels(question))
        .default(question.choices.iter().position(|it| it.chosen).unwrap_or_default())
        .report(false);
    let chosen = vec![answered(select.interact_opt()?)?];
    summarise(question, &chosen)?;
    Ok(chosen)
}

/// Asks for several choices, at least so many.
pub(super) fn several(question: &Question, least: usize) -> Result<Vec<usize>> {
    let mut look = Look { keys: "arrows move, space selects, enter confirms" };
    loop {
        let chosen: Vec<_> = question.choices.iter().map(|it| it.chosen).collect();
        let select = MultiSelect::with_theme(&look)
            .with_prompt(clean_line(&question.text))
            .items(labels(question))
            .defaults(&chosen)
            .report(false);
        let chosen = answered(select.interact_opt()?)?;
        if chosen.len() >= least {
            summarise(question, &chosen)?;
            return Ok(chosen);
        }
        look.keys = "select at least one with space, enter confirms";
    }
}

/// What stays on the screen of a question: the answer, as an option would take it.
fn summarise(question: &Question, chosen: &[usize]) -> io::Result<()> {
    let values: Vec<_> = chosen.iter().filter_map(|at| question.choices.get(*at)).collect();
    let values: Vec<_> = values.iter().map(|it| clean_line(&it.value)).collect();
    let answer = if values.is_empty() { "none".to_owned() } else { values.join(", ") };
    summary(&question.text, &answer)
}

/// A question and its answer.
pub(super) fn summary(question: &str, answer: &str) -> io::Result<()> {
    let mark = painted(GOOD, "?");
    Term::stderr().write_line(&format!("{mark} {} {}", clean_line(question), painted(NAME, answer)))
}

/// A question with the keys that there are, behind it or, where that is too long, below it: a line that the terminal
/// breaks would not be cleared.
pub(super) fn heading(question: &str, keys: &str) -> String {
    let question = fitting(question, MARKS);
    let length = question.len() + keys.len() + PAGE;
    let between = if length <= usize::from(Term::stderr().size().1) { " " } else { "\n  " };
    format!("{} {question}{between}{}", painted(GOOD, "?"), painted(DIM, &format!("({keys})")))
}

/// The choices, each in one line of the terminal.
fn labels(question: &Question) -> Vec<String> {
    question.choices.iter().map(|it| fitting(&it.label, MARKS)).collect()
}

/// A text from outside, cut to the terminal's width less `taken` columns.
pub(super) fn fitting(text: &str, taken: usize) -> String {
    let (_, width) = Term::stderr().size();
    let room = usize::from(width).saturating_sub(taken).max(MARKS);
    let text = clean_line(text);
    // The list is redrawn by the number of its lines, for which the length in bytes counts.
    if text.len() <= room { text } else { format!("{}...", &text[..text.floor_char_boundary(room - 3)]) }
}

/// A text with a style, where the terminal is to have colours.
pub(super) fn painted(style: Style, text: &str) -> String {
    match anstream::AutoStream::choice(&io::stderr()) {
        anstream::ColorChoice::Never => text.to_owned(),
        _ => styled(style, text),
    }
}

/// How a list looks.
struct Look {
    /// The keys that there are.
    keys: &'static str,
}

impl Theme for Look {
    fn format_prompt(&self, f: &mut dyn fmt::Write, prompt: &str) -> fmt::Result {
        f.write_str(&heading(prompt, self.keys))
    }

    fn format_select_prompt_item(&self, f: &mut dyn fmt::Write, text: &str, active: bool) -> fmt::Result {
        if active {
            write!(f, "{} {}", painted(GOOD, ">"), painted(NAME, text))
        } else {
            write!(f, "  {text}")
        }
    }

    fn format_multi_select_prompt_item(
        &self,
        f: &mut dyn fmt::Write,
        text: &str,
        checked: bool,
        active: bool,
    ) -> fmt::Result {
        let (cursor, text) = if active {
            (painted(GOOD, ">"), painted(NAME, text))
        } else {
            (" ".to_owned(), text.to_owned())
        };
        let mark = if checked { format!("[{}]", painted(GOOD, "x")) } else { "[ ]".to_owned() };
        write!(f, "{cursor} {mark} {text}")
    }
}
