//! The graph as a [Mermaid flowchart] and in Graphviz's [DOT language].
//!
//! Names and requirements are text from outside, and both languages have characters that end a text or mean something
//! within it. Nodes are therefore called by numbers, and every text is in quotes: for Mermaid with its [entity codes]
//! in place of all that is not known to be plain, for Graphviz with backslashes and HTML's entities, which it reads
//! within labels.
//!
//! [Mermaid flowchart]: https://mermaid.js.org/syntax/flowchart.html
//! [DOT language]: https://graphviz.org/doc/info/lang.html
//! [entity codes]: https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry};

use spin_deps_project::{Graph, NodeKind};

use super::said;
use crate::output::clean_line;

/// The colour of packages of which there are several releases.
const SEVERAL: &str = "#cc6600";

/// What of a graph is to be seen: nodes, and steps as from, to and text, from what needs to what is needed.
pub(super) struct Part {
    nodes: BTreeMap<usize, String>,
    steps: Vec<(usize, usize, String)>,
}

impl Part {
    /// All that is below `roots`, at most `depth` steps away.
    pub(super) fn below(graph: &Graph, roots: &[usize], depth: Option<usize>, is_inverted: bool) -> Self {
        let mut part = Self { nodes: BTreeMap::new(), steps: Vec::new() };
        let mut open: VecDeque<(usize, usize)> = roots.iter().map(|root| (*root, 0)).collect();
        part.nodes.extend(roots.iter().map(|root| (*root, label(graph, *root))));
        while let Some((from, level)) = open.pop_front() {
            if depth.is_some_and(|depth| level >= depth) {
                continue;
            }
            for step in &graph.nodes[from].steps {
                if let Entry::Vacant(entry) = part.nodes.entry(step.to) {
                    entry.insert(label(graph, step.to));
                    open.push_back((step.to, level + 1));
                }
                let (from, to) = if is_inverted { (step.to, from) } else { (from, step.to) };
                part.steps.push((from, to, said(step)));
            }
        }
        part
    }
}

fn label(graph: &Graph, node: usize) -> String {
    let node = &graph.nodes[node];
    match &node.kind {
        NodeKind::Component => format!("component {}", node.label),
        NodeKind::Package { registry, .. } => format!("{} ({registry})", node.label),
        _ => node.label.clone(),
    }
}

/// The lines of a Mermaid flowchart.
pub(super) fn mermaid(part: &Part, several: &BTreeSet<usize>) -> Vec<String> {
    let mut lines = vec!["flowchart LR".to_owned()];
    lines.extend(part.nodes.iter().map(|(node, label)| format!("    n{node}[\"{}\"]", plain(label))));
    for (from, to, text) in &part.steps {
        let text = if text.is_empty() { String::new() } else { format!("|\"{}\"|", plain(text)) };
        lines.push(format!("    n{from} -->{text} n{to}"));
    }
    let marked: Vec<_> =
        part.nodes.keys().filter(|node| several.contains(node)).map(|node| format!("n{node}")).collect();
    if !marked.is_empty() {
        lines.push(format!("    classDef several stroke:{SEVERAL},stroke-width:3px"));
        lines.push(format!("    class {} several", marked.join(",")));
    }
    lines
}

/// The lines of a graph in DOT.
pub(super) fn dot(part: &Part, several: &BTreeSet<usize>) -> Vec<String> {
    let mut lines = vec!["digraph dependencies {".to_owned()];
    lines.push("    graph [rankdir=\"LR\"];".to_owned());
    lines.push("    node [shape=\"box\"];".to_owned());
    for (node, label) in &part.nodes {
        let mark = if several.contains(node) {
            format!(", color=\"{SEVERAL}\", penwidth=\"3\"")
        } else {
            String::new()
        };
        lines.push(format!("    n{node} [label=\"{}\"{mark}];", quoted(label)));
    }
    for (from, to, text) in &part.steps {
        let text = if text.is_empty() { String::new() } else { format!(" [label=\"{}\"]", quoted(text)) };
        lines.push(format!("    n{from} -> n{to}{text};"));
    }
    lines.push("}".to_owned());
    lines
}

