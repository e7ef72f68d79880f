//! Every cause with its AADSTS code, its status at the token endpoint and its OAuth error.

use super::Refusal;

/// What a refusal is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    /// HTTP status of the JSON form, and `iHttpErrorCode` of the page.
    pub(crate) status: u16,
    /// The OAuth `error`.
    pub(crate) error: &'static str,
}

impl Refusal {
    pub(crate) fn facts(&self) -> Facts {
        let (code, status, error) = self.row();
        Facts { code, status, error }
    }

    fn row(&self) -> (u32, u16, &'static str) {
        match self {
            Self::TenantNotFound { .. } => (90002, 400, "invalid_tenant"),
            Self::TenantMalformed { .. } => (900_023, 400, "invalid_request"),
            Self::Verb { .. } => (900_561, 400, "invalid_request"),
            Self::QueryTooLong => (90015, 400, "invalid_request"),
            Self::Missing(_) => (900_144, 400, "invalid_request"),
            Self::Duplicated(_) => (9_000_411, 400, "invalid_request"),
            Self::Unsupported(_) => (90023, 400, "invalid_request"),
            Self::ClaimsMalformed => (9_000_410, 400, "invalid_request"),
            Self::UnknownInstance => (50049, 400, "invalid_instance"),

            // Which code a bad document gets is not known.
            Self::UnknownClient { .. } | Self::ClientDocument { .. } => (700_016, 400, "unauthorized_client"),
            Self::ClientDisabled { .. } => (7_000_112, 400, "unauthorized_client"),
            Self::ClientNotInTenant { .. } => (7_000_229, 401, "unauthorized_client"),
            Self::SingleTenant { .. } => (50194, 400, "invalid_request"),
            Self::NotForConsumers { .. } => (9_002_332, 400, "invalid_request"),
            Self::RedirectMalformed => (90102, 400, "invalid_request"),
            Self::NoReplyAddress => (500_113, 400, "invalid_request"),
            Self::RedirectMismatch { .. } => (50011, 400, "invalid_request"),

            Self::ResponseTypeToken => (700_051, 400, "unsupported_response_type"),
            Self::ResponseTypeUnknown => (70005, 400, "unsupported_response_type"),
            Self::ImplicitDisabled => (700_054, 400, "unsupported_response_type"),
            Self::ChallengeSize => (501_491, 400, "invalid_request"),
            Self::ScopeInvalid { .. } => (70011, 400, "invalid_scope"),
            Self::UnknownApi { .. } => (500_011, 400, "invalid_resource"),
            Self::ApiDisabled { .. } => (500_014, 400, "invalid_resource"),
            Self::ApiNotInTenant { .. } => (650_052, 400, "invalid_resource"),
            Self::ResourceMismatch => (9_010_010, 400, "invalid_target"),
            Self::ResourceUnsupported => (901_002, 400, "invalid_request"),
            Self::TokenForItself { .. } => (90009, 400, "invalid_request"),
            Self::UnknownScope { .. } => (650_053, 400, "invalid_client"),
            Self::ApiNotListed { .. } => (650_057, 400, "invalid_resource"),

            Self::NoSession => (50058, 400, "login_required"),
            Self::UnknownUser { .. } => (50034, 400, "invalid_grant"),
            Self::UserDisabled => (50057, 400, "invalid_grant"),
            Self::ForeignUser { .. } => (50020, 400, "invalid_grant"),
            Self::NotAssigned { .. } => (50105, 400, "invalid_grant"),
            Self::MfaRequired { .. } => (50076, 400, "invalid_grant"),
            Self::Blocked => (53003, 400, "invalid_grant"),
            Self::NoConsent { .. } => (65001, 400, "invalid_grant"),
            Self::ConsentDeclined => (65004, 400, "access_denied"),
            Self::AdminConsent => (90094, 400, "access_denied"),
            Self::UserConsentRestricted => (90095, 400, "access_denied"),

            Self::UnknownGrantType(_) => (70003, 400, "unsupported_grant_type"),
            Self::Malformed => (9_002_313, 400, "invalid_request"),
            Self::CodeInvalid | Self::RefreshTokenInvalid => (70000, 400, "invalid_grant"),
            Self::CodeExpired => (70008, 400, "invalid_grant"),
            Self::CodeRedeemed => (54005, 400, "invalid_grant"),
            Self::CodeOfOtherTenant => (700_005, 400, "invalid_grant"),
            Self::ReplyMismatch { .. } => (500_112, 400, "invalid_client"),
            Self::VerifierMismatch => (501_481, 400, "invalid_grant"),
            Self::ClientIsPublic => (700_025, 401, "invalid_client"),
            Self::CredentialMissing => (7_000_218, 401, "invalid_client"),
            Self::SecretWrong { .. } => (7_000_215, 401, "invalid_client"),
            Self::SecretExpired { .. } => (7_000_222, 401, "invalid_client"),
            Self::AssertionMalformed => (50027, 400, "invalid_request"),
            Self::AssertionInvalid | Self::AssertionKeyUnknown { .. } => (700_027, 401, "invalid_client"),
            Self::AssertionTime { .. } => (700_024, 401, "invalid_client"),
            Self::AssertionClient => (700_021, 401, "invalid_client"),
            Self::AssertionAudience => (700_023, 401, "invalid_client"),
            Self::NoFederatedCredential => (70021, 400, "invalid_request"),
            Self::FederatedIssuer { .. } => (700_211, 401, "invalid_client"),
            Self::FederatedAudience { .. } => (700_212, 401, "invalid_client"),
            Self::FederatedSubject { .. } => (700_213, 401, "invalid_client"),
            Self::CrossOrigin { .. } => (9_002_326, 400, "invalid_request"),
            Self::SpaNeedsOrigin => (9_002_327, 400, "invalid_request"),
            Self::SpaNeedsPkce => (9_002_325, 400, "invalid_request"),
            Self::TwoApis { .. } => (28000, 400, "invalid_request"),
            Self::ScopeEmpty => (28003, 400, "invalid_request"),
            Self::RefreshTokenIdle { .. } => (700_082, 400, "invalid_grant"),
            Self::RefreshTokenOfSpaEnded { .. } => (700_084, 400, "invalid_grant"),
            Self::Revoked => (50173, 400, "invalid_grant"),
            Self::NotDefaultScope { .. } => (1_002_012, 400, "invalid_scope"),
            Self::NotOnCommon => (9_001_023, 400, "invalid_request"),
            Self::AppNotAssigned { .. } => (501_051, 400, "invalid_grant"),

            Self::UserAssertionSignature { .. } => (50013, 400, "invalid_grant"),
            Self::UserAssertionIsIdToken => (240_002, 400, "invalid_grant"),
            Self::UserAssertionAudience { .. } => (500_131, 400, "invalid_grant"),
            Self::UserAssertionTime => (500_133, 400, "invalid_grant"),
            Self::UserAssertionAppOnly { .. } => (7_000_114, 400, "unauthorized_client"),
            Self::Interaction(refusal) => (refusal.facts().code, 400, "interaction_required"),

            Self::DevicePending => (70016, 400, "authorization_pending"),
            Self::DeviceDeclined => (70017, 400, "authorization_declined"),
            Self::DeviceExpired => (70020, 400, "expired_token"),
            Self::DeviceCodeInvalid => (70018, 400, "bad_verification_code"),

            Self::Further { row, .. } => (row.code, row.status, row.error),
            Self::Throttled => (90055, 429, "temporarily_unavailable"),
            Self::Unavailable => (90033, 503, "temporarily_unavailable"),
        }
    }

