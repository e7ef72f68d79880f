//! The entries, a file for each theme.

mod assignment;
mod authorization_code;
mod conditional_access;
mod consent;
mod credential;
mod device_code;
mod federated_credential;
mod guest;
mod mfa;
mod on_behalf_of;
mod outage;
mod person;
mod redirect_uri;
mod refresh_token;
mod registration;
mod request;
mod scope;
mod source;
mod step;
mod tenant;

use super::Entry;

/// Codes that have to do with one thing.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Theme {
    /// A heading.
    pub title: &'static str,
    /// Its codes.
    pub entries: &'static [Entry],
}

const fn theme(title: &'static str, entries: &'static [Entry]) -> Theme {
    Theme { title, entries }
}

static THEMES: [Theme; 18] = [
    theme("Redirect URIs", redirect_uri::ENTRIES),
    theme("Resources and scopes", scope::ENTRIES),
    theme("App registrations and enterprise applications", registration::ENTRIES),
    theme("Tenants and clouds", tenant::ENTRIES),
    theme("Consent and permissions", consent::ENTRIES),
    theme("Assignment", assignment::ENTRIES),
    theme("Secrets, certificates and client assertions", credential::ENTRIES),
    theme("Federated credentials", federated_credential::ENTRIES),
    theme("Authorization codes and PKCE", authorization_code::ENTRIES),
    theme("Refresh tokens and sessions", refresh_token::ENTRIES),
    theme("Requests that Entra cannot read", request::ENTRIES),
    theme("Accounts and passwords", person::ENTRIES),
    theme("Multi-factor authentication", mfa::ENTRIES),
    theme("Conditional Access, devices and risk", conditional_access::ENTRIES),
    theme("Guests and other tenants", guest::ENTRIES),
    theme("Device code", device_code::ENTRIES),
    theme("On behalf of", on_behalf_of::ENTRIES),
    theme("Outages and limits", outage::ENTRIES),
];

/// The catalogue, by theme.
pub fn themes() -> &'static [Theme] {
    &THEMES
}

/// Every entry, by theme.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    THEMES.iter().flat_map(|theme| theme.entries)
}

/// What is known about a code.
pub fn find(code: u64) -> Option<&'static Entry> {
    all().find(|entry| entry.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aadsts::page;

    fn is_printable(text: &str) -> bool {
        !text.trim().is_empty() && text.trim() == text && !text.contains(char::is_control)
    }

    #[test]
    fn every_code_is_explained_once_and_completely() {
        for (at, entry) in all().enumerate() {
            let code = entry.code;
            assert!(!all().take(at).any(|other| other.code == code), "{code} twice");
            assert!((10_000..10_000_000).contains(&code), "{code}");
            assert!(
                entry.name.is_none_or(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')),
                "{code}"
            );
            assert!(is_printable(entry.meaning) && entry.meaning.ends_with('.'), "{code}: {}", entry.meaning);
            for text in [entry.hint, entry.portal.text(), entry.command.text()] {
                assert!(is_printable(text), "{code}: {text}");
            }
            assert!(entry.row.is_none_or(|row| page(row).is_some()), "{code}");
            assert!(!entry.sources.is_empty(), "{code}");
            for source in entry.sources {
                let url = url::Url::parse(source).unwrap();
                assert_eq!(url.scheme(), "https", "{code}");
                assert!(
                    ["learn.microsoft.com", "github.com", "doc.nais.io"].contains(&url.host_str().unwrap()),
                    "{source}"
                );
            }
        }
        assert!(all().count() >= 130, "{}", all().count());
    }

    #[test]
    fn every_hint_fits_an_oauth_error() {
        // RFC 6749 §5.2: what an error_description may consist of.
        let fits = |hint: &str| hint.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\');
        for entry in all() {
            assert!(fits(entry.hint) && entry.hint.len() <= 400, "{}", entry.code);
        }
    }

    #[test]
    fn placeholders_are_those_that_are_filled_in() {
        let names = crate::aadsts::Names::default();
        for entry in all() {
            for text in [entry.meaning, entry.hint, entry.portal.text(), entry.command.text()] {
                let filled = names.fill(text);
                for name in ["{tenant", "{api", "{client", "{base", "base_url}"] {
                    assert!(!filled.contains(name), "{}: {filled}", entry.code);
                }
            }
        }
    }
}
