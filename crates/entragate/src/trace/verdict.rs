//! What an attempt comes to: read from its last leg.

use std::time::Duration;

use super::{Leg, Outcome, Step};
use crate::clock::Timestamp;

/// A client redeems its code at once; after this long it will not.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// A page that is open for so long was left.
const LEFT: Duration = Duration::from_secs(20 * 60);

pub(super) fn verdict(steps: &[Step], now: Timestamp) -> String {
    let Some(last) = steps.last() else { return "Nothing has happened yet.".to_owned() };
    let waited = now.since(last.at);
    let text = match (last.leg, last.outcome) {
        (_, Outcome::Failed) => return format!("It ended here: {}", last.text),
        (Leg::Consent, Outcome::Waiting) if waited < LEFT => {
            "The consent page is open; the person has not answered yet."
        }
        (Leg::Consent, Outcome::Waiting) => {
            "The consent page was left without an answer. The client may still wait: start the sign-in again."
        }
        (Leg::Entra, _) if waited < LEFT => {
            "The person is at Entra's sign-in page. If Entra shows an error there, its sign-in log has it; the gateway hears of it only when the person comes back."
        }
        (Leg::Entra, _) => {
            "The person never came back from Entra: the page was closed, or Entra showed an error that only its sign-in log has. Start the sign-in again."
        }
        (Leg::Callback, _) if waited < CODE_LIFE => {
            "Entra was fine and a code was issued; the client has not redeemed it yet."
        }
        (Leg::Callback, _) => {
            "Entra was fine and a code was issued, and the client never came back for it: the browser could not reach the client's callback, or the client gave up waiting."
        }
        (Leg::Code, _) => "The client has its tokens and has not called the MCP server yet.",
        (Leg::FirstCall, _) => "Everything worked: the client is signed in and calls the MCP server.",
        (Leg::Discovery | Leg::Registration | Leg::Authorize | Leg::Consent, _) => "The sign-in has begun.",
    };
    text.to_owned()
}
