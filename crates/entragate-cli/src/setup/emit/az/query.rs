//! `JMESPath`, which the Azure CLI filters answers with (<https://jmespath.org/specification.html>).

use serde_json::Value;

/// A literal. Raw strings (`'…'`) cannot end with a backslash, so it is always JSON between backticks.
pub(super) fn literal(text: &str) -> String {
    let json = Value::from(text).to_string();
    format!("`{}`", json.replace('`', "\\u0060"))
}

/// Whether a list holds a text.
pub(super) fn contains(list: &str, text: &str) -> String {
    format!("contains({list} || `[]`, {})", literal(text))
}

/// Whether any entry of a list meets a condition.
pub(super) fn any(list: &str, conditions: &[(&str, &str)]) -> String {
    let conditions: Vec<String> =
        conditions.iter().map(|(name, text)| format!("{name} == {}", literal(text))).collect();
    format!("length({list}[?{}]) > `0`", conditions.join(" && "))
}

/// Whether every list of a body is still empty where the body would be written.
pub(super) fn is_untouched(body: &Value) -> String {
    let mut lists = Vec::new();
    find_lists(body, String::new(), &mut lists);
    let empty: Vec<String> = lists.iter().map(|list| format!("length({list} || `[]`) == `0`")).collect();
    if empty.is_empty() { "`true`".to_owned() } else { empty.join(" && ") }
}

fn find_lists(value: &Value, path: String, lists: &mut Vec<String>) {
    match value {
        Value::Array(_) => lists.push(path),
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                find_lists(value, path, lists);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn any_text_stays_a_literal(text: String) {
            let literal = literal(&text);
            let inside = literal.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap_or_default();
            prop_assert!(!inside.contains('`'));
            prop_assert_eq!(serde_json::from_str::<String>(inside).ok(), Some(text));
        }
    }

    #[test]
    fn conditions_name_what_they_look_at() {
        assert_eq!(contains("identifierUris", "api://x"), r#"contains(identifierUris || `[]`, `"api://x"`)"#);
        assert_eq!(
            any("value", &[("a", "x"), ("b", "`y")]),
            r#"length(value[?a == `"x"` && b == `"\u0060y"`]) > `0`"#
        );
        let body = json!({ "api": { "preAuthorizedApplications": [1], "n": 2 }, "uris": [] });
        assert_eq!(
            is_untouched(&body),
            "length(api.preAuthorizedApplications || `[]`) == `0` && length(uris || `[]`) == `0`"
        );
    }
}
