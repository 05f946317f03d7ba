//! The text of a manifest as its parts, each with its place.
//!
//! The parser's events are folded into lines (`[headers]` and `key = value`) and bracketed lists
//! (arrays and inline tables). Every part knows its *path*: the way from the top of the document,
//! the same for `[component.a.build]`, `build.command = …` and `build = { command = … }`. So the
//! editing code asks "where is this path, and in which layout?" and replaces a few bytes.
//!
//! Paths are interned: a part holds a number, not a copy of the names above it, so that a hostile
//! file cannot make the index larger than the file.

use std::collections::HashMap;

use toml_parser::{
    Source,
    parser::{Event, EventKind, RecursionGuard},
};

use crate::Span;

/// How deep tables, arrays and dotted keys may go in total; the parsers and their trees recurse.
pub(crate) const MAX_DEPTH: usize = 80;

/// One step from a table or an array to what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// The value of a key.
    Key(String),
    /// The element at a place.
    Index(usize),
}

impl Step {
    pub(crate) fn key(name: &str) -> Self {
        Self::Key(name.to_owned())
    }
}

/// A path, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PathId(usize);

/// The top of the document.
pub(super) const ROOT: PathId = PathId(0);

#[derive(Debug)]
struct Paths {
    parents: Vec<(PathId, usize)>,
    children: HashMap<(PathId, Step), PathId>,
}

impl Paths {
    fn new() -> Self {
        Self { parents: vec![(ROOT, 0)], children: HashMap::new() }
    }

    fn child(&mut self, parent: PathId, step: Step) -> PathId {
        let depth = self.depth(parent) + 1;
        let next = PathId(self.parents.len());
        let id = *self.children.entry((parent, step)).or_insert(next);
        if id == next {
            self.parents.push((parent, depth));
        }
        id
    }

    fn depth(&self, id: PathId) -> usize {
        self.parents.get(id.0).map_or(0, |(_, depth)| *depth)
    }

    fn parent(&self, id: PathId) -> PathId {
        self.parents.get(id.0).map_or(ROOT, |(parent, _)| *parent)
    }

    fn within(&self, mut id: PathId, ancestor: PathId) -> bool {
        let depth = self.depth(ancestor);
        while self.depth(id) > depth {
            id = self.parent(id);
        }
        id == ancestor
    }
}

/// A `[header]` or `[[header]]`.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) path: PathId,
    /// From the first bracket to the last.
    pub(super) span: Span,
    /// The keys in the brackets.
    pub(super) keys: Vec<Span>,
}

/// A `key = value`, or an element of an array, which has no key.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) path: PathId,
    /// From the key to the end of the value.
    pub(super) span: Span,
    /// The parts of a dotted key.
    pub(super) keys: Vec<Span>,
    pub(super) value: Span,
    /// The value, if it is a list: its number.
    pub(super) list: Option<usize>,
    /// The comma behind it, in a list.
    pub(super) comma: Option<usize>,
}

/// A line of the document that is not empty.
#[derive(Debug)]
pub(super) enum Item {
    Header(Header),
    /// With the number of the header that it stands under.
    Pair(Pair, Option<usize>),
}

impl Item {
    pub(super) fn path(&self) -> PathId {
        match self {
            Self::Header(header) => header.path,
            Self::Pair(pair, _) => pair.path,
        }
    }

    pub(super) fn span(&self) -> &Span {
        match self {
            Self::Header(header) => &header.span,
            Self::Pair(pair, _) => &pair.span,
        }
    }
}

/// An array or an inline table.
#[derive(Debug)]
pub(super) struct List {
    pub(super) path: PathId,
    /// With the brackets.
    pub(super) span: Span,
    pub(super) is_table: bool,
    pub(super) elements: Vec<Pair>,
}

/// The parts of a text.
#[derive(Debug)]
pub(crate) struct Syntax {
    paths: Paths,
    pub(super) items: Vec<Item>,
    pub(super) lists: Vec<List>,
    too_deep: bool,
}

impl Syntax {
    /// Splits a text. Of a text that is not TOML it says nothing useful.
    pub(crate) fn parse(text: &str) -> Self {
        let tokens = Source::new(text).lex().into_vec();
        let mut builder = Builder::new(text);
        let mut push = |event: Event| builder.event(event);
        let mut guard = RecursionGuard::new(&mut push, u32::try_from(MAX_DEPTH).unwrap_or(u32::MAX));
        toml_parser::parser::parse_document(&tokens, &mut guard, &mut ());
        builder.syntax
    }

    /// Whether anything is deeper than [`MAX_DEPTH`].
    pub(crate) fn is_too_deep(&self) -> bool {
        self.too_deep
    }

