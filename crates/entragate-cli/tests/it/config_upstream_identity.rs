//! `upstream.identity` and what belongs to it: half of it refuses to start.

use entragate_cli::config::{Keys, UpstreamIdentity};

use crate::config_fixture::{
    API, CLIENT, DEVELOPMENT, RELAY, TENANT, accepted, directory, only, refused, with,
};

const BROKER: [(&str, &str); 6] = [
    ("AZURE_TENANT_ID", TENANT),
    ("AZURE_CLIENT_ID", API),
    ("AZURE_CLIENT_SECRET", "hunter2"),
    ("BASE_URL", "https://mcp.contoso.com"),
    ("ENTRAGATE_STATE_KEYS", "0123456789abcdef0123456789abcdef"),
    ("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3000/mcp"),
];

const IDENTITY: &str = "ENTRAGATE_UPSTREAM_IDENTITY";
const AUDIENCE: &str = "ENTRAGATE_UPSTREAM_AUDIENCE";
const CREDENTIAL: &str = "ENTRAGATE_UPSTREAM_CREDENTIAL";
const FILE: &str = "ENTRAGATE_UPSTREAM_CREDENTIAL_FILE";
const HEADER: &str = "ENTRAGATE_UPSTREAM_CREDENTIAL_HEADER";
const SCOPES: &str = "ENTRAGATE_UPSTREAM_ON_BEHALF_OF_SCOPES";
const USER_READ: &str = "https://graph.microsoft.com/User.Read";
const RING: (&str, &str) = ("ENTRAGATE_STATE_KEYS", "0123456789abcdef0123456789abcdef");

#[track_caller]
fn refuses(base: &[(&str, &str)], changes: &[(&str, &str)], key: &str, says: &str, hint: &str) {
    let problems = refused(&with(base, changes));
    let problem = only(&problems);
    assert_eq!(problem.key, key, "{problem}");
    assert!(problem.message.contains(says), "{problem}\n does not say {says}");
    assert!(problem.hint.contains(hint), "{problem}\n does not advise {hint}");
    assert!(!problems.to_string().contains("hunter2"), "{problem}");
}

#[test]
fn each_kind_is_read_with_what_is_its_own() {
    let identity = |base: &[(&str, &str)], changes: &[(&str, &str)]| {
        accepted(&with(base, changes)).routes[0].http().unwrap().identity.clone()
    };
    assert_eq!(identity(&RELAY, &[]), UpstreamIdentity::Headers);
    assert_eq!(identity(&DEVELOPMENT, &[(IDENTITY, "none")]), UpstreamIdentity::Nobody);
    let default = UpstreamIdentity::Assertion { audience: "http://127.0.0.1:3000/mcp".to_owned() };
    assert_eq!(identity(&BROKER, &[(IDENTITY, "assertion")]), default);
    let audience = UpstreamIdentity::Assertion { audience: "tools".to_owned() };
    assert_eq!(identity(&RELAY, &[(IDENTITY, "assertion"), (AUDIENCE, "tools"), RING]), audience);
    let token = UpstreamIdentity::Token { audience: API.to_owned() };
    assert_eq!(identity(&RELAY, &[(IDENTITY, "token"), (AUDIENCE, API)]), token);
    let on_behalf_of = identity(&BROKER, &[(IDENTITY, "on-behalf-of"), (SCOPES, "User.Read,Mail.Read")]);
    assert!(
        matches!(on_behalf_of, UpstreamIdentity::OnBehalfOf(scope) if scope.as_str() == "User.Read Mail.Read")
    );
    let fixed = identity(&DEVELOPMENT, &[(IDENTITY, "static"), (CREDENTIAL, "Bearer hunter2")]);
    assert!(
        matches!(&fixed, UpstreamIdentity::Static(one) if one.header == "authorization" && one.value == "Bearer hunter2")
    );
    assert!(!format!("{fixed:?}").contains("hunter2"), "{fixed:?}");
}

#[test]
fn what_stands_behind_a_kind_is_found() {
    let config = accepted(&with(&RELAY, &[(IDENTITY, "on-behalf-of"), (SCOPES, USER_READ)]));
    assert!(config.on_behalf_of.is_some() && config.assertion_keys.is_none());
    let unused = config.warnings.iter().filter(|one| one.key == "entra.client_secret");
    assert_eq!(unused.count(), 0, "the secret is used");
    let config = accepted(&with(&RELAY, &[(IDENTITY, "assertion"), RING]));
    assert!(matches!(config.assertion_keys, Some(Keys::Given(_))) && config.on_behalf_of.is_none());
    let config = accepted(&with(&RELAY, &[(IDENTITY, "assertion"), ("BASE_URL", "http://localhost:3002")]));
    assert!(matches!(config.assertion_keys, Some(Keys::OfThisProcess)), "on loopback only");
    let config = accepted(&with(&BROKER, &[(IDENTITY, "assertion")]));
    assert!(matches!(config.assertion_keys, Some(Keys::Given(_))), "broker mode has keys");
    assert!(accepted(&with(&BROKER, &[])).assertion_keys.is_none());
}

