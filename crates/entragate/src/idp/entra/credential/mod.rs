//! How the gateway proves at Entra's token endpoint that it is the confidential client it says it is (RFC 6749
//! §2.3): with a client secret, or with an assertion (RFC 7523 §2.2) that it signs with a certificate, finds in a
//! file, or gets for the managed identity of the machine.
//!
//! Whatever can be checked without asking anybody is checked when a [`Credential`] is made, so that a gateway with
//! half a configuration refuses to start. What is in files may be replaced while the gateway runs: the next use
//! takes the new content, and a file that is broken or missing leaves the last good content in use.

mod certificate;
mod error;
mod file;
mod identity_token;
mod managed_identity;
#[cfg(test)]
mod scratch;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use self::certificate::{Certificate, PemFiles};
pub use self::error::{CredentialError, FileProblem, IdentityProblem};
use self::file::LineFile;
use self::identity_token::IdentityTokens;
pub use self::managed_identity::ManagedIdentity;
use super::registration::is_guid;
use crate::clock::Timestamp;
use crate::secret::Secret;

/// `client_assertion_type` of every JWT assertion (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the gateway authenticates itself with. Cloning is cheap and shares what is cached.
#[derive(Clone)]
pub struct Credential(Arc<Source>);

enum Source {
    Secret(Secret),
    SecretFile(LineFile),
    Certificate(Certificate),
    FederatedTokenFile(LineFile),
    ManagedIdentity(Box<IdentityTokens>),
}

impl Credential {
    /// A client secret: the value, not the secret's ID. White space around it is dropped.
    pub fn secret(secret: Secret) -> Result<Self, CredentialError> {
        let secret = match secret.expose().trim() {
            "" => return Err(CredentialError::EmptySecret),
            text if text.len() == secret.expose().len() => secret,
            text => Secret::new(text),
        };
        Ok(Self::of(Source::Secret(secret)))
    }

    /// A file with nothing but a client secret, read on every use.
    pub fn secret_file(path: impl Into<PathBuf>) -> Result<Self, CredentialError> {
        LineFile::open(path.into(), file::any_line).map(|file| Self::of(Source::SecretFile(file)))
    }

    /// One PEM file with a certificate and its RSA private key (PKCS#8 or PKCS#1, not encrypted), read again when
    /// it changes. Of several certificates, the one that belongs to the key is used.
    ///
    /// The dates of the certificate are not looked at: Entra refuses one that has expired.
    pub fn certificate_file(path: impl Into<PathBuf>) -> Result<Self, CredentialError> {
        let path = path.into();
        Self::certificate_files(path.clone(), path)
    }

    /// The same with certificate and private key in two files, as Kubernetes mounts them.
    pub fn certificate_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, CredentialError> {
        let files = PemFiles { certificate: certificate.into(), key: key.into() };
        Certificate::open(files).map(|certificate| Self::of(Source::Certificate(certificate)))
    }

    /// A file with a token of another issuer that the app registration trusts (a federated identity credential),
    /// such as `AZURE_FEDERATED_TOKEN_FILE` on AKS. Read on every use.
    pub fn federated_token_file(path: impl Into<PathBuf>) -> Result<Self, CredentialError> {
        LineFile::open(path.into(), file::jwt).map(|file| Self::of(Source::FederatedTokenFile(file)))
    }

    /// A managed identity that the app registration trusts. It is asked for a token on first use, not here.
    pub fn managed_identity(identity: ManagedIdentity) -> Result<Self, CredentialError> {
        IdentityTokens::of(identity).map(|tokens| Self::of(Source::ManagedIdentity(Box::new(tokens))))
    }

    fn of(source: Source) -> Self {
        Self(Arc::new(source))
    }

