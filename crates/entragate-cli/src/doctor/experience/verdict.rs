//! Steps of a sign-in, and how each ends for a client.

use crate::clients::Client;

/// A step between typing the URL and calling a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The metadata is found, and is about what was asked for.
    Discovery,
    /// The client gets an id.
    Registration,
    /// The gateway allows its callback.
    RedirectHere,
    /// Entra allows its callback (relay mode).
    RedirectAtEntra,
    /// PKCE is advertised as the client demands.
    Pkce,
    /// The authorization response has the `iss` that the client demands.
    Iss,
    /// No needless consent page.
    Consent,
    /// The code becomes a token.
    Token,
    /// The token is renewed without a sign-in.
    Refresh,
    /// Tools are listed.
    Tools,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 10] = [
        Self::Discovery,
        Self::Registration,
        Self::RedirectHere,
        Self::RedirectAtEntra,
        Self::Pkce,
        Self::Iss,
        Self::Consent,
        Self::Token,
        Self::Refresh,
        Self::Tools,
    ];

    /// The name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Registration => "registration",
            Self::RedirectHere => "redirect_here",
            Self::RedirectAtEntra => "redirect_at_entra",
            Self::Pkce => "pkce",
            Self::Iss => "iss",
            Self::Consent => "consent",
            Self::Token => "token",
            Self::Refresh => "refresh",
            Self::Tools => "tools_list",
        }
    }

    /// The heading of its column.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Registration => "registration",
            Self::RedirectHere => "callback here",
            Self::RedirectAtEntra => "at Entra",
            Self::Pkce => "PKCE",
            Self::Iss => "iss",
            Self::Consent => "consent",
            Self::Token => "token",
            Self::Refresh => "refresh",
            Self::Tools => "tools/list",
        }
    }

    /// Where a failure of this step is repaired.
    pub(super) const fn place(self) -> &'static str {
        match self {
            Self::Registration => "broker.registration, client_documents.enabled, [[clients]]",
            Self::RedirectHere => "allowed_redirect_uris",
            Self::RedirectAtEntra => {
                "App registrations, the client app, Authentication, Mobile and desktop applications"
            }
            Self::Iss => "mode",
            _ => "BASE_URL",
        }
    }

    pub(super) const fn fix(self) -> &'static str {
        match self {
            Self::RedirectHere => "add the callback to the allowed redirect URIs",
            Self::RedirectAtEntra => "register each of them",
            Self::Iss => "use broker mode, which sends iss",
            Self::Registration => "allow one of the ways in which it gets a client id",
            _ => "see docs/clients.md",
        }
    }

    /// Whether the reason is a finding of a check, and the same for all clients.
    pub(super) fn is_of_everybody(reason: &str) -> bool {
        reason.starts_with(EVERYBODY)
    }
}

/// How a reason begins that a check has reported.
pub(super) const EVERYBODY: &str = "nobody can:";

/// How a step ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Works,
    /// It stops here.
    Fails(String),
    /// It cannot be said from here.
    Unknown(String),
    /// There is no such step in this mode.
    NotNeeded,
}

/// One client, step by step.
pub struct Experience {
    /// The client.
    pub client: &'static Client,
    /// In the order of [`Step::ALL`].
    pub steps: Vec<(Step, Verdict)>,
}
