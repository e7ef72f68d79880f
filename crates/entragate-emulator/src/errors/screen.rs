//! Where `/authorize` shows a refusal that was ordered instead of met.

use super::Refusal;

/// Who hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    /// The person: there is no redirect URI to trust yet.
    Page,
    /// The person, unless `prompt=none` allows no page.
    AfterSignIn,
    /// The client.
    Redirect,
}

impl Refusal {
    pub(crate) fn screen(&self) -> Screen {
        match self {
            Self::Further { row, .. } => row.screen,
            Self::TenantNotFound { .. }
            | Self::TenantMalformed { .. }
            | Self::Verb { .. }
            | Self::QueryTooLong
            | Self::Missing(_)
            | Self::UnknownClient { .. }
            | Self::ClientDisabled { .. }
            | Self::SingleTenant { .. }
            | Self::RedirectMalformed
            | Self::NoReplyAddress
            | Self::RedirectMismatch { .. } => Screen::Page,
            Self::UnknownUser { .. }
            | Self::UserDisabled
            | Self::ForeignUser { .. }
            | Self::NotAssigned { .. }
            | Self::Blocked
            | Self::AdminConsent
            | Self::UserConsentRestricted
            | Self::UnknownScope { .. }
            | Self::ApiDisabled { .. }
            | Self::ApiNotInTenant { .. }
            | Self::ApiNotListed { .. } => Screen::AfterSignIn,
            _ => Screen::Redirect,
        }
    }

    /// The OAuth `error` of a redirect; the token endpoint calls some of them otherwise.
    pub(crate) fn redirect_error(&self) -> &'static str {
        let facts = self.facts();
        match (self.screen(), facts.code) {
            // What a person could settle.
            (Screen::AfterSignIn, _) | (_, 50074 | 50076 | 50078 | 50079 | 65001) => self.silent_error(),
            _ => facts.error,
        }
    }
}
