//! Ids that are not known before their object is made.
//!
//! A plan is made before anything exists, so its requests hold placeholders such as `${API_APP_ID}`. They are spelt
//! as shell variables, because a script that prints the plan learns them into variables of these names; [`Ids`] puts
//! the ids in once they are known.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::wanted::Part;

/// An id of an object that the plan makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Slot {
    /// The API app's application (client) id.
    ApiAppId,
    /// Its object id.
    ApiObjectId,
    /// The object id of its service principal.
    ApiPrincipalId,
    /// The public client app's application (client) id.
    ClientAppId,
    /// Its object id.
    ClientObjectId,
    /// The object id of its service principal.
    ClientPrincipalId,
    /// The object id of Microsoft Graph's service principal, which every tenant has.
    GraphPrincipalId,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ApiAppId,
        Self::ApiObjectId,
        Self::ApiPrincipalId,
        Self::ClientAppId,
        Self::ClientObjectId,
        Self::ClientPrincipalId,
        Self::GraphPrincipalId,
    ];

    /// The name of a shell variable for it.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::ApiAppId => "API_APP_ID",
            Self::ApiObjectId => "API_OBJECT_ID",
            Self::ApiPrincipalId => "API_PRINCIPAL_ID",
            Self::ClientAppId => "CLIENT_APP_ID",
            Self::ClientObjectId => "CLIENT_OBJECT_ID",
            Self::ClientPrincipalId => "CLIENT_PRINCIPAL_ID",
            Self::GraphPrincipalId => "GRAPH_PRINCIPAL_ID",
        }
    }

    /// How it stands in a request before it is known.
    pub fn placeholder(self) -> String {
        format!("${{{}}}", self.variable())
    }

    /// The application id of a registration.
    pub const fn app_id(part: Part) -> Self {
        match part {
            Part::Api => Self::ApiAppId,
            Part::Client => Self::ClientAppId,
        }
    }

    /// The object id of a registration.
    pub const fn object_id(part: Part) -> Self {
        match part {
            Part::Api => Self::ApiObjectId,
            Part::Client => Self::ClientObjectId,
        }
    }

    /// The object id of a registration's service principal.
    pub const fn principal_id(part: Part) -> Self {
        match part {
            Part::Api => Self::ApiPrincipalId,
            Part::Client => Self::ClientPrincipalId,
        }
    }
}

/// The ids that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids(BTreeMap<Slot, String>);

impl Ids {
    /// Learns one.
    pub fn learn(&mut self, slot: Slot, id: impl Into<String>) {
        self.0.insert(slot, id.into());
    }

    /// The id, if it is known.
    pub fn get(&self, slot: Slot) -> Option<&str> {
        self.0.get(&slot).map(String::as_str)
    }

    /// The id, or its placeholder.
    pub fn or_placeholder(&self, slot: Slot) -> String {
        self.get(slot).map_or_else(|| slot.placeholder(), str::to_owned)
    }

    /// The text with every id that is known.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (slot, id) in &self.0 {
            text = text.replace(&slot.placeholder(), id);
        }
        text
    }

    /// The same for every text of a JSON value, names of members excepted.
    pub fn fill_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => items.iter().map(|item| self.fill_value(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.fill_value(value))).collect()
            }
            other => other.clone(),
        }
    }
}

/// The slots whose placeholders stand in a text.
pub fn unknown_in(text: &str) -> Vec<Slot> {
    Slot::ALL.into_iter().filter(|slot| text.contains(&slot.placeholder())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_is_filled_in_and_what_is_not_stays_visible() {
        let mut ids = Ids::default();
        ids.learn(Slot::ApiAppId, "a1");
        let body =
            json!({ "identifierUris": ["api://${API_APP_ID}"], "x": { "y": "${CLIENT_APP_ID}" }, "n": 2 });
        let filled = ids.fill_value(&body);
        assert_eq!(
            filled,
            json!({ "identifierUris": ["api://a1"], "x": { "y": "${CLIENT_APP_ID}" }, "n": 2 })
        );
        assert_eq!(unknown_in(&filled.to_string()), [Slot::ClientAppId]);
    }
}