/// Text within quotes of Mermaid.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " :/.@_-,=^~*+()[]".contains(c);
    let each = |c: char| if is_plain(c) { c.to_string() } else { format!("#{};", u32::from(c)) };
    clean_line(text).chars().map(each).collect::<Vec<_>>().concat()
}

/// Text within quotes of Graphviz.
fn quoted(text: &str) -> String {
    clean_line(text).replace('&', "&amp;").replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that either language gives a meaning to, a line's end and an escape sequence.
    const HOSTILE: &str = "a\"]; x-->y\\\n}%%{init}%% end `b` #35; <b>&amp;&lt;</b> |c| \u{1b}[31m \\";

    fn part(label: &str) -> Part {
        let nodes = [(0, "demo".to_owned()), (7, label.to_owned()), (8, "end".to_owned())].into();
        Part { nodes, steps: vec![(0, 7, label.to_owned()), (0, 8, String::new())] }
    }

    #[test]
    fn a_flowchart_holds_nothing_but_what_it_is_made_of() {
        insta::assert_snapshot!(mermaid(&part("acme:base 1.1.0 (wasm.example)"), &BTreeSet::from([7, 9])).join("\n"), @r#"
        flowchart LR
            n0["demo"]
            n7["acme:base 1.1.0 (wasm.example)"]
            n8["end"]
            n0 -->|"acme:base 1.1.0 (wasm.example)"| n7
            n0 --> n8
            classDef several stroke:#cc6600,stroke-width:3px
            class n7 several
        "#);
        let line = shapes(&mermaid(&part(HOSTILE), &BTreeSet::new()));
        assert_eq!(line, ["flowchart LR", "n0[T]", "n7[T]", "n8[T]", "n0 -->|T| n7", "n0 --> n8"]);
    }

    /// The lines with each text in quotes as `T`, after its characters were checked.
    fn shapes(lines: &[String]) -> Vec<String> {
        let shape = |line: &String| {
            let pieces: Vec<&str> = line.trim().split('"').collect();
            assert!(pieces.len() % 2 == 1, "a quote is open in {line}");
            let each = pieces.iter().enumerate().map(|(index, piece)| {
                if index % 2 == 0 {
                    return *piece;
                }
                // Every `#` begins an entity code, and every `;` ends one.
                for code in piece.split('#').skip(1) {
                    let (digits, _) = code.split_once(';').expect("an entity code has an end");
                    assert!(digits.parse::<u32>().is_ok(), "{piece}");
                }
                assert_eq!(piece.matches('#').count(), piece.matches(';').count(), "{piece}");
                assert!(
                    !piece.contains(['<', '>', '&', '`', '|', '%', '\\', '\n', '\u{1b}', '{', '}']),
                    "{piece}"
                );
                "T"
            });
            each.collect()
        };
        lines.iter().map(shape).collect()
    }

    #[test]
    fn a_graph_in_dot_is_read_back_as_it_was_meant() {
        insta::assert_snapshot!(dot(&part("acme:base 1.1.0 (wasm.example)"), &BTreeSet::from([7, 9])).join("\n"), @r##"
        digraph dependencies {
            graph [rankdir="LR"];
            node [shape="box"];
            n0 [label="demo"];
            n7 [label="acme:base 1.1.0 (wasm.example)", color="#cc6600", penwidth="3"];
            n8 [label="end"];
            n0 -> n7 [label="acme:base 1.1.0 (wasm.example)"];
            n0 -> n8;
        }
        "##);
        let text = dot(&part(HOSTILE), &BTreeSet::from([7])).join("\n");
        let shown = "a\"]; x-->y\\ }%%{init}%% end `b` #35; <b>&amp;&lt;</b> |c| \u{FFFD}[31m \\";
        let read = dot_reader::read(&text);
        assert_eq!(read.nodes, ["demo", shown, "end"]);
        assert_eq!(
            read.steps,
            [
                ("n0".to_owned(), "n7".to_owned(), shown.to_owned()),
                ("n0".to_owned(), "n8".to_owned(), String::new())
            ]
        );
    }

    /// A strict reader of the part of DOT that is written here, by its grammar and the rules for `escString`.
    mod dot_reader {
        #[derive(Debug, Default)]
        pub(super) struct Read {
            pub(super) nodes: Vec<String>,
            pub(super) steps: Vec<(String, String, String)>,
        }

        #[derive(Debug, Clone, PartialEq)]
        enum Token {
            Word(String),
            Text(String),
            Sign(char),
            Arrow,
        }

        fn tokens(text: &str) -> Vec<Token> {
            let mut tokens = Vec::new();
            let mut rest = text.chars().peekable();
            while let Some(c) = rest.next() {
                match c {
                    c if c.is_whitespace() => {}
                    '"' => {
                        let mut text = String::new();
                        loop {
                            match rest.next().expect("a text has an end") {
                                '"' => break,
                                // The lexer knows one escape; the others are the label's.
                                '\\' if rest.peek() == Some(&'"') => text.extend(rest.next()),
                                '\\' => text.extend(['\\', rest.next().expect("a text has an end")]),
                                c => text.push(c),
                            }
                        }
                        tokens.push(Token::Text(text));
                    }
                    '-' => {
                        assert_eq!(rest.next(), Some('>'));
                        tokens.push(Token::Arrow);
                    }
                    '{' | '}' | '[' | ']' | ';' | ',' | '=' => tokens.push(Token::Sign(c)),
                    c => {
                        assert!(c.is_ascii_alphanumeric(), "{c:?} outside of a text");
                        let mut word = c.to_string();
                        while let Some(c) = rest.next_if(char::is_ascii_alphanumeric) {
                            word.push(c);
                        }
                        tokens.push(Token::Word(word));
                    }
                }
            }
            tokens
        }

        /// A label as it is shown: `\\` is a backslash, and entities are characters.
        fn shown(label: &str) -> String {
            let mut shown = String::new();
            let mut rest = label.chars();
            while let Some(c) = rest.next() {
                match c {
                    '\\' => assert_eq!(rest.next().inspect(|c| shown.push(*c)), Some('\\'), "{label}"),
                    c => shown.push(c),
                }
            }
            let known = shown.replace("&amp;", "");
            assert!(!known.contains('&'), "{label}");
            shown.replace("&amp;", "&")
        }

        pub(super) fn read(text: &str) -> Read {
            let tokens = tokens(text);
            let word = |word: &str| Token::Word(word.to_owned());
            assert_eq!(tokens[..3], [word("digraph"), word("dependencies"), Token::Sign('{')]);
            assert_eq!(tokens.last(), Some(&Token::Sign('}')));
            let mut read = Read::default();
            for statement in tokens[3..tokens.len() - 1].split(|token| *token == Token::Sign(';')) {
                let at =
                    statement.iter().position(|token| *token == Token::Sign('[')).unwrap_or(statement.len());
                let (subject, attributes) = statement.split_at(at);
                let mut label = String::new();
                if let [Token::Sign('['), list @ .., Token::Sign(']')] = attributes {
                    for attribute in list.split(|token| *token == Token::Sign(',')) {
                        let [Token::Word(name), Token::Sign('='), Token::Text(value)] = attribute else {
                            panic!("{attribute:?}");
                        };
                        if name == "label" {
                            label = shown(value);
                        }
                    }
                } else {
                    assert!(attributes.is_empty(), "{attributes:?}");
                }
                match subject {
                    [] => {}
                    [Token::Word(kind)] if kind == "graph" || kind == "node" => {}
                    [Token::Word(_)] => read.nodes.push(label),
                    [Token::Word(from), Token::Arrow, Token::Word(to)] => {
                        read.steps.push((from.clone(), to.clone(), label));
                    }
                    other => panic!("{other:?}"),
                }
            }
            read
        }
    }
}
