//! Who is calling, told to the MCP server in headers.
//!
//! The server believes these headers, so whatever a client sent under such a name is removed first, also in
//! the spelling with `_` that CGI-like servers cannot tell from `-` (S-32). The layer in front of us has
//! done that already; a header that grants access is worth checking twice.

use std::borrow::Cow;
use std::fmt::Write as _;

use entragate::{BaseUrl, Principal};
use http::Extensions;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use entragate::ClientAddress;

const USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
const USERNAME: HeaderName = HeaderName::from_static("x-forwarded-preferred-username");
const GROUPS: HeaderName = HeaderName::from_static("x-forwarded-groups");
const ROLES: HeaderName = HeaderName::from_static("x-forwarded-roles");
const OBJECT_ID: HeaderName = HeaderName::from_static("x-entra-object-id");
const TENANT_ID: HeaderName = HeaderName::from_static("x-entra-tenant-id");
const CLIENT_ID: HeaderName = HeaderName::from_static("x-entra-client-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// How the gateway introduces a request to the MCP server.
pub(super) struct Introduction {
    proto: HeaderValue,
    host: Option<HeaderValue>,
    identity: bool,
}

impl Introduction {
    pub(super) fn new(base_url: &BaseUrl, identity: bool) -> Self {
        let tls = base_url.as_str().starts_with("https:");
        Self {
            proto: HeaderValue::from_static(if tls { "https" } else { "http" }),
            host: HeaderValue::from_str(&base_url.authority()).ok(),
            identity,
        }
    }

    /// Replaces every identity and forwarding header by what the gateway knows.
    pub(super) fn introduce(&self, caller: &Principal, connection: &Extensions, headers: &mut HeaderMap) {
        remove_claims(headers);
        headers.insert(FORWARDED_PROTO, self.proto.clone());
        if let Some(host) = &self.host {
            headers.insert(FORWARDED_HOST, host.clone());
        }
        if let Some(ClientAddress(address)) = connection.get() {
            set(headers, FORWARDED_FOR, &address.ip().to_canonical().to_string());
        }
        if self.identity && !caller.is_development() {
            set(headers, USER, caller.object_id());
            set(headers, OBJECT_ID, caller.object_id());
            set(headers, TENANT_ID, caller.tenant_id());
            set(headers, CLIENT_ID, caller.client_id());
            set(headers, USERNAME, caller.username().unwrap_or_default());
            set(headers, EMAIL, caller.email().unwrap_or_default());
            set(headers, GROUPS, &list(caller.groups()));
            set(headers, ROLES, &list(caller.roles()));
        }
    }
}

/// Sets a header; absent information is an absent header, not an empty one.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
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

fn remove_claims(headers: &mut HeaderMap) {
    // Normally empty, then nothing is allocated.
    let claims: Vec<HeaderName> = headers.keys().filter(|name| is_claim(name.as_str())).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

/// Whether a header claims something that only the gateway may say.
fn is_claim(name: &str) -> bool {
    starts_like(name, "x-forwarded-") || starts_like(name, "x-entra-") || name == "forwarded"
}

/// `starts_with`, with `_` read as `-`. Header names are lower case already.
fn starts_like(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len()
        && name.bytes().zip(prefix.bytes()).all(|(have, want)| have == want || (have == b'_' && want == b'-'))
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
    fn claims_are_recognised_in_every_spelling() {
        for name in [
            "x-forwarded-user",
            "x_forwarded_user",
            "x-forwarded_user",
            "x_entra-object_id",
            "x-forwarded-for",
            "forwarded",
        ] {
            assert!(is_claim(name), "{name}");
        }
        for name in ["x-forwardedness", "mcp-param-x-forwarded-user", "x-entr", "forwarded-x"] {
            assert!(!is_claim(name), "{name}");
        }
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
