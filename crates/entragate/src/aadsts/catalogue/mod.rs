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
    use crate::aadsts::{Step, Who, page};

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

    /// Verbs with which a step begins.
    const STEPS: &str = "accept add allow answer ask bring change check choose compare confirm correct create enable enter expose \
        finish get give have go grant install keep look move name open present put redeem register remove repeat select send set sign \
        start stop switch try type upload use wait write close exclude turn restart make see let leave";

    /// What to do, and not what the code means once more.
    #[test]
    fn every_hint_names_a_step() {
        for entry in all() {
            let hint = entry.hint;
            assert!(!entry.meaning.contains(hint), "{}", entry.code);
            let clauses = hint.split(['.', ',', ':', ';', '(']).flat_map(|part| part.split(" or "));
            let begins = clauses
                .flat_map(|clause| clause.split(" and "))
                .filter_map(|clause| {
                    clause
                        .split_whitespace()
                        .find(|word| !["so", "then"].contains(&word.to_lowercase().as_str()))
                })
                .any(|word| STEPS.split_whitespace().any(|step| step.eq_ignore_ascii_case(word)));
            let duty = [" must ", " needs ", " should ", "az ad "].iter().any(|word| hint.contains(word));
            assert!(begins || duty, "AADSTS{}: {hint}", entry.code);
        }
        for (code, step) in [
            (50076, "Sign in again"),
            (50074, "Sign in again"),
            (70008, "Sign in again"),
            (54005, "must redeem a code once"),
            (700_082, "Sign in again"),
            (900_144, "must send"),
            (650_053, "enable it"),
        ] {
            let hint = find(code).unwrap().hint;
            assert!(hint.contains(step), "AADSTS{code}: {hint}");
        }
    }

    #[test]
    fn whoever_can_mend_it_is_named() {
        for (code, who) in [
            (54005, Who::Developer),
            (9_002_313, Who::Developer),
            (501_481, Who::Operator),
            (65001, Who::Administrator),
            (50076, Who::Person),
        ] {
            assert_eq!(find(code).unwrap().who, who, "AADSTS{code}");
        }
    }

    /// The options of `az ad app update` for lists write the whole list, `az ad app create` writes over an app of the same
    /// name, and `credential reset` removes the others without `--append`.
    #[test]
    fn no_command_deletes_anything() {
        for entry in all() {
            let Step::Do(command) = entry.command else { continue };
            // What is behind it is for people.
            let command = command.split(" #").next().unwrap_or_default();
            let whole_list = [
                "redirect-uris",
                "redirectUris\":[",
                "identifierUris\":[",
                "az ad app create",
                "delete",
                "DELETE",
            ];
            assert!(!whole_list.iter().any(|word| command.contains(word)), "AADSTS{}: {command}", entry.code);
            for (option, needed) in
                [("--identifier-uris", "$(az ad app show "), ("credential reset", "--append")]
            {
                assert!(
                    !command.contains(option) || command.contains(needed),
                    "AADSTS{}: {command}",
                    entry.code
                );
            }
        }
    }

    /// Redirect URIs are on another platform in each mode.
    #[test]
    fn commands_about_redirect_uris_fit_both_modes() {
        for code in [50011, 70004, 500_113, 900_971, 700_025, 9_002_325, 9_002_327] {
            let Step::Do(command) = find(code).unwrap().command else { panic!("AADSTS{code}") };
            assert!(command.starts_with("entragate doctor --graph az --fix"), "AADSTS{code}: {command}");
        }
    }

    #[test]
    fn placeholders_are_those_that_are_filled_in() {
        let names = crate::aadsts::Names::default();
        for entry in all() {
            for text in [entry.meaning, entry.hint, entry.portal.text(), entry.command.text()] {
                let filled = names.fill(text);
                for name in ["{tenant", "{api", "{client", "{base", "base_url}", "{authority", "authority}"] {
                    assert!(!filled.contains(name), "{}: {filled}", entry.code);
                }
            }
        }
    }
}
