//! Why the gateway cannot authenticate itself, and what to do about it. No message holds what a file contains.

use std::io;
use std::path::{Path, PathBuf};

/// Why a credential cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A secret without a character.
    #[error("the client secret is empty")]
    EmptySecret,
    /// A file that is not what it should be.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// No token for the managed identity.
    #[error("managed identity: {0}")]
    ManagedIdentity(#[from] IdentityProblem),
    /// The private key does not sign.
    #[error("the client assertion cannot be signed")]
    Signing,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
    /// The HTTP client could not be set up.
    #[error("outbound HTTP client: {0}")]
    Outbound(String),
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// Missing, or not for us.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// Certainly something else.
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Not UTF-8.
    #[error("is not text")]
    NotText,
    /// A secret or token is one word.
    #[error("holds more than one word")]
    SeveralWords,
    /// Not three parts of base64url.
    #[error("holds no JWT")]
    NotJwt,
    /// Not PEM at all, or cut off.
    #[error("is not PEM")]
    NotPem,
    /// PEM without a certificate.
    #[error("holds no certificate")]
    NoCertificate,
    /// A certificate that does not parse.
    #[error("holds a certificate that cannot be used: {0}")]
    BrokenCertificate(String),
    /// PEM without a private key.
    #[error("holds no private key")]
    NoKey,
    /// A private key behind a pass phrase.
    #[error("holds an encrypted private key")]
    EncryptedKey,
    /// A private key that does not parse.
    #[error("holds a private key that cannot be used")]
    BrokenKey,
    /// An elliptic curve or something newer.
    #[error("holds a private key that is not RSA")]
    NotRsa,
    /// Too short to be trusted.
    #[error("holds an RSA private key of less than 2048 bits")]
    WeakKey,
    /// Two halves of different pairs.
    #[error("holds no certificate that belongs to the private key")]
    Mismatch,
}

/// Why there is no token for the managed identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityProblem {
    /// The address of the token endpoint. It is not repeated: it could hold a password.
    #[error("the token endpoint's address is not an http or https URL without user name")]
    Endpoint,
    /// The value of `IDENTITY_HEADER`.
    #[error("the identity header is empty or cannot be a header")]
    Header,
    /// The audience of the token.
    #[error("the audience is empty")]
    Audience,
    /// No answer.
    #[error("the token endpoint cannot be reached: {0}")]
    Unreachable(String),
    /// An answer other than 200.
    #[error("the token endpoint answered {status}: {text}")]
    Refused {
        /// The status code.
        status: u16,
        /// What it said about it, shortened.
        text: String,
    },
    /// 200 with something else than a token.
    #[error("the token endpoint's answer cannot be used: {0}")]
    Unusable(&'static str),
}

impl FileProblem {
    pub(super) fn at(self, path: &Path) -> CredentialError {
        CredentialError::File { path: path.to_owned(), problem: self }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "check that the file is there and that the gateway's user may read it",
            Self::TooLarge(_) | Self::NotText => "check the path: this is another file",
            Self::Empty => "write the credential into the file before the gateway starts",
            Self::SeveralWords => "put the value alone into the file, without name, quotes or comment",
            Self::NotJwt => {
                "name the file with the federated token; on AKS that is AZURE_FEDERATED_TOKEN_FILE"
            }
            Self::NotPem => "convert a PFX with: openssl pkcs12 -in app.pfx -out app.pem -nodes",
            Self::NoCertificate => {
                "add the certificate, the one that is uploaded to the app registration, as PEM"
            }
            Self::BrokenCertificate(_) => {
                "give an X.509 version 3 certificate, the one that is uploaded to the app"
            }
            Self::NoKey | Self::BrokenKey => "add the RSA private key as PEM, PKCS#8 or PKCS#1",
            Self::EncryptedKey => {
                "decrypt it with: openssl pkcs8 -in key.pem -out plain.pem, and protect the file"
            }
            Self::NotRsa | Self::WeakKey => "make a certificate with an RSA key of 2048 bits or more",
            Self::Mismatch => "give certificate and private key of one pair",
        }
    }
}

impl IdentityProblem {
    fn hint(&self) -> &'static str {
        match self {
            Self::Endpoint | Self::Header => {
                "on App Service and Container Apps give IDENTITY_ENDPOINT and IDENTITY_HEADER as the platform sets them"
            }
            Self::Audience => {
                "leave the audience out, or give api://AzureADTokenExchange or your cloud's variant"
            }
            Self::Unreachable(_) => {
                "run on Azure, with a managed identity; App Service and Container Apps need IDENTITY_ENDPOINT and \
                 IDENTITY_HEADER"
            }
            Self::Refused { .. } => {
                "check that the user-assigned identity is assigned to this machine or app"
            }
            Self::Unusable(_) => "check that the endpoint is Azure's",
        }
    }
}

impl CredentialError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::EmptySecret => "give the value of a client secret of the app registration",
            Self::File { problem, .. } => problem.hint(),
            Self::ManagedIdentity(problem) => problem.hint(),
            Self::Signing | Self::Randomness | Self::Outbound(_) => {
                "this is not the configuration's fault: report it"
            }
        }
    }
}
