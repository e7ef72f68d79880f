//! Client ID metadata documents as they are used: which are read at all, and what was read before.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use quick_cache::sync::Cache;

use super::document::{self, ClientDocument};
use super::document_url::DocumentUrl;
use super::fetch::Fetcher;
use super::{Authentication, Client, ClientError, Fingerprint, Kind};
use crate::clock::{Clock, Timestamp};

/// Documents, and key sets, that are remembered.
const CAPACITY: usize = 500;

/// Why an entry of a list of client ID metadata documents cannot be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is neither a domain such as claude.ai nor the https URL of a document")]
pub struct ClientDocumentsError(String);

/// Which client ID metadata documents are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientDocuments {
    enabled: bool,
    /// Nothing: all but the denied ones.
    allow: Vec<Entry>,
    deny: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// The domain and everything below it.
    Domain(String),
    /// One document.
    Url(String),
}

impl Entry {
    fn parse(text: &str) -> Result<Self, ClientDocumentsError> {
        let wrong = || ClientDocumentsError(text.to_owned());
        if text.starts_with("https://") {
            return DocumentUrl::parse(text, false)
                .map(|url| Self::Url(url.as_str().to_owned()))
                .map_err(|_| wrong());
        }
        let domain = text.to_ascii_lowercase();
        // As a host it must come out of the parser as it went in.
        let url = url::Url::parse(&format!("https://{domain}/")).map_err(|_| wrong())?;
        let is_domain =
            url.host_str() == Some(domain.as_str()) && url.domain().is_some() && !domain.contains('*');
        if is_domain { Ok(Self::Domain(domain)) } else { Err(wrong()) }
    }

