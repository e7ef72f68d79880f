//! The table, by where clients run.

mod command_line;
mod editors;
mod hosted;
mod sdks;
mod self_hosted;

use super::client::Client;

/// All known clients.
pub fn all() -> impl Iterator<Item = &'static Client> {
    command_line::CLIENTS
        .iter()
        .chain(&editors::CLIENTS)
        .chain(&hosted::CLIENTS)
        .chain(&self_hosted::CLIENTS)
        .chain(&sdks::CLIENTS)
}

/// The client with this name on the command line.
pub fn named(name: &str) -> Option<&'static Client> {
    all().find(|client| client.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use entragate::RedirectRule;

    use super::*;
    use crate::clients::{AtEntra, Callback, Registration};

    #[test]
    fn names_are_unique_and_can_be_typed() {
        let mut seen = HashSet::new();
        for client in all() {
            assert!(seen.insert(client.name), "{} is there twice", client.name);
            let typed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(client.name.bytes().all(typed) && client.name != "all", "{}", client.name);
            assert!(!client.callbacks.is_empty() && !client.registration.is_empty(), "{}", client.name);
        }
    }

    #[test]
    fn what_is_registered_at_entra_keeps_its_rules() {
        for client in all() {
            let callbacks = client.callbacks.iter().chain(client.callbacks_without_iss.unwrap_or_default());
            for callback in callbacks {
                let AtEntra::Register(uri) = callback.at_entra("https://mcp.contoso.com/mcp") else {
                    continue;
                };
                // Microsoft, "Redirect URI restrictions and limitations": length, characters, and http for loopback only.
                assert!(
                    uri.len() <= 256 && !uri.contains(['!', '$', '\'', '(', ')', ',', ';', '*']),
                    "{uri}"
                );
                let is_loopback = uri.starts_with("http://localhost") || uri.starts_with("http://127.0.0.1");
                assert!(!uri.starts_with("http://") || is_loopback, "{uri}");
            }
        }
    }

    #[test]
    fn hosted_callbacks_and_documents_are_https() {
        for client in all() {
            for callback in client.callbacks {
                match callback {
                    Callback::Hosted(uri) => assert!(RedirectRule::parse(uri).is_ok(), "{uri}"),
                    Callback::HostedBelow(prefix) => {
                        assert!(RedirectRule::parse(&format!("{prefix}*")).is_ok(), "{prefix}");
                    }
                    _ => {}
                }
            }
            for registration in client.registration {
                if let Registration::Document(Some(url)) = registration {
                    assert!(url.starts_with("https://"), "{url}");
                }
            }
        }
    }
}
