//! `entragate.toml`: how the gateway behaves, as a start that people edit.

use std::fmt::Write as _;

use url::Url;

use crate::setup::slot::{Ids, Slot};
use crate::setup::wanted::{Mode, Wanted, WantedCredential};

/// The file.
pub fn toml(wanted: &Wanted, upstream: &str, ids: &Ids) -> String {
    let mut text = String::from(
        "# Written by `entragate setup`. Who signs people in stands in .env; `entragate config reference` explains every\n\
         # setting, and `entragate config check` says what is in force.\n",
    );
    let _ = writeln!(text, "mode = {}", quoted(wanted.mode.name()));
    if let Some(address) = listen(&wanted.base_url) {
        let _ = writeln!(text, "listen = {}", quoted(&address));
    }
    if !wanted.allowed_redirect_uris.is_empty() {
        let _ = writeln!(text, "allowed_redirect_uris = {}", list(&wanted.allowed_redirect_uris));
    }
    let _ = writeln!(text, "\n[upstream]\nurl = {}", quoted(upstream));
    write_entra(&mut text, wanted, ids);
    if wanted.mode == Mode::Broker {
        text.push_str("\n# The key that seals tokens, and what was used once. Replicas use state.redis_url and ENTRAGATE_STATE_KEYS.\n");
        text.push_str("[state]\ndirectory = \"entragate-state\"\n");
    }
    write_rules(&mut text, wanted);
    text
}

fn write_entra(text: &mut String, wanted: &Wanted, ids: &Ids) {
    let scopes: Vec<String> = wanted.api.scopes.iter().map(|scope| scope.value.clone()).collect();
    let _ = writeln!(text, "\n[entra]\nscopes = {}", list(&scopes));
    let default = format!("api://{}", Slot::ApiAppId.placeholder());
    let uris: Vec<String> =
        wanted.api.identifier_uris.iter().filter(|uri| **uri != default).map(|uri| ids.fill(uri)).collect();
    if !uris.is_empty() {
        let _ = writeln!(text, "identifier_uris = {}", list(&uris));
    }
    match &wanted.credential {
        WantedCredential::Certificate { file, .. } => {
            let _ = writeln!(text, "certificate_file = {}", quoted(file));
        }
        WantedCredential::Federated(_) => text.push_str(
            "# The credential: AZURE_FEDERATED_TOKEN_FILE, which AKS sets, or the client id of the managed identity:\n\
             # managed_identity = \"00000000-0000-0000-0000-000000000000\"\n",
        ),
        WantedCredential::Secret { .. } | WantedCredential::None => {}
    }
}

/// The first role may do everything; whoever has another one may do what is not for the first.
fn write_rules(text: &mut String, wanted: &Wanted) {
    text.push_str("\n# Who may call what. The first rule that names the tool decides.\n");
    let roles: Vec<String> = wanted.api.roles.iter().map(|role| role.value.clone()).collect();
    if let [first, _, ..] = roles.as_slice() {
        let _ = writeln!(
            text,
            "[[rules]]\ntools = [\"admin_*\"]\nroles = {}\n",
            list(std::slice::from_ref(first))
        );
    }
    text.push_str("[[rules]]\ntools = [\"*\"]\nprompts = [\"*\"]\nresources = [\"*\"]\n");
    if !roles.is_empty() {
        let _ = writeln!(text, "roles = {}", list(&roles));
    }
}

/// A gateway on this machine listens where its URL says; behind a proxy the default is as good as any.
fn listen(base_url: &str) -> Option<String> {
    let url = Url::parse(base_url).ok()?;
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    let port = url.port().filter(|_| is_local)?;
    Some(format!("127.0.0.1:{port}"))
}

fn quoted(text: &str) -> String {
    ::toml::Value::String(text.to_owned()).to_string()
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
}
