//! The members of an object, collected into differences for people and a body for Graph.

use serde_json::{Map, Value};

use crate::setup::plan::Field;

/// Differences, and the body that settles them.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) fields: Vec<Field>,
    body: Map<String, Value>,
}

impl Members {
    /// A member that is shown as it is written.
    pub(super) fn set(&mut self, name: &str, before: Value, after: Value) {
        let written = after.clone();
        self.show(name, before, after, written);
    }

    /// A member that is shown in fewer words than it is written.
    pub(super) fn show(&mut self, name: &str, before: Value, after: Value, written: Value) {
        let field = Field { name: name.to_owned(), before, after };
        if field.differs() {
            insert(&mut self.body, name, written);
        }
        self.fields.push(field);
    }

    /// A list of texts that the wanted ones are added to; returns the ones that nobody asked for.
    pub(super) fn add(&mut self, name: &str, there: &[String], wanted: &[String]) -> Vec<String> {
        let missing = wanted.iter().filter(|text| !there.contains(text));
        let after: Vec<&String> = there.iter().chain(missing).collect();
        let after = serde_json::json!(after);
        // Nothing is shown of what is neither there nor wanted.
        if after.as_array().is_some_and(|all| !all.is_empty()) {
            self.set(name, serde_json::json!(there), after);
        }
        there.iter().filter(|text| !wanted.contains(text)).cloned().collect()
    }

    /// The body, if there is anything to write.
    pub(super) fn body(&self) -> Option<Value> {
        (!self.body.is_empty()).then(|| Value::Object(self.body.clone()))
    }

    /// Something that is written and is not a difference.
    pub(super) fn also(&mut self, name: &str, value: Value) {
        insert(&mut self.body, name, value);
    }
}

/// `api.requestedAccessTokenVersion` goes into the object `api`; members that are not named keep their values.
fn insert(body: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => drop(body.insert(name.to_owned(), value)),
        Some((outer, inner)) => {
            let entry = body.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(object) = entry {
                insert(object, inner, value);
            }
        }
    }
}
