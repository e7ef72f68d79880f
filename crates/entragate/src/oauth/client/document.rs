//! A client's metadata document (Client ID Metadata Document §4.1; CI-03 to CI-06, CI-15).
//!
//! Strict about who the client is and how it proves that, because two readings of one document would be two
//! clients; tolerant about the rest, as registration is: one unusable redirect URI does not spoil the others
//! (docs/clients.md K22), and members that nothing here acts on may be anything. Links to logos and
//! policies are not read at all, so no page can show them (CI-16).

use std::collections::HashSet;

use aws_lc_rs::digest;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::document_url::{DocumentUrl, DocumentUrlError};
use super::name::shown_name;
use crate::json::Members;
use crate::oauth::redirect_uri::{RedirectUri, RedirectUriError};

/// Most redirect URIs that are looked at, as at registration.
const MAX_REDIRECT_URIS: usize = 20;

/// Why a document does not describe a client.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum DocumentError {
    #[error("it is not a JSON object")]
    NotAnObject,
    #[error("a member is there twice")]
    Repeated,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} has the wrong type")]
    Type(&'static str),
    #[error("client_id is not the URL of the document")]
    OtherClient,
    #[error("client_name has nothing to show")]
    Unnamed,
    #[error("{0} is not for a public document")]
    Secret(&'static str),
    #[error("token_endpoint_auth_method must be none or private_key_jwt")]
    Method,
    #[error("private_key_jwt needs either jwks or jwks_uri")]
    KeySource,
    #[error("jwks_uri {0}")]
    KeysUrl(#[source] DocumentUrlError),
    #[error("jwks is not a set of public keys")]
    Keys,
    #[error("grant_types must contain authorization_code")]
    Grants,
    #[error("response_types must contain code")]
    ResponseTypes,
    #[error("redirect_uris must hold 1 to {MAX_REDIRECT_URIS} URIs")]
    RedirectUris,
    #[error("no redirect URI is usable: {0}")]
    RedirectUri(#[source] RedirectUriError),
}

/// Where the keys are by which the client proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// In the document: the key set as it is written there, which is what would come from a URL.
    Inline(String),
    Url(DocumentUrl),
}

/// How the client proves who it is at the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// A public client.
    None,
    PrivateKeyJwt(KeySource),
}

/// A client as its document describes it.
#[derive(Debug, Clone)]
pub(crate) struct ClientDocument {
    pub(crate) url: DocumentUrl,
    /// Fit to be shown, see [`shown_name`].
    pub(crate) client_name: String,
    /// Well-formed ones, at least one. Whether they may be used is the redirect policy's decision.
    pub(crate) redirect_uris: Vec<RedirectUri>,
    pub(crate) authentication: Authentication,
    /// Changes when something changes that a person consented to (CI-15).
    pub(crate) fingerprint: [u8; 32],
}

impl ClientDocument {
    pub(crate) fn parse(url: &DocumentUrl, body: &[u8]) -> Result<Self, DocumentError> {
        let text = str::from_utf8(body).map_err(|_| DocumentError::NotAnObject)?;
        let members = Members::parse(text).map_err(|_| DocumentError::NotAnObject)?;
        let mut names = HashSet::new();
        if !members.0.iter().all(|(name, _)| names.insert(name.as_str())) {
            return Err(DocumentError::Repeated);
        }
        let client_id: String = required(&members, "client_id")?;
        if client_id != url.as_str() {
            return Err(DocumentError::OtherClient);
        }
        // Even an empty or null one: whoever publishes the member believes in it.
        if let Some(secret) = SECRETS.into_iter().find(|name| members.get(name).is_some()) {
            return Err(DocumentError::Secret(secret));
        }
        let name: String = required(&members, "client_name")?;
        let client_name = shown_name(&name).ok_or(DocumentError::Unnamed)?;
        check_contains(&members, "grant_types", "authorization_code", DocumentError::Grants)?;
        check_contains(&members, "response_types", "code", DocumentError::ResponseTypes)?;
        let redirect_uris = usable_redirect_uris(required(&members, "redirect_uris")?)?;
        let authentication = authentication(&members, url)?;
        let fingerprint = fingerprint(&name, &redirect_uris, &authentication);
        Ok(Self { url: url.clone(), client_name, redirect_uris, authentication, fingerprint })
    }
}

/// What a document may not have (CI-05).
const SECRETS: [&str; 2] = ["client_secret", "client_secret_expires_at"];

fn required<'m, T: Deserialize<'m>>(
    members: &'m Members<'_>,
    name: &'static str,
) -> Result<T, DocumentError> {
    optional(members, name)?.ok_or(DocumentError::Missing(name))
}

/// A member that may be absent; `null` is absent.
fn optional<'m, T: Deserialize<'m>>(
    members: &'m Members<'_>,
    name: &'static str,
) -> Result<Option<T>, DocumentError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    serde_json::from_str(value.get()).map_err(|_| DocumentError::Type(name))
}

