//! The gateway's credential, tried: a token for the app itself (`client_credentials`, scope `{API}/.default`) proves the
//! credential and shows which tokens the API app gets. The token is looked at and dropped.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use entragate::aadsts::codes_in;
use entragate::{ClientId, Timestamp};
use http::StatusCode;
use serde_json::Value;

use super::entra::Documents;
use super::held::Held;
use super::wire::{Question, Wire, WireError};
use crate::graph::objects::{KeyCredential, PasswordCredential};

/// How the attempt ended.
#[derive(Debug)]
pub(in crate::doctor) enum Proof {
    /// A token came; its `ver`, `1.0` or `2.0`.
    Token { version: Option<String> },
    /// Refused with a code.
    Refused(Refusal),
    /// The credential could not be read or fetched.
    Unusable { what: String, hint: &'static str },
    /// No answer.
    Unreachable(WireError),
    /// An answer that nobody expected.
    Strange(String),
}

/// A refusal of the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) struct Refusal {
    pub(in crate::doctor) code: u64,
}

impl Refusal {
    /// Whether the credential itself was accepted: the refusal is about what comes after it.
    pub(in crate::doctor) const fn is_after_the_credential(self) -> bool {
        matches!(self.code, 501_051 | 500_011 | 650_052 | 90009 | 1_002_012)
    }

    /// Whether it is about the app, which other checks look at, and not about its credential.
    pub(in crate::doctor) const fn is_about_the_app(self) -> bool {
        matches!(self.code, 700_016 | 7_000_112 | 7_000_229)
    }

    /// Whether a federated credential does not fit the token.
    pub(in crate::doctor) const fn is_federated(self) -> bool {
        matches!(self.code, 70021 | 700_211 | 700_212 | 700_213)
    }
}

pub(super) async fn prove(
    wire: &Wire,
    documents: &Documents,
    held: Held<'_>,
    api: &ClientId,
    now: Timestamp,
) -> Proof {
    let client = held.app.as_str();
    let parameters = match held.credential.parameters(client, &documents.token, now).await {
        Ok(parameters) => parameters,
        Err(error) => return Proof::Unusable { what: error.to_string(), hint: error.hint() },
    };
    let scope = format!("{api}/.default");
    let mut form =
        vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", scope.as_str())];
    form.extend(parameters.iter().map(|(name, value)| (*name, value.expose())));
    let answer = match wire.ask(&Question::form(&documents.token, &form)).await {
        Ok(answer) => answer,
        Err(error) => return Proof::Unreachable(error),
    };
    if answer.status == StatusCode::OK {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        return Proof::Token { version: body["access_token"].as_str().and_then(version) };
    }
    match codes_in(&answer.text()).last() {
        Some(&code) => Proof::Refused(Refusal { code }),
        None => Proof::Strange(format!("status {} without an error code", answer.status)),
    }
}

/// The claims of the assertion that the gateway presents; the assertion itself goes nowhere.
pub(super) async fn assertion_claims(
    documents: &Documents,
    held: Held<'_>,
    now: Timestamp,
) -> Result<Value, String> {
    let parameters = held.credential.parameters(held.app.as_str(), &documents.token, now).await;
    let parameters = parameters.map_err(|error| error.to_string())?;
    let assertion = parameters.iter().find(|(name, _)| *name == "client_assertion");
    assertion
        .and_then(|(_, assertion)| claims(assertion.expose()))
        .ok_or_else(|| "the credential is no JWT".to_owned())
}

/// How Graph tells the gateway's secret or certificate among those of its app: never more of a secret than the three
/// characters that Graph shows everybody who may read the app (`hint`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) enum Mark {
    /// The first three characters of the secret.
    Hint(String),
    /// The certificate, in each way that `customKeyIdentifier` is seen to be written.
    Thumbprints(Vec<String>),
}

pub(super) async fn mark(documents: &Documents, held: Held<'_>, now: Timestamp) -> Result<Mark, String> {
    if let Some(digests) = held.credential.thumbprints().await {
        let written =
            digests.iter().flat_map(|digest| [KeyCredential::identifier(digest), STANDARD.encode(digest)]);
        return Ok(Mark::Thumbprints(written.collect()));
    }
    let parameters = held.credential.parameters(held.app.as_str(), &documents.token, now).await;
    let parameters = parameters.map_err(|error| error.to_string())?;
    let secret = parameters.iter().find(|(name, _)| *name == "client_secret");
    let (_, secret) = secret.ok_or("the credential is neither a secret nor a certificate")?;
    Ok(Mark::Hint(PasswordCredential::hint_of(secret)))
}

fn version(token: &str) -> Option<String> {
    claims(token)?["ver"].as_str().map(str::to_owned)
}

fn claims(token: &str) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
