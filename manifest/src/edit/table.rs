//! Keys of tables, put in and taken out in whichever layout the table has.

use super::{
    list,
    syntax::{Header, Item, Pair, PathId, ROOT, Step, Syntax},
    text::{
        Patch, apply, empty_line_above, indentation, insert_lines, line_end, line_start, quoted, remove_lines,
    },
};

/// What to do if the table is not there at all but the one around it is a `[table]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Create {
    /// A `[table]` of its own, behind those of the one around it.
    Table,
    /// A dotted key in the one around it.
    Dotted,
}

/// The value of a new key.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Any value, as text.
    Value(String),
    /// A table, as the texts of its fields; written as its second part where it is a value.
    Fields(Vec<(&'static str, String)>, String),
}

impl Content {
    pub(super) fn value(&self) -> &str {
        match self {
            Self::Value(value) | Self::Fields(_, value) => value,
        }
    }
}

/// Where and in which layout a table is.
enum Home<'s> {
    /// `table = { … }`: the number of the list.
    Inline(usize),
    /// `[table]`: the number of the line.
    Header(usize),
    /// `table.key = …`: the last line that has such a key.
    Dotted(&'s Pair, Option<usize>),
    /// `{ table.key = … }`: the number of the list, and the last such element.
    DottedInline(usize, &'s Pair),
    /// `[table.key]`: the last such line.
    Below(usize),
    Missing,
}

fn home<'s>(syntax: &'s Syntax, table: &[Step]) -> Home<'s> {
    let Some(id) = syntax.find(table) else {
        return Home::Missing;
    };
    if let Some(number) = syntax.lists.iter().position(|list| list.path == id && list.is_table) {
        return Home::Inline(number);
    }
    let is_header = |item: &Item| matches!(item, Item::Header(header) if header.path == id);
    if let Some(number) = syntax.items.iter().position(is_header) {
        return Home::Header(number);
    }
    let dotted = syntax.items.iter().rev().find_map(|item| match item {
        Item::Pair(pair, section)
            if syntax.below(pair.path, id) && !syntax.within(syntax.section_path(*section), id) =>
        {
            Some(Home::Dotted(pair, *section))
        }
        _ => None,
    });
    if let Some(home) = dotted {
        return home;
    }
    for (number, list) in syntax.lists.iter().enumerate() {
        let below = |pair: &&Pair| syntax.below(pair.path, id);
        if !syntax.within(list.path, id)
            && let Some(pair) = list.elements.iter().rev().find(below)
        {
            return Home::DottedInline(number, pair);
        }
    }
    let below = |item: &Item| matches!(item, Item::Header(header) if syntax.below(header.path, id));
    syntax.items.iter().rposition(below).map_or(Home::Missing, Home::Below)
}

/// Puts a key at the end of a table. `None` if its layout has no place for one.
pub(super) fn add(
    text: &str,
    table: &[Step],
    key: &str,
    content: &Content,
    create: Create,
) -> Option<String> {
    let syntax = Syntax::parse(text);
    let place = Place { text, syntax: &syntax, table };
    let patches = match home(&syntax, table) {
        Home::Missing => place.create(key, content, create)?,
        home => place.extend(&home, &[], key, content)?,
    };
    Some(apply(text, patches))
}

struct Place<'a> {
    text: &'a str,
    syntax: &'a Syntax,
    table: &'a [Step],
}

