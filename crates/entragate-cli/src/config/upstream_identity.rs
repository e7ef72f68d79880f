//! `upstream.identity`: what the MCP server is told of the caller, or given for them, and what stands behind it.

use std::path::PathBuf;

use entragate::{ApiApp, Credential, DelegatedScope, DelegatedScopeError};
use http::header::{self, HeaderName};
use url::Url;

use super::checked::{Identity, Keys, RouteConfig, UpstreamIdentity};
use super::environment::Environment;
use super::identity::Entra;
use super::keys::{self, Key};
use super::reader::{Read, Reader, Wrong, listed, printable};
use super::route::At;
use super::static_credential::{StaticCredential, StaticCredentialError};
use super::{credential, state};

/// The kinds by name, each with the settings that are its own.
static KINDS: [(&str, &[&Key]); 6] = [
    ("headers", &[]),
    ("none", &[]),
    ("assertion", &[&keys::UPSTREAM_AUDIENCE]),
    (
        "static",
        &[&keys::UPSTREAM_CREDENTIAL, &keys::UPSTREAM_CREDENTIAL_FILE, &keys::UPSTREAM_CREDENTIAL_HEADER],
    ),
    ("token", &[&keys::UPSTREAM_AUDIENCE]),
    ("on-behalf-of", &[&keys::ON_BEHALF_OF_SCOPES]),
];

/// Reads the setting and those that belong to it.
pub(super) fn identity(reader: &mut Reader, url: Option<&Url>) -> Option<UpstreamIdentity> {
    let kind = reader.parse(&keys::UPSTREAM_IDENTITY, |text| {
        let known = KINDS.iter().find(|(name, _)| *name == text);
        known.copied().ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            Wrong::new(
                format!("is `{}`, which is no kind of identity", printable(text)),
                format!("set it to one of {}", listed(&names)),
            )
        })
    });
    let (name, own) = kind.or_default(|| KINDS[0])?;
    refuse_idle_settings(reader, name, own);
    match name {
        "none" => Some(UpstreamIdentity::Nobody),
        "assertion" => {
            let audience = reader.parse(&keys::UPSTREAM_AUDIENCE, audience);
            let default = || url.map(|url| url.as_str().to_owned());
            Some(UpstreamIdentity::Assertion { audience: audience.map(Some).or_default(default)?? })
        }
        "static" => fixed(reader).map(UpstreamIdentity::Static),
        "token" => {
            let audience = reader.parse(&keys::UPSTREAM_AUDIENCE, audience);
            if audience.is_unset() {
                reader.missing(
                    &keys::UPSTREAM_AUDIENCE,
                    "set it to the audience that the MCP server expects in Entra's tokens: the client id or the Application ID URI of the API app",
                );
            }
            Some(UpstreamIdentity::Token { audience: audience.given()? })
        }
        "on-behalf-of" => scope(reader).map(UpstreamIdentity::OnBehalfOf),
        _ => Some(UpstreamIdentity::Headers),
    }
}

/// A setting of another kind is half a configuration: whoever made it expects something of it.
fn refuse_idle_settings(reader: &mut Reader, name: &str, own: &[&Key]) {
    let all = KINDS.iter().flat_map(|(_, keys)| keys.iter().copied());
    let mut idle: Vec<&Key> = all.filter(|key| !own.iter().any(|one| one.path == key.path)).collect();
    idle.dedup_by_key(|key| key.path);
    let mut seen: Vec<&str> = Vec::new();
    for key in idle {
        if !reader.is_given(key) || seen.contains(&key.path) {
            continue;
        }
        seen.push(key.path);
        let of: Vec<&str> = KINDS
            .iter()
            .filter(|(_, keys)| keys.iter().any(|one| one.path == key.path))
            .map(|(name, _)| *name)
            .collect();
        let what = format!("has no effect: upstream.identity is {name}");
        reader.problem(
            key,
            Wrong::new(what, format!("set upstream.identity to {}, or remove it", of.join(" or "))),
        );
    }
}

fn audience(text: &str) -> Result<String, Wrong> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Wrong::new(
            "contains a space or a control character",
            "write a URI or an id, such as https://tools.contoso.com",
        ));
    }
    Ok(text.to_owned())
}

fn scope(reader: &mut Reader) -> Option<DelegatedScope> {
    let key = &keys::ON_BEHALF_OF_SCOPES;
    let names = reader.each(key, |scope| Ok(scope.to_owned()));
    if !reader.is_given(key) || names.is_empty() {
        reader.missing(key, "name the permissions to ask for, such as https://graph.microsoft.com/User.Read");
        return None;
    }
    match DelegatedScope::new(&names) {
        Ok(scope) => Some(scope),
        Err(error) => {
            let hint = match error {
                DelegatedScopeError::TwoApis(..) => {
                    "name permissions of one API; the MCP server gets one token"
                }
                DelegatedScopeError::Default => "name either .default or the permissions one by one",
                _ => {
                    "write delegated permissions with their API, such as https://graph.microsoft.com/User.Read"
                }
            };
            reader.problem(key, Wrong::new(format!("cannot be asked for: {error}"), hint));
            None
        }
    }
}

