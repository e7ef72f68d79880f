//! Where each rule is written, for messages about a rule that decides.

use std::path::Path;

use super::environment::Environment;
use super::item::{Item, Member, Value};
use super::keys;
use super::reader::Reader;
use super::sources;

/// The place of every rule, by MCP server.
#[derive(Debug, Default)]
pub struct RulePlaces(Vec<Vec<String>>);

impl RulePlaces {
    /// Where a rule is written. `server`: counted from zero; `rule`: counted from one, as messages name it.
    pub fn of(&self, server: usize, rule: usize) -> Option<String> {
        self.0.get(server)?.get(rule.checked_sub(1)?).cloned()
    }
}

/// The places of the rules of a configuration that has been read without a problem.
pub fn rule_places(environment: &Environment, named_file: Option<&Path>) -> RulePlaces {
    let reader = Reader { sources: sources::collect(environment, named_file), route: None };
    let list = |key| match reader.item(key) {
        Some(Item { value: Value::List(items), .. }) => Some(items.as_slice()),
        _ => None,
    };
    let rules_of = |route: &Item| {
        let Value::Table(members) = &route.value else { return Vec::new() };
        let rules = members.iter().find(|(Member { name, .. }, _)| name == keys::RULES.path);
        match rules {
            Some((_, Item { value: Value::List(items), .. })) => places(items),
            _ => Vec::new(),
        }
    };
    RulePlaces(match list(&keys::ROUTES) {
        Some(routes) => routes.iter().map(rules_of).collect(),
        None => vec![places(list(&keys::RULES).unwrap_or_default())],
    })
}

fn places(rules: &[Item]) -> Vec<String> {
    rules.iter().map(|rule| rule.place.to_string()).collect()
}
