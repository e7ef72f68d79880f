//! Section `[entra]` and `mode`: how people sign in.
//!
//! The rule that everything here serves: no configuration that mentions Entra ever runs without authentication.

use entragate::{ApiApp, AuthorityHost, ClientId, RegistrationError, Relay, TenantId};

use super::broker;
use super::checked::Identity;
use super::environment::Environment;
use super::keys;
use super::reader::{Read, Reader, Wrong, listed, printable};

pub(super) const API_APP: &str = "the Application (client) ID of the API app registration";
const CLIENT_APP: &str = "the Application (client) ID of the public client app registration";

/// What the sections about Entra amount to.
pub(super) struct Entra {
    pub(super) identity: Identity,
    pub(super) authority: AuthorityHost,
}

/// Reads `mode` and `[entra]`; `is_public`: other machines reach the gateway.
pub(super) fn entra(reader: &mut Reader, environment: &Environment, is_public: bool) -> Option<Entra> {
    let mode = reader.parse(&keys::MODE, mode);
    let authority = reader.parse(&keys::AUTHORITY_HOST, authority).or_default(AuthorityHost::default);
    let tenant = reader.parse(&keys::TENANT_ID, tenant);
    let api = api_app(reader);
    let client = reader.parse(&keys::MCP_CLIENT_ID, |text| client_id(text, CLIENT_APP));
    let named = named_settings(reader);

    let identity = if is_development(reader) {
        Some(Identity::Development)
    } else {
        // A mode that does not exist is one problem, not two.
        if tenant.is_unset() && !(named.is_empty() && matches!(mode, Read::Bad)) {
            missing_tenant(reader, &named);
        }
        match mode {
            // The mode's own problem says what to set instead.
            Read::Bad => None,
            Read::Given(Mode::Relay) => relay(reader, tenant, api, client).map(Identity::Relay),
            Read::Unset if !client.is_unset() => relay(reader, tenant, api, client).map(Identity::Relay),
            Read::Unset | Read::Given(Mode::Broker) => {
                let cloud = authority.clone().unwrap_or_default();
                broker::broker(reader, environment, tenant, api, &cloud, is_public)
                    .map(|broker| Identity::Broker(Box::new(broker)))
            }
        }
    };
    if let Some(Identity::Relay(_)) = identity {
        notes_about_relay(reader);
    }
    Some(Entra { identity: identity?, authority: authority? })
}

enum Mode {
    Relay,
    Broker,
}

fn mode(text: &str) -> Result<Mode, Wrong> {
    let modes = "set it to broker, or to relay with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_MCP_CLIENT_ID";
    match text {
        "relay" => Ok(Mode::Relay),
        "broker" => Ok(Mode::Broker),
        "native" => Err(Wrong::new("is `native`, which is not available in this version", modes)),
        "development" => Err(Wrong::new(
            "cannot be set to `development`",
            "unset it: there is no authentication when no Entra setting is made and every listener is loopback",
        )),
        other => Err(Wrong::new(format!("is `{}`, which is no mode", printable(other)), modes)),
    }
}

fn authority(text: &str) -> Result<AuthorityHost, Wrong> {
    AuthorityHost::parse(text).map_err(|error| match error {
        RegistrationError::PlainHttp(_) => {
            Wrong::new("is plain http on a host that is not loopback", "write https://, tokens travel there")
        }
        _ => Wrong::new(
            format!("is `{}`, which is not the URL of a host", printable(text)),
            "write scheme and host and nothing else, such as https://login.microsoftonline.com",
        ),
    })
}

fn tenant(text: &str) -> Result<TenantId, Wrong> {
    TenantId::parse(text).map_err(|error| match error {
        RegistrationError::ManyTenants(name) => Wrong::new(
            format!("is `{name}`, which stands for many tenants"),
            "set it to the GUID of the tenant whose users may sign in",
        ),
        _ => Wrong::new(
            "is neither a GUID nor a domain",
            "copy the Tenant ID from the Entra admin centre, or give a verified domain such as contoso.onmicrosoft.com",
        ),
    })
}

/// The value is not repeated: what ends up here by mistake is often the secret.
pub(super) fn client_id(text: &str, what: &str) -> Result<ClientId, Wrong> {
    ClientId::parse(text).map_err(|_| Wrong::new("is not a GUID", format!("set it to {what}")))
}