    /// The OAuth `error` when `prompt=none` turns what would be a page into a redirect.
    pub(crate) fn silent_error(&self) -> &'static str {
        match self {
            Self::NoSession => "login_required",
            Self::UnknownScope { .. } => "invalid_client",
            Self::ApiNotListed { .. } | Self::ApiDisabled { .. } | Self::ApiNotInTenant { .. } => {
                "invalid_resource"
            }
            Self::Further { row, .. } if row.error == "invalid_resource" => row.error,
            _ => "interaction_required",
        }
    }

    /// Every code in `error_codes`: AADSTS70002 is a prefix of old that carries the actual cause.
    pub(crate) fn codes(&self) -> Vec<u32> {
        match self.facts().code {
            70002 => vec![70002, 54005],
            code => vec![code],
        }
    }

    /// The `suberror` member of the JSON form.
    pub(crate) fn suberror(&self) -> Option<&'static str> {
        match self.facts().code {
            65001 => Some("consent_required"),
            50074 | 50076 | 50078 | 50079 => Some("basic_action"),
            53000 | 53003 | 530_032 => Some("message_only"),
            _ => None,
        }
    }

    /// The `claims` member of the JSON form: a JSON string for the next `/authorize`.
    pub(crate) fn claims(&self) -> Option<&'static str> {
        match self.suberror() {
            Some("basic_action" | "message_only") => Some(
                r#"{"access_token":{"capolids":{"essential":true,"values":["0c000000-0000-4000-8000-000000000001"]}}}"#,
            ),
            _ => None,
        }
    }
}