    pub(super) fn find(&self, path: &[Step]) -> Option<PathId> {
        path.iter().try_fold(ROOT, |id, step| self.paths.children.get(&(id, step.clone())).copied())
    }

    pub(super) fn within(&self, id: PathId, ancestor: PathId) -> bool {
        self.paths.within(id, ancestor)
    }

    pub(super) fn below(&self, id: PathId, ancestor: PathId) -> bool {
        id != ancestor && self.paths.within(id, ancestor)
    }

    pub(super) fn depth(&self, id: PathId) -> usize {
        self.paths.depth(id)
    }

    /// The path of the header that a line stands under.
    pub(super) fn section_path(&self, section: Option<usize>) -> PathId {
        section.and_then(|index| self.items.get(index)).map_or(ROOT, Item::path)
    }
}

/// A list or pair whose end is not reached yet.
struct Open {
    path: PathId,
    start: usize,
    keys: Vec<Span>,
}

struct Builder<'t> {
    text: &'t str,
    syntax: Syntax,
    /// How many tables an array of tables has so far.
    tables: HashMap<PathId, usize>,
    section: Option<usize>,
    header: Option<(usize, bool)>,
    keys: Vec<(Span, String)>,
    pending: Option<Open>,
    lists: Vec<(usize, Open)>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        let syntax = Syntax { paths: Paths::new(), items: Vec::new(), lists: Vec::new(), too_deep: false };
        Self {
            text,
            syntax,
            tables: HashMap::new(),
            section: None,
            header: None,
            keys: Vec::new(),
            pending: None,
            lists: Vec::new(),
        }
    }

    fn event(&mut self, event: Event) {
        if self.syntax.too_deep {
            return;
        }
        let span = event.span().start()..event.span().end();
        match event.kind() {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                self.keys.clear();
                self.header = Some((span.start, event.kind() == EventKind::ArrayTableOpen));
            }
            EventKind::StdTableClose | EventKind::ArrayTableClose => self.end_header(span.end),
            EventKind::SimpleKey => {
                let name = self.text.get(span.clone()).map(decode_key).unwrap_or_default();
                self.keys.push((span, name));
            }
            EventKind::KeyValSep => self.end_key(),
            EventKind::Scalar => {
                let open = self.begin_value(span.start);
                self.end_value(open, span, None);
            }
            EventKind::ArrayOpen | EventKind::InlineTableOpen => {
                let open = self.begin_value(span.start);
                let number = self.syntax.lists.len();
                let is_table = event.kind() == EventKind::InlineTableOpen;
                self.syntax.lists.push(List { path: open.path, span, is_table, elements: Vec::new() });
                self.lists.push((number, open));
            }
            EventKind::ArrayClose | EventKind::InlineTableClose => {
                let Some((number, open)) = self.lists.pop() else {
                    return;
                };
                let mut value = span.clone();
                if let Some(list) = self.syntax.lists.get_mut(number) {
                    list.span.end = span.end;
                    value = list.span.clone();
                }
                self.end_value(open, value, Some(number));
            }
            EventKind::ValueSep => {
                let top = self.lists.last().and_then(|(number, _)| self.syntax.lists.get_mut(*number));
                if let Some(element) = top.and_then(|list| list.elements.last_mut()) {
                    element.comma = Some(span.start);
                }
            }
            EventKind::KeySep
            | EventKind::Whitespace
            | EventKind::Comment
            | EventKind::Newline
            | EventKind::Error => {}
        }
    }

    fn child(&mut self, parent: PathId, step: Step) -> PathId {
        let id = self.syntax.paths.child(parent, step);
        self.syntax.too_deep |= self.syntax.paths.depth(id) > MAX_DEPTH;
        id
    }

    fn end_header(&mut self, end: usize) {
        let Some((start, is_array)) = self.header.take() else {
            return;
        };
        let (spans, names): (Vec<Span>, Vec<String>) = std::mem::take(&mut self.keys).into_iter().unzip();
        let mut path = ROOT;
        let last = names.len().saturating_sub(1);
        for (index, name) in names.into_iter().enumerate() {
            path = self.child(path, Step::Key(name));
            if is_array && index == last {
                let count = self.tables.entry(path).or_insert(0);
                *count += 1;
                let place = *count - 1;
                path = self.child(path, Step::Index(place));
            } else if let Some(count) = self.tables.get(&path) {
                let place = count.saturating_sub(1);
                path = self.child(path, Step::Index(place));
            }
        }
        self.section = Some(self.syntax.items.len());
        self.syntax.items.push(Item::Header(Header { path, span: start..end, keys: spans }));
    }

    fn end_key(&mut self) {
        let base = match self.lists.last() {
            Some((_, open)) => open.path,
            None => self.syntax.section_path(self.section),
        };
        let (spans, names): (Vec<Span>, Vec<String>) = std::mem::take(&mut self.keys).into_iter().unzip();
        let mut path = base;
        for name in names {
            path = self.child(path, Step::Key(name));
        }
        let start = spans.first().map_or(0, |span| span.start);
        self.pending = Some(Open { path, start, keys: spans });
    }

    fn begin_value(&mut self, start: usize) -> Open {
        if let Some(open) = self.pending.take() {
            return open;
        }
        // Without a key it is an element of the innermost array.
        let (parent, place) = match self.lists.last() {
            Some((number, open)) => {
                (open.path, self.syntax.lists.get(*number).map_or(0, |list| list.elements.len()))
            }
            None => (ROOT, 0),
        };
        let path = self.child(parent, Step::Index(place));
        Open { path, start, keys: Vec::new() }
    }

    fn end_value(&mut self, open: Open, value: Span, list: Option<usize>) {
        let span = open.start..value.end;
        let pair = Pair { path: open.path, span, keys: open.keys, value, list, comma: None };
        match self.lists.last().and_then(|(number, _)| self.syntax.lists.get_mut(*number)) {
            Some(list) => list.elements.push(pair),
            None => self.syntax.items.push(Item::Pair(pair, self.section)),
        }
    }
}

