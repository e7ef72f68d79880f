//! The legs of a sign-in as log events: each endpoint says that it was there and how it ended, so that a
//! sign-in that stops half-way can be read from the log. Nothing secret is in them.

/// A leg of the flow; the field `leg` of events with target `entragate::signin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leg {
    /// A request without a token was answered with the challenge.
    Challenge,
    /// RFC 9728 metadata was read.
    ProtectedResource,
    /// RFC 8414 metadata was read.
    AuthorizationServer,
    /// A client registered.
    Register,
    /// The browser was sent to Entra.
    Authorize,
    /// A code was redeemed.
    Code,
    /// A refresh token was redeemed.
    Refresh,
    /// A request with a good token was let through.
    Call,
    /// A call was judged and not let through.
    Denied,
    /// An endpoint refused a request.
    Refused,
}

impl Leg {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::ProtectedResource => "protected_resource_metadata",
            Self::AuthorizationServer => "authorization_server_metadata",
            Self::Register => "register",
            Self::Authorize => "authorize",
            Self::Code => "code",
            Self::Refresh => "refresh",
            Self::Call => "call",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }
}

/// Logs a leg with its fields.
macro_rules! leg {
    ($leg:expr $(, $field:ident = $value:expr)* $(,)?) => {
        tracing::info!(target: "entragate::signin", leg = $leg.as_str() $(, $field = $value)*)
    };
}

pub(crate) use leg;