    fn names(&self, url: &DocumentUrl) -> bool {
        match self {
            Self::Url(one) => url.as_str() == one,
            Self::Domain(domain) => {
                let rest = url.host().strip_suffix(domain.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        }
    }
}

fn entries<I: IntoIterator<Item = S>, S: AsRef<str>>(list: I) -> Result<Vec<Entry>, ClientDocumentsError> {
    list.into_iter().map(|text| Entry::parse(text.as_ref())).collect()
}

impl ClientDocuments {
    /// All documents on the public internet: the person decides on the consent page.
    pub const fn open() -> Self {
        Self { enabled: true, allow: Vec::new(), deny: Vec::new() }
    }

    /// None.
    pub const fn off() -> Self {
        Self { enabled: false, allow: Vec::new(), deny: Vec::new() }
    }

    /// Only those of these domains, and below them, or exactly these URLs.
    pub fn allow<I: IntoIterator<Item = S>, S: AsRef<str>>(
        mut self,
        list: I,
    ) -> Result<Self, ClientDocumentsError> {
        self.allow.extend(entries(list)?);
        Ok(self)
    }

    /// None of these, whatever is allowed.
    pub fn deny<I: IntoIterator<Item = S>, S: AsRef<str>>(
        mut self,
        list: I,
    ) -> Result<Self, ClientDocumentsError> {
        self.deny.extend(entries(list)?);
        Ok(self)
    }

    pub(crate) const fn is_enabled(&self) -> bool {
        self.enabled
    }

    fn denies(&self, url: &DocumentUrl) -> bool {
        self.deny.iter().any(|entry| entry.names(url))
    }

    fn check(&self, url: &DocumentUrl) -> Result<(), ClientError> {
        if self.denies(url) {
            return Err(ClientError::NotAccepted("the operator has refused its domain"));
        }
        if !self.allow.is_empty() && !self.allow.iter().any(|entry| entry.names(url)) {
            return Err(ClientError::NotAccepted("its domain is not on the operator's list"));
        }
        Ok(())
    }
}

/// How long after its time a document counts at the token endpoint while its host does not answer.
const OUTAGE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a client is looked up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// A sign-in begins: the document counts as it is now, or as its host lets it be cached.
    Authorize,
    /// A token is asked for: what was read before is good enough while the host does not answer.
    Token,
}

#[derive(Clone)]
struct Read<T> {
    value: T,
    until: Timestamp,
}

/// The documents that were read.
pub(crate) struct Documents {
    policy: ClientDocuments,
    fetcher: Fetcher,
    allow_loopback: bool,
    read: Cache<String, Read<Arc<ClientDocument>>>,
    key_sets: Cache<String, Read<Arc<str>>>,
    clock: Arc<dyn Clock>,
}

impl Documents {
    /// `allow_loopback`: the gateway itself is on loopback, for development.
    pub(crate) fn new(
        policy: ClientDocuments,
        allow_loopback: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, rustls::Error> {
        let fetcher = Fetcher::new(allow_loopback)?;
        Ok(Self {
            policy,
            fetcher,
            allow_loopback,
            read: Cache::new(CAPACITY),
            key_sets: Cache::new(CAPACITY),
            clock,
        })
    }

    pub(super) async fn client(&self, id: &str, when: When) -> Result<Client, ClientError> {
        let url = DocumentUrl::parse(id, self.allow_loopback)
            .map_err(|error| ClientError::Document(format!("the client_id {error}")))?;
        self.policy.check(&url)?;
        self.document(&url, when).await.map(|document| client(&document))
    }

    async fn document(&self, url: &DocumentUrl, when: When) -> Result<Arc<ClientDocument>, ClientError> {
        let now = self.clock.now();
        let known = self.read.get(url.as_str());
        if let Some(read) = &known
            && now < read.until
        {
            return Ok(Arc::clone(&read.value));
        }
        let fetched = match (self.fetcher.fetch(url).await, known) {
            (Ok(fetched), _) => fetched,
            (Err(error), Some(read))
                if when == When::Token && error.may_pass() && now.since(read.until) < OUTAGE =>
            {
                tracing::warn!(target: "entragate::clients", client = url.as_str(), reason = %error, "a metadata document cannot be read again, the last one is used");
                return Ok(read.value);
            }
            (Err(error), _) => {
                tracing::warn!(target: "entragate::clients", client = url.as_str(), reason = %error, "a metadata document cannot be read");
                if !error.may_pass() {
                    // Its owner took it away: what it said does not count any more.
                    self.read.remove(url.as_str());
                }
                return Err(ClientError::Unreadable(error.public_text()));
            }
        };
        let document = ClientDocument::parse(url, &fetched.body).map_err(|error| {
            tracing::warn!(target: "entragate::clients", client = url.as_str(), reason = %error, "a metadata document is not usable");
            // Errors are never remembered (CI-08), and neither is what was good before.
            self.read.remove(url.as_str());
            ClientError::Document(error.to_string())
        })?;
        let document = Arc::new(document);
        let read = Read { value: Arc::clone(&document), until: now.plus(fetched.fresh_for) };
        self.read.insert(url.as_str().to_owned(), read);
        Ok(document)
    }

    /// The key set at a `jwks_uri`.
    pub(super) async fn key_set(&self, url: &DocumentUrl) -> Result<String, &'static str> {
        if self.policy.denies(url) {
            return Err("the operator has refused the domain of the client's key set");
        }
        let now = self.clock.now();
        if let Some(read) = self.key_sets.get(url.as_str())
            && now < read.until
        {
            return Ok(read.value.to_string());
        }
        let fetched = self.fetcher.fetch(url).await.map_err(|error| {
            tracing::warn!(target: "entragate::clients", url = url.as_str(), reason = %error, "a client's key set cannot be read");
            error.public_text()
        })?;
        let text = String::from_utf8_lossy(&fetched.body).into_owned();
        // What is no key set is never remembered (CI-08).
        if serde_json::from_str::<JwkSet>(&text).is_ok() {
            let read = Read { value: Arc::from(text.as_str()), until: now.plus(fetched.fresh_for) };
            self.key_sets.insert(url.as_str().to_owned(), read);
        }
        Ok(text)
    }
}

fn client(document: &ClientDocument) -> Client {
    let id = document.url.as_str();
    Client {
        fingerprint: Fingerprint::of(id),
        label: id.to_owned(),
        name: Some(document.client_name.clone()),
        kind: Kind::Document { host: document.url.host().to_owned() },
        redirect_uris: document.redirect_uris.clone(),
        authentication: match &document.authentication {
            document::Authentication::None => Authentication::None,
            document::Authentication::PrivateKeyJwt(keys) => Authentication::PrivateKeyJwt(keys.clone()),
        },
        digest: URL_SAFE_NO_PAD.encode(document.fingerprint),
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn keys_on_a_denied_domain_are_not_fetched() {
        let policy = ClientDocuments::open().deny(["example.org"]).unwrap();
        let documents = Documents::new(policy, false, Arc::new(SystemClock)).unwrap();
        let url = DocumentUrl::parse("https://keys.example.org/jwks.json", false).unwrap();
        let refused = documents.key_set(&url).await.unwrap_err();
        assert!(refused.contains("the operator has refused"), "{refused}");
    }

    fn check(documents: &ClientDocuments, url: &str) -> bool {
        documents.check(&DocumentUrl::parse(url, false).unwrap()).is_ok()
    }

    #[test]
    fn ci_14_domains_and_documents_are_allowed_and_denied() {
        let listed =
            ClientDocuments::open().allow(["claude.ai", "https://zed.dev/oauth/client.json"]).unwrap();
        assert!(check(&listed, "https://claude.ai/oauth/client.json"));
        assert!(check(&listed, "https://mcp.claude.ai/client.json"));
        assert!(check(&listed, "https://zed.dev/oauth/client.json"));
        for other in ["https://zed.dev/other.json", "https://notclaude.ai/x", "https://claude.ai.evil.com/x"]
        {
            assert!(!check(&listed, other), "{other}");
        }
        let denied = ClientDocuments::open().deny(["evil.com"]).unwrap();
        assert!(check(&denied, "https://claude.ai/x") && !check(&denied, "https://www.evil.com/x"));
        for wrong in ["", "*", "*.claude.ai", "http://claude.ai/x", "https://claude.ai", "10.0.0.1", "a b"] {
            assert!(ClientDocuments::open().allow([wrong]).is_err(), "{wrong}");
        }
    }
}
