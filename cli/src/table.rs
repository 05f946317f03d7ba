//! Rows in aligned columns.
//!
//! Columns that have nothing to say are left out. In a terminal the last column goes on below itself where the line
//! would be too long, and where there is no room for that, each row becomes a list of its cells. A file or a pipe gets
//! one line a row, which is easier to work with.

use std::fmt::Write as _;

use anstyle::Style;
use dialoguer::console::{Term, measure_text_width};

use crate::output::{DIM, clean_line, styled};

/// The blanks between two columns.
const GAP: usize = 2;
/// A last column that has less room than this is not broken into lines: it has none.
const MIN_WIDTH: usize = 20;

/// A text with its style.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text, which may come from outside.
    pub(crate) fn new(text: &str) -> Self {
        Self::styled(Style::new(), text)
    }

    /// The same, with a style.
    pub(crate) fn styled(style: Style, text: &str) -> Self {
        Self { text: clean_line(text), style }
    }

    /// A part of its text. Nothing has no style either, or a line would end with what nobody sees.
    fn shown(&self, part: &str) -> String {
        if part.is_empty() { String::new() } else { styled(self.style, part) }
    }
}

/// The columns of the terminal that standard output is, if it is one.
pub(crate) fn terminal_width() -> Option<usize> {
    Term::stdout().size_checked().map(|(_, columns)| usize::from(columns))
}

/// The lines of a table, for standard output as it is.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<Cell>>) -> Vec<String> {
    lines(header, rows, terminal_width())
}

fn lines(header: &[&str], mut rows: Vec<Vec<Cell>>, width: Option<usize>) -> Vec<String> {
    rows.insert(0, header.iter().map(|name| Cell::styled(DIM, name)).collect());
    let column_width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| measure_text_width(&cell.text)).max().unwrap_or(0)
    };
    let is_used = |column: &usize| {
        rows.iter().skip(1).any(|row| row.get(*column).is_some_and(|cell| !cell.text.is_empty()))
    };
    let columns: Vec<(usize, usize)> =
        (0..header.len()).filter(is_used).map(|column| (column, column_width(column))).collect();
    let Some(((last, _), columns)) = columns.split_last() else { return Vec::new() };
    let indent: usize = columns.iter().map(|(_, width)| width + GAP).sum();
    if let Some(width) = width
        && indent + column_width(*last) > width
        && indent + MIN_WIDTH > width
    {
        return stacked(&rows, width);
    }
    let room = width.map(|width| width.saturating_sub(indent)).filter(|room| *room >= MIN_WIDTH);
    let mut lines = Vec::new();
    for row in &rows {
        let mut line = String::new();
        for (column, width) in columns {
            let Some(cell) = row.get(*column) else { continue };
            let blanks = " ".repeat(width + GAP - measure_text_width(&cell.text));
            // Writing to a string cannot fail.
            let _ = write!(line, "{}{blanks}", cell.shown(&cell.text));
        }
        let Some(cell) = row.get(*last) else { continue };
        for (number, part) in wrapped(&cell.text, room).into_iter().enumerate() {
            if number > 0 {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            }
            line.push_str(&cell.shown(&part));
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The rows, each as its first cell and below it the others with their names, in lines of at most `width`.
fn stacked(rows: &[Vec<Cell>], width: usize) -> Vec<String> {
    let Some((header, rows)) = rows.split_first() else { return Vec::new() };
    let column = header.iter().skip(1).map(|name| measure_text_width(&name.text)).max().unwrap_or_default();
    let room = Some(width.saturating_sub(column + 2 * GAP));
    let mut lines = Vec::new();
    for row in rows {
        let Some((first, others)) = row.split_first() else { continue };
        lines.push(first.shown(&first.text));
        let named = header.iter().skip(1).zip(others).filter(|(_, cell)| !cell.text.is_empty());
        for (name, cell) in named {
            let blanks = " ".repeat(column + GAP - measure_text_width(&name.text));
            let mut before = format!("  {}{blanks}", name.shown(&name.text));
            for part in wrapped(&cell.text, room) {
                lines.push(format!("{before}{}", cell.shown(&part)));
                before = " ".repeat(column + 2 * GAP);
            }
        }
    }
    lines
}

/// The words of a text in lines of at most `room`; a longer word has a line of its own.
pub(crate) fn wrapped(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if measure_text_width(line) + 1 + measure_text_width(word) <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Cell, lines};

    fn shown(rows: &[[&str; 4]], width: Option<usize>) -> String {
        let rows = rows.iter().map(|row| row.iter().map(|text| Cell::new(text)).collect()).collect();
        anstream::adapter::strip_str(&lines(&["package", "from", "to", "note"], rows, width).join("\n"))
            .to_string()
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        insta::assert_snapshot!(shown(&[["a:b", "", "1.0.0", ""], ["acme:größer", "", "2", "yanked"]], None), @"
        package      to     note
        a:b          1.0.0
        acme:größer  2      yanked
        ");
        insta::assert_snapshot!(shown(&[["a:b", "", "1.0.0", ""]], None), @"
        package  to
        a:b      1.0.0
        ");
        assert_eq!(shown(&[], None), "");
    }

    #[test]
    fn the_last_column_is_broken_where_the_terminal_is_narrow() {
        let rows = [["a:b", "1", "2", "breaks digest: changed function hash"]];
        insta::assert_snapshot!(shown(&rows, Some(42)), @"
        package  from  to  note
        a:b      1     2   breaks digest: changed
                           function hash
        ");
        insta::assert_snapshot!(shown(&rows, Some(30)), @"
        a:b
          from  1
          to    2
          note  breaks digest: changed
                function hash
        ");
        // What fits is a table, however narrow the terminal is.
        insta::assert_snapshot!(shown(&[["a:b", "1", "2", "new"]], Some(24)), @"
        package  from  to  note
        a:b      1     2   new
        ");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        insta::assert_snapshot!(shown(&[["a:日本", "1", "2", "x"], ["a:b", "10", "2", "y"]], None), @"
        package  from  to  note
        a:日本   1     2   x
        a:b      10    2   y
        ");
    }

    #[test]
    fn what_would_move_the_cursor_does_not_reach_the_terminal() {
        assert!(!shown(&[["a\u{1b}[2Jb", "1", "2", "x\ny"]], None).contains(['\u{1b}']));
    }
}
