//! Elements of arrays and inline tables, put in and taken out in the layout of their neighbours.
//!
//! Taking out is the inverse of putting in, byte for byte. The one exception is an inline table
//! that was `{ }` before, which comes back as `{}`.

use super::{
    syntax::{List, Pair},
    text::{Patch, indentation, is_first_on_line, line_end, line_start, newline_like},
};

/// Puts an element at a place; one beyond the end is the end.
pub(super) fn insert(text: &str, list: &List, place: usize, item: &str) -> Vec<Patch> {
    match (list.elements.get(place), list.elements.last()) {
        (Some(next), _) => vec![insert_before(text, list, place, next, item)],
        (None, Some(end)) => append(text, end, item),
        (None, None) => vec![fill(text, list, item)],
    }
}

fn insert_before(text: &str, list: &List, place: usize, next: &Pair, item: &str) -> Patch {
    let before = place.checked_sub(1).and_then(|index| list.elements.get(index));
    let anchor = before.map_or(list.span.start + 1, tail);
    match rest_of_line(text, anchor) {
        Some(end) if is_first_on_line(text, next.span.start) => {
            let indent = indentation(text, next.span.start);
            Patch::insert(end, format!("{indent}{item},{}", newline_like(text, end)))
        }
        _ => Patch::insert(next.span.start, format!("{item}, ")),
    }
}

fn append(text: &str, last: &Pair, item: &str) -> Vec<Patch> {
    let end = tail(last);
    if !is_first_on_line(text, last.span.start) {
        return vec![match last.comma {
            Some(_) => Patch::insert(end, format!(" {item},")),
            None => Patch::insert(end, format!(", {item}")),
        }];
    }
    let indent = indentation(text, last.span.start);
    match (rest_of_line(text, end), last.comma) {
        (Some(line), Some(_)) => {
            vec![Patch::insert(line, format!("{indent}{item},{}", newline_like(text, line)))]
        }
        (Some(line), None) => vec![
            Patch::insert(end, ","),
            Patch::insert(line, format!("{indent}{item}{}", newline_like(text, line))),
        ],
        // The bracket closes on the last element's line.
        (None, comma) => {
            let newline = newline_like(text, line_start(text, last.span.start));
            let (before, after) = if comma.is_some() { ("", ",") } else { (",", "") };
            vec![Patch::insert(end, format!("{before}{newline}{indent}{item}{after}"))]
        }
    }
}

fn fill(text: &str, list: &List, item: &str) -> Patch {
    let (open, close) = (list.span.start + 1, list.span.end.saturating_sub(1));
    let inside = text.get(open..close).unwrap_or_default();
    if inside.contains('\n') {
        // Only blanks and comments are inside, so the closing bracket is the first of its line.
        let line = line_start(text, close);
        let indent = indentation(text, close);
        let comma = if list.is_table { "" } else { "," };
        return Patch::insert(line, format!("{indent}    {item}{comma}{}", newline_like(text, line)));
    }
    if list.is_table {
        Patch { span: open..close, text: format!(" {item} ") }
    } else {
        Patch::insert(close, format!("{item}{inside}"))
    }
}

/// Takes an element out.
pub(super) fn remove(text: &str, list: &List, index: usize) -> Vec<Patch> {
    let Some(element) = list.elements.get(index) else {
        return Vec::new();
    };
    let before = index.checked_sub(1).and_then(|index| list.elements.get(index));
    let after = list.elements.get(index + 1);
    if is_first_on_line(text, element.span.start)
        && let Some(end) = rest_of_line(text, tail(element))
    {
        let lines = Patch::remove(line_start(text, element.span.start)..end);
        // The element before becomes the last one and keeps its comma only if this one had one.
        let comma = before.and_then(|pair| pair.comma);
        return match comma.filter(|_| after.is_none() && element.comma.is_none()) {
            Some(comma) => vec![Patch::remove(comma..comma + 1), lines],
            None => vec![lines],
        };
    }
    match (before, after) {
        (_, Some(next)) => vec![Patch::remove(
            element.span.start..if has_comment(text, tail(element), next) {
                tail(element)
            } else {
                next.span.start
            },
        )],
        (Some(before), None) => remove_last(text, before, element),
        (None, None) => vec![remove_only(text, list, element)],
    }
}

fn remove_last(text: &str, before: &Pair, last: &Pair) -> Vec<Patch> {
    let Some(comma) = before.comma else {
        return vec![Patch::remove(before.span.end..tail(last))];
    };
    match (has_comment(text, before.span.end, last), last.comma) {
        (false, None) => vec![Patch::remove(before.span.end..last.span.end)],
        (false, Some(own)) => vec![Patch::remove(comma + 1..own + 1)],
        (true, None) => vec![Patch::remove(comma..comma + 1), Patch::remove(last.span.clone())],
        (true, Some(own)) => vec![Patch::remove(last.span.start..own + 1)],
    }
}

fn remove_only(text: &str, list: &List, element: &Pair) -> Patch {
    let (open, close) = (list.span.start + 1, list.span.end.saturating_sub(1));
    let outside = [open..element.span.start, tail(element)..close];
    let blank = outside.into_iter().all(|span| text.get(span).is_some_and(|t| t.chars().all(is_blank)));
    match (blank, list.is_table) {
        (true, true) => Patch::remove(open..close),
        (true, false) => Patch::remove(element.span.start..close),
        (false, _) => Patch::remove(element.span.start..tail(element)),
    }
}

