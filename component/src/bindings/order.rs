//! The order of what a generator writes in the order of a hash map, which differs from run to run.

/// Sorts the top-level items of a MoonBit file, whose order means nothing to it. An item starts after an empty line
/// where nothing is indented.
pub(super) fn moonbit(text: &str) -> String {
    let mut items = vec![String::new()];
    let mut after_empty = false;
    for line in text.lines() {
        let starts =
            !line.is_empty() && !line.starts_with(char::is_whitespace) && !line.starts_with(['}', '|']);
        if after_empty && starts {
            items.push(String::new());
        }
        after_empty = line.is_empty();
        if let Some(item) = items.last_mut() {
            item.push_str(line);
            item.push('\n');
        }
    }
    // The first one is the comment above them all.
    if let Some((_, rest)) = items.split_first_mut() {
        rest.sort();
    }
    let items: Vec<_> = items.iter().map(|item| item.trim_end()).collect();
    items.join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    #[test]
    fn items_are_sorted_below_the_comment() {
        let text = "// generated\n\n///|\nfn b() {\n  x\n\n  y\n}\n\n#doc(hidden)\nfn a() {\n}\n";
        let sorted = "// generated\n\n#doc(hidden)\nfn a() {\n}\n\n///|\nfn b() {\n  x\n\n  y\n}\n";
        assert_eq!(super::moonbit(text), sorted);
    }
}
