//! `headers`: who calls, in plain headers. Only the network between keeps anybody else from sending them.

use std::borrow::Cow;
use std::fmt::Write as _;

use entragate::Principal;
use http::header::{HeaderMap, HeaderName, HeaderValue};

const USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
const USERNAME: HeaderName = HeaderName::from_static("x-forwarded-preferred-username");
const GROUPS: HeaderName = HeaderName::from_static("x-forwarded-groups");
const ROLES: HeaderName = HeaderName::from_static("x-forwarded-roles");
const OBJECT_ID: HeaderName = HeaderName::from_static("x-entra-object-id");
const TENANT_ID: HeaderName = HeaderName::from_static("x-entra-tenant-id");
const CLIENT_ID: HeaderName = HeaderName::from_static("x-entra-client-id");

/// Says who calls; in development mode that is nobody.
pub(super) fn tell(caller: &Principal, headers: &mut HeaderMap) {
    if caller.is_development() {
        return;
    }
    set(headers, USER, caller.object_id());
    set(headers, OBJECT_ID, caller.object_id());
    set(headers, TENANT_ID, caller.tenant_id());
    set(headers, CLIENT_ID, caller.client_id());
    set(headers, USERNAME, caller.username().unwrap_or_default());
    set(headers, EMAIL, caller.email().unwrap_or_default());
    set(headers, GROUPS, &list(caller.groups()));
    set(headers, ROLES, &list(caller.roles()));
}

/// Sets a header; absent information is an absent header, not an empty one.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if value.is_empty() {
        return;
    }
    // from_bytes and not from_str, which refuses every name beyond ASCII.
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    } else {
        tracing::warn!(header = %name, "a claim cannot be sent as a header and was left out");
    }
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

    #[test]
    fn list_members_survive_splitting_at_commas() {
        let members = ["Admin".to_owned(), "a,b".to_owned(), "100%".to_owned(), String::new()];
        assert_eq!(list(&members), "Admin,a%2Cb,100%25");
    }

    #[test]
    fn value_that_no_header_can_carry_is_left_out() {
        let mut headers = HeaderMap::new();
        set(&mut headers, USERNAME, "eve\r\nX-Forwarded-Roles: Admin");
        set(&mut headers, EMAIL, "");
        set(&mut headers, USER, "Zoë");
        assert_eq!(headers.len(), 1);
        assert_eq!(headers[USER].as_bytes(), "Zoë".as_bytes());
    }
}