fn fixed(reader: &mut Reader) -> Option<StaticCredential> {
    let header =
        reader.parse(&keys::UPSTREAM_CREDENTIAL_HEADER, header_name).or_default(|| header::AUTHORIZATION);
    let given = reader.secret(&keys::UPSTREAM_CREDENTIAL);
    let file = reader.parse(&keys::UPSTREAM_CREDENTIAL_FILE, |path| Ok(PathBuf::from(path)));
    let (key, text, file) = match (given, file) {
        (Read::Bad, _) | (_, Read::Bad) => return None,
        (Read::Given(_), Read::Given(_)) => {
            let wrong = Wrong::new("is set beside upstream.credential_file", "keep one of them");
            reader.problem(&keys::UPSTREAM_CREDENTIAL, wrong);
            return None;
        }
        (Read::Unset, Read::Unset) => {
            if reader.route.is_some() {
                // Variables belong to one server, and secrets do not belong into a file of settings.
                reader.missing(&keys::UPSTREAM_CREDENTIAL_FILE, "name a file with the value of the header");
                return None;
            }
            reader.missing(
                &keys::UPSTREAM_CREDENTIAL,
                "set it to the value of the header, such as Bearer and a token, or set upstream.credential_file",
            );
            return None;
        }
        (Read::Given(secret), Read::Unset) => (&keys::UPSTREAM_CREDENTIAL, secret.expose().to_owned(), None),
        (Read::Unset, Read::Given(path)) => match std::fs::read_to_string(&path) {
            Ok(text) => (&keys::UPSTREAM_CREDENTIAL_FILE, text, Some(path)),
            Err(error) => {
                let what =
                    format!("names {}, which cannot be read: {error}", printable(&path.to_string_lossy()));
                let wrong =
                    Wrong::new(what, "name a readable file with the value of the header and nothing else");
                reader.problem(&keys::UPSTREAM_CREDENTIAL_FILE, wrong);
                return None;
            }
        },
    };
    let header = header?;
    match StaticCredential::parse(header, &text, file) {
        Ok(credential) => Some(credential),
        Err(error) => {
            let hint = match error {
                StaticCredentialError::NoScheme => {
                    "write the whole value, such as Bearer and the token, or set upstream.credential_header"
                }
                _ => "write the value of the header, one line of ASCII text",
            };
            reader.problem(key, Wrong::new(error.to_string(), hint));
            None
        }
    }
}

/// Headers that are not a credential's: of the connection, of the message, of MCP, and those that say who calls.
fn header_name(text: &str) -> Result<HeaderName, Wrong> {
    let hint = "write the header that the MCP server expects its credential in, such as X-Api-Key";
    let name: HeaderName = text.parse().map_err(|_| Wrong::new("is not the name of a header", hint))?;
    let dashed = name.as_str().replace(['_', '.'], "-");
    let is_ours =
        ["mcp-", "x-forwarded-", "x-entra-", "content-", "accept", "sec-", "proxy-", "last-event-id"]
            .iter()
            .any(|prefix| dashed.starts_with(prefix));
    let of_the_connection = [
        header::CONNECTION,
        header::COOKIE,
        header::EXPECT,
        header::FORWARDED,
        header::HOST,
        header::ORIGIN,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
    ];
    if is_ours || of_the_connection.contains(&name) {
        return Err(Wrong::new(format!("is {name}, which has another meaning"), hint));
    }
    Ok(name)
}

/// What must be there for a kind to work, besides its settings.
pub(super) struct Backing {
    /// The API app's credential, with which the gateway asks on behalf of callers.
    pub(super) credential: Read<Credential>,
    /// What signs assertions.
    pub(super) assertion_keys: Option<Keys>,
}

/// What one MCP server is to be told.
pub(super) struct Wanted<'a> {
    /// Where that stands, if in a list of routes.
    at: Option<&'a At>,
    identity: &'a UpstreamIdentity,
    /// The route's own API app.
    api: Option<&'a ApiApp>,
}

impl<'a> Wanted<'a> {
    /// By the only server.
    pub(super) const fn alone(identity: &'a UpstreamIdentity) -> Self {
        Self { at: None, identity, api: None }
    }

    /// By the server of a route, if it gets headers at all.
    pub(super) fn at(at: &'a At, route: &'a RouteConfig) -> Option<Self> {
        let identity = &route.http()?.identity;
        Some(Self { at: Some(at), identity, api: route.api.as_ref() })
    }
}

