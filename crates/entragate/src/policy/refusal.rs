//! How a refused call is answered: HTTP 200 with an error inside the protocol.
//!
//! Measured clients drop the connection, the registration or the whole session on a 403
//! (docs/clients.md K50), so the person would never read why. As a tool error the model reads it and can
//! say it.

use axum::body::Body;
use http::Response;
use http::StatusCode;
use serde_json::json;

use super::call::{Call, Message};
use super::decide::{Forbidden, Reason};
use super::uri;
use crate::oauth::error::json as json_response;
use crate::principal::{Kind, Principal};
use crate::stream_refusals::RefusedCalls;
use crate::token::refused::shown;

/// Outside −32768…−32000, which JSON-RPC and MCP keep for themselves.
pub(crate) const FORBIDDEN: i64 = -31_403;
/// A session id that is not this caller's.
pub(crate) const NO_SESSION: i64 = -31_404;

impl Forbidden {
    /// What the caller lacks, for the log.
    pub(crate) const fn missing(&self) -> &'static str {
        match self.reason {
            Reason::NoRule => "rule",
            Reason::UserNeeded | Reason::NotNamed(Kind::User | Kind::Development) => "user",
            Reason::AppNeeded | Reason::NotNamed(Kind::Application) => "app",
            Reason::Tenants(_) => "tenant",
            Reason::Condition(_) => "condition",
            Reason::Clients(_) => "client",
            Reason::ScopesNotGranted(_) => "scope",
            Reason::Groups(_) | Reason::GroupsUnread(_) => "group",
            Reason::Roles(_) => "role",
            Reason::AmbiguousUri | Reason::LongUri(_) => "uri",
        }
    }

    /// What the person reads.
    pub(crate) fn text(&self) -> String {
        // Names come from the caller and end in log lines and in other people's terminals.
        let (method, target) = (shown(&self.method), self.target.as_deref().map(shown));
        let what = match (method.as_str(), target) {
            ("", _) => "every request".to_owned(),
            ("tools/call", Some(tool)) => format!("tool `{tool}`"),
            (method, Some(target)) => format!("`{target}` ({method})"),
            (method, None) => format!("method `{method}`"),
        };
        match &self.reason {
            Reason::AmbiguousUri => format!(
                "Not allowed: {what} could be read as another URI than the one that the rules of this server see. Write it as the server lists it, with few hosts and without spaces, backslashes, dot segments and needless escapes."
            ),
            Reason::LongUri(bytes) => format!(
                "Not allowed: {what} is a URI of {bytes} bytes, and the rules of this server judge those of at most {} bytes. Use a shorter one.",
                uri::LONGEST
            ),
            Reason::NoRule => format!("Not allowed: no rule of this server lets anybody call {what}."),
            Reason::UserNeeded => format!(
                "Not allowed: {what} needs a signed-in user, a program in its own name may not call it."
            ),
            Reason::Condition(unmet) => {
                let detail = unmet.detail().map(|detail| format!(" Here: {}.", shown(detail)));
                format!(
                    "Not allowed: {what} may be called only when this is true: {}{}",
                    unmet.condition,
                    detail.unwrap_or_default()
                )
            }
            Reason::AppNeeded => format!(
                "Not allowed: {what} is for programs in their own name, and you are a signed-in user."
            ),
            Reason::NotNamed(Kind::Application) => format!(
                "Not allowed: {what} is for certain programs, and this one is not among them. Ask the administrator of this server."
            ),
            Reason::NotNamed(_) => format!(
                "Not allowed: {what} is for certain users, and you are not among them. Ask the administrator of this server."
            ),
            Reason::Tenants(tenants) => format!(
                "Not allowed: {what} is for the tenant {}, and you signed in to another.",
                quoted(tenants)
            ),
            Reason::Clients(clients) => format!(
                "Not allowed: {what} may be called only with the client {}, and you use another.",
                quoted(clients)
            ),
            Reason::ScopesNotGranted(scopes) => format!(
                "Not allowed: {what} needs the permission {}, and a new token did not bring it. Sign in again if you have not done so since; if you have, ask an administrator to grant it to this client in Microsoft Entra.",
                quoted(scopes)
            ),
            Reason::Groups(groups) => match groups.as_slice() {
                [group] => format!(
                    "Not allowed: {what} is for members of the group `{group}`. Ask an administrator to add you in Microsoft Entra."
                ),
                groups => format!(
                    "Not allowed: {what} is for members of one of the groups {}. Ask an administrator to add you to one in Microsoft Entra.",
                    quoted(groups)
                ),
            },
            Reason::GroupsUnread(unread) => format!(
                "Not allowed: {what} is for members of a group, and your groups could not be read: {}.",
                unread.public_text()
            ),
            Reason::Roles(roles) => match roles.as_slice() {
                [role] => format!(
                    "Not allowed: {what} needs the app role `{role}`. Ask an administrator to assign it to you in Microsoft Entra."
                ),
                roles => format!(
                    "Not allowed: {what} needs one of the app roles {}. Ask an administrator to assign one to you in Microsoft Entra.",
                    quoted(roles)
                ),
            },
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The answer to a message of which one call is forbidden.
pub(crate) fn response(forbidden: &Forbidden, message: &Message, who: &Principal) -> Response<Body> {
    if matches!(message, Message::Empty) {
        // Nothing to answer inside of. Without a challenge, so that no client signs in again for it.
        let error = json!({ "error": "forbidden", "error_description": forbidden.text() });
        return json_response(StatusCode::FORBIDDEN, &error);
    }
    told(message, who, |call| {
        if forbidden.is_of(call) {
            forbidden.text()
        } else {
            "Not executed: another call of the same batch is not allowed.".to_owned()
        }
    })
}

/// The answer to a message that does not go on: a text for each call in it that expects an answer.
pub(crate) fn told(message: &Message, who: &Principal, text: impl Fn(&Call) -> String) -> Response<Body> {
    let answers: Vec<_> = message
        .calls()
        .iter()
        .filter(|call| call.is_request())
        .filter_map(|call| answer(call, &text(call)))
        .collect();
    let mut response = match (message, answers.as_slice()) {
        // Nothing in it expects an answer, and nothing was passed on.
        (_, []) => {
            let mut accepted = Response::new(Body::empty());
            *accepted.status_mut() = StatusCode::ACCEPTED;
            return accepted;
        }
        (Message::Batch(_), all) => json_response(StatusCode::OK, &all),
        (_, [one, ..]) => json_response(StatusCode::OK, one),
    };
    response.extensions_mut().insert(RefusedCalls::new(answers, who));
    response
}

fn answer(call: &Call, text: &str) -> Option<serde_json::Value> {
    let id = call.id()?;
    Some(if call.method() == "tools/call" {
        let content = json!([{ "type": "text", "text": text }]);
        json!({ "jsonrpc": "2.0", "id": id, "result": { "resultType": "complete", "content": content, "isError": true } })
    } else {
        json!({ "jsonrpc": "2.0", "id": id, "error": { "code": FORBIDDEN, "message": text } })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::entra::groups::Unread;
    use crate::policy::condition::{Unmet, Why};

    #[test]
    fn the_log_names_what_is_missing() {
        let names = || vec!["one".to_owned()];
        for (reason, missing) in [
            (Reason::NoRule, "rule"),
            (Reason::Roles(names()), "role"),
            (Reason::Groups(names()), "group"),
            (Reason::GroupsUnread(Unread::NotConfigured), "group"),
            (Reason::UserNeeded, "user"),
            (Reason::AppNeeded, "app"),
            (Reason::NotNamed(Kind::User), "user"),
            (Reason::NotNamed(Kind::Application), "app"),
            (Reason::Tenants(names()), "tenant"),
            (Reason::Condition(Unmet { condition: "x".to_owned(), why: Why::False }), "condition"),
            (Reason::Clients(names()), "client"),
            (Reason::ScopesNotGranted(names()), "scope"),
            (Reason::AmbiguousUri, "uri"),
            (Reason::LongUri(9_000), "uri"),
        ] {
            let forbidden = Forbidden { method: "tools/call".to_owned(), target: None, reason, rule: None };
            assert_eq!(forbidden.missing(), missing);
        }
    }
}