fn decode_key(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return text.to_owned();
    }
    match toml_edit::Key::parse(text).as_deref() {
        Ok([key]) => key.get().to_owned(),
        // Not TOML, which is reported elsewhere.
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(steps: &[&str]) -> Vec<Step> {
        steps.iter().map(|s| s.parse().map_or_else(|_| Step::key(s), Step::Index)).collect()
    }

    /// The text of each part at a path.
    fn at<'t>(text: &'t str, steps: &[&str]) -> Vec<&'t str> {
        let syntax = Syntax::parse(text);
        let Some(id) = syntax.find(&path(steps)) else {
            return Vec::new();
        };
        let lines = syntax.items.iter().filter(|item| item.path() == id).map(|item| item.span().clone());
        let elements = syntax.lists.iter().flat_map(|list| &list.elements);
        let elements = elements.filter(|pair| pair.path == id).map(|pair| pair.span.clone());
        lines.chain(elements).map(|span| &text[span]).collect()
    }

    #[test]
    fn one_path_for_every_layout() {
        let way = ["component", "a", "build", "command"];
        assert_eq!(at("[component.a.build]\ncommand = 'x'", &way), ["command = 'x'"]);
        assert_eq!(at("[component.a]\nbuild . \"command\"='x'", &way), ["build . \"command\"='x'"]);
        assert_eq!(at("component.a = { build = {command = 'x' }, b = 1}", &way), ["command = 'x'"]);
        assert_eq!(at("[component.a]\nbuild = { 'command' = [1, 2] }", &way), ["'command' = [1, 2]"]);
    }

    #[test]
    fn arrays_of_tables_count() {
        let text = "[[trigger.http]]\nroute = 1\n[[trigger.http]]\nroute = 2\n[trigger.http.component]\nsource = 3\n";
        assert_eq!(at(text, &["trigger", "http", "0", "route"]), ["route = 1"]);
        assert_eq!(at(text, &["trigger", "http", "1", "component", "source"]), ["source = 3"]);
        assert_eq!(
            at("trigger.http = [{ route = 1 }, {}]", &["trigger", "http", "0", "route"]),
            ["route = 1"]
        );
    }

    #[test]
    fn depth_is_bounded_in_every_spelling() {
        let dotted = vec!["a"; 200].join(".");
        let nested = format!("a = {}{}", "[".repeat(200), "]".repeat(200));
        let tables = format!("a = {}1{}", "{a=".repeat(200), "}".repeat(200));
        for text in [format!("{dotted} = 1"), format!("[{dotted}]"), format!("[[{dotted}]]"), nested, tables]
        {
            assert!(Syntax::parse(&text).is_too_deep(), "{text}");
        }
        assert!(!Syntax::parse("a.b.c = [[{ d = 1 }]]").is_too_deep());
    }

    #[test]
    fn what_is_not_toml_does_no_harm() {
        for text in [
            "]",
            "[",
            "[[",
            "a =",
            "= 1",
            "a = [1,,}",
            "{",
            "a = {b",
            "[a.\"",
            ",",
            "a = 1 b = 2",
            "\u{feff}[a]",
        ] {
            Syntax::parse(text);
        }
    }
}
