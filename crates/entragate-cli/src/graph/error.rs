//! What can go wrong with a request to Graph, and what to do about it.

use entragate::is_invisible;
use http::StatusCode;
use serde::Deserialize;

use super::http::{Answer, HttpError};
use super::permission::Permission;
use super::request::Request;

/// Characters of Graph's own words that are repeated.
const MAX_TEXT: usize = 400;

/// Why Graph did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// Nobody answered.
    #[error("{request}: {source}")]
    Unreachable {
        /// Method and path.
        request: String,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// Graph said no.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// Graph said yes in a way that nobody expects.
    #[error("{request}: the answer cannot be used: {reason}")]
    Unreadable {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The next page is not Graph's: following the link would hand the token to somebody.
    #[error("{request}: the link to the next page leads away from Graph")]
    ForeignPage {
        /// Method and path.
        request: String,
    },
    /// More pages than any tenant fills with what is asked for.
    #[error("{request}: more than {pages} pages")]
    TooManyPages {
        /// Method and path.
        request: String,
        /// How many were read.
        pages: usize,
    },
}

/// A refusal with what Graph says about it.
#[derive(Debug, thiserror::Error)]
#[error("{request}: Microsoft Graph answered {}: {message} ({code})", status.as_u16())]
pub struct Refused {
    /// Method and path.
    pub request: String,
    /// The status code.
    pub status: StatusCode,
    /// Graph's code, such as `Authorization_RequestDenied`.
    pub code: String,
    /// Graph's words, shortened.
    pub message: String,
    /// What Microsoft's support asks for.
    pub request_id: Option<String>,
    /// The permission that the request needs.
    pub permission: Option<Permission>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Inner,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    code: String,
    message: String,
}

impl GraphError {
    pub(super) fn refused(request: &Request, answer: &Answer) -> Self {
        let Body { error } = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |text: String, otherwise: &str| {
            let printable: String =
                text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).take(MAX_TEXT).collect();
            if printable.is_empty() { otherwise.to_owned() } else { printable }
        };
        let request_id = answer.headers.get("request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        Self::Refused(Box::new(Refused {
            request: request.name(),
            status: answer.status,
            code: text(error.code, "no code"),
            message: text(error.message, "no explanation"),
            request_id,
            permission: Permission::of(request),
        }))
    }

    /// The refusal, if it is one.
    pub fn as_refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Whether there is no such object (or not yet).
    pub fn is_not_found(&self) -> bool {
        self.as_refused().is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
    }

    /// Whether whoever asked may not do this.
    pub fn is_denied(&self) -> bool {
        self.as_refused().is_some_and(|refused| refused.status == StatusCode::FORBIDDEN)
    }

    /// Whether Graph itself does not work, or not for now: another request would fare no better.
    pub fn is_out_of_order(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(refused) => {
                refused.status.is_server_error()
                    || [StatusCode::TOO_MANY_REQUESTS, StatusCode::UNAUTHORIZED].contains(&refused.status)
            }
            Self::Unreadable { .. } | Self::ForeignPage { .. } | Self::TooManyPages { .. } => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreachable { .. } => {
                "check the network and HTTPS_PROXY, or name Graph with --graph-url".to_owned()
            }
            Self::Refused(refused) => refused.hint(),
            Self::Unreadable { .. } | Self::ForeignPage { .. } | Self::TooManyPages { .. } => {
                "check that --graph-url or the login host is Microsoft's".to_owned()
            }
        }
    }
}

impl Refused {
    /// Whether it speaks of something that was made a moment ago and is not known everywhere yet.
    pub(super) fn is_replication(&self) -> bool {
        // `POST /servicePrincipals` says 400 where everything else says 404.
        self.status == StatusCode::NOT_FOUND
            || self.status == StatusCode::BAD_REQUEST
                && (self.code == "NoBackingApplicationObject"
                    || self.message.contains("does not reference a valid application object")
                    || self
                        .message
                        .contains("does not exist or one of its queried reference-property objects"))
    }

    fn hint(&self) -> String {
        match (self.status, self.permission) {
            (StatusCode::FORBIDDEN, Some(permission)) => format!(
                "the token needs {}; a person also needs the role {}",
                permission.name(),
                permission.role()
            ),
            (StatusCode::FORBIDDEN, None) => "ask an administrator of the tenant".to_owned(),
            (StatusCode::UNAUTHORIZED, _) => {
                "sign in again: the token is not one for Graph, or has expired".to_owned()
            }
            (StatusCode::TOO_MANY_REQUESTS, _) => "Graph is throttling: try again in some minutes".to_owned(),
            (status, _) if status.is_server_error() => {
                "Graph has trouble: try again in some minutes".to_owned()
            }
            _ => match &self.request_id {
                Some(id) => format!("Microsoft's request-id is {id}"),
                None => "see https://learn.microsoft.com/graph/errors".to_owned(),
            },
        }
    }
}
