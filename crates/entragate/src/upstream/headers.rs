//! Who calls, in plain headers, for MCP servers that nobody but the gateway reaches. Made once for each verified token: a
//! call only copies references.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use crate::principal::Principal;

static NAMES: [HeaderName; 9] = [
    HeaderName::from_static("x-forwarded-user"),
    HeaderName::from_static("x-entra-object-id"),
    HeaderName::from_static("x-entra-tenant-id"),
    HeaderName::from_static("x-entra-client-id"),
    HeaderName::from_static("x-forwarded-preferred-username"),
    HeaderName::from_static("x-forwarded-email"),
    HeaderName::from_static("x-forwarded-groups"),
    HeaderName::from_static("x-forwarded-roles"),
    // That there are no groups means nothing then.
    HeaderName::from_static("x-entra-groups-overage"),
];

/// The values, in the order of [`NAMES`]; absent information is an absent header, not an empty one.
type Values = [Option<HeaderValue>; NAMES.len()];

/// The headers about a caller, kept beside what was verified about them. On the heap: not every server is told this way.
#[derive(Debug, Default)]
pub(crate) struct Slot(OnceLock<Box<Values>>);

impl Slot {
    /// The headers about this caller, whose slot it is.
    pub(crate) fn of(&self, who: &Principal) -> impl Iterator<Item = (HeaderName, &HeaderValue)> {
        let values = self.0.get_or_init(|| Box::new(values(who)));
        NAMES.iter().zip(values.iter()).filter_map(|(name, value)| Some((name.clone(), value.as_ref()?)))
    }
}

fn values(who: &Principal) -> Values {
    // In development mode that is nobody, and every text is empty.
    let (groups, roles) = (list(who.groups()), list(who.roles()));
    let texts: [&str; NAMES.len()] = [
        who.object_id(),
        who.object_id(),
        who.tenant_id(),
        who.client_id(),
        who.username().unwrap_or_default(),
        who.email().unwrap_or_default(),
        &groups,
        &roles,
        if who.has_group_overage() { "true" } else { "" },
    ];
    // One buffer that all of them share.
    let buffer = Bytes::from(texts.concat());
    let mut begin = 0;
    std::array::from_fn(|index| {
        let (text, name) = (texts.get(index)?, NAMES.get(index)?);
        let end = begin + text.len();
        let value = value(name, buffer.slice(begin..end));
        begin = end;
        value
    })
}

fn value(name: &HeaderName, text: Bytes) -> Option<HeaderValue> {
    if text.is_empty() {
        return None;
    }
    // Bytes and not a str, which is refused beyond ASCII.
    let value = HeaderValue::from_maybe_shared(text);
    if value.is_err() {
        tracing::warn!(header = %name, "a claim cannot be sent as a header and was left out");
    }
    value.ok()
}

/// A list as one header value. `%` and `,` inside a member are percent-encoded, so that splitting at commas
/// and decoding gives back exactly the members.
fn list(members: &[String]) -> String {
    let mut text = String::with_capacity(members.iter().map(|member| member.len() + 1).sum());
    for member in members.iter().filter(|member| !member.is_empty()) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&encoded(member));
    }
    text
}

fn encoded(member: &str) -> Cow<'_, str> {
    if !member.contains(['%', ',']) {
        return Cow::Borrowed(member);
    }
    let mut text = String::with_capacity(member.len() + 8);
    for character in member.chars() {
        match character {
            '%' | ',' => drop(write!(text, "%{:02X}", u32::from(character))), // a String takes any text
            _ => text.push(character),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::principal::{Identity, Kind};

    fn told(identity: Identity) -> Vec<(String, Vec<u8>)> {
        let who = Principal::new(identity);
        let first: Vec<_> = who.headers().map(|(_, value)| value.as_bytes().as_ptr()).collect();
        let again: Vec<_> = who.clone().headers().map(|(_, value)| value.as_bytes().as_ptr()).collect();
        assert_eq!(first, again, "they are made once");
        who.headers().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
    }

    fn alice() -> Identity {
        Identity {
            kind: Kind::User,
            object_id: "o".to_owned(),
            tenant_id: "t".to_owned(),
            client_id: "c".to_owned(),
            username: None,
            email: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            groups: Vec::new(),
            groups_overage: false,
            agent_blueprint: None,
            token_id: None,
            issued_at: None,
            ends_at: Timestamp::from_unix(u64::MAX),
            expires_at: Timestamp::from_unix(u64::MAX),
        }
    }

    #[test]
    fn each_header_has_its_own_part_of_the_text() {
        let roles = ["Admin", "a,b", "100%", ""].map(str::to_owned).to_vec();
        let told = told(Identity { email: Some("Zoë@x".to_owned()), roles, ..alice() });
        let expected = [
            ("x-forwarded-user", "o"),
            ("x-entra-object-id", "o"),
            ("x-entra-tenant-id", "t"),
            ("x-entra-client-id", "c"),
            ("x-forwarded-email", "Zoë@x"),
            ("x-forwarded-roles", "Admin,a%2Cb,100%25"),
        ];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        assert_eq!(told, expected);
    }

    #[test]
    fn value_that_no_header_can_carry_is_left_out_alone() {
        let forged = "eve\r\nX-Forwarded-Roles: Admin".to_owned();
        let told = told(Identity { username: Some(forged), email: Some("e@x".to_owned()), ..alice() });
        let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.contains(&"x-forwarded-preferred-username"), "{names:?}");
        assert!(told.contains(&("x-forwarded-email".to_owned(), b"e@x".to_vec())));
    }

    #[test]
    fn groups_that_did_not_fit_into_the_token_are_not_mistaken_for_none() {
        let told = told(Identity { groups_overage: true, ..alice() });
        assert!(told.contains(&("x-entra-groups-overage".to_owned(), b"true".to_vec())), "{told:?}");
        assert!(!told.iter().any(|(name, _)| name == "x-forwarded-groups"));
    }

    #[test]
    fn nobody_is_told_as_nobody() {
        assert_eq!(Principal::development().headers().count(), 0);
    }
}
