//! Redirect URIs of the chosen clients, from the catalogue.

use entragate::oauth::redirect_policy::is_shipped;

use crate::clients::{AtEntra, Callback, Client, IssRule};

/// The seed's two, which most command-line clients use.
const SEED: [&str; 2] = ["http://localhost/callback", "http://127.0.0.1/callback"];

/// Redirect URIs, and what cannot be settled.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    pub(super) uris: Vec<String>,
    pub(super) remarks: Vec<String>,
}

impl Redirects {
    fn add(&mut self, uri: String) {
        if !self.uris.contains(&uri) {
            self.uris.push(uri);
        }
    }
}

/// Relay mode: each is registered at Entra, letter by letter (AADSTS50011).
pub(super) fn registered_redirects(clients: &[&'static Client], mcp_url: &str) -> Redirects {
    let mut all = Redirects { uris: SEED.map(str::to_owned).to_vec(), remarks: Vec::new() };
    for client in clients {
        if client.iss == IssRule::Required {
            all.remarks.push(format!(
                "{} cannot sign in in relay mode: it demands an `iss` that Entra does not send; use --mode broker",
                client.display
            ));
        }
        // Nobody promises `iss` in relay mode.
        for callback in client.callbacks_without_iss.unwrap_or(client.callbacks) {
            match callback.at_entra(mcp_url) {
                AtEntra::Register(uri) => all.add(uri),
                AtEntra::OnceKnown(pattern) => all.remarks.push(format!(
                    "{} comes back at {pattern}: register it once you know it, or use --mode broker",
                    client.display
                )),
                AtEntra::Unknown => {
                    all.remarks.push(format!("Nobody has published where {} comes back", client.display));
                }
            }
        }
    }
    all
}

/// Broker mode: what the gateway does not allow by itself goes into `allowed_redirect_uris`.
pub(super) fn allowed_redirects(clients: &[&'static Client]) -> Redirects {
    let mut all = Redirects::default();
    for client in clients {
        for callback in client.callbacks {
            match *callback {
                Callback::Loopback { .. } | Callback::LoopbackPerServer { .. } => {}
                Callback::Hosted(uri) | Callback::PrivateUse(uri) if is_shipped(uri) => {}
                Callback::HostedBelow(prefix) if is_shipped(&format!("{prefix}example")) => {}
                Callback::Hosted(uri) | Callback::PrivateUse(uri) => all.add(uri.to_owned()),
                Callback::HostedBelow(prefix) => all.add(format!("{prefix}*")),
                Callback::Installation(path) => all.remarks.push(format!(
                    "{} comes back at https://{{its host}}{path}: add that to allowed_redirect_uris",
                    client.display
                )),
                Callback::Chosen(_) | Callback::Unknown => all.remarks.push(format!(
                    "Where {} comes back is not known: add its redirect URI to allowed_redirect_uris, unless it is loopback",
                    client.display
                )),
            }
        }
    }
    all
}
