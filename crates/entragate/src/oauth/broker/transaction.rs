//! The stages of a sign-in, each a type of its own. A transition consumes the stage before, and each stage is sealed
//! for its own purpose, so a form cannot stand for a state and a state not for a code.
//!
//! ```text
//! Asked ─show─> Pending (sealed in the consent form) ─approve─> Consented (sealed as Entra's `state`)
//!       ─come back─> Grant (parked for the code's minute) ─redeem─> tokens
//! ```

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::oauth::client::{Client, Fingerprint, Kind};
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::reply::ReplyTo;
use crate::person::Person;
use crate::random::{self, NoRandomness};
use crate::seal::Sealable;
use crate::trace::TraceId;

/// How long a consent page can be answered.
pub(crate) const FORM_LIFE: Duration = Duration::from_secs(60 * 60);
/// How long the person may take at Entra: Inspector waits 15 minutes, and multi-factor sign-in takes its time (K38).
pub(crate) const ENTRA_LIFE: Duration = Duration::from_secs(20 * 60);
/// How long a code lives (AS-29). Clients redeem it at once.
pub(crate) const CODE_LIFE: Duration = Duration::from_secs(60);

/// The client as the rest of a sign-in needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskingClient {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) label: String,
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) digest: String,
}

impl From<&Client> for AskingClient {
    fn from(client: &Client) -> Self {
        // A registered client's label is made of its fingerprint.
        Self {
            fingerprint: client.fingerprint.clone(),
            label: client.label.clone(),
            name: client.name.clone(),
            kind: client.kind.clone(),
            digest: client.digest.clone(),
        }
    }
}

/// What a client asked for, checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) trace: TraceId,
    pub(crate) client: AskingClient,
    pub(crate) reply: ReplyTo,
    pub(crate) challenge: CodeChallenge,
    /// As the client wrote it: the token response speaks its vocabulary (K40).
    pub(crate) scope: Option<String>,
    pub(crate) resource: String,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) login_hint: Option<String>,
    pub(crate) domain_hint: Option<String>,
}

/// The values of `prompt` that reach Entra.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Prompt {
    Login,
    SelectAccount,
    None,
}

impl Prompt {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SelectAccount => "select_account",
            Self::None => "none",
        }
    }
}

/// The consent page is open. Sealed in its form.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) asked: Asked,
    /// Hash of the cookie of the browser that the page was shown to.
    pub(crate) browser: String,
    pub(crate) expires: Timestamp,
}

impl Sealable for Pending {
    const PURPOSE: &'static str = "pending/1";
    const PREFIX: &'static str = "egf_";
}

/// The person approved, now or before. Sealed as the `state` that goes to Entra.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Consented {
    pub(crate) id: String,
    pub(crate) asked: Asked,
    /// Our own PKCE pair towards Entra; the client's is checked here (RFC 7636).
    pub(crate) verifier: String,
    /// Hash of the cookie that was set with the approval.
    pub(crate) browser: String,
    pub(crate) approval: Approval,
    /// What Conditional Access demanded, and Entra was told.
    pub(crate) claims: Option<String>,
    pub(crate) expires: Timestamp,
}

impl Sealable for Consented {
    const PURPOSE: &'static str = "state/1";
    const PREFIX: &'static str = "egs_";
}

/// How the person approved.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Approval {
    /// On the page, for this once.
    Now,
    /// On the page, and wants it to be remembered.
    Remember,
    /// Earlier, as this user; somebody else has not.
    Before {
        /// Hash of the user.
        user: String,
    },
}

/// Entra vouches for the person. Parked while the code is on its way.
#[derive(Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) person: Person,
    /// Entra's refresh token.
    pub(crate) refresh_token: Option<String>,
    /// Entra's access token, where it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<String>,
    /// When Entra's access token ends.
    pub(crate) ends: Timestamp,
}

impl Sealable for Grant {
    const PURPOSE: &'static str = "grant/1";
    const PREFIX: &'static str = "egg_";
}

/// The authorization code: everything that is checked before the parked [`Grant`] is touched.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuthorizationCode {
    pub(crate) id: String,
    pub(crate) trace: TraceId,
    pub(crate) client: Fingerprint,
    pub(crate) label: String,
    /// Hash of the redirect URI.
    pub(crate) redirect_uri: String,
    pub(crate) challenge: CodeChallenge,
    pub(crate) scope: Option<String>,
    pub(crate) resource: String,
    pub(crate) expires: Timestamp,
}

impl Sealable for AuthorizationCode {
    const PURPOSE: &'static str = "code/1";
    const PREFIX: &'static str = "ego_";
}

impl Pending {
    /// The person approved. The cookie's value is for the browser, its hash for the state.
    pub(crate) fn approve(
        self,
        approval: Approval,
        now: Timestamp,
    ) -> Result<(Consented, String), NoRandomness> {
        Consented::new(self.asked, approval, None, now)
    }
}

impl Consented {
    /// The way to Entra and back begins.
    pub(crate) fn new(
        asked: Asked,
        approval: Approval,
        claims: Option<String>,
        now: Timestamp,
    ) -> Result<(Self, String), NoRandomness> {
        let cookie = random::unguessable()?;
        let consented = Self {
            id: random::id()?,
            asked,
            verifier: random::unguessable()?,
            browser: hashed(&cookie),
            approval,
            claims,
            expires: now.plus(ENTRA_LIFE),
        };
        Ok((consented, cookie))
    }

    pub(crate) fn upstream_challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()))
    }
}

/// SHA-256 in 43 characters.
pub(crate) fn hashed(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}
