//! How Bicep spells values (<https://learn.microsoft.com/azure/azure-resource-manager/bicep/data-types>).

use std::fmt::Write as _;

use crate::setup::emit::value::Value;

/// `resource name 'type' = { … }` and an empty line.
pub(super) fn declare(text: &mut String, head: &str, value: &Value) {
    let _ = writeln!(text, "{head} = {}\n", spelled(value, 0));
}

pub(super) fn spelled(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Text(text) => quoted(text),
        Value::Code(code) => code.clone(),
        Value::Flag(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::List(items) if items.is_empty() => "[]".to_owned(),
        Value::List(items) => {
            let lines = items.iter().map(|item| format!("{indent}  {}\n", spelled(item, depth + 1)));
            format!("[\n{}{indent}]", lines.collect::<String>())
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let lines = members
                .iter()
                .map(|(name, value)| format!("{indent}  {name}: {}\n", spelled(value, depth + 1)));
            format!("{{\n{}{indent}}}", lines.collect::<String>())
        }
    }
}

/// A string without anything that is evaluated.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", escaped(text))
}

/// The inside of a string: `${` begins an expression, a control character would end it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if rest.peek() == Some(&'{') => out.push_str("\\$"),
            c if c.is_control() || "\u{2028}\u{2029}".contains(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// What Bicep makes of a string without expressions; `None` if it ends early or would be evaluated.
    fn read(quoted: &str) -> Option<String> {
        let inside = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
        let mut out = String::new();
        let mut rest = inside.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\'' | '\n' | '\r' => return None,
                '$' if rest.peek() == Some(&'{') => return None,
                '\\' => match rest.next()? {
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    'u' => {
                        let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                        out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                    }
                    c @ ('\'' | '\\' | '$') => out.push(c),
                    _ => return None,
                },
                c => out.push(c),
            }
        }
        Some(out)
    }

    proptest! {
        #[test]
        fn any_text_stays_a_text(text in "(\\$\\{?|\\PC|['\\\\\n\r\t\u{0}\u{2028}]){0,12}") {
            let quoted = quoted(&text);
            prop_assert!(!quoted.contains('\n'));
            prop_assert_eq!(read(&quoted), Some(text));
        }
    }

    #[test]
    fn expressions_are_not_evaluated() {
        assert_eq!(quoted(r"it's ${tenant()} $5 \"), r"'it\'s \${tenant()} $5 \\'");
    }
}