#[test]
fn a_kind_that_does_not_exist_and_settings_of_another_are_refused() {
    refuses(&RELAY, &[(IDENTITY, "oauth")], "upstream.identity", "`oauth`", "static, token and on-behalf-of");
    refuses(
        &RELAY,
        &[(AUDIENCE, API)],
        "upstream.audience",
        "upstream.identity is headers",
        "assertion or token",
    );
    let fixed = [(IDENTITY, "none"), (CREDENTIAL, "Bearer hunter2")];
    refuses(&RELAY, &fixed, "upstream.credential", "upstream.identity is none", "static");
    let scopes = [(IDENTITY, "assertion"), RING, (SCOPES, USER_READ)];
    refuses(&RELAY, &scopes, "upstream.on_behalf_of_scopes", "has no effect", "on-behalf-of");
}

#[test]
fn a_static_credential_is_there_once_and_can_be_sent() {
    let with = |changes: &[(&'static str, &'static str)]| [&[(IDENTITY, "static")][..], changes].concat();
    let key = "upstream.credential";
    refuses(&RELAY, &with(&[]), key, "is not set", "upstream.credential_file");
    refuses(&RELAY, &with(&[(CREDENTIAL, "Bearer hunter2"), (FILE, "/x")]), key, "is set beside", "keep one");
    refuses(&RELAY, &with(&[(CREDENTIAL, "hunter2")]), key, "has no scheme", "Bearer and the token");
    refuses(&RELAY, &with(&[(CREDENTIAL, "Bearer hunter2\u{7f}")]), key, "no header may carry", "one line");
    refuses(
        &RELAY,
        &with(&[(FILE, "/no/such/file")]),
        "upstream.credential_file",
        "cannot be read",
        "readable file",
    );
    for name in
        ["Host", "Mcp-Session-Id", "X-Forwarded-User", "x_forwarded_user", "Cookie", "Transfer-Encoding"]
    {
        let changes = [(IDENTITY, "static"), (CREDENTIAL, "Bearer hunter2"), (HEADER, name)];
        refuses(&RELAY, &changes, "upstream.credential_header", "another meaning", "X-Api-Key");
    }
    let path = directory("static_credential").join("key");
    std::fs::write(&path, "hunter2\n").expect("a file");
    let changes = [(IDENTITY, "static"), (FILE, path.to_str().expect("text")), (HEADER, "X-Api-Key")];
    let identity =
        accepted(&crate::config_fixture::with(&RELAY, &changes)).routes[0].http().unwrap().identity.clone();
    assert!(
        matches!(identity, UpstreamIdentity::Static(one) if one.value == "hunter2" && one.file == Some(path))
    );
}

#[test]
fn a_token_is_passed_on_to_the_same_api_only() {
    let token = (IDENTITY, "token");
    refuses(&RELAY, &[token], "upstream.audience", "is not set", "the API app");
    let other = [token, (AUDIENCE, "https://graph.microsoft.com")];
    refuses(&RELAY, &other, "upstream.audience", "is not the API app", "on-behalf-of");
    let sealed = [token, (AUDIENCE, API)];
    refuses(&BROKER, &sealed, "upstream.identity", "never passed on", "assertion");
    refuses(&DEVELOPMENT, &sealed, "upstream.identity", "nobody signs in", "headers or none");
}

#[test]
fn on_behalf_of_needs_a_scope_of_one_api_and_the_api_apps_credential() {
    let obo = (IDENTITY, "on-behalf-of");
    let key = "upstream.on_behalf_of_scopes";
    refuses(&RELAY, &[obo], key, "is not set", USER_READ);
    let two = [obo, (SCOPES, "User.Read,api://files/access")];
    refuses(&RELAY, &two, key, "two APIs", "one token");
    refuses(
        &RELAY,
        &[obo, (SCOPES, "User.Read,offline_access")],
        key,
        "offline_access",
        "delegated permissions",
    );
    refuses(&RELAY, &[obo, (SCOPES, "api://x/.default,api://x/y")], key, ".default", "either .default");
    let no_secret = [obo, (SCOPES, USER_READ), ("AZURE_CLIENT_SECRET", "")];
    refuses(&RELAY, &no_secret, "entra.client_secret", "is not set", "upstream.identity is on-behalf-of");
    let other_app = [obo, (SCOPES, USER_READ), ("ENTRAGATE_BROKER_CLIENT_ID", CLIENT)];
    refuses(&BROKER, &other_app, "upstream.identity", "only the API app", "broker.client_id");
    refuses(
        &DEVELOPMENT,
        &[obo, (SCOPES, USER_READ)],
        "upstream.identity",
        "nobody signs in",
        "headers or none",
    );
}

#[test]
fn an_assertion_needs_a_key_that_lasts_and_somebody_to_speak_for() {
    let assertion = (IDENTITY, "assertion");
    refuses(&RELAY, &[assertion], "state.keys", "is not set", "openssl rand");
    refuses(&DEVELOPMENT, &[assertion], "upstream.identity", "nobody signs in", "headers or none");
    refuses(&BROKER, &[assertion, (AUDIENCE, "two words")], "upstream.audience", "a space", "a URI or an id");
}
