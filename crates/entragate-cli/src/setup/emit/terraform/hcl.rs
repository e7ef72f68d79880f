//! HCL as `terraform fmt` writes it (<https://developer.hashicorp.com/terraform/language/syntax/configuration>).

use std::fmt::Write as _;

use crate::setup::emit::value::{Value, comment};

/// A block with its lines.
#[derive(Debug, Clone)]
pub(super) struct Block {
    head: String,
    items: Vec<Item>,
}

#[derive(Debug, Clone)]
enum Item {
    Attribute(&'static str, Value),
    Block(Block),
    Comment(String),
}

impl Block {
    /// A block without labels.
    pub(super) fn new(kind: &str) -> Self {
        Self { head: kind.to_owned(), items: Vec::new() }
    }

    /// `kind "type" "label"`; both are ours.
    pub(super) fn labelled(kind: &str, labels: &[&str]) -> Self {
        let words: Vec<String> =
            std::iter::once(kind.to_owned()).chain(labels.iter().map(|label| quoted(label))).collect();
        Self::new(&words.join(" "))
    }

    pub(super) fn set(mut self, name: &'static str, value: Value) -> Self {
        self.items.push(Item::Attribute(name, value));
        self
    }

    pub(super) fn set_some(self, name: &'static str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    pub(super) fn with(mut self, block: Self) -> Self {
        self.items.push(Item::Block(block));
        self
    }

    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.items.push(Item::Comment(text.into()));
        self
    }

    /// The block and an empty line.
    pub(super) fn write(&self, text: &mut String) {
        self.write_at(text, 0);
        text.push('\n');
    }

    fn write_at(&self, text: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let _ = writeln!(text, "{indent}{} {{", self.head);
        for (at, item) in self.items.iter().enumerate() {
            match item {
                Item::Attribute(name, value) => {
                    let width = if is_one_line(value) { self.width_around(at) } else { name.len() };
                    let _ = writeln!(text, "{indent}  {name:width$} = {}", spelled(value, depth + 1));
                }
                Item::Block(block) => {
                    if at > 0 {
                        text.push('\n');
                    }
                    block.write_at(text, depth + 1);
                }
                Item::Comment(line) => drop(writeln!(text, "{indent}  # {}", comment(line))),
            }
        }
        let _ = writeln!(text, "{indent}}}");
    }

    /// The longest name of the one-line attributes that follow each other here.
    fn width_around(&self, at: usize) -> usize {
        let name = |item: &Item| match item {
            Item::Attribute(name, value) if is_one_line(value) => Some(name.len()),
            _ => None,
        };
        let before = self.items[..at].iter().rev().map_while(name);
        before.chain(self.items[at..].iter().map_while(name)).max().unwrap_or(0)
    }
}

fn is_one_line(value: &Value) -> bool {
    match value {
        Value::List(items) => items.len() < 2,
        Value::Object(members) => members.is_empty(),
        _ => true,
    }
}

fn spelled(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Text(text) => quoted(text),
        Value::Code(code) => code.clone(),
        Value::Flag(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::List(items) if items.len() < 2 => {
            let items: String = items.iter().map(|item| spelled(item, depth)).collect();
            format!("[{items}]")
        }
        Value::List(items) => {
            let lines = items.iter().map(|item| format!("{indent}  {},\n", spelled(item, depth + 1)));
            format!("[\n{}{indent}]", lines.collect::<String>())
        }
        Value::Object(members) => {
            let width = members.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            let lines = members
                .iter()
                .map(|(name, value)| format!("{indent}  {name:width$} = {}\n", spelled(value, depth + 1)));
            format!("{{\n{}{indent}}}", lines.collect::<String>())
        }
    }
}

/// A quoted template without anything that is acted on.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// The inside of a quoted template: `${` and `%{` begin expressions, control characters end it or are refused.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c if c.is_control() => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// What HCL makes of a quoted template without expressions; `None` if it ends early or would be evaluated.
    fn read(quoted: &str) -> Option<String> {
        let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
        let mut out = String::new();
        let mut rest = inside.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '"' | '\n' | '\r' => return None,
                '\\' => match rest.next()? {
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    'u' => {
                        let digits: String = (0..4).filter_map(|_| rest.next()).collect();
                        out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                    }
                    c @ ('"' | '\\') => out.push(c),
                    _ => return None,
                },
                '$' | '%' if rest.peek() == Some(&c) => {
                    let mut ahead = rest.clone();
                    ahead.next();
                    if ahead.peek() == Some(&'{') {
                        rest.next();
                        rest.next();
                        out.push(c);
                        out.push('{');
                    } else {
                        out.push(c);
                    }
                }
                '$' | '%' if rest.peek() == Some(&'{') => return None,
                c => out.push(c),
            }
        }
        Some(out)
    }

    proptest! {
        #[test]
        fn any_text_stays_a_text(text in "([$%]{0,3}\\{?|\\PC|[\"\\\\\n\r\t\u{0}]){0,12}") {
            let quoted = quoted(&text);
            prop_assert!(!quoted.contains('\n'));
            prop_assert_eq!(read(&quoted), Some(text));
        }
    }

    #[test]
    fn expressions_are_not_evaluated() {
        assert_eq!(quoted(r#"a "b" ${var.x} %{if true} $5 \"#), r#""a \"b\" $${var.x} %%{if true} $5 \\""#);
    }

    #[test]
    fn lines_are_aligned_as_terraform_does() {
        let block = Block::labelled("resource", &["a", "b"])
            .set("id", Value::Number(1))
            .set("longer", Value::Flag(true))
            .set("list", Value::texts(["x", "y"]))
            .with(Block::new("inner").set("one", Value::texts(["x"])));
        let mut text = String::new();
        block.write(&mut text);
        let expected = "resource \"a\" \"b\" {\n  id     = 1\n  longer = true\n  list = [\n    \"x\",\n    \"y\",\n  ]\n\n  inner {\n    one = [\"x\"]\n  }\n}\n\n";
        assert_eq!(text, expected);
    }
}
