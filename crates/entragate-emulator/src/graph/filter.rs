//! `$filter`: `eq`, `ne`, `in`, `startswith`, `any`, `and`, `or`, `not` and parentheses, on the JSON of an object.

use serde_json::Value;

use super::error::GraphError;

/// A parsed `$filter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    Equal(String, Value),
    In(String, Vec<Value>),
    StartsWith(String, String),
    /// An element of the array equals the value.
    Any(String, Value),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

impl Filter {
    /// `filterable` are the properties that Graph filters this collection by.
    pub(super) fn parse(text: &str, filterable: &[&str]) -> Result<Self, GraphError> {
        let mut reader = Reader { rest: text.trim(), filterable, depth: 0 };
        let filter = reader.either()?;
        if reader.rest.is_empty() { Ok(filter) } else { Err(reader.invalid()) }
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        match self {
            Self::Equal(path, wanted) => equal(at(object, path), wanted),
            Self::In(path, wanted) => wanted.iter().any(|wanted| equal(at(object, path), wanted)),
            Self::StartsWith(path, start) => {
                let text = at(object, path).as_str().unwrap_or_default().to_lowercase();
                text.starts_with(&start.to_lowercase())
            }
            Self::Any(path, wanted) => {
                at(object, path).as_array().is_some_and(|list| list.iter().any(|item| equal(item, wanted)))
            }
            Self::Not(inner) => !inner.matches(object),
            Self::And(left, right) => left.matches(object) && right.matches(object),
            Self::Or(left, right) => left.matches(object) || right.matches(object),
        }
    }
}

fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(object, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// The directory compares texts without regard to case.
fn equal(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => value.to_lowercase() == wanted.to_lowercase(),
        _ => value == wanted,
    }
}

struct Reader<'a> {
    rest: &'a str,
    filterable: &'a [&'a str],
    depth: u8,
}

impl<'a> Reader<'a> {
    fn invalid(&self) -> GraphError {
        GraphError::detailed(
            "BadRequest",
            "$filter",
            format!("Invalid filter clause: syntax error at '{}'.", self.rest),
        )
    }

    fn either(&mut self) -> Result<Filter, GraphError> {
        let mut filter = self.both()?;
        while self.word("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.both()?));
        }
        Ok(filter)
    }

    fn both(&mut self) -> Result<Filter, GraphError> {
        let mut filter = self.one()?;
        while self.word("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.one()?));
        }
        Ok(filter)
    }

    fn one(&mut self) -> Result<Filter, GraphError> {
        self.depth += 1;
        if self.depth > 32 {
            return Err(self.invalid());
        }
        let filter = if self.word("not") {
            Filter::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let inner = self.either()?;
            self.expect(")")?;
            inner
        } else if self.take("startswith(") {
            let path = self.path()?;
            self.expect(",")?;
            let Value::String(start) = self.value()? else { return Err(self.invalid()) };
            self.expect(")")?;
            Filter::StartsWith(path, start)
        } else {
            let path = self.path()?;
            self.comparison(path)?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self, path: String) -> Result<Filter, GraphError> {
        if self.word("eq") {
            return Ok(Filter::Equal(path, self.value()?));
        }
        if self.word("ne") {
            return Ok(Filter::Not(Box::new(Filter::Equal(path, self.value()?))));
        }
        if self.word("in") {
            self.expect("(")?;
            let mut values = vec![self.value()?];
            while self.take(",") {
                values.push(self.value()?);
            }
            self.expect(")")?;
            return Ok(Filter::In(path, values));
        }
        if self.take("/any(") {
            let variable = self.name();
            self.expect(":")?;
            if variable.is_empty() || self.name() != variable || !self.word("eq") {
                return Err(self.invalid());
            }
            let value = self.value()?;
            self.expect(")")?;
            return Ok(Filter::Any(path, value));
        }
        Err(self.invalid())
    }

    /// A property, or one inside of it.
    fn path(&mut self) -> Result<String, GraphError> {
        let mut path = self.name().to_owned();
        while self.rest.starts_with('/') && !self.rest.starts_with("/any(") {
            self.take("/");
            path = format!("{path}/{}", self.name());
        }
        if path.is_empty() {
            return Err(self.invalid());
        }
        if !self.filterable.contains(&path.as_str()) {
            let message =
                format!("Unsupported or invalid query filter clause specified for property '{path}'.");
            return Err(GraphError::query(message));
        }
        Ok(path)
    }

    fn value(&mut self) -> Result<Value, GraphError> {
        self.rest = self.rest.trim_start();
        if let Some(quoted) = self.rest.strip_prefix('\'') {
            let mut text = String::new();
            let mut rest = quoted;
            loop {
                let (before, after) = rest.split_once('\'').ok_or_else(|| self.invalid())?;
                text.push_str(before);
                rest = after;
                match rest.strip_prefix('\'') {
                    Some(after) => rest = after,
                    None => break,
                }
                text.push('\'');
            }
            self.rest = rest.trim_start();
            return Ok(Value::String(text));
        }
        let word = self.name();
        Ok(match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "" => return Err(self.invalid()),
            number if number.parse::<u32>().is_ok() => number.parse::<u32>().unwrap_or_default().into(),
            // A GUID may stand there without quotes.
            other => Value::String(other.to_owned()),
        })
    }

    fn name(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let fits = |byte: char| byte.is_ascii_alphanumeric() || ['_', '-', '.'].contains(&byte);
        let end = rest.find(|byte| !fits(byte)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        self.rest = after.trim_start();
        name
    }

    /// An operator, which a space or parenthesis ends.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(word) {
            Some(after) if after.starts_with([' ', '(']) => {
                self.rest = after.trim_start();
                true
            }
            _ => false,
        }
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.trim_start().strip_prefix(text) {
            Some(after) => {
                self.rest = after.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), GraphError> {
        if self.take(text) { Ok(()) } else { Err(self.invalid()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use serde_json::json;

    use super::Filter;

    const NAMES: [&str; 4] = ["a", "b", "list", "api/v"];

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text: String, words in "(a|b| eq | and |not |\\(|\\)|'x'|null|/any\\(){0,12}") {
            Filter::parse(&text, &NAMES).ok();
            Filter::parse(&words, &NAMES).ok();
        }
    }

    #[test]
    fn filters_select() {
        let object = json!({"a": "It's", "b": true, "list": ["X"], "api": {"v": 2}});
        for (text, matches) in [
            ("a eq 'it''s'", true),
            ("startswith(a,'it') and b eq true", true),
            ("a in ('x', 'IT''S')", true),
            ("list/any(x:x eq 'x')", true),
            ("not (b eq true or a eq null)", false),
            ("a ne 'x' and api/v eq 2", true),
            ("a eq 'x' or b eq false", false),
        ] {
            assert_eq!(
                Filter::parse(text, &NAMES).map(|filter| filter.matches(&object)),
                Ok(matches),
                "{text}"
            );
        }
        for text in ["", "a", "a eq", "a eq 'x", "c eq 'x'", "a eq 'x' b", "list/any(x:y eq 'x')", "a gt 1"] {
            assert!(Filter::parse(text, &NAMES).is_err(), "{text}");
        }
    }
}
