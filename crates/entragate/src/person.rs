//! A signed-in person as our own tokens carry them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Timestamp;
use crate::oauth::broker::transaction::hashed;
use crate::principal::{Identity, Kind, Principal};

/// Who signed in, and what Entra says they may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) tenant_id: String,
    pub(crate) object_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) scopes: Vec<String>,
    #[serde(serialize_with = "packed", deserialize_with = "unpacked")]
    pub(crate) groups: Vec<String>,
    #[serde(default)]
    pub(crate) groups_overage: bool,
}

impl Person {
    pub(crate) fn of(principal: &Principal) -> Self {
        Self {
            tenant_id: principal.tenant_id().to_owned(),
            object_id: principal.object_id().to_owned(),
            username: principal.username().map(str::to_owned),
            email: principal.email().map(str::to_owned),
            roles: principal.roles().to_vec(),
            scopes: principal.scopes().to_vec(),
            groups: principal.groups().to_vec(),
            groups_overage: principal.has_group_overage(),
        }
    }

    /// The caller of a token for this person.
    pub(crate) fn principal(
        self,
        client: String,
        token: String,
        issued_at: Option<Timestamp>,
        expires_at: Timestamp,
    ) -> Principal {
        Principal::new(Identity {
            kind: Kind::User,
            object_id: self.object_id,
            tenant_id: self.tenant_id,
            client_id: client,
            username: self.username,
            email: self.email,
            roles: self.roles,
            scopes: self.scopes,
            groups: self.groups,
            groups_overage: self.groups_overage,
            // Agents have tokens of their own; nobody signs in as one in a browser.
            agent_blueprint: None,
            token_id: Some(token),
            issued_at,
            ends_at: expires_at,
            expires_at,
        })
    }

    /// Names the person where no personal data may stand.
    pub(crate) fn hash(&self) -> String {
        person_hash(&self.tenant_id, &self.object_id)
    }
}

/// Names a person where no personal data may stand.
pub(crate) fn person_hash(tenant_id: &str, object_id: &str) -> String {
    hashed(&format!("{tenant_id}/{object_id}"))
}

/// Object ids without their dashes: 200 of them must fit into a header.
fn packed<S: Serializer>(groups: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    let is_guid = crate::idp::entra::registration::is_guid;
    let plain: Vec<String> =
        groups.iter().map(|id| if is_guid(id) { id.replace('-', "") } else { id.clone() }).collect();
    plain.join(" ").serialize(serializer)
}

fn unpacked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let dashed = |id: &str| {
        let is_packed = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_packed {
            return id.to_owned();
        }
        format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
    };
    Ok(text.split_ascii_whitespace().map(dashed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_back_as_they_were() {
        let groups = ["9a000000-0000-4000-8000-000000000001", "S-1-12-1", "Engineering"];
        let person = Person {
            tenant_id: "t".into(),
            object_id: "o".into(),
            username: None,
            email: None,
            roles: vec!["Admin".into()],
            scopes: vec!["access".into()],
            groups: groups.map(str::to_owned).to_vec(),
            groups_overage: false,
        };
        let json = serde_json::to_string(&person).unwrap();
        assert!(json.contains("9a00000000004000800000000000000 1".replace(' ', "").as_str()), "{json}");
        assert_eq!(serde_json::from_str::<Person>(&json).unwrap().groups, groups);
    }
}
