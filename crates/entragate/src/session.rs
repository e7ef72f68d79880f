//! Session ids bound to the caller.
//!
//! MCP servers identify a session by its id alone and do not know who opened it, so a leaked id would open
//! another person's session (MCP security best practices, session hijacking). Clients therefore get the
//! server's id with a seal over caller and route; the server sees its own id again. Nothing is stored.

use aws_lc_rs::hmac;
use axum::body::Body;
use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, Response, StatusCode};

use crate::denied;
use crate::gate::Resource;
use crate::oauth::error::json as json_response;
use crate::policy::call::Message;
use crate::policy::{mirror, refusal};
use crate::principal::{Permit, Principal};

/// `Mcp-Session-Id`, up to revision 2025-11-25.
pub(crate) const HEADER: &str = "mcp-session-id";

/// 128 bits of the tag are enough against guessing and keep the id short.
const TAG: usize = 16;

/// The id is not this caller's, or not one of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Foreign;

/// Seals with a key that lives as long as the gate: after a restart clients open a new session, as they do
/// when the server restarts (404, then `initialize`).
pub(crate) struct SessionSeal {
    /// The first seals, all open.
    keys: Vec<hmac::Key>,
    route: String,
}

impl SessionSeal {
    pub(crate) fn new(keys: Vec<hmac::Key>, route: String) -> Self {
        Self { keys, route }
    }

    /// The id as the client gets it. An id that is not visible ASCII is not MCP's and stays away.
    pub(crate) fn bind(&self, principal: &Principal, id: &HeaderValue) -> Option<HeaderValue> {
        let id = id.to_str().ok()?;
        let tag = self.tag(self.keys.first()?, principal, id);
        HeaderValue::try_from(format!("{id}.{}", URL_SAFE_NO_PAD.encode(tag))).ok()
    }

    /// The server's own id.
    pub(crate) fn open(&self, principal: &Principal, bound: &HeaderValue) -> Result<HeaderValue, Foreign> {
        let (id, tag) = bound.to_str().ok().and_then(|text| text.rsplit_once('.')).ok_or(Foreign)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| Foreign)?;
        if !self.keys.iter().any(|key| fits(&self.tag(key, principal, id), &tag)) {
            return Err(Foreign);
        }
        HeaderValue::try_from(id).map_err(|_| Foreign)
    }

    /// What proves that this text went to this caller. No session id has a line feed, so neither can be taken for the other.
    fn seal(&self, principal: &Principal, text: &str) -> Option<String> {
        let tag = self.tag(self.keys.first()?, principal, &format!("text\n{text}"));
        Some(URL_SAFE_NO_PAD.encode(tag))
    }

    fn is_sealed(&self, principal: &Principal, text: &str, seal: &str) -> bool {
        let (text, tag) = (format!("text\n{text}"), URL_SAFE_NO_PAD.decode(seal));
        tag.is_ok_and(|tag| self.keys.iter().any(|key| fits(&self.tag(key, principal, &text), &tag)))
    }

    fn tag(&self, key: &hmac::Key, principal: &Principal, id: &str) -> [u8; TAG] {
        let mut context = hmac::Context::with_key(key);
        for part in [self.route.as_str(), principal.tenant_id(), principal.object_id(), id] {
            // Each part with its length, so that no two lists of parts read the same.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut tag = [0; TAG];
        tag.copy_from_slice(context.sign().as_ref().get(..TAG).unwrap_or(&[0; TAG]));
        tag
    }
}

fn fits(ours: &[u8; TAG], theirs: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(ours, theirs).is_ok()
}

impl Permit {
    /// A seal over something that an MCP server gives to this caller and that alone would name a session, such as the URL
    /// of the HTTP+SSE transport of 2024-11-05. In base64url; nothing in development mode, where all callers are one.
    pub fn seal(&self, text: &str) -> Option<String> {
        let resource = self.resource().filter(|_| !self.principal().is_development())?;
        resource.sessions.seal(self.principal(), text)
    }

    /// Whether this caller got this text from this MCP server.
    pub fn is_sealed(&self, text: &str, seal: &str) -> bool {
        self.resource().is_some_and(|resource| resource.sessions.is_sealed(self.principal(), text, seal))
    }

    /// Has the log say that this caller asked for a session that is not theirs, as it does of `Mcp-Session-Id`.
    pub fn note_foreign_session(&self) {
        denied::session(self.principal());
    }
}

