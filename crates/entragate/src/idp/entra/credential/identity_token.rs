//! The token of a managed identity, fetched where Azure offers it and kept until it is nearly over.
//!
//! - single flight: however many wait, one asks, and all share its outcome, for some seconds also a failure;
//! - five minutes before a token expires a new one is fetched; while that fails, the old one is used to its end.

use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::error::{CredentialError, IdentityProblem};
use super::file::is_jwt;
use super::managed_identity::{Endpoint, ManagedIdentity};
use crate::clock::Timestamp;
use crate::idp::http::Outbound;
use crate::secret::Secret;

const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// Characters of an error text that are repeated.
const MAX_TEXT: usize = 300;

/// Gets and keeps the token.
pub(super) struct IdentityTokens {
    http: Outbound,
    url: Url,
    headers: HeaderMap,
    is_system_assigned: bool,
    current: ArcSwapOption<Token>,
    /// Held by whoever fetches; inside, the last failure.
    flight: Mutex<Option<(Timestamp, IdentityProblem)>>,
}

struct Token {
    text: Secret,
    expires: Timestamp,
}

impl IdentityTokens {
    pub(super) fn of(identity: ManagedIdentity) -> Result<Self, CredentialError> {
        let ManagedIdentity { client_id, audience, endpoint } = identity;
        if audience.trim().is_empty() {
            return Err(IdentityProblem::Audience.into());
        }
        let (mut url, headers, version) = match endpoint {
            Endpoint::Imds { host } => {
                let path = format!("{}/metadata/identity/oauth2/token", host.trim_end_matches('/'));
                (address(&path)?, header("metadata", "true")?, "2018-02-01")
            }
            Endpoint::AppService { endpoint, header: secret } => {
                (address(&endpoint)?, header("x-identity-header", secret.expose())?, "2019-08-01")
            }
        };
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", &audience);
        if let Some(client_id) = &client_id {
            url.query_pairs_mut().append_pair("client_id", client_id.as_str());
        }
        Ok(Self {
            http: Outbound::direct().map_err(|error| CredentialError::Outbound(error.to_string()))?,
            url,
            headers,
            is_system_assigned: client_id.is_none(),
            current: ArcSwapOption::empty(),
            flight: Mutex::default(),
        })
    }

    pub(super) fn warning(&self) -> Option<&'static str> {
        self.is_system_assigned.then_some(
            "the managed identity is system-assigned: Microsoft supports only user-assigned ones as federated \
             credentials of an app registration",
        )
    }

    /// A token that is good for some minutes.
    pub(super) async fn token(&self, now: Timestamp) -> Result<Secret, IdentityProblem> {
        let fresh = now.plus(RENEW_BEFORE);
        if let Some(token) = self.kept(fresh) {
            return Ok(token);
        }
        let mut failure = self.flight.lock().await;
        // Whoever had to wait finds what the one before brought.
        if let Some(token) = self.kept(fresh) {
            return Ok(token);
        }
        let failed_recently = failure.as_ref().filter(|(when, _)| now.since(*when) < RETRY_INTERVAL);
        let problem = match failed_recently {
            Some((_, problem)) => problem.clone(),
            None => match self.fetch(now).await {
                Ok(token) => {
                    *failure = None;
                    let text = token.text.clone();
                    self.current.store(Some(token.into()));
                    return Ok(text);
                }
                Err(problem) => {
                    tracing::warn!(target: "entragate::credential", reason = %problem, "no new token for the managed identity");
                    *failure = Some((now, problem.clone()));
                    problem
                }
            },
        };
        self.kept(now).ok_or(problem)
    }

    /// The token, if it is good beyond `when`.
    fn kept(&self, when: Timestamp) -> Option<Secret> {
        self.current.load().as_ref().filter(|token| token.expires > when).map(|token| token.text.clone())
    }

    async fn fetch(&self, now: Timestamp) -> Result<Token, IdentityProblem> {
        let answer = self.http.get_with(self.url.as_str(), self.headers.clone()).await;
        let answer = answer.map_err(|error| IdentityProblem::Unreachable(error.to_string()))?;
        if answer.status != http::StatusCode::OK {
            let text = Refusal::text(&answer.body);
            return Err(IdentityProblem::Refused { status: answer.status.as_u16(), text });
        }
        // The parser's own words may quote the token.
        let answer: TokenAnswer = serde_json::from_slice(&answer.body)
            .map_err(|_| IdentityProblem::Unusable("it is not JSON with an access_token"))?;
        let text = Secret::new(answer.access_token);
        if !is_jwt(text.expose()) {
            return Err(IdentityProblem::Unusable("the access_token is not a JWT"));
        }
        let from_now = || Some(now.plus(Duration::from_secs(answer.expires_in.as_ref()?.get()?)));
        let expires = answer.expires_on.as_ref().and_then(Seconds::get).map(Timestamp::from_unix);
        let expires = expires
            .or_else(from_now)
            .ok_or(IdentityProblem::Unusable("it does not say when the token expires"))?;
        Ok(Token { text, expires })
    }
}