/// Where an element ends, its comma included.
fn tail(element: &Pair) -> usize {
    element.comma.map_or(element.span.end, |comma| comma + 1)
}

/// Whether there is a comment between a place and the element behind it. No string can be there.
fn has_comment(text: &str, from: usize, next: &Pair) -> bool {
    text.get(from..next.span.start).is_some_and(|gap| gap.contains('#'))
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// The end of the line, if nothing but a comment follows a place on it.
fn rest_of_line(text: &str, at: usize) -> Option<usize> {
    let end = line_end(text, at);
    let rest = text.get(at..end)?.strip_suffix('\n')?;
    let rest = rest.strip_suffix('\r').unwrap_or(rest).trim_start_matches(is_blank);
    (rest.is_empty() || rest.starts_with('#')).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{syntax::Syntax, text::apply};

    fn put(text: &str, place: usize) -> String {
        let syntax = Syntax::parse(text);
        apply(
            text,
            insert(text, &syntax.lists[0], place, if syntax.lists[0].is_table { "x = 9" } else { "9" }),
        )
    }

    fn take(text: &str, index: usize) -> String {
        let syntax = Syntax::parse(text);
        apply(text, remove(text, &syntax.lists[0], index))
    }

    #[test]
    fn layouts_are_kept() {
        assert_eq!(put("a = []", 0), "a = [9]");
        assert_eq!(put("a = [ ]", 0), "a = [ 9 ]");
        assert_eq!(put("a = [1]", 0), "a = [9, 1]");
        assert_eq!(put("a = [1]", 1), "a = [1, 9]");
        assert_eq!(put("a = [ 1, ]", 1), "a = [ 1, 9, ]");
        assert_eq!(put("a = {}", 0), "a = { x = 9 }");
        assert_eq!(put("a = { b = 1 }", 1), "a = { b = 1, x = 9 }");
        assert_eq!(put("a = [\n  1, # one\n  2 # two\n]", 2), "a = [\n  1, # one\n  2, # two\n  9\n]");
        assert_eq!(put("a = [\n\t1,\n\t2, # two\n]\n", 2), "a = [\n\t1,\n\t2, # two\n\t9,\n]\n");
        assert_eq!(put("a = [\r\n  1,\r\n  2]\r\n", 2), "a = [\r\n  1,\r\n  2,\r\n  9]\r\n");
        assert_eq!(put("a = [\n  # about one\n  1\n]", 0), "a = [\n  9,\n  # about one\n  1\n]");
        assert_eq!(put("a = [\n  # none\n]", 0), "a = [\n  # none\n    9,\n]");
        assert_eq!(take("a = [1, 2, 3]", 0), "a = [2, 3]");
        assert_eq!(take("a = [1 , 2 , 3]", 2), "a = [1 , 2]");
        assert_eq!(take("a = [\n 1,\n 2, # two\n 3\n]", 1), "a = [\n 1,\n 3\n]");
    }

    #[test]
    fn every_place_in_every_layout_can_be_undone() {
        let newline = ["\n", "\r\n"];
        let layouts = [
            "a = []",
            "a = [ ]",
            "a = [\n]",
            "a = [\n  # none\n  ]",
            "a = [1]",
            "a = [ 1, 2 ]",
            "a = [1,2,]",
            "a = [\n 1,\n 2\n]",
            "a = [\n 1,\n 2,\n]",
            "a = [\n 1, # c\n 2 # d\n # e\n]",
            "a = [\n 1,\n 2]",
            "a = [\n 1, 2,\n 3\n]",
            "a = [ 1,\n 2 ] # after",
            "a = [\n 1,\n\n 2, ]",
            "a = {}",
            "a = { b = 1 }",
            "a = {b=1,c=2}",
            "a = {\n b = 1,\n c = 2\n}",
            "a = {\n b = 1, # c\n c = 2, # d\n}",
            "a = [[1, 2], [3]]",
            "a = [\n # b\n 1, # c ] ,\n # d\n 2\n]",
        ];
        for layout in layouts {
            for newline in newline {
                let text = format!("{}{newline}z = 1{newline}", layout.replace('\n', newline));
                let count = Syntax::parse(&text).lists[0].elements.len();
                for place in 0..=count {
                    let with = put(&text, place);
                    with.parse::<toml_edit::DocumentMut>().unwrap_or_else(|e| panic!("{with}\n{e}"));
                    assert_eq!(Syntax::parse(&with).lists[0].elements.len(), count + 1, "{with}");
                    assert_eq!(take(&with, place), text, "place {place} of {with}");
                }
            }
        }
    }

    #[test]
    fn taking_out_leaves_toml() {
        for text in [
            "a = [ 1 # one\n , 2 # two\n , 3 ]",
            "a = [\n 1, # one\n 2]",
            "a = [\n 1, # one\n 2,]",
            "a = [ 1 # one\n]",
            "a = [1, # one\n2, 3]",
            "a = { b = [\n1,\n2], c = '''\n#''' }",
        ] {
            let count = Syntax::parse(text).lists[0].elements.len();
            for index in 0..count {
                let without = take(text, index);
                without.parse::<toml_edit::DocumentMut>().unwrap_or_else(|e| panic!("{without}\n{e}"));
                assert_eq!(Syntax::parse(&without).lists[0].elements.len(), count - 1, "{without}");
            }
        }
    }
}
