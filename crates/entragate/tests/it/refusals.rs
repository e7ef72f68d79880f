//! The refusal matrix: every way in which a credential can be wrong, what the client is told, and which
//! check the operator reads in the log. `docs/security/refusals.md` is written from what is observed here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate_emulator::{Control, Defect, MintRequest, fixtures};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

use crate::world::{Reply, World, log};

const INVALID: &str = "The access token is invalid";
const UNREADABLE: &str = "The Authorization header holds no bearer token";
const OTHER_SERVER: &str = "The access token was issued for another server";
const GRAPH: &str = "The access token was issued for Microsoft Graph, not for this server";
const ID_TOKEN: &str = "An ID token is not an access token";
const NO_PERMISSION: &str = "The access token carries no permission for this server";

/// A bad credential and what must come of it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) defect: &'static str,
    check: &'static str,
    text: &'static str,
    /// The `Authorization` headers.
    make: fn(&Control) -> Vec<HeaderValue>,
}

impl Row {
    /// The `Authorization` headers.
    pub(crate) fn make(&self, entra: &Control) -> Vec<HeaderValue> {
        (self.make)(entra)
    }
}

/// What came of it.
pub(crate) struct Observed {
    pub(crate) status: u16,
    pub(crate) check: String,
    pub(crate) text: String,
}

/// One test per row, and all rows in [`MATRIX`].
macro_rules! matrix {
    ($($name:ident, $defect:literal, $check:literal, $text:expr, $make:expr;)*) => {
        pub(crate) const MATRIX: &[Row] = &[
            $(Row { name: stringify!($name), defect: $defect, check: $check, text: $text, make: $make }),*
        ];

        mod refused {
            $(#[tokio::test]
            async fn $name() {
                super::assert_refused(stringify!($name)).await;
            })*
        }
    };
}

