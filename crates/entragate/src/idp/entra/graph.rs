//! Microsoft Graph, as far as the gateway asks it: of which groups a user is a member. With a token of the gateway's own
//! (client credentials), at the host that the tenant's discovery document names.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::credential::Credential;
use super::errors::EntraError;
use super::groups::Unread;
use super::registration::{ClientId, is_guid};
use crate::clock::{Clock, Timestamp};
use crate::idp::http::{Answer, Outbound};
use crate::oauth::params::encoded;
use crate::secret::Secret;
use crate::token::keys::Keyring;
use crate::token::refused::shown;

/// Every application permission that was granted, in every cloud: Graph by its application id.
const SCOPE: &str = "00000003-0000-0000-c000-000000000000/.default";
/// A token is replaced before it ends, or a request that is on its way would come too late.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// When Graph says "later" and not when.
const LATER: u64 = 10;

/// The gateway at Graph.
pub(crate) struct Graph {
    http: Outbound,
    keyring: Arc<Keyring>,
    client: ClientId,
    credential: Credential,
    clock: Arc<dyn Clock>,
    /// Held while a token is fetched: whoever waits gets the same one.
    token: Mutex<Option<GraphToken>>,
}

struct GraphToken {
    bearer: Secret,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Members {
    value: Vec<String>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Failed {
    error: GraphError,
}

#[derive(Deserialize)]
struct GraphError {
    code: String,
}

impl Graph {
    pub(crate) fn new(
        http: Outbound,
        keyring: Arc<Keyring>,
        client: ClientId,
        credential: Credential,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { http, keyring, client, credential, clock, token: Mutex::new(None) }
    }

    /// The ids of everything that the user is a member of, directly or through other groups ([Microsoft:
    /// getMemberObjects]), if there are no more than `most`.
    ///
    /// [Microsoft: getMemberObjects]: https://learn.microsoft.com/graph/api/directoryobject-getmemberobjects
    pub(crate) async fn member_of(&self, object_id: &str, most: usize) -> Result<Vec<String>, Unread> {
        // It becomes part of a path, and no user has another one.
        if !is_guid(object_id) {
            return Err(Unread::NoSuchUser);
        }
        let snapshot =
            self.keyring.snapshot().await.map_err(|error| Unread::Unreachable(error.to_string()))?;
        let graph = snapshot.endpoints.graph.as_ref().ok_or(Unread::NoGraph)?;
        let url = format!("{graph}/v1.0/users/{object_id}/getMemberObjects");
        let mut answer = self.ask(&url, snapshot.endpoints.token.as_str()).await?;
        if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status) {
            // Revoked before its time, or from before a permission was granted: the next request gets a new one.
            *self.token.lock().await = None;
        }
        if answer.status == StatusCode::UNAUTHORIZED {
            answer = self.ask(&url, snapshot.endpoints.token.as_str()).await?;
        }
        members(&answer, most)
    }

    async fn ask(&self, url: &str, token_endpoint: &str) -> Result<Answer, Unread> {
        let bearer = self.bearer(token_endpoint).await?;
        let body = r#"{"securityEnabledOnly":true}"#;
        self.http.post_json(url, &bearer, body).await.map_err(|error| Unread::Unreachable(error.to_string()))
    }

    async fn bearer(&self, token_endpoint: &str) -> Result<Secret, Unread> {
        let mut held = self.token.lock().await;
        let now = self.clock.now();
        if let Some(token) = held.as_ref().filter(|token| now < token.until) {
            return Ok(token.bearer.clone());
        }
        let credential = self.credential.parameters(self.client.as_str(), token_endpoint, now).await;
        let credential = credential.map_err(|error| Unread::Token(error.to_string()))?;
        let mut pairs =
            vec![("client_id", self.client.as_str()), ("scope", SCOPE), ("grant_type", "client_credentials")];
        pairs.extend(credential.iter().map(|(name, value)| (*name, value.expose())));
        let answer = self.http.post_form(token_endpoint, encoded(pairs)).await;
        let answer = answer.map_err(|error| Unread::Unreachable(error.to_string()))?;
        if is_later(answer.status) {
            return Err(Unread::Throttled(retry_after(&answer)));
        }
        let issued = match answer.status {
            StatusCode::OK => serde_json::from_slice::<Issued>(&answer.body).ok(),
            _ => None,
        };
        let Some(issued) = issued else {
            let aadsts = EntraError::parse(&answer.body).and_then(|error| error.aadsts());
            return Err(Unread::Token(aadsts.unwrap_or_else(|| format!("status {}", answer.status))));
        };
        let bearer = Secret::new(issued.access_token);
        // Whatever `expires_in` is, the token serves this one request.
        let until = now.plus(Duration::from_secs(issued.expires_in).saturating_sub(MARGIN));
        *held = Some(GraphToken { bearer: bearer.clone(), until });
        Ok(bearer)
    }
}

fn is_later(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE
}

fn retry_after(answer: &Answer) -> u64 {
    let seconds = answer.retry_after.as_ref().and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.unwrap_or(LATER)
}

fn members(answer: &Answer, most: usize) -> Result<Vec<String>, Unread> {
    let code = || {
        let failed: Option<Failed> = serde_json::from_slice(&answer.body).ok();
        failed.map(|failed| shown(&failed.error.code)).unwrap_or_default()
    };
    match answer.status {
        StatusCode::OK => {}
        StatusCode::FORBIDDEN => return Err(Unread::Permission(code())),
        StatusCode::NOT_FOUND => return Err(Unread::NoSuchUser),
        status if is_later(status) => return Err(Unread::Throttled(retry_after(answer))),
        // Graph gives up beyond 11,000.
        StatusCode::BAD_REQUEST if code() == "Directory_ResultSizeLimitExceeded" => {
            return Err(Unread::TooMany(most));
        }
        status => return Err(Unread::Unusable(format!("status {status} {}", code()))),
    }
    let members: Members = serde_json::from_slice(&answer.body)
        .map_err(|error| Unread::Unusable(format!("not a list of ids: {error}")))?;
    if members.value.len() > most || members.next.is_some() {
        return Err(Unread::TooMany(most));
    }
    Ok(members.value)
}
