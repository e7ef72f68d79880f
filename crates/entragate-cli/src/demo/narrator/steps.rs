//! The thirteen steps of a sign-in, one sentence each, and what can happen beside them.
//!
//! | steps | who | what |
//! |---|---|---|
//! | 1, 2 | client, gateway | a request without a token, and the challenge |
//! | 3, 4, 5 | client | metadata of the resource, of the authorization server, registration |
//! | 6, 7 | client, gateway | the browser comes, and goes on to Entra with a repaired request |
//! | 8, 9 | Entra | sign-in, and back to the client's callback |
//! | 10, 11, 12 | client, gateway | code for tokens |
//! | 13 | client, gateway | the first call with the token |

use std::fmt;

use entragate_emulator::{Endpoint, Event, Outcome, fixtures};
use owo_colors::OwoColorize as _;

use super::layer::Said;

/// A line of the narration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A step of the sign-in.
    Step(u8, String),
    /// Something beside the steps.
    Aside(String),
    /// Something was refused.
    Refusal(String),
    /// Between two sign-ins.
    Pause,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(number, text) => write!(f, "{:>2}{} {text}", number.bold(), ".".bold()),
            Self::Aside(text) => write!(f, "  {} {text}", "·".dimmed()),
            Self::Refusal(text) => write!(f, "  {} {text}", "✗".red()),
            Self::Pause => Ok(()),
        }
    }
}

/// Where the narration is.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The last leg, to tell probing clients from clients that go on.
    last: String,
    /// Tokens were handed out and not used yet.
    is_fresh: bool,
}

impl Steps {
    /// What to say about the gateway's word.
    pub(super) fn said(&mut self, said: &Said) -> Vec<Line> {
        let leg = said.leg();
        let is_probe =
            matches!(leg, "challenge" | "protected_resource_metadata" | "authorization_server_metadata");
        // Clients knock several times, and at several spellings of the same metadata.
        if is_probe && leg == self.last {
            return Vec::new();
        }
        self.last = leg.to_owned();
        match leg {
            "challenge" => challenge(),
            "protected_resource_metadata" => vec![step(
                3,
                "The client read /.well-known/oauth-protected-resource: the gateway is its authorization server",
            )],
            "authorization_server_metadata" => vec![step(
                4,
                "The client read /.well-known/oauth-authorization-server, which Entra does not have (RFC 8414): \
                 the gateway's endpoints, PKCE with S256",
            )],
            "register" => vec![step(
                5,
                "The client registered, which Entra does not offer (RFC 7591): it was given the id of the app \
                 registration made for MCP clients",
            )],
            "authorize" => authorize(said),
            "code" => self.code(),
            "refresh" => vec![aside(
                "The client renewed its token: the gateway added the scope, without which Entra may refuse \
                 (AADSTS90009), and dropped `resource`",
            )],
            "call" => self.call(said),
            "denied" => vec![denied(said)],
            "token_refused" => {
                vec![Line::Refusal(format!("The gateway refused a token: {}", said.field("reason")))]
            }
            "refused" => vec![Line::Refusal(format!(
                "The gateway refused a request to /oauth/{}: {}",
                said.field("endpoint"),
                said.field("reason")
            ))],
            _ => Vec::new(),
        }
    }

    /// What to say about what Entra did.
    pub(super) fn entra(&mut self, event: &Event) -> Vec<Line> {
        let user = event.user.as_deref().unwrap_or("somebody");
        let code = event.aadsts.unwrap_or_default();
        match (event.endpoint, event.outcome) {
            (Endpoint::Authorize, Outcome::SignInPage) => {
                vec![aside("Entra shows its sign-in page: pick somebody in the browser")]
            }
            (Endpoint::Authorize, Outcome::ConsentPage) => {
                vec![aside(&format!("Entra asks {user} to consent"))]
            }
            (Endpoint::Authorize, Outcome::MfaPage) => {
                vec![aside(&format!("Entra asks {user} for a second factor"))]
            }
            (Endpoint::Authorize, Outcome::Code) => vec![
                step(8, &format!("{user} signed in at Entra")),
                step(
                    9,
                    "Entra sent the browser back to the client's own callback, with a code that works once",
                ),
            ],
            (Endpoint::Authorize, Outcome::Refused) => {
                vec![Line::Refusal(format!("Entra refused the sign-in: AADSTS{code}"))]
            }
            (Endpoint::Token, Outcome::Refused) => {
                vec![Line::Refusal(format!("Entra issued no token: AADSTS{code}"))]
            }
            (Endpoint::Keys, Outcome::Served) => {
                vec![aside("The gateway read the keys that Entra signs tokens with")]
            }
            (_, Outcome::Fault) => {
                vec![Line::Refusal("Entra did not answer as it should: an injected fault".to_owned())]
            }
            // Tokens are told with the gateway's answer, documents not at all.
            _ => Vec::new(),
        }
    }

    fn code(&mut self) -> Vec<Line> {
        self.is_fresh = true;
        vec![
            step(10, "The client sent the code and its PKCE verifier to /oauth/token"),
            step(11, "The gateway passed them on to Entra, again with the scope and without `resource`"),
            step(
                12,
                "The client was given Entra's tokens: a JWT and a refresh token; the gateway kept neither",
            ),
        ]
    }

    fn call(&mut self, said: &Said) -> Vec<Line> {
        let who = name(said.field("object_id"));
        let (method, target) = (said.field("method"), said.field("target_name"));
        let what = if target.is_empty() { method.to_owned() } else { format!("{method} {target}") };
        if std::mem::take(&mut self.is_fresh) {
            return vec![step(
                13,
                &format!(
                    "The client called /mcp with the JWT: signature, issuer, audience and expiry are right, {who} \
                     may do {what}"
                ),
            )];
        }
        vec![aside(&format!("{who}: {what}"))]
    }
}

fn challenge() -> Vec<Line> {
    vec![
        Line::Pause,
        step(1, "A client called /mcp without a token"),
        step(2, "401 + WWW-Authenticate: the gateway said where to sign in (RFC 9728)"),
    ]
}

fn authorize(said: &Said) -> Vec<Line> {
    let callback = said.field("redirect_uri");
    let repaired = if said.field("resource") == "false" {
        "The scope was completed before Entra saw the request; there was no `resource` to drop"
    } else {
        "`resource` was dropped and the scope completed before Entra saw the request (or AADSTS9010010)"
    };
    vec![
        step(6, &format!("The client opened the browser at /oauth/authorize and waits at {callback}")),
        step(7, repaired),
    ]
}

fn denied(said: &Said) -> Line {
    let who = name(said.field("object_id"));
    match said.field("reason") {
        "" => Line::Refusal(format!("{who}'s token lacks a scope: the client was told to ask for it")),
        reason => Line::Refusal(format!("{who} was told: {reason}")),
    }
}

fn step(number: u8, text: &str) -> Line {
    Line::Step(number, text.to_owned())
}

fn aside(text: &str) -> Line {
    Line::Aside(text.to_owned())
}

/// The fixture user with this object id.
fn name(object_id: &str) -> &str {
    fixtures::USERS.iter().find(|(_, id)| *id == object_id).map_or("somebody", |(name, _)| *name)
}