fn address(text: &str) -> Result<Url, IdentityProblem> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    });
    url.ok_or(IdentityProblem::Endpoint)
}

/// A header that proves the request was not forged by way of this server (SSRF).
fn header(name: &'static str, value: &str) -> Result<HeaderMap, IdentityProblem> {
    let mut value =
        HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()).ok_or(IdentityProblem::Header)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(HeaderName::from_static(name), value)]))
}

/// What both endpoints answer; App Service leaves `expires_in` out.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_on: Option<Seconds>,
    expires_in: Option<Seconds>,
}

/// Documented as text, and a number is what anybody would expect.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl Seconds {
    fn get(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// `error_description` of the metadata service, `message` of App Service.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(alias = "message")]
    error_description: String,
}

impl Refusal {
    fn text(body: &[u8]) -> String {
        let refusal: Self = serde_json::from_slice(body).unwrap_or_default();
        let printable = refusal.error_description.chars().map(|c| if c.is_control() { ' ' } else { c });
        printable.take(MAX_TEXT).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::extract::{RawQuery, State};
    use axum::http::StatusCode;
    use axum::routing::get;

    use super::*;
    use crate::idp::entra::credential::Credential;
    use crate::idp::entra::credential::scratch::exposed;
    use crate::idp::entra::registration::ClientId;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const IDENTITY: &str = "a0000000-0000-4000-8000-00000000000f";
    const IMDS: &str = "/metadata/identity/oauth2/token";

    /// An endpoint that counts, answers what it is told to, and keeps the last request.
    #[derive(Clone)]
    struct Azure {
        origin: String,
        asked: Arc<AtomicUsize>,
        answer: Arc<ArcSwapOption<(StatusCode, String)>>,
        seen: Arc<ArcSwapOption<(HeaderMap, String)>>,
    }

    impl Azure {
        async fn start() -> Self {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let azure = Self {
                origin: format!("http://{}", listener.local_addr().unwrap()),
                asked: Arc::default(),
                answer: Arc::default(),
                seen: Arc::default(),
            };
            let router = Router::new()
                .route(IMDS, get(Self::token))
                .route("/msi/token", get(Self::token))
                .with_state(azure.clone());
            tokio::spawn(async move { axum::serve(listener, router).await });
            azure
        }

        async fn token(
            State(azure): State<Self>,
            headers: HeaderMap,
            RawQuery(query): RawQuery,
        ) -> (StatusCode, String) {
            azure.asked.fetch_add(1, Ordering::SeqCst);
            azure.seen.store(Some(Arc::new((headers, query.unwrap_or_default()))));
            // Long enough for others to arrive and wait.
            tokio::task::yield_now().await;
            (*azure.answer.load_full().unwrap()).clone()
        }

        fn answers(&self, status: StatusCode, body: &str) {
            self.answer.store(Some(Arc::new((status, body.to_owned()))));
        }

        fn gives(&self, token: &str, lifetime: u64) {
            let expires_on = after(lifetime).as_unix();
            self.answers(
                StatusCode::OK,
                &format!(r#"{{"access_token":"e30.e30.{token}","expires_on":"{expires_on}"}}"#),
            );
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        fn imds(&self) -> IdentityTokens {
            let client_id = ClientId::parse(IDENTITY).unwrap();
            let identity = ManagedIdentity::user_assigned(client_id).with_imds(format!("{}/", self.origin));
            IdentityTokens::of(identity).unwrap()
        }
    }

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    async fn token(tokens: &IdentityTokens, now: Timestamp) -> String {
        tokens.token(now).await.unwrap().expose().to_owned()
    }

    #[tokio::test]
    async fn the_metadata_service_is_asked_as_documented() {
        let azure = Azure::start().await;
        azure.gives("one", 3600);
        let tokens = azure.imds();
        assert_eq!(azure.asked(), 0, "it was contacted at construction");
        assert_eq!(token(&tokens, NOW).await, "e30.e30.one");
        assert_eq!(tokens.warning(), None);
        let seen = azure.seen.load_full().unwrap();
        assert_eq!(seen.0["metadata"], "true");
        assert_eq!(
            seen.1,
            format!("api-version=2018-02-01&resource=api%3A%2F%2FAzureADTokenExchange&client_id={IDENTITY}")
        );
    }

    #[tokio::test]
    async fn app_service_is_asked_as_documented() {
        let azure = Azure::start().await;
        azure.gives("one", 3600);
        let endpoint = format!("{}/msi/token", azure.origin);
        let identity = ManagedIdentity::system_assigned()
            .with_app_service(endpoint, Secret::new("853b9a84"))
            .with_audience("api://AzureADTokenExchangeUSGov");
        let tokens = IdentityTokens::of(identity).unwrap();
        assert_eq!(token(&tokens, NOW).await, "e30.e30.one");
        assert!(tokens.warning().unwrap().contains("user-assigned"));
        let seen = azure.seen.load_full().unwrap();
        assert_eq!(seen.0["x-identity-header"], "853b9a84");
        assert!(!seen.0.contains_key("metadata"));
        assert_eq!(seen.1, "api-version=2019-08-01&resource=api%3A%2F%2FAzureADTokenExchangeUSGov");
    }

    #[tokio::test]
    async fn the_token_is_the_assertion() {
        let azure = Azure::start().await;
        let identity = ManagedIdentity::user_assigned(ClientId::parse(IDENTITY).unwrap());
        let credential = Credential::managed_identity(identity.with_imds(&azure.origin)).unwrap();
        assert_eq!(credential.kind(), "managed identity");
        azure.gives("one", 3600);
        let parameters = exposed(credential.parameters("client", "https://login.test", NOW).await.unwrap());
        let jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned();
        let expected =
            [("client_assertion_type", jwt_bearer), ("client_assertion", "e30.e30.one".to_owned())];
        assert_eq!(parameters, expected);
        azure.answers(StatusCode::NOT_FOUND, "");
        let error = credential.parameters("client", "https://login.test", after(3600)).await.unwrap_err();
        assert!(error.to_string().starts_with("managed identity: the token endpoint answered 404"));
    }

    #[tokio::test]
    async fn a_token_is_kept_until_five_minutes_before_its_end() {
        let azure = Azure::start().await;
        let tokens = azure.imds();
        azure.gives("one", 3600);
        for when in [NOW, after(1800), after(3299)] {
            assert_eq!(token(&tokens, when).await, "e30.e30.one");
        }
        assert_eq!(azure.asked(), 1);
        azure.gives("two", 7200);
        assert_eq!(token(&tokens, after(3300)).await, "e30.e30.two");
        assert_eq!(azure.asked(), 2);
    }

    #[tokio::test]
    async fn many_at_once_ask_once() {
        let azure = Azure::start().await;
        let tokens = Arc::new(azure.imds());
        azure.gives("one", 3600);
        let all: Vec<_> = (0..20)
            .map(|_| {
                let tokens = Arc::clone(&tokens);
                tokio::spawn(async move { token(&tokens, NOW).await })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.unwrap(), "e30.e30.one");
        }
        assert_eq!(azure.asked(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_shared_for_some_seconds_and_tried_again_after() {
        let azure = Azure::start().await;
        let tokens = azure.imds();
        azure.answers(
            StatusCode::BAD_REQUEST,
            r#"{"error":"invalid_request","error_description":"Identity not\nfound"}"#,
        );
        for when in [NOW, after(4)] {
            let problem = tokens.token(when).await.unwrap_err();
            let text = "Identity not found".to_owned();
            assert_eq!(problem, IdentityProblem::Refused { status: 400, text });
        }
        assert_eq!(azure.asked(), 1);
        azure.gives("one", 3600);
        assert_eq!(token(&tokens, after(5)).await, "e30.e30.one");
    }

    #[tokio::test]
    async fn while_no_new_token_is_to_be_had_the_old_one_is_used_to_its_end() {
        let azure = Azure::start().await;
        let tokens = azure.imds();
        azure.gives("one", 3600);
        assert_eq!(token(&tokens, NOW).await, "e30.e30.one");
        azure.answers(StatusCode::SERVICE_UNAVAILABLE, "try later");
        assert_eq!(token(&tokens, after(3400)).await, "e30.e30.one");
        assert_eq!(token(&tokens, after(3599)).await, "e30.e30.one");
        let problem = tokens.token(after(3600)).await.unwrap_err();
        assert_eq!(problem, IdentityProblem::Refused { status: 503, text: String::new() });
    }

    #[tokio::test]
    async fn every_documented_way_to_tell_the_expiry_is_understood() {
        for expiry in [
            r#""expires_on":"1800003600""#,
            r#""expires_on":1800003600"#,
            r#""expires_in":"3600""#,
            r#""expires_in":3600,"expires_on":"01/15/2027 09:00:00 +00:00""#,
        ] {
            let azure = Azure::start().await;
            azure.answers(StatusCode::OK, &format!(r#"{{"access_token":"e30.e30.one",{expiry}}}"#));
            let tokens = azure.imds();
            token(&tokens, NOW).await;
            assert_eq!(tokens.current.load_full().unwrap().expires, after(3600), "{expiry}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_usable_token_is_refused_and_not_repeated() {
        for body in [
            "",
            "[]",
            r#"{"expires_on":"1800003600"}"#,
            r#"{"access_token":"hunter2","expires_on":"1800003600"}"#,
            r#"{"access_token":"e30.e30.hunter2"}"#,
            r#"{"access_token":"e30.e30.hunter2","expires_on":"soon"}"#,
        ] {
            let azure = Azure::start().await;
            azure.answers(StatusCode::OK, body);
            let problem = azure.imds().token(NOW).await.unwrap_err();
            assert!(matches!(problem, IdentityProblem::Unusable(_)), "{body}");
            assert!(!problem.to_string().contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn nobody_at_the_address_is_a_problem_with_a_way_out() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let tokens = IdentityTokens::of(ManagedIdentity::system_assigned().with_imds(origin)).unwrap();
        let problem = tokens.token(NOW).await.unwrap_err();
        assert!(matches!(problem, IdentityProblem::Unreachable(_)));
        assert!(CredentialError::from(problem).hint().contains("IDENTITY_ENDPOINT"));
    }

    #[test]
    fn half_a_configuration_is_refused_at_construction() {
        let refused = |identity: ManagedIdentity| match IdentityTokens::of(identity).err() {
            Some(CredentialError::ManagedIdentity(problem)) => problem,
            _ => panic!("it was accepted"),
        };
        let identity = ManagedIdentity::system_assigned;
        for bad in ["", "169.254.169.254", "ftp://host", "http://user:word@host"] {
            assert_eq!(refused(identity().with_imds(bad)), IdentityProblem::Endpoint, "{bad}");
            let app_service = identity().with_app_service(bad, Secret::new("x"));
            assert_eq!(refused(app_service), IdentityProblem::Endpoint, "{bad}");
        }
        for bad in ["", "a\nb"] {
            let identity = identity().with_app_service("http://localhost:1/msi/token", Secret::new(bad));
            assert_eq!(refused(identity), IdentityProblem::Header);
        }
        assert_eq!(refused(identity().with_audience(" ")), IdentityProblem::Audience);
    }
}