/// Gives the MCP server its own session id back; an id of somebody else's session is "not found", on which
/// clients open a new one.
pub(crate) fn open(
    resource: &Resource,
    principal: &Principal,
    message: &Message,
    request: &mut Request,
) -> Result<(), Box<Response<Body>>> {
    let mut ids = request.headers().get_all(HEADER).iter();
    let id = match (ids.next(), ids.next()) {
        (None, _) => return Ok(()),
        (Some(id), None) => id,
        _ => {
            request.headers_mut().remove(HEADER);
            return Ok(());
        }
    };
    if mirror::is_sessionless(request.headers(), message) {
        request.headers_mut().remove(HEADER);
        return Ok(());
    }
    if principal.is_development() {
        return Ok(());
    }
    if let Ok(id) = resource.sessions.open(principal, id) {
        request.headers_mut().insert(HEADER, id);
        return Ok(());
    }
    denied::session(principal);
    let text = "There is no such session for this caller";
    let plain = serde_json::json!({ "error": "not_found", "error_description": text });
    let mut response = json_response(StatusCode::NOT_FOUND, &plain);
    if let Some(body) = message.error_body(refusal::NO_SESSION, text) {
        *response.body_mut() = Body::from(body);
    }
    Err(Box::new(response))
}

/// The client gets the server's session id with our seal.
pub(crate) fn bind(resource: &Resource, principal: &Principal, response: &mut Response<Body>) {
    if principal.is_development() {
        return;
    }
    if let Some(id) = response.headers_mut().remove(HEADER)
        && let Some(bound) = resource.sessions.bind(principal, &id)
    {
        response.headers_mut().insert(HEADER, bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::principal::{Identity, Kind};

    fn principal(object_id: &str) -> Principal {
        Principal::new(Identity {
            kind: Kind::User,
            object_id: object_id.into(),
            tenant_id: "t".into(),
            client_id: "c".into(),
            username: None,
            email: None,
            roles: Vec::new(),
            scopes: vec!["access".into()],
            groups: Vec::new(),
            groups_overage: false,
            agent_blueprint: None,
            token_id: None,
            issued_at: None,
            ends_at: Timestamp::from_unix(u64::MAX),
            expires_at: Timestamp::from_unix(u64::MAX),
        })
    }

    fn seal(route: &str) -> SessionSeal {
        SessionSeal::new(vec![hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])], route.to_owned())
    }

    #[test]
    fn only_the_caller_who_opened_a_session_gets_its_id_back() {
        let (alice, bob) = (principal("alice"), principal("bob"));
        let id = HeaderValue::from_static("1868a90c.x-7");
        let bound = seal("/mcp").bind(&alice, &id).unwrap();
        assert!(bound.to_str().unwrap().bytes().all(|b| (0x21..0x7f).contains(&b)));
        assert_eq!(seal("/mcp").open(&alice, &bound), Ok(id.clone()));
        assert_eq!(seal("/mcp").open(&bob, &bound), Err(Foreign));
        assert_eq!(seal("/other").open(&alice, &bound), Err(Foreign));
        assert_eq!(seal("/mcp").open(&alice, &id), Err(Foreign));
        let sealed = seal("/mcp").seal(&alice, "/x?id=1868a90c.x-7").unwrap();
        assert!(seal("/mcp").is_sealed(&alice, "/x?id=1868a90c.x-7", &sealed));
        assert!(!seal("/mcp").is_sealed(&bob, "/x?id=1868a90c.x-7", &sealed));
        assert!(!seal("/other").is_sealed(&alice, "/x?id=1868a90c.x-7", &sealed));
        assert!(!seal("/mcp").is_sealed(&alice, "/x?id=1868a90c.x-8", &sealed));
        // The seal of a session id is none of a text, and the other way round.
        let of_id = bound.to_str().unwrap().rsplit_once('.').unwrap().1.to_owned();
        assert!(!seal("/mcp").is_sealed(&alice, "1868a90c.x-7", &of_id));
        let of_text = seal("/mcp").seal(&alice, "1868a90c.x-7").unwrap();
        let of_text = HeaderValue::try_from(format!("1868a90c.x-7.{of_text}")).unwrap();
        assert_eq!(seal("/mcp").open(&alice, &of_text), Err(Foreign));
        for made_up in ["", ".", "x.", "1868a90c.x-7.", "1868a90c.x-7.AAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(seal("/mcp").open(&alice, &HeaderValue::from_static(made_up)), Err(Foreign));
        }
    }
}