fn check_contains(
    members: &Members<'_>,
    name: &'static str,
    needed: &str,
    error: DocumentError,
) -> Result<(), DocumentError> {
    match optional::<Vec<String>>(members, name)? {
        Some(all) if !all.iter().any(|one| one == needed) => Err(error),
        _ => Ok(()),
    }
}

fn usable_redirect_uris(given: Vec<String>) -> Result<Vec<RedirectUri>, DocumentError> {
    if given.is_empty() || given.len() > MAX_REDIRECT_URIS {
        return Err(DocumentError::RedirectUris);
    }
    let (mut usable, mut refused) = (Vec::new(), None);
    for uri in given {
        match RedirectUri::parse(&uri) {
            Ok(uri) => usable.push(uri),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if usable.is_empty() => Err(DocumentError::RedirectUri(error)),
        _ => Ok(usable),
    }
}

/// `none` or keys (CI-05, CI-06). RFC 7591 §2 would read an absent member as a shared secret, which a public
/// document cannot have.
fn authentication(members: &Members<'_>, url: &DocumentUrl) -> Result<Authentication, DocumentError> {
    match optional::<String>(members, "token_endpoint_auth_method")?.as_deref() {
        None | Some("none") => return Ok(Authentication::None),
        Some("private_key_jwt") => {}
        Some(_) => return Err(DocumentError::Method),
    }
    let inline: Option<&RawValue> = optional(members, "jwks")?;
    let keys_url: Option<String> = optional(members, "jwks_uri")?;
    let source = match (inline, keys_url) {
        (Some(keys), None) => KeySource::Inline(public_keys(keys)?),
        // On this machine only for a client that is there itself (CI-11).
        (None, Some(keys_url)) => {
            let keys_url = DocumentUrl::parse(&keys_url, url.is_loopback());
            KeySource::Url(keys_url.map_err(DocumentError::KeysUrl)?)
        }
        // Both is forbidden too (RFC 7591 §2): which of them holds would be anybody's guess.
        _ => return Err(DocumentError::KeySource),
    };
    Ok(Authentication::PrivateKeyJwt(source))
}

/// Members of a key that only its owner may know (RFC 7518 §6). A published one proves nothing.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key set with at least one key and no secrets; whether a key fits an assertion is decided there.
fn public_keys(keys: &RawValue) -> Result<String, DocumentError> {
    let set = Members::parse(keys.get()).map_err(|_| DocumentError::Keys)?;
    set.refuse_ambiguous(&["keys"]).map_err(|_| DocumentError::Keys)?;
    let all = set.get("keys").ok_or(DocumentError::Keys)?;
    let all: Vec<&RawValue> = serde_json::from_str(all.get()).map_err(|_| DocumentError::Keys)?;
    let is_public = |key: &&RawValue| {
        let members = Members::parse(key.get());
        members.is_ok_and(|members| PRIVATE_MEMBERS.iter().all(|name| members.get(name).is_none()))
    };
    if all.is_empty() || !all.iter().all(is_public) {
        return Err(DocumentError::Keys);
    }
    Ok(keys.get().to_owned())
}

/// SHA-256 over what a person consented to: the name, where codes go, and whose keys prove the client. Every
/// part has its length before it, so that no two documents have the same parts in a row.
fn fingerprint(name: &str, redirect_uris: &[RedirectUri], authentication: &Authentication) -> [u8; 32] {
    let mut uris: Vec<_> = redirect_uris.iter().map(RedirectUri::as_str).collect();
    // The order means nothing.
    uris.sort_unstable();
    uris.dedup();
    let (method, keys) = match authentication {
        Authentication::None => ("none", ""),
        Authentication::PrivateKeyJwt(KeySource::Inline(keys)) => ("private_key_jwt jwks", keys.as_str()),
        Authentication::PrivateKeyJwt(KeySource::Url(url)) => ("private_key_jwt jwks_uri", url.as_str()),
    };
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in [name, method, keys].into_iter().chain(uris) {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(hash.finish().as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const URL: &str = "https://client.contoso.com/oauth/client.json";

    fn parse(body: &str) -> Result<ClientDocument, DocumentError> {
        ClientDocument::parse(&DocumentUrl::parse(URL, false).unwrap(), body.as_bytes())
    }

    /// A document with these members changed; `null` leaves one out.
    fn with(changes: Value) -> Result<ClientDocument, DocumentError> {
        let mut document = json!({
            "client_id": URL,
            "client_name": "Contoso Client",
            "redirect_uris": ["http://127.0.0.1/callback", "https://client.contoso.com/callback"],
        });
        let Value::Object(changes) = changes else { unreachable!() };
        for (name, value) in changes {
            if value.is_null() {
                document.as_object_mut().unwrap().remove(&name);
            } else {
                document[name] = value;
            }
        }
        parse(&document.to_string())
    }

    fn error(changes: Value) -> DocumentError {
        let text = changes.to_string();
        with(changes).expect_err(&text)
    }

    fn fingerprint_of(changes: Value) -> [u8; 32] {
        with(changes).unwrap().fingerprint
    }

    #[test]
    fn a_document_as_clients_publish_it_is_read() {
        let document = with(json!({
            "client_uri": "https://client.contoso.com",
            "logo_uri": "http://169.254.169.254/logo.png",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": 7,
            "jwks": "not looked at for a public client",
        }))
        .unwrap();
        assert_eq!(document.url.as_str(), URL);
        assert_eq!(document.client_name, "Contoso Client");
        let uris: Vec<_> = document.redirect_uris.iter().map(RedirectUri::as_str).collect();
        assert_eq!(uris, ["http://127.0.0.1/callback", "https://client.contoso.com/callback"]);
        assert_eq!(document.authentication, Authentication::None);
    }

    #[test]
    fn what_is_not_one_json_object_is_refused() {
        for body in ["", "null", "[]", "\"x\"", "{", "{}x", "{} {}", "\u{feff}{}", "{\"a\":}", "<html>"] {
            assert_eq!(parse(body).unwrap_err(), DocumentError::NotAnObject, "{body}");
        }
        let url = DocumentUrl::parse(URL, false).unwrap();
        assert_eq!(
            ClientDocument::parse(&url, b"{\"client_id\":\"\xff\"}").unwrap_err(),
            DocumentError::NotAnObject
        );
        let deep = format!("{{\"a\":{}}}", "[".repeat(30_000));
        assert_eq!(parse(&deep).unwrap_err(), DocumentError::NotAnObject);
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused_in_every_spelling() {
        for twice in [r#""client_name":"A","client_name":"B""#, r#""x":1,"\u0078":1"#] {
            let body = format!(r#"{{"client_id":"{URL}","redirect_uris":["http://127.0.0.1/"],{twice}}}"#);
            assert_eq!(parse(&body).unwrap_err(), DocumentError::Repeated);
        }
    }

    #[test]
    fn another_clients_document_is_refused() {
        for other in [
            "https://client.contoso.com/oauth/client.json/",
            "https://client.contoso.com/oauth/client.json?",
            "https://CLIENT.contoso.com/oauth/client.json",
            "https://client.contoso.com:443/oauth/client.json",
            "https://client.contoso.com/oauth/client%2ejson",
            "https://other.contoso.com/oauth/client.json",
            "",
        ] {
            assert_eq!(error(json!({ "client_id": other })), DocumentError::OtherClient, "{other}");
        }
    }

    #[test]
    fn members_that_are_required_must_be_there_and_fit() {
        for name in ["client_id", "client_name", "redirect_uris"] {
            assert_eq!(error(json!({ name: null })), DocumentError::Missing(name));
            assert_eq!(error(json!({ name: 1 })), DocumentError::Type(name));
        }
        let null = format!(r#"{{"client_id":"{URL}","client_name":null,"redirect_uris":[]}}"#);
        assert_eq!(parse(&null).unwrap_err(), DocumentError::Missing("client_name"));
        assert_eq!(error(json!({ "client_name": " \u{200b}" })), DocumentError::Unnamed);
        assert_eq!(error(json!({ "redirect_uris": [] })), DocumentError::RedirectUris);
        assert_eq!(error(json!({ "redirect_uris": [1] })), DocumentError::Type("redirect_uris"));
        let many = vec!["http://127.0.0.1/"; 21];
        assert_eq!(error(json!({ "redirect_uris": many })), DocumentError::RedirectUris);
    }

    #[test]
    fn secrets_and_shared_secret_methods_are_refused() {
        for name in SECRETS {
            for value in [json!("x"), json!(""), json!(0)] {
                assert_eq!(error(json!({ name: value })), DocumentError::Secret(name));
            }
        }
        let null = format!(r#"{{"client_id":"{URL}","client_secret":null}}"#);
        assert_eq!(parse(&null).unwrap_err(), DocumentError::Secret("client_secret"));
        for method in
            ["client_secret_basic", "client_secret_post", "client_secret_jwt", "tls_client_auth", ""]
        {
            assert_eq!(error(json!({ "token_endpoint_auth_method": method })), DocumentError::Method);
        }
    }

    #[test]
    fn keys_come_from_exactly_one_place_that_may_be_asked() {
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "1" }] });
        let method = "private_key_jwt";
        let document = with(json!({ "token_endpoint_auth_method": method, "jwks": keys })).unwrap();
        let inline = KeySource::Inline(keys.to_string());
        assert_eq!(document.authentication, Authentication::PrivateKeyJwt(inline));
        let jwks_uri = "https://keys.contoso.com/jwks.json";
        let document = with(json!({ "token_endpoint_auth_method": method, "jwks_uri": jwks_uri })).unwrap();
        let url = KeySource::Url(DocumentUrl::parse(jwks_uri, false).unwrap());
        assert_eq!(document.authentication, Authentication::PrivateKeyJwt(url));

        assert_eq!(error(json!({ "token_endpoint_auth_method": method })), DocumentError::KeySource);
        assert_eq!(
            error(json!({ "token_endpoint_auth_method": method, "jwks": keys, "jwks_uri": jwks_uri })),
            DocumentError::KeySource
        );
        for url in ["http://keys.contoso.com/a", "https://10.0.0.1/a", "http://localhost/a", "https://keys/a"]
        {
            let error = error(json!({ "token_endpoint_auth_method": method, "jwks_uri": url }));
            assert!(matches!(error, DocumentError::KeysUrl(_)), "{url}");
        }
        for keys in [
            json!({}),
            json!([]),
            json!("keys"),
            json!({ "keys": [] }),
            json!({ "keys": {} }),
            json!({ "keys": [1] }),
            json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }),
            json!({ "keys": [{ "kty": "EC" }, { "kty": "EC", "d": "x" }] }),
        ] {
            let text = keys.to_string();
            let error = error(json!({ "token_endpoint_auth_method": method, "jwks": keys }));
            assert_eq!(error, DocumentError::Keys, "{text}");
        }
    }

    #[test]
    fn keys_on_this_machine_are_for_clients_on_this_machine() {
        let body = |id: &str| {
            json!({
                "client_id": id,
                "client_name": "Local",
                "redirect_uris": ["http://127.0.0.1/"],
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks_uri": "http://localhost:7001/jwks",
            })
            .to_string()
        };
        let here = DocumentUrl::parse("http://localhost:7001/client", true).unwrap();
        assert!(ClientDocument::parse(&here, body(here.as_str()).as_bytes()).is_ok());
        let elsewhere = DocumentUrl::parse(URL, true).unwrap();
        assert!(ClientDocument::parse(&elsewhere, body(URL).as_bytes()).is_err());
    }

    #[test]
    fn a_client_without_the_code_grant_is_refused() {
        assert_eq!(error(json!({ "grant_types": ["client_credentials"] })), DocumentError::Grants);
        assert_eq!(error(json!({ "grant_types": [] })), DocumentError::Grants);
        assert_eq!(error(json!({ "grant_types": "authorization_code" })), DocumentError::Type("grant_types"));
        assert_eq!(error(json!({ "response_types": ["token"] })), DocumentError::ResponseTypes);
        assert_eq!(error(json!({ "response_types": ["code token"] })), DocumentError::ResponseTypes);
    }

    #[test]
    fn one_unusable_redirect_uri_does_not_spoil_the_others() {
        let document =
            with(json!({ "redirect_uris": ["javascript:alert(1)", "http://localhost/callback", "/x"] }))
                .unwrap();
        let uris: Vec<_> = document.redirect_uris.iter().map(RedirectUri::as_str).collect();
        assert_eq!(uris, ["http://localhost/callback"]);
        assert_eq!(
            error(json!({ "redirect_uris": ["http://client.contoso.com/callback"] })),
            DocumentError::RedirectUri(RedirectUriError::PlainHttp)
        );
    }

    #[test]
    fn the_fingerprint_follows_what_was_consented_to_and_nothing_else() {
        let original = fingerprint_of(json!({}));
        for same in [
            json!({ "redirect_uris": ["https://client.contoso.com/callback", "http://127.0.0.1/callback"] }),
            json!({ "logo_uri": "https://client.contoso.com/new.png", "contacts": ["a@contoso.com"] }),
            json!({ "token_endpoint_auth_method": "none" }),
        ] {
            let text = same.to_string();
            assert_eq!(fingerprint_of(same), original, "{text}");
        }
        let method = "private_key_jwt";
        let mut seen = HashSet::from([original]);
        for other in [
            json!({ "client_name": "Contoso  Client" }),
            json!({ "redirect_uris": ["http://127.0.0.1/callback"] }),
            json!({ "redirect_uris": ["http://127.0.0.1/callback", "https://evil.contoso.com/callback"] }),
            json!({ "token_endpoint_auth_method": method, "jwks_uri": "https://client.contoso.com/a" }),
            json!({ "token_endpoint_auth_method": method, "jwks_uri": "https://client.contoso.com/b" }),
            json!({ "token_endpoint_auth_method": method, "jwks": { "keys": [{ "kid": "1" }] } }),
            json!({ "token_endpoint_auth_method": method, "jwks": { "keys": [{ "kid": "2" }] } }),
        ] {
            let text = other.to_string();
            assert!(seen.insert(fingerprint_of(other)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in any::<Vec<u8>>()) {
            let _ = ClientDocument::parse(&DocumentUrl::parse(URL, false).unwrap(), &body);
        }

        #[test]
        fn any_members_are_read_or_refused(
            name in any::<String>(),
            uris in prop::collection::vec("(https?|cursor)?(:|://)?\\PC{0,20}", 0..5),
            method in "(none|private_key_jwt|\\PC{0,5})",
            keys in "(\\{\"keys\":\\[\\{\\}\\]\\}|\\PC{0,20})",
        ) {
            let keys = serde_json::from_str(&keys).unwrap_or(Value::String(keys));
            let body = json!({
                "client_id": URL,
                "client_name": name,
                "redirect_uris": uris,
                "token_endpoint_auth_method": method,
                "jwks": keys,
            });
            if let Ok(document) = parse(&body.to_string()) {
                prop_assert!(!document.redirect_uris.is_empty() && !document.client_name.is_empty());
            }
        }
    }
}
