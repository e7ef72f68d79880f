//! What happened, in a form fit for narration: nothing in it is secret.

use serde::Serialize;

use crate::fault::Endpoint;

/// One answered protocol request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status.
    pub status: u16,
    /// The AADSTS code of a refusal.
    pub aadsts: Option<u32>,
    /// `client_id`, as far as it was a known app: the app's name.
    pub client: Option<String>,
    /// The user's name, once somebody is signed in.
    pub user: Option<String>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// A document was served.
    #[default]
    Served,
    /// The sign-in page was shown.
    SignInPage,
    /// The consent page was shown.
    ConsentPage,
    /// The multi-factor page was shown.
    MfaPage,
    /// A code was issued.
    Code,
    /// Tokens were issued.
    Tokens,
    /// The client's error, see the AADSTS code.
    Refused,
    /// An injected fault.
    Fault,
}