/// Reads an API app: the gateway's, or a route's.
pub(super) fn api_app(reader: &mut Reader) -> Read<ApiApp> {
    let id = reader.parse(&keys::CLIENT_ID, |text| client_id(text, API_APP));
    // The lists are checked even when there is no id to attach them to.
    let bare = ApiApp::new(ClientId::parse(NIL).expect("the nil GUID is a GUID"));
    let uris = reader.each(&keys::IDENTIFIER_URIS, |uri| match bare.clone().with_identifier_uris([uri]) {
        Ok(_) => Ok(uri.to_owned()),
        Err(_) => Err(Wrong::new(
            "is not an Application ID URI",
            "copy it from \"Expose an API\", such as api://mcp.contoso.com, without a slash at the end",
        )),
    });
    let scopes = scopes(reader);
    id.map(|id| {
        let app = ApiApp::new(id);
        let app = if uris.is_empty() { Ok(app) } else { app.with_identifier_uris(uris) };
        app.and_then(|app| app.with_scopes(scopes)).expect("every URI and every scope was accepted alone")
    })
}

/// Reads the scopes that an API app must have granted.
pub(super) fn scopes(reader: &mut Reader) -> Vec<String> {
    let bare = ApiApp::new(ClientId::parse(NIL).expect("the nil GUID is a GUID"));
    reader.each(&keys::SCOPES, |scope| match bare.clone().with_scopes([scope]) {
        Ok(_) => Ok(scope.to_owned()),
        Err(_) => Err(Wrong::new(
            "is not the short name of a scope",
            "write the name below \"Expose an API\" without the Application ID URI, such as access",
        )),
    })
}

const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// Whether nobody said anything about signing in.
pub(super) fn is_development(reader: &Reader) -> bool {
    !reader.is_given(&keys::MODE) && named_settings(reader).is_empty()
}

/// The settings of `[entra]` that somebody made, as they wrote them.
fn named_settings(reader: &Reader) -> Vec<String> {
    let entra = keys::ALL.into_iter().filter(|key| key.section() == "entra" && reader.is_given(key));
    entra.map(|key| key.as_written(&reader.place(key)).to_owned()).collect()
}

fn missing_tenant(reader: &mut Reader, named: &[String]) {
    let hint = if named.is_empty() {
        "set it to the Tenant ID of the tenant whose users sign in".to_owned()
    } else {
        let verb = if named.len() == 1 { "is" } else { "are" };
        format!(
            "{} {verb} set: set the tenant too, or unset everything about Entra to run without sign-in",
            listed(named)
        )
    };
    reader.missing(&keys::TENANT_ID, hint);
}

fn relay(
    reader: &mut Reader,
    tenant: Read<TenantId>,
    api: Read<ApiApp>,
    client: Read<ClientId>,
) -> Option<Relay> {
    if api.is_unset() {
        reader.missing(&keys::CLIENT_ID, format!("set it to {API_APP}"));
    }
    if client.is_unset() {
        reader.missing(
            &keys::MCP_CLIENT_ID,
            format!("set it to {CLIENT_APP}, or set mode to broker, which needs no second app registration"),
        );
    }
    let (tenant, api, client) = (tenant.given(), api.given()?, client.given()?);
    if *api.id() == client {
        let wrong = two_registrations(reader);
        reader.problem(&keys::MCP_CLIENT_ID, wrong);
        return None;
    }
    Some(Relay { tenant: tenant?, api, client })
}

fn two_registrations(reader: &Reader) -> Wrong {
    let place = reader.place(&keys::CLIENT_ID);
    let api = keys::CLIENT_ID.as_written(&place);
    Wrong::new(
        format!("is the same app registration as {api}: Entra answers AADSTS90009"),
        "make two registrations: one that exposes the API, and a public client that is granted its scope \
         (incompatibility 4 of the ten)",
    )
}

fn notes_about_relay(reader: &mut Reader) {
    reader.note(
        &keys::MCP_CLIENT_ID,
        "is what every client signs in with: in relay mode Entra redirects to the client's own callback",
        "register every client's callback at the client app under \"Mobile and desktop applications\"; \
         Gemini CLI cannot sign in, it demands an `iss` that Entra does not send",
    );
}
