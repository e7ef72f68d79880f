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

use super::super::Mode;
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
    mode: Mode,
    /// The last leg, to tell probing clients from clients that go on.
    last: String,
    /// Tokens were handed out and not used yet.
    is_fresh: bool,
}

impl Steps {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// What to say about the gateway's word.
    pub(super) fn said(&mut self, said: &Said) -> Vec<Line> {
        let leg = said.leg();
        let is_probe =
            matches!(leg, "challenge" | "protected_resource_metadata" | "authorization_server_metadata");
        // Clients knock several times, and at several spellings of the same metadata.
        if is_probe && leg == self.last {
            return Vec::new();
        }
        leg.clone_into(&mut self.last);
        match leg {
            "challenge" => challenge(),
            "protected_resource_metadata" => vec![step(
                3,
                "The client read /.well-known/oauth-protected-resource: people sign in at the gateway",
            )],
            "authorization_server_metadata" => vec![step(
                4,
                "The client read /.well-known/oauth-authorization-server (RFC 8414), which Entra does not have",
            )],
            _ if self.mode == Mode::Broker && !said.field("outcome").is_empty() => self.brokered(said),
            "register" if self.mode == Mode::Broker => vec![step(
                5,
                "The client registered (RFC 7591), which Entra does not offer, and has a client id of its own",
            )],
            "register" => vec![step(
                5,
                "The client registered (RFC 7591), which Entra does not offer, and was given a prepared client id",
            )],
            "authorize" => authorize(said),
            "code" => self.code(),
            "refresh" => vec![aside(
                "The client renewed its token: Entra saw the scope (or AADSTS90009) and no `resource`",
            )],
            "call" => self.call(said),
            "denied" => vec![denied(said)],
            "token_refused" => {
                vec![refusal(format!("The gateway refused a token: {}", said.reason()))]
            }
            "refused" => vec![refusal(format!(
                "The gateway refused a request to /oauth/{}: {}",
                said.field("endpoint"),
                said.reason()
            ))],
            _ => Vec::new(),
        }
    }

    /// What to say about what Entra did. Tokens are told with the gateway's answer, documents not at all.
    pub(super) fn entra(&self, event: &Event) -> Vec<Line> {
        let user = event.user.as_deref().unwrap_or("somebody");
        let why = event.aadsts.map_or_else(|| "without a code".to_owned(), |code| format!("AADSTS{code}"));
        let line = match (event.endpoint, event.outcome) {
            (_, Outcome::Fault) => refusal("Entra did not answer as it should: an injected fault"),
            (Endpoint::Authorize, Outcome::Code) if self.mode == Mode::Broker => {
                return vec![step(
                    9,
                    format!("{user} signed in at Entra, which sent the browser back to the gateway"),
                )];
            }
            (Endpoint::Authorize, Outcome::Code) => {
                return vec![
                    step(8, format!("{user} signed in at Entra")),
                    step(9, "Entra sent the browser back to the client's own callback, with a one-time code"),
                ];
            }
            (Endpoint::Authorize, Outcome::SignInPage) => {
                aside("Entra shows its sign-in page: pick somebody in the browser")
            }
            (Endpoint::Authorize, Outcome::ConsentPage) => aside(format!("Entra asks {user} to consent")),
            (Endpoint::Authorize, Outcome::MfaPage) => {
                aside(format!("Entra asks {user} for a second factor"))
            }
            (Endpoint::Authorize, Outcome::Refused) => refusal(format!("Entra refused the sign-in: {why}")),
            (Endpoint::Token, Outcome::Refused) => refusal(format!("Entra issued no token: {why}")),
            _ => return Vec::new(),
        };
        vec![line]
    }

    /// The legs of broker mode, each with its outcome.
    fn brokered(&mut self, said: &Said) -> Vec<Line> {
        let (leg, reason) = (said.leg(), said.reason());
        match (leg, said.field("outcome")) {
            (_, "failed" | "refused") => {
                vec![refusal(format!("The sign-in did not go on ({leg}): {reason}"))]
            }
            ("authorize", _) => vec![step(6, "The client opened the browser at /oauth/authorize")],
            ("consent", "waiting") => vec![step(
                7,
                "The gateway asks the person whether the client may (nothing at Entra has happened yet)",
            )],
            ("consent", _) => vec![aside(format!("Consent: {reason}"))],
            ("entra", _) => vec![step(
                8,
                "The browser was sent to Entra: one client, one redirect URI, our own PKCE, no `resource`",
            )],
            ("callback", _) => vec![step(
                10,
                "The gateway redeemed Entra's code, verified the token, and sent the browser to the client with a code of its own and `iss`",
            )],
            ("code", _) => {
                self.is_fresh = true;
                vec![
                    step(11, "The client brought the code and its PKCE verifier to /oauth/token"),
                    step(12, "The client was given opaque tokens of the gateway; Entra's stay sealed"),
                ]
            }
            ("refresh", _) => vec![aside(
                "The client renewed its tokens: the gateway asked Entra, and the old refresh token is used up",
            )],
            _ => Vec::new(),
        }
    }