    /// What it is, for the log.
    pub fn kind(&self) -> &'static str {
        match *self.0 {
            Source::Secret(_) | Source::SecretFile(_) => "client secret",
            Source::Certificate(_) => "certificate",
            Source::FederatedTokenFile(_) => "federated token file",
            Source::ManagedIdentity(_) => "managed identity",
        }
    }

    /// SHA-1 and SHA-256 of the certificate, by which an app registration names it; `None` for other credentials.
    pub async fn thumbprints(&self) -> Option<[Vec<u8>; 2]> {
        match &*self.0 {
            Source::Certificate(certificate) => Some(certificate.current().await.digests.clone()),
            _ => None,
        }
    }

    /// What is suspicious about it, though not certainly wrong.
    pub fn warning(&self) -> Option<&'static str> {
        let looks_like_an_id = match &*self.0 {
            Source::Secret(secret) => is_guid(secret.expose()),
            Source::SecretFile(file) => is_guid(file.last().expose()),
            Source::ManagedIdentity(tokens) => return tokens.warning(),
            Source::Certificate(_) | Source::FederatedTokenFile(_) => false,
        };
        looks_like_an_id.then_some(
            "the client secret looks like the secret's ID, not its value (AADSTS7000215): the portal shows the value \
             once, when the secret is made",
        )
    }

    /// The form parameters that authenticate a request to `token_endpoint`, to be sent beside `client_id` and to
    /// nobody but that endpoint.
    pub async fn parameters(
        &self,
        client_id: &str,
        token_endpoint: &str,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, Secret)>, CredentialError> {
        let assertion = match &*self.0 {
            Source::Secret(secret) => return Ok(vec![("client_secret", secret.clone())]),
            Source::SecretFile(file) => return Ok(vec![("client_secret", file.text().await)]),
            Source::Certificate(certificate) => {
                certificate.current().await.assertion(client_id, token_endpoint, now)?
            }
            Source::FederatedTokenFile(file) => file.text().await,
            Source::ManagedIdentity(tokens) => tokens.token(now).await?,
        };
        Ok(vec![("client_assertion_type", Secret::new(JWT_BEARER)), ("client_assertion", assertion)])
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::scratch::{Scratch, exposed};
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const GUID: &str = "0e36a5bc-0f5a-4d2c-9f5e-6f1f6d0f0a01";

    async fn parameters(credential: &Credential) -> Vec<(&'static str, String)> {
        exposed(credential.parameters("client", "https://login.test/token", NOW).await.unwrap())
    }

    #[tokio::test]
    async fn a_secret_is_sent_as_it_is_without_the_white_space_around_it() {
        let credential = Credential::secret(Secret::new(" s3cr~t\n")).unwrap();
        assert_eq!(parameters(&credential).await, [("client_secret", "s3cr~t".to_owned())]);
        assert_eq!(credential.kind(), "client secret");
        assert_eq!(credential.warning(), None);
    }

    #[test]
    fn an_empty_secret_is_refused() {
        for empty in ["", " \n"] {
            let error = Credential::secret(Secret::new(empty)).unwrap_err();
            assert!(matches!(error, CredentialError::EmptySecret));
        }
    }

    #[test]
    fn a_guid_is_probably_the_id_of_the_secret_7000215() {
        let scratch = Scratch::new();
        let direct = Credential::secret(Secret::new(GUID)).unwrap();
        let in_file = Credential::secret_file(scratch.file("secret", GUID)).unwrap();
        for credential in [direct, in_file] {
            assert!(credential.warning().unwrap().contains("7000215"));
        }
    }

    #[tokio::test]
    async fn a_replaced_secret_file_counts_at_once_and_a_broken_one_does_not() {
        let scratch = Scratch::new();
        let path = scratch.file("secret", "first\n");
        let credential = Credential::secret_file(&path).unwrap();
        let secret = |text: &str| vec![("client_secret", text.to_owned())];
        assert_eq!(parameters(&credential).await, secret("first"));
        scratch.file("secret", "second");
        assert_eq!(parameters(&credential).await, secret("second"));
        scratch.file("secret", "");
        assert_eq!(parameters(&credential).await, secret("second"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(parameters(&credential).await, secret("second"));
        scratch.file("secret", "third");
        assert_eq!(parameters(&credential).await, secret("third"));
    }

    #[tokio::test]
    async fn a_federated_token_is_the_assertion_and_is_read_on_every_use() {
        let scratch = Scratch::new();
        let path = scratch.file("token", "e30.e30.c2ln\n");
        let credential = Credential::federated_token_file(path).unwrap();
        let expected = |token: &str| {
            vec![("client_assertion_type", JWT_BEARER.to_owned()), ("client_assertion", token.to_owned())]
        };
        assert_eq!(parameters(&credential).await, expected("e30.e30.c2ln"));
        scratch.file("token", "e30.e30.bmV3");
        assert_eq!(parameters(&credential).await, expected("e30.e30.bmV3"));
        scratch.file("token", "e30.e3");
        assert_eq!(parameters(&credential).await, expected("e30.e30.bmV3"));
        assert_eq!(credential.kind(), "federated token file");
    }

    #[test]
    fn debug_names_the_kind_and_nothing_else() {
        let scratch = Scratch::new();
        let all = [
            Credential::secret(Secret::new("hunter2")).unwrap(),
            Credential::secret_file(scratch.file("secret", "hunter2")).unwrap(),
            Credential::federated_token_file(scratch.file("token", "hunter2.e30.e30")).unwrap(),
        ];
        for credential in all {
            assert_eq!(format!("{credential:?}"), format!("Credential({})", credential.kind()));
        }
    }
}