impl Place<'_> {
    /// Puts `rest.key` into a table that is there.
    fn extend(&self, home: &Home<'_>, rest: &[&str], key: &str, content: &Content) -> Option<Vec<Patch>> {
        let dotted: String = rest.iter().flat_map(|part| [*part, "."]).collect();
        match home {
            Home::Inline(number) => {
                let list = self.syntax.lists.get(*number)?;
                let item = format!("{dotted}{key} = {}", content.value());
                Some(list::insert(self.text, list, list.elements.len(), &item))
            }
            Home::Header(number) => {
                Some(vec![self.append_line(*number, &format!("{dotted}{key} = {}", content.value()))])
            }
            Home::Dotted(pair, section) => {
                let prefix = self.prefix(pair, self.syntax.section_path(*section))?;
                let indent = indentation(self.text, pair.span.start);
                let line = format!("{indent}{prefix}.{dotted}{key} = {}", content.value());
                Some(vec![insert_lines(self.text, line_end(self.text, pair.span.end), &[line])])
            }
            Home::DottedInline(number, pair) => {
                let list = self.syntax.lists.get(*number)?;
                let prefix = self.prefix(pair, list.path)?;
                let item = format!("{prefix}.{dotted}{key} = {}", content.value());
                Some(list::insert(self.text, list, list.elements.len(), &item))
            }
            Home::Below(number) if rest.is_empty() => {
                let Some(Item::Header(header)) = self.syntax.items.get(*number) else {
                    return None;
                };
                let Content::Fields(fields, _) = content else {
                    return None;
                };
                let name = format!("{}.{key}", self.header_prefix(header)?);
                let lines = fields.iter().map(|(field, value)| format!("{field} = {value}")).collect();
                Some(vec![self.new_table(*number, &name, lines)])
            }
            Home::Below(_) | Home::Missing => None,
        }
    }

    /// Puts the first key into a table that is not there yet, nor perhaps those around it.
    fn create(&self, key: &str, content: &Content, create: Create) -> Option<Vec<Patch>> {
        let there = |depth: &usize| !matches!(home(self.syntax, &self.table[..*depth]), Home::Missing);
        let Some(depth) = (1..self.table.len()).rev().find(there) else {
            return (create == Create::Table).then(|| self.create_at_top(key, content)).flatten();
        };
        let (around, missing) = self.table.split_at(depth);
        let name_of = |step: &'_ Step| match step {
            Step::Key(name) => Some(name.clone()),
            Step::Index(_) => None,
        };
        let missing = missing.iter().map(name_of).collect::<Option<Vec<_>>>()?;
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        let outer = Place { text: self.text, syntax: self.syntax, table: around };
        let home = home(self.syntax, around);
        let header = match (&home, missing.as_slice()) {
            (Home::Header(number) | Home::Below(number), _) if create == Create::Table => *number,
            (Home::Inline(_), [outer_names @ .., last]) if create == Create::Table => {
                let value = format!("{{ {key} = {} }}", content.value());
                return outer.extend(&home, outer_names, last, &Content::Value(value));
            }
            _ => return outer.extend(&home, &missing, key, content),
        };
        let Some(Item::Header(line)) = self.syntax.items.get(header) else {
            return None;
        };
        let name = format!("{}.{}", outer.header_prefix(line)?, missing.join("."));
        let end = self.end_of_run(header, around);
        Some(vec![self.new_table_behind(header, end, &name, vec![format!("{key} = {}", content.value())])])
    }

    /// Puts the first key into a table of which no part is there yet, behind all others.
    fn create_at_top(&self, key: &str, content: &Content) -> Option<Vec<Patch>> {
        let names = self.table.iter().map(|step| match step {
            Step::Key(name) => Some(name.as_str()),
            Step::Index(_) => None,
        });
        let name = names.collect::<Option<Vec<_>>>()?.join(".");
        let last = self.syntax.items.len().checked_sub(1)?;
        Some(vec![self.new_table_behind(0, last, &name, vec![format!("{key} = {}", content.value())])])
    }

    /// The text of the keys of a dotted key that lead to the table.
    fn prefix(&self, pair: &Pair, base: PathId) -> Option<&str> {
        let own = self.table.len().checked_sub(self.syntax.depth(base))?;
        let last = pair.keys.get(own.checked_sub(1)?)?;
        self.text.get(pair.span.start..last.end)
    }

    /// The text of the keys of a header that lead to the table.
    fn header_prefix(&self, header: &Header) -> Option<&str> {
        let keys = self.table.iter().filter(|step| matches!(step, Step::Key(_))).count();
        let last = header.keys.get(keys.checked_sub(1)?)?;
        self.text.get(header.keys.first()?.start..last.end)
    }

    /// A line behind the last one of the table with this header.
    fn append_line(&self, header: usize, line: &str) -> Patch {
        let own = self.syntax.items.iter().rev().find_map(|item| match item {
            Item::Pair(pair, Some(section)) if *section == header => Some(&pair.span),
            _ => None,
        });
        let span = own.or_else(|| self.syntax.items.get(header).map(Item::span));
        let (start, end) = span.map_or((0, 0), |span| (span.start, span.end));
        let line = format!("{}{line}", indentation(self.text, start));
        insert_lines(self.text, line_end(self.text, end), &[line])
    }

    /// The last of the lines from a header on that belong to a table.
    fn end_of_run(&self, header: usize, table: &[Step]) -> usize {
        let Some(id) = self.syntax.find(table) else {
            return header;
        };
        let run =
            self.syntax.items.iter().skip(header).take_while(|item| self.syntax.within(item.path(), id));
        header + run.count().saturating_sub(1)
    }

    /// A table behind the one with this header.
    fn new_table(&self, header: usize, name: &str, lines: Vec<String>) -> Patch {
        let path = self.syntax.items.get(header).map_or(ROOT, Item::path);
        let run =
            self.syntax.items.iter().skip(header).take_while(|item| self.syntax.within(item.path(), path));
        let last = header + run.count().saturating_sub(1);
        self.new_table_behind(header, last, name, lines)
    }

    fn new_table_behind(&self, header: usize, last: usize, name: &str, lines: Vec<String>) -> Patch {
        let start = self.syntax.items.get(header).map_or(0, |item| item.span().start);
        let end = self.syntax.items.get(last).map_or(0, |item| item.span().end);
        let indent = indentation(self.text, start);
        let mut all = vec![String::new(), format!("{indent}[{name}]")];
        all.extend(lines.into_iter().map(|line| format!("{indent}{line}")));
        insert_lines(self.text, line_end(self.text, end), &all)
    }
}

