//! From an AADSTS code to a refusal, for those that the control plane orders.

use super::further::FURTHER;
use super::{About, Refusal};

/// The causes that the endpoints have themselves.
const OWN: [fn(&About) -> Refusal; 67] = [
    |about| Refusal::TenantNotFound { tenant: about.tenant.clone() },
    |about| Refusal::TenantMalformed { tenant: about.tenant.clone() },
    |_| Refusal::Verb { accepts: "POST", method: "GET".to_owned() },
    |_| Refusal::QueryTooLong,
    |_| Refusal::Missing("client_id"),
    |_| Refusal::Unsupported("prompt"),
    |about| Refusal::UnknownClient { client: about.client.clone(), tenant: about.tenant_name.clone() },
    |about| Refusal::SingleTenant { id: about.client.clone(), name: about.client_name.clone() },
    |about| Refusal::ClientDisabled { id: about.client.clone(), name: about.client_name.clone() },
    |about| Refusal::ClientNotInTenant { client: about.client.clone(), tenant: about.tenant.clone() },
    |_| Refusal::RedirectMalformed,
    |_| Refusal::NoReplyAddress,
    |about| Refusal::RedirectMismatch { uri: about.redirect_uri.clone(), client: about.client.clone() },
    |_| Refusal::ResponseTypeToken,
    |_| Refusal::ResponseTypeUnknown,
    |_| Refusal::ImplicitDisabled,
    |_| Refusal::ChallengeSize,
    |about| Refusal::ScopeInvalid { scope: about.scope.clone() },
    |about| Refusal::UnknownApi { api: about.api.clone(), tenant: about.tenant_name.clone() },
    |about| Refusal::ApiDisabled { api: about.api.clone() },
    |about| Refusal::ApiNotInTenant { name: about.api_name.clone(), tenant: about.tenant_name.clone() },
    |_| Refusal::ResourceMismatch,
    |_| Refusal::ResourceUnsupported,
    |about| Refusal::TokenForItself { id: about.client.clone(), name: about.client_name.clone() },
    |about| Refusal::UnknownScope {
        client: about.client_name.clone(),
        scope: about.scope.clone(),
        api: about.api.clone(),
    },
    |about| Refusal::ApiNotListed {
        client: about.client.clone(),
        value: about.scope.clone(),
        api: about.api.clone(),
        listed: String::new(),
    },
    |_| Refusal::NoSession,
    |about| Refusal::UnknownUser { tenant: about.tenant_name.clone() },
    |_| Refusal::UserDisabled,
    |about| Refusal::ForeignUser {
        user: about.user.clone(),
        idp: about.issuer.clone(),
        tenant: about.tenant_name.clone(),
        id: about.client.clone(),
        name: about.client_name.clone(),
    },
    |about| Refusal::NotAssigned { id: about.client.clone(), name: about.client_name.clone() },
    |about| Refusal::MfaRequired { api: about.api.clone() },
    |_| Refusal::Blocked,
    |about| Refusal::NoConsent { id: about.client.clone(), name: about.client_name.clone() },
    |_| Refusal::ConsentDeclined,
    |_| Refusal::AdminConsent,
    |_| Refusal::UserConsentRestricted,
    |about| Refusal::UnknownGrantType(about.grant_type.clone()),
    |_| Refusal::Malformed,
    |about| match about.grant_type.as_str() {
        "refresh_token" => Refusal::RefreshTokenInvalid,
        _ => Refusal::CodeInvalid,
    },
    |_| Refusal::CodeExpired,
    |_| Refusal::CodeRedeemed,
    |_| Refusal::CodeOfOtherTenant,
    |about| Refusal::ReplyMismatch {
        sent: about.redirect_uri.clone(),
        expected: format!("{}/", about.redirect_uri),
    },
    |_| Refusal::VerifierMismatch,
    |_| Refusal::ClientIsPublic,
    |_| Refusal::CredentialMissing,
    |about| Refusal::SecretWrong { client: about.client.clone() },
    |about| Refusal::SecretExpired { client: about.client.clone() },
    |_| Refusal::AssertionInvalid,
    |about| Refusal::CrossOrigin { origin: about.origin.clone() },
    |_| Refusal::SpaNeedsOrigin,
    |_| Refusal::SpaNeedsPkce,
    |about| Refusal::TwoApis { scope: about.scope.clone() },
    |_| Refusal::ScopeEmpty,
    |about| Refusal::RefreshTokenIdle { issued: about.issued.clone() },
    |about| Refusal::RefreshTokenOfSpaEnded { issued: about.issued.clone() },
    |_| Refusal::Revoked,
    |about| Refusal::NotDefaultScope { scope: about.scope.clone() },
    |_| Refusal::NotOnCommon,
    |about| Refusal::AppNotAssigned {
        client: about.client.clone(),
        client_name: about.client_name.clone(),
        api: about.api.clone(),
        api_name: about.api_name.clone(),
    },
    |_| Refusal::DevicePending,
    |_| Refusal::DeviceDeclined,
    |_| Refusal::DeviceExpired,
    |_| Refusal::DeviceCodeInvalid,
    |_| Refusal::ClaimsMalformed,
    |_| Refusal::Duplicated("scope"),
];

fn every(about: &About) -> impl Iterator<Item = Refusal> {
    let own = OWN.iter().map(|make| make(about));
    own.chain(FURTHER.iter().map(|row| Refusal::Further { row, text: about.fill(row.text) }))
}

impl Refusal {
    /// The refusal of that code, speaking of this request.
    pub(crate) fn of_code(code: u64, about: &About) -> Option<Self> {
        every(about).find(|refusal| u64::from(refusal.facts().code) == code)
    }
}

/// Every code that can be ordered, in ascending order.
pub(crate) fn codes() -> Vec<u32> {
    let mut codes: Vec<u32> = every(&About::default()).map(|refusal| refusal.facts().code).collect();
    codes.sort_unstable();
    codes
}

#[cfg(test)]
mod tests {
    use super::{About, Refusal, codes, every};

    #[test]
    fn codes_are_unique_and_found() {
        let codes = codes();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
        for code in codes {
            let refusal = Refusal::of_code(code.into(), &About::default());
            assert_eq!(refusal.map(|refusal| refusal.facts().code), Some(code));
        }
        assert_eq!(Refusal::of_code(u64::from(u32::MAX) + 50076, &About::default()), None);
    }

    #[test]
    fn no_text_keeps_a_blank() {
        for refusal in every(&About::default()) {
            // Entra itself writes this one.
            let text = refusal.to_string().replace("{EmailHidden}", "");
            assert!(!text.contains(['{', '}']), "{text}");
        }
    }
}