    fn code(&mut self) -> Vec<Line> {
        self.is_fresh = true;
        vec![
            step(10, "The client brought the code and its PKCE verifier to /oauth/token"),
            step(11, "The gateway passed them on to Entra, again with the scope and without `resource`"),
            step(12, "The client was given Entra's JWT and a refresh token; the gateway kept neither"),
        ]
    }

    fn call(&mut self, said: &Said) -> Vec<Line> {
        let who = name(said.field("object_id"));
        let (method, target) = (said.field("method"), said.field("target_name"));
        let what = format!("{method} {target}");
        let what = what.trim_end();
        if std::mem::take(&mut self.is_fresh) {
            let text = match self.mode {
                Mode::Relay => {
                    let checked = "its signature, issuer, audience and expiry are right";
                    format!("The client called /mcp with the JWT: {checked}, so {who} may {what}")
                }
                Mode::Broker => {
                    format!(
                        "The client called /mcp with its token, which only the gateway can open: {who} may {what}"
                    )
                }
            };
            return vec![step(13, text)];
        }
        if method.starts_with("notifications/") {
            return Vec::new();
        }
        vec![aside(format!("{who}: {what}"))]
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
    let repaired = if said.field("resource_dropped") == "true" {
        "`resource` was dropped and the scope completed before Entra saw the request (or AADSTS9010010)"
    } else {
        "The scope was completed before Entra saw the request; this client sent no `resource` to drop"
    };
    vec![
        step(6, format!("The client opened the browser at /oauth/authorize and waits at {callback}")),
        step(7, repaired),
    ]
}

fn denied(said: &Said) -> Line {
    let who = name(said.field("object_id"));
    match said.field("reason") {
        "" => refusal(format!("{who}'s token lacks a scope: the client was told to ask for it")),
        reason => refusal(format!("{who} was told: {reason}")),
    }
}

fn step(number: u8, text: impl Into<String>) -> Line {
    Line::Step(number, text.into())
}

fn aside(text: impl Into<String>) -> Line {
    Line::Aside(text.into())
}

fn refusal(text: impl Into<String>) -> Line {
    Line::Refusal(text.into())
}

/// The fixture user with this object id.
fn name(object_id: &str) -> &str {
    fixtures::USERS.iter().find(|(_, id)| *id == object_id).map_or("somebody", |(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(legs: &[Said]) -> String {
        let mut steps = Steps::default();
        let lines = legs.iter().flat_map(|said| steps.said(said));
        lines.fold(String::new(), |told, line| {
            let line = line.to_string();
            told + &anstream::adapter::strip_str(&line).to_string() + "\n"
        })
    }

    #[test]
    fn probing_clients_are_told_once() {
        let said = |leg| Said::new(leg, &[]);
        let told = tell(&[
            said("challenge"),
            said("challenge"),
            said("protected_resource_metadata"),
            said("protected_resource_metadata"),
        ]);
        assert_eq!(told.lines().filter(|line| !line.is_empty()).count(), 3, "{told}");
    }

    #[test]
    fn only_the_first_call_with_a_new_token_is_a_step() {
        let alice = fixtures::user_oid("alice");
        let call = |method| Said::new("call", &[("method", method), ("object_id", alice)]);
        let told = tell(&[
            Said::new("code", &[]),
            call("initialize"),
            call("notifications/initialized"),
            call("tools/list"),
        ]);
        assert!(told.contains("13. The client called /mcp with the JWT"), "{told}");
        assert!(told.ends_with("so alice may initialize\n  · alice: tools/list\n"), "{told}");
    }

    #[test]
    fn a_refusal_is_told_in_the_words_that_the_person_reads() {
        let bob = fixtures::user_oid("bob");
        let told = tell(&[Said::new("denied", &[("reason", "Not allowed: …"), ("object_id", bob)])]);
        assert_eq!(told, "  ✗ bob was told: Not allowed: …\n");
    }
}