/// Takes out all that is at a path or below it; whether there was anything.
pub(super) fn remove(text: &str, path: &[Step]) -> Option<String> {
    let mut text = text.to_owned();
    let mut found = false;
    // One part at a time, because each one moves the others.
    while let Some(patches) = remove_one(&text, path) {
        text = apply(&text, patches);
        found = true;
    }
    found.then_some(text)
}

/// Takes out the first part that is at a path or below it.
pub(super) fn remove_one(text: &str, path: &[Step]) -> Option<Vec<Patch>> {
    let syntax = Syntax::parse(text);
    let id = syntax.find(path)?;
    for list in syntax.lists.iter().filter(|list| !syntax.within(list.path, id)) {
        if let Some(index) = list.elements.iter().position(|pair| syntax.within(pair.path, id)) {
            return Some(list::remove(text, list, index));
        }
    }
    let number = syntax.items.iter().position(|item| syntax.within(item.path(), id))?;
    let item = syntax.items.get(number)?;
    let line = line_start(text, item.span().start);
    match item {
        Item::Pair(pair, _) => Some(vec![remove_lines(text, line..line_end(text, pair.span.end))]),
        Item::Header(header) => {
            let rest = syntax.items.iter().skip(number + 1);
            let own =
                rest.take_while(|item| matches!(item, Item::Pair(_, section) if *section == Some(number)));
            let end = own.last().map_or(header.span.end, |item| item.span().end);
            let start = empty_line_above(text, line).unwrap_or(line);
            Some(vec![remove_lines(text, start..line_end(text, end))])
        }
    }
}

/// A key in quotes, which every name may be written in.
pub(super) fn quoted_key(name: &str) -> String {
    quoted(name)
}