/// Finds it, or reports what is missing; `is_public`: other machines reach the gateway.
pub(super) fn backing(
    reader: &mut Reader,
    environment: &Environment,
    entra: Option<&Entra>,
    wanted: &[Wanted<'_>],
    is_public: bool,
) -> Backing {
    let mut backing = Backing { credential: Read::Unset, assertion_keys: None };
    let Some(entra) = entra else { return backing };
    for one in wanted {
        let found = backing_of(reader, environment, entra, one, is_public, &backing);
        backing.assertion_keys = backing.assertion_keys.or(found.assertion_keys);
        if !found.credential.is_unset() {
            backing.credential = found.credential;
        }
    }
    backing
}

/// `known`: what another route needed already.
fn backing_of(
    reader: &mut Reader,
    environment: &Environment,
    entra: &Entra,
    Wanted { at, identity, api }: &Wanted<'_>,
    is_public: bool,
    known: &Backing,
) -> Backing {
    let mut backing = Backing { credential: Read::Unset, assertion_keys: None };
    let needs_sign_in = match identity {
        UpstreamIdentity::Headers | UpstreamIdentity::Nobody | UpstreamIdentity::Static(_) => return backing,
        UpstreamIdentity::Assertion { .. }
        | UpstreamIdentity::Token { .. }
        | UpstreamIdentity::OnBehalfOf(_) => {
            matches!(entra.identity, Identity::Development)
        }
    };
    if needs_sign_in {
        let wrong = Wrong::new(
            "needs somebody to speak for, and without authentication nobody signs in",
            "set it to headers or none for development, or set AZURE_TENANT_ID and AZURE_CLIENT_ID",
        );
        reader.problem_of(*at, &keys::UPSTREAM_IDENTITY, wrong);
        return backing;
    }
    match identity {
        UpstreamIdentity::Assertion { .. } if known.assertion_keys.is_none() => {
            backing.assertion_keys = match &entra.identity {
                Identity::Broker(broker) => Some(broker.keys.clone()),
                _ => state::signing_keys(reader, is_public),
            };
        }
        UpstreamIdentity::Token { audience } => check_token(reader, &entra.identity, audience, *at, *api),
        UpstreamIdentity::OnBehalfOf(_) => {
            backing.credential = api_credential(reader, environment, entra, *at, *api, known);
        }
        _ => {}
    }
    backing
}

fn check_token(
    reader: &mut Reader,
    identity: &Identity,
    audience: &str,
    at: Option<&At>,
    of_the_route: Option<&ApiApp>,
) {
    let api: &ApiApp = match identity {
        Identity::Relay(relay) => of_the_route.unwrap_or(&relay.api),
        Identity::Broker(_) | Identity::Development => {
            let wrong = Wrong::new(
                "is token, and in broker mode callers hold this gateway's own tokens, which are never passed on",
                "set it to assertion, or to on-behalf-of for another API, or use relay mode",
            );
            reader.problem_of(at, &keys::UPSTREAM_IDENTITY, wrong);
            return;
        }
    };
    let audiences: Vec<String> = api.audiences().collect();
    if !audiences.iter().any(|one| one == audience) {
        let what = format!(
            "is `{}`, which is not the API app: the gateway lets no such token in, so there is none to pass on",
            printable(audience)
        );
        let hint = format!(
            "set it to {}, or set upstream.identity to on-behalf-of for a token of another API",
            api.id()
        );
        reader.problem_of(at, &keys::UPSTREAM_AUDIENCE, Wrong::new(what, hint));
    }
}

/// Only the app that a token is for can exchange it (AADSTS500131).
fn api_credential(
    reader: &mut Reader,
    environment: &Environment,
    entra: &Entra,
    at: Option<&At>,
    of_the_route: Option<&ApiApp>,
    known: &Backing,
) -> Read<Credential> {
    let api = match &entra.identity {
        Identity::Relay(relay) => &relay.api,
        Identity::Broker(broker) => &broker.api,
        Identity::Development => return Read::Unset,
    };
    if of_the_route.is_some_and(|own| own.id() != api.id()) {
        let wrong = Wrong::new(
            "is on-behalf-of, and the route has an API app of its own: the credential of [entra] is another app's, and only the API app may exchange its tokens",
            "leave client_id out of the route, or set identity to another kind",
        );
        reader.problem_of(at, &keys::UPSTREAM_IDENTITY, wrong);
        return Read::Bad;
    }
    if !known.credential.is_unset() {
        return Read::Unset;
    }
    match &entra.identity {
        Identity::Broker(broker) => match &broker.client {
            Some(client) if client != broker.api.id() => {
                let wrong = Wrong::new(
                    format!(
                        "is on-behalf-of, and the credential of [entra] is that of broker.client_id ({client}): only the API app may exchange its tokens"
                    ),
                    "remove broker.client_id, so that the API app signs people in with its own credential",
                );
                reader.problem_of(at, &keys::UPSTREAM_IDENTITY, wrong);
                Read::Bad
            }
            _ => Read::Given(broker.credential.clone()),
        },
        Identity::Relay(_) if !credential::is_given(reader) => {
            reader.missing(
                &keys::CLIENT_SECRET,
                "upstream.identity is on-behalf-of: give the API app a credential, a client secret or one of entra.certificate_file, AZURE_FEDERATED_TOKEN_FILE, entra.managed_identity",
            );
            Read::Bad
        }
        Identity::Relay(_) => {
            credential::credential(reader, environment, &entra.authority).map_or(Read::Bad, Read::Given)
        }
        Identity::Development => Read::Unset,
    }
}
