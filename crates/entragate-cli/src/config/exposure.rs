//! Development mode has no authentication, so nothing of it may be reachable from another machine, and what
//! depends on knowing the caller has no effect.

use super::keys::{self, Key};
use super::listen::{Listen, is_public};
use super::reader::{Reader, Wrong};

const HINT_IDENTITY: &str = "or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_MCP_CLIENT_ID";

/// Refuses public listeners and a public name for a gateway without authentication.
pub(super) fn refuse_public_development(reader: &mut Reader, listen: &Listen) {
    let mut listeners: Vec<(&Key, _)> = vec![(&keys::LISTEN, listen.address)];
    listeners.extend(listen.admin.map(|admin| (&keys::ADMIN_LISTEN, admin)));
    for (key, address) in listeners {
        if is_public(address) {
            reader.problem(
                key,
                Wrong::new(
                    format!("is {address}, open to other machines, and there is no authentication"),
                    format!("listen on 127.0.0.1:{}, {HINT_IDENTITY}", address.port()),
                ),
            );
        }
    }
    if !listen.base_url.is_loopback() {
        reader.problem(
            &keys::BASE_URL,
            Wrong::new(
                format!("is {}, a public name, and there is no authentication", listen.base_url),
                format!("unset it, {HINT_IDENTITY}"),
            ),
        );
    }
}

/// Says that rules judge nobody while nobody signs in.
pub(super) fn warn_of_idle_rules(reader: &mut Reader) {
    if reader.is_given(&keys::RULES) {
        reader.warn(
            &keys::RULES,
            "has no effect: without authentication everybody may call everything",
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_MCP_CLIENT_ID; `entragate emulate` is a local Entra",
        );
    }
}
