//! Who can get in. Development mode has no authentication, so nothing of it may be reachable from another
//! machine, and what depends on knowing the caller has no effect; with sign-in, nobody is to be let in by mistake.

use entragate::{AuthorityHost, BaseUrl, Policy, Rule, TenantId};

use super::identity::Entra;
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

/// Refuses an emulator behind a public name: everybody can sign in there as anybody.
pub(super) fn refuse_public_emulator(reader: &mut Reader, authority: &AuthorityHost, base_url: &BaseUrl) {
    if authority.is_loopback() && !base_url.is_loopback() {
        let wrong = Wrong::new(
            format!(
                "is {}, an emulator on this machine, and {base_url} is a public name: nobody would be kept out",
                authority.as_str()
            ),
            "unset it to sign in to Entra, or give the gateway a loopback name, such as http://localhost:3002",
        );
        reader.problem(&keys::AUTHORITY_HOST, wrong);
    }
}

/// Says that an empty list of rules is no lock.
pub(super) fn warn_of_no_rules(reader: &mut Reader, rules: &[Rule]) {
    if rules.is_empty() && reader.item(&keys::RULES).is_some() {
        reader.warn(
            &keys::RULES,
            "is an empty list: every tool is open to everybody who signed in",
            r#"write rules, such as [{ tools = ["admin_*"], roles = ["Admin"] }, { tools = ["*"] }], or leave it out"#,
        );
    }
}

/// Says which rules nobody can ever meet.
pub(super) fn warn_of_rules_for_nobody(reader: &mut Reader, rules: &[Rule], entra: Option<&Entra>) {
    let tenant = entra.and_then(|entra| entra.identity.tenant()).and_then(TenantId::as_guid);
    for (index, rule) in Policy::new(rules.iter().cloned()).explain(tenant).into_iter().enumerate() {
        if let Some(why) = rule.nobody {
            let what = format!("has rule {}, which nobody can ever meet: {why}", index + 1);
            reader.warn(&keys::RULES, what, "correct the rule; `entragate policy explain` shows all of them");
        }
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