matrix! {
    // The header
    another_scheme, "`Basic` instead of `Bearer`", "authorization_header", UNREADABLE, |_| raw(b"Basic YWxpY2U6c2VjcmV0c2VjcmV0");
    no_token_after_the_scheme, "`Bearer` and nothing", "authorization_header", UNREADABLE, |_| raw(b"Bearer");
    only_a_token, "a token without `Bearer`", "authorization_header", UNREADABLE, |entra| raw(good(entra).as_bytes());
    quoted_token, "a token in quotes", "authorization_header", UNREADABLE, |entra| raw(format!("Bearer \"{}\"", good(entra)).as_bytes());
    whitespace_in_the_token, "a space inside the token", "authorization_header", UNREADABLE, |entra| raw(format!("Bearer {} x", good(entra)).as_bytes());
    two_tokens_in_one_header, "two tokens, separated by a comma", "authorization_header", UNREADABLE, |entra| raw(format!("Bearer {0},Bearer {0}", good(entra)).as_bytes());
    bytes_outside_ascii, "bytes outside ASCII", "authorization_header", UNREADABLE, |_| raw(b"Bearer caf\xc3\xa9caf\xc3\xa9caf\xc3\xa9");
    // The form
    longer_than_16_kib, "longer than 16 KiB", "length", INVALID, |entra| bearer(&with_claims(entra, &json!({ "padding": "x".repeat(12_800) })));
    garbage, "not a JWT at all", "format", INVALID, |_| bearer("correcthorsebatterystaple");
    two_parts, "two parts", "format", INVALID, |entra| bearer(good(entra).rsplit_once('.').unwrap().0);
    four_parts, "four parts", "format", INVALID, |entra| bearer(&format!("{}.x", good(entra)));
    six_parts, "six parts", "format", INVALID, |entra| bearer(&format!("{}...", good(entra)));
    encrypted, "five parts (JWE)", "encrypted", INVALID, |entra| bearer(&spoilt(entra, Defect::Jwe));
    header_not_base64url, "a header that is not base64url", "format", INVALID, |entra| bearer(&with_first_part(entra, "eyJhbGciOiJSUzI1NiJ9=="));
    header_not_json, "a header that is not JSON", "format", INVALID, |entra| bearer(&with_header_text(entra, "alg=RS256"));
    duplicate_alg, "`alg` twice", "format", INVALID, |entra| bearer(&with_header_text(entra, r#"{"alg":"none","alg":"RS256","kid":"k"}"#));
    // The algorithm and the other header members
    alg_missing, "no `alg`", "format", INVALID, |entra| bearer(&with_header(entra, &json!({ "alg": null })));
    alg_none, "`alg: none`, no signature", "algorithm", INVALID, |entra| bearer(&spoilt(entra, Defect::AlgNone));
    alg_none_in_another_case, "`alg: nOnE`", "algorithm", INVALID, |entra| bearer(&with_header(entra, &json!({ "alg": "nOnE" })));
    alg_hs256_with_the_public_key, "`alg: HS256` keyed with the public key", "algorithm", INVALID, |entra| bearer(&spoilt(entra, Defect::AlgHs256));
    alg_rs512, "`alg: RS512`", "algorithm", INVALID, |entra| bearer(&with_header(entra, &json!({ "alg": "RS512" })));
    alg_ps256, "`alg: PS256`", "algorithm", INVALID, |entra| bearer(&with_header(entra, &json!({ "alg": "PS256" })));
    alg_es256, "`alg: ES256`", "algorithm", INVALID, |entra| bearer(&with_header(entra, &json!({ "alg": "ES256" })));
    typ_of_a_proof, "`typ: dpop+jwt`", "type", INVALID, |entra| bearer(&with_header(entra, &json!({ "typ": "dpop+jwt" })));
    typ_of_a_logout_token, "`typ: logout+jwt`", "type", INVALID, |entra| bearer(&with_header(entra, &json!({ "typ": "logout+jwt" })));
    typ_not_a_string, "`typ` that is no string", "format", INVALID, |entra| bearer(&with_header(entra, &json!({ "typ": 1 })));
    crit, "`crit` with an unknown extension", "crit", INVALID, |entra| bearer(&spoilt(entra, Defect::CritHeader));
    crit_empty, "`crit: []`", "crit", INVALID, |entra| bearer(&with_header(entra, &json!({ "crit": [] })));
    graph_nonce, "`nonce` in the header (Microsoft Graph)", "graph_token", GRAPH, |entra| bearer(&spoilt(entra, Defect::GraphNonce));
    // The key
    kid_missing, "no `kid`", "kid_missing", INVALID, |entra| bearer(&spoilt(entra, Defect::KidMissing));
    kid_empty, "an empty `kid`", "kid_missing", INVALID, |entra| bearer(&with_header(entra, &json!({ "kid": "" })));
    kid_not_a_string, "`kid` that is no string", "format", INVALID, |entra| bearer(&with_header(entra, &json!({ "kid": 7 })));
    kid_unknown, "a `kid` that Entra does not publish", "kid_unknown", INVALID, |entra| bearer(&spoilt(entra, Defect::KidUnknown));
    kid_a_path, "a `kid` that is a path", "kid_unknown", INVALID, |entra| bearer(&with_header(entra, &json!({ "kid": "../../../dev/null" })));
    kid_unknown_with_a_key_of_its_own, "an unknown `kid` beside `jwk` and `jku`", "kid_unknown", INVALID, |entra| bearer(&with_header(entra, &json!({ "kid": "mine", "jku": format!("{}/evil/keys", "https://evil.test"), "jwk": { "kty": "RSA", "kid": "mine", "n": "AQAB", "e": "AQAB" } })));
    consumers_key, "signed with a key of personal accounts", "kid_unknown", INVALID, |entra| bearer(&spoilt(entra, Defect::ConsumersKey));
    wrong_cloud_instance, "signed with a key of another cloud", "key_cloud", INVALID, |entra| bearer(&spoilt(entra, Defect::WrongCloudInstance));
    // The signature
    bad_signature, "one bit of the signature differs", "signature", INVALID, |entra| bearer(&spoilt(entra, Defect::BadSignature));
    empty_signature, "an empty signature", "signature", INVALID, |entra| bearer(&format!("{}.", good(entra).rsplit_once('.').unwrap().0));
    signature_not_base64url, "a signature that is not base64url", "signature", INVALID, |entra| bearer(&format!("{}.++++", good(entra).rsplit_once('.').unwrap().0));
    payload_of_another_token, "the payload of another token", "signature", INVALID, |entra| bearer(&with_foreign_payload(entra));
    // The claims, well-formed
    payload_not_json, "a payload that is not JSON", "claims", INVALID, |entra| bearer(&with_payload(entra, "sub=alice"));
    payload_an_array, "a payload that is an array", "claims", INVALID, |entra| bearer(&with_payload(entra, "[]"));
    duplicate_claim, "`aud` twice", "claims", INVALID, |entra| bearer(&with_payload(entra, &format!(r#"{{"aud":"{}","aud":"{}"}}"#, fixtures::SIBLING, fixtures::API)));
    no_exp, "no `exp`", "claims", INVALID, |entra| bearer(&spoilt(entra, Defect::NoExp));
    no_nbf, "no `nbf`", "claims", INVALID, |entra| bearer(&spoilt(entra, Defect::NoNbf));
    no_aud, "no `aud`", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "aud": null })));
    no_iss, "no `iss`", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "iss": null })));
    string_exp, "`exp` as a string", "claims", INVALID, |entra| bearer(&spoilt(entra, Defect::StringExp));
    negative_exp, "`exp: -1`", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "exp": -1 })));
    fractional_exp, "`exp` with a fraction", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "exp": 4_000_000_000.5 })));
    exp_too_large_for_an_integer, "`exp: 1e300`", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "exp": 1e300 })));
    string_nbf, "`nbf` as a string", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "nbf": "0" })));
    boolean_iat, "`iat` as a boolean", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "iat": true })));
    number_aud, "`aud` as a number", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "aud": 1 })));
    object_aud, "`aud` as an object", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "aud": { "0": fixtures::API } })));
    array_iss, "`iss` as an array", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "iss": [format!("{}/v2.0", fixtures::TENANT)] })));
    number_tid, "`tid` as a number", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "tid": 1 })));
    string_roles, "`roles` as a string", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "roles": "Admin" })));
    object_roles, "`roles` as an object", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "roles": { "Admin": true } })));
    array_scp, "`scp` as an array", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "scp": ["access"] })));
    number_oid, "`oid` as a number", "claims", INVALID, |entra| bearer(&with_claims(entra, &json!({ "oid": 1 })));
    // Tenant and issuer
    duplicate_tid, "`tid` in two spellings", "tenant_ambiguous", INVALID, |entra| bearer(&spoilt(entra, Defect::DuplicateTid));
    wrong_tid, "`tid` of another tenant than `iss`", "tenant", INVALID, |entra| bearer(&spoilt(entra, Defect::WrongTid));
    no_tid, "no `tid`", "tenant", INVALID, |entra| bearer(&with_claims(entra, &json!({ "tid": null })));
    tid_in_braces, "`tid` in braces", "tenant", INVALID, |entra| bearer(&with_claims(entra, &json!({ "tid": format!("{{{}}}", fixtures::TENANT) })));
    other_tenant, "issuer and `tid` of another tenant", "issuer", INVALID, |entra| bearer(&spoilt(entra, Defect::OtherTenant));
    user_of_another_tenant, "a user of another tenant", "issuer", INVALID, |entra| bearer(&of_user(entra, "mallory"));
    iss_v2_with_slash, "the v2 issuer with a slash appended", "issuer", INVALID, |entra| bearer(&with_iss(entra, 2, |iss| format!("{iss}/")));
    iss_v1_without_slash, "the v1 issuer without its slash", "issuer", INVALID, |entra| bearer(&with_iss(entra, 1, |iss| iss.trim_end_matches('/').to_owned()));
    iss_in_another_case, "the issuer in upper case", "issuer", INVALID, |entra| bearer(&with_iss(entra, 2, str::to_uppercase));
    iss_of_a_template, "the issuer template of `common`", "issuer", INVALID, |entra| bearer(&with_iss(entra, 2, |iss| iss.replace(fixtures::TENANT, "{tenantid}")));
    iss_of_another_cloud, "the issuer of another cloud", "issuer", INVALID, |entra| bearer(&with_claims(entra, &json!({ "iss": format!("https://login.microsoftonline.us/{}/v2.0", fixtures::TENANT) })));
    iss_that_begins_like_ours, "an issuer that begins like the right one", "issuer", INVALID, |entra| bearer(&with_iss(entra, 2, |iss| format!("{iss}.evil.test")));
    // Audience
    sibling_app, "`aud` of another API of the tenant", "audience", OTHER_SERVER, |entra| bearer(&spoilt(entra, Defect::SiblingApp));
    minted_for_the_sibling, "a real token for another API", "audience", OTHER_SERVER, |entra| bearer(&entra.mint(&MintRequest { app: Some("SIBLING".into()), ..MintRequest::default() }));
    aud_of_graph, "`aud` is Microsoft Graph's id", "graph_token", GRAPH, |entra| bearer(&with_claims(entra, &json!({ "aud": fixtures::GRAPH })));
    aud_uri_of_graph, "`aud` is Microsoft Graph's URI", "graph_token", GRAPH, |entra| bearer(&with_claims(entra, &json!({ "aud": "https://graph.microsoft.com" })));
    aud_of_graph_and_ours, "`aud` is Microsoft Graph and us", "graph_token", GRAPH, |entra| bearer(&with_claims(entra, &json!({ "aud": [fixtures::API, fixtures::GRAPH] })));
    aud_of_the_client, "`aud` is the client", "audience", OTHER_SERVER, |entra| bearer(&with_claims(entra, &json!({ "aud": fixtures::CLI })));
    aud_empty, "an empty `aud`", "audience", OTHER_SERVER, |entra| bearer(&with_claims(entra, &json!({ "aud": "" })));
    aud_empty_array, "`aud: []`", "audience", OTHER_SERVER, |entra| bearer(&with_claims(entra, &json!({ "aud": [] })));
    aud_that_begins_like_ours, "an `aud` that begins like ours", "audience", OTHER_SERVER, |entra| bearer(&with_claims(entra, &json!({ "aud": format!("api://{}.evil.test", fixtures::API) })));
    aud_of_a_uri_not_configured, "an Application ID URI that is not configured", "audience", OTHER_SERVER, |entra| bearer(&with_claims(entra, &json!({ "aud": "https://mcp.contoso.test/mcp" })));
    // ID tokens
    id_token, "an ID token of the client", "audience", OTHER_SERVER, |entra| bearer(&spoilt(entra, Defect::IdToken));
    id_token_for_the_api, "an ID token of the API app", "id_token", ID_TOKEN, |entra| bearer(&entra.mint(&MintRequest { claims: members(&json!({ "aud": fixtures::API })), defect: Some(Defect::IdToken), ..MintRequest::default() }));
    nonce_in_the_payload, "`nonce` in the payload", "id_token", ID_TOKEN, |entra| bearer(&with_claims(entra, &json!({ "nonce": "n-0S6_WzA2Mj" })));
    at_hash_in_the_payload, "`at_hash` in the payload", "id_token", ID_TOKEN, |entra| bearer(&with_claims(entra, &json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" })));
    c_hash_in_the_payload, "`c_hash` in the payload", "id_token", ID_TOKEN, |entra| bearer(&with_claims(entra, &json!({ "c_hash": "LDktKdoQak3Pk0cnXxCltA" })));
    no_client, "neither `azp` nor `appid`", "id_token", ID_TOKEN, |entra| bearer(&with_claims(entra, &json!({ "azp": null })));
    empty_client, "an empty `azp`", "id_token", ID_TOKEN, |entra| bearer(&with_claims(entra, &json!({ "azp": "" })));
    // Time
    expired, "expired an hour ago", "expired", "The access token expired", |entra| bearer(&spoilt(entra, Defect::Expired));
    not_yet_valid, "`nbf` in an hour", "not_yet_valid", "The access token is not valid yet", |entra| bearer(&spoilt(entra, Defect::NotYetValid));
    issued_in_the_future, "`iat` in an hour", "not_yet_valid", "The access token is not valid yet", |entra| bearer(&with_claims(entra, &json!({ "iat": entra.now() + 3600 })));
    // Permission
    neither_scp_nor_roles, "neither `scp` nor `roles`", "no_permission", NO_PERMISSION, |entra| bearer(&spoilt(entra, Defect::NoScpNoRoles));
    empty_scp, "an empty `scp` and no roles", "no_permission", NO_PERMISSION, |entra| bearer(&with_claims(entra, &json!({ "scp": "", "roles": null })));
    empty_roles, "`roles: []` and no `scp`", "no_permission", NO_PERMISSION, |entra| bearer(&with_claims(entra, &json!({ "scp": null, "roles": [] })));
    slash_is_no_scope, "`scp: \"/\"` and no roles (agent identity)", "no_permission", NO_PERMISSION, |entra| bearer(&with_claims(entra, &json!({ "scp": "/", "roles": null })));
    program_with_a_users_scope, "`idtyp: app` with a scope and no roles", "no_permission", NO_PERMISSION, |entra| bearer(&with_claims(entra, &json!({ "idtyp": "app", "roles": null })));
    user_without_a_scope, "`idtyp: user` with roles and no scope", "no_permission", NO_PERMISSION, |entra| bearer(&with_claims(entra, &json!({ "idtyp": "user", "scp": null })));
    // Subject
    no_oid, "no `oid`", "object_id", INVALID, |entra| bearer(&with_claims(entra, &json!({ "oid": null })));
    empty_oid, "an empty `oid`", "object_id", INVALID, |entra| bearer(&with_claims(entra, &json!({ "oid": "" })));
}

// === making credentials ===

fn raw(value: &[u8]) -> Vec<HeaderValue> {
    vec![HeaderValue::from_bytes(value).unwrap()]
}

fn bearer(token: &str) -> Vec<HeaderValue> {
    raw(format!("Bearer {token}").as_bytes())
}

fn members(object: &Value) -> Map<String, Value> {
    object.as_object().unwrap().clone()
}

fn good(entra: &Control) -> String {
    entra.mint(&MintRequest::default())
}

fn of_user(entra: &Control, name: &str) -> String {
    entra.mint(&MintRequest { user: Some(name.to_owned()), ..MintRequest::default() })
}

fn spoilt(entra: &Control, defect: Defect) -> String {
    entra.mint(&MintRequest { defect: Some(defect), ..MintRequest::default() })
}

pub(crate) fn with_claims(entra: &Control, claims: &Value) -> String {
    entra.mint(&MintRequest { claims: members(claims), ..MintRequest::default() })
}

fn with_header(entra: &Control, header: &Value) -> String {
    entra.mint(&MintRequest { header: members(header), ..MintRequest::default() })
}

fn with_payload(entra: &Control, payload: &str) -> String {
    entra.mint(&MintRequest { raw_payload: Some(payload.to_owned()), ..MintRequest::default() })
}

/// The header replaced; the signature no longer fits, but that is not what is looked at first.
fn with_first_part(entra: &Control, part: &str) -> String {
    format!("{part}.{}", good(entra).split_once('.').unwrap().1)
}

fn with_header_text(entra: &Control, header: &str) -> String {
    with_first_part(entra, &URL_SAFE_NO_PAD.encode(header))
}

fn with_foreign_payload(entra: &Control) -> String {
    let (bob, alice) = (of_user(entra, "bob"), of_user(entra, "alice"));
    let part = |token: &str, at: usize| token.split('.').nth(at).unwrap().to_owned();
    format!("{}.{}.{}", part(&bob, 0), part(&alice, 1), part(&bob, 2))
}

pub(crate) fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn with_iss(entra: &Control, version: u8, change: impl Fn(&str) -> String) -> String {
    let request = MintRequest { version: Some(version), ..MintRequest::default() };
    let iss = change(payload(&entra.mint(&request))["iss"].as_str().unwrap());
    // A v1 token names its API by URI; the issuer is what is wrong with it.
    entra.mint(&MintRequest { claims: members(&json!({ "iss": iss, "aud": fixtures::API })), ..request })
}

// === presenting them ===

pub(crate) async fn present(world: &World, authorization: &[HeaderValue]) -> Reply {
    let mut headers = HeaderMap::new();
    for value in authorization {
        headers.append(http::header::AUTHORIZATION, value.clone());
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami" } });
    Reply::of(world.http.post(world.url("/mcp")).headers(headers).json(&body)).await
}

/// Presents the row's credential and checks what holds for every refusal.
pub(crate) async fn observe(
    world: &World,
    log: &mut log::Captured,
    row: &Row,
    authorization: &[HeaderValue],
) -> Observed {
    log.lines();
    let reply = present(world, authorization).await;
    let lines: Vec<String> =
        log.lines().into_iter().filter(|line| !line.starts_with("entragate_emulator")).collect();
    assert_nothing_of_the_token_in(&lines, authorization);

    let checks: Vec<&str> = lines.iter().filter_map(|line| check_in(line)).collect();
    assert_eq!(checks.len(), 1, "{}: one log line says why, not {lines:?}", row.name);
    assert!(reply.header("cache-control").contains("no-store"), "RS-27: {reply:?}");
    assert!(!reply.headers.contains_key("x-saw-method"), "the MCP server was reached");
    let body = reply.json();
    let text = body["error_description"].as_str().unwrap().to_owned();
    assert_eq!(body, json!({ "error": "invalid_token", "error_description": text }), "{}", row.name);
    assert_eq!(
        reply.header("www-authenticate"),
        format!(
            r#"Bearer resource_metadata="{}", scope="api://{}/access", error="invalid_token", error_description="{text}""#,
            world.url("/.well-known/oauth-protected-resource/mcp"),
            fixtures::API
        ),
        "{}",
        row.name
    );
    Observed { status: reply.status, check: checks[0].to_owned(), text }
}

fn check_in(line: &str) -> Option<&str> {
    let fields = line.strip_prefix("entragate::token ")?;
    fields.split(' ').find_map(|field| field.strip_prefix("check="))
}

/// No 16 characters of a credential in a row, wherever they begin.
fn assert_nothing_of_the_token_in(lines: &[String], authorization: &[HeaderValue]) {
    for value in authorization {
        for window in value.as_bytes().windows(16) {
            let part = String::from_utf8_lossy(window);
            for line in lines {
                assert!(!line.contains(&*part), "part of a token in the log: {line}");
            }
        }
    }
}

async fn assert_refused(name: &str) {
    let row = MATRIX.iter().find(|row| row.name == name).unwrap();
    let world = World::start().await;
    let mut log = log::capture();
    let observed = observe(&world, &mut log, row, &row.make(world.control())).await;
    assert_eq!(observed.status, 401);
    assert_eq!(observed.check, row.check);
    assert_eq!(observed.text, row.text);
}

#[tokio::test]
async fn rs_26_two_authorization_headers_are_a_malformed_request_even_if_both_are_good() {
    let world = World::start().await;
    let mut log = log::capture();
    let token = bearer(&good(world.control()));
    let reply = present(&world, &[token[0].clone(), token[0].clone()]).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "invalid_request");
    assert!(reply.header("www-authenticate").contains(r#"error="invalid_request""#));
    let checks: Vec<String> =
        log.lines().iter().filter_map(|line| check_in(line).map(str::to_owned)).collect();
    assert_eq!(checks, ["authorization_repeated"]);
}

#[tokio::test]
async fn rs_16_a_token_in_the_query_is_not_looked_at_and_not_logged() {
    let world = World::start().await;
    let mut log = log::capture();
    let token = good(world.control());
    let url = world.url(&format!("/mcp?access_token={token}"));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let reply = Reply::of(world.http.post(url).json(&body)).await;
    assert_eq!(reply.status, 401);
    assert!(!reply.header("www-authenticate").contains("error="), "RS-03: {reply:?}");
    let lines: Vec<String> =
        log.lines().into_iter().filter(|line| !line.starts_with("entragate_emulator")).collect();
    assert_nothing_of_the_token_in(&lines, &bearer(&token));
}

#[tokio::test]
async fn a_tenant_id_in_upper_case_is_another_tenant_id() {
    // The fixture's tenant has no letters in it.
    const LETTERS: &str = "abcdefab-cdef-4bcd-8fab-cdefabcdefab";
    let toml = entragate_emulator::Directory::fixtures().to_toml().replace(fixtures::TENANT, LETTERS);
    let directory = entragate_emulator::Directory::from_toml(&toml).unwrap();
    let entra = entragate_emulator::Emulator::builder()
        .keys(entragate_emulator::KeySource::Embedded)
        .directory(directory)
        .start()
        .await
        .unwrap();
    let world = World::builder().tenant(LETTERS).in_front_of(entra).await;
    let mut log = log::capture();
    assert_eq!(present(&world, &bearer(&good(world.control()))).await.status, 200);
    let upper = with_claims(world.control(), &json!({ "tid": LETTERS.to_uppercase() }));
    assert_eq!(present(&world, &bearer(&upper)).await.status, 401);
    assert!(log.lines().iter().any(|line| check_in(line) == Some("tenant")));
    // An operator may type the GUID in upper case.
    assert_eq!(entragate::TenantId::parse(&LETTERS.to_uppercase()).unwrap().as_str(), LETTERS);
}

pub(crate) async fn accepts(world: &World, token: &str) -> bool {
    let reply = present(world, &bearer(token)).await;
    assert!(matches!(reply.status, 200 | 401), "{reply:?}");
    reply.status == 200
}

pub(crate) fn mint(world: &World, request: &MintRequest) -> String {
    world.control().mint(request)
}

#[tokio::test]
async fn k52_a_client_that_does_not_sign_in_again_is_explained_once_in_the_log() {
    let world = World::start().await;
    let mut log = log::capture();
    let expired =
        world.control().mint(&MintRequest { defect: Some(Defect::Expired), ..MintRequest::default() });
    for _ in 0..25 {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        assert_eq!(world.post(Some(&expired), &body).await.status(), 401);
    }
    let storms = log.lines().into_iter().filter(|line| line.contains("check=storm")).count();
    assert_eq!(storms, 1);
}

#[tokio::test]
async fn claims_of_wrong_types_and_with_hidden_characters_do_not_speak_through_the_log() {
    let world = World::start().await;
    let mut log = log::capture();
    let name = "alice@contoso.com";
    for (claims, check) in [
        (json!({ "exp": name }), "claims"),
        (json!({ "exp": format!("{name}, expected {name}") }), "claims"),
        (json!({ "roles": [{ name: 1 }] }), "claims"),
        (json!({ "scp": [name] }), "claims"),
        (json!({ "aud": { name: 1 } }), "claims"),
        (json!({ "iss": "https://\u{202e}moc.live\u{2066}.test\u{200b}\u{2028}" }), "issuer"),
    ] {
        let token = with_claims(world.control(), &claims);
        assert_eq!(present(&world, &bearer(&token)).await.status, 401);
        let lines: Vec<String> =
            log.lines().into_iter().filter(|line| !line.starts_with("entragate_emulator")).collect();
        assert!(lines.iter().any(|line| check_in(line) == Some(check)), "{claims}: {lines:?}");
        let headers = bearer(&token).into_iter().map(|value| (http::header::AUTHORIZATION, value)).collect();
        let report = serde_json::to_string(&world.gate.examine(&headers).await.unwrap()).unwrap();
        for text in [lines.join("|"), report] {
            assert!(!text.contains(name), "{text}");
            assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}']), "{text}");
        }
    }
}
