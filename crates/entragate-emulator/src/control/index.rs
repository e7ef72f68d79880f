//! The list of controls, as `GET /__emulator` shows it.

use serde::Serialize;

/// A control: how to call it and what it does.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Listed {
    pub(super) method: &'static str,
    /// Below `/__emulator`.
    pub(super) path: &'static str,
    /// An example of the body, where there is one: JSON as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'static str>,
    pub(super) what: &'static str,
}

pub(super) const CLOCK: &str = r#"{"advance_seconds": 3600}"#;
pub(super) const SETTINGS: &str = r#"{"resource_policy": "ignore", "access_token_seconds": 60}"#;
pub(super) const FAULT: &str =
    r#"{"endpoint": "token", "kind": {"throttle": {"retry_after_seconds": 5}}, "times": 1}"#;
pub(super) const REFUSAL: &str = r#"{"endpoint": "token", "kind": {"refuse": {"code": 50173}}, "times": 1}"#;
pub(super) const MINT: &str = r#"{"app": "API", "user": "alice", "defect": "expired"}"#;
pub(super) const USER: &str = r#"{"disabled": true}"#;
pub(super) const ASSIGN: &str = r#"{"principal": "carol", "role": "User"}"#;
pub(super) const SECRETS: &str = r#"{"secrets": ["n3w"]}"#;
pub(super) const AUTO_LOGIN: &str = r#"{"user": "alice"}"#;

const fn get(path: &'static str, what: &'static str) -> Listed {
    Listed { method: "GET", path, body: None, what }
}

const fn delete(path: &'static str, what: &'static str) -> Listed {
    Listed { method: "DELETE", path, body: None, what }
}

const fn patch(path: &'static str, body: &'static str, what: &'static str) -> Listed {
    Listed { method: "PATCH", path, body: Some(body), what }
}

const fn post(path: &'static str, body: Option<&'static str>, what: &'static str) -> Listed {
    Listed { method: "POST", path, body, what }
}

pub(super) const CONTROLS: [Listed; 22] = [
    get("/", "URL, time, tenants, apps, users, and this list"),
    get("/clock", "the emulated time in Unix seconds"),
    post("/clock", Some(CLOCK), "moves the clock forward"),
    post("/keys/rotate", None, "signs new tokens with a new key; the old one stays published"),
    post("/keys/retire", None, "publishes old keys no longer"),
    post("/reset", None, "everything back to the start, except the keys"),
    get("/settings", "all settings"),
    patch("/settings", SETTINGS, "changes the members sent"),
    get("/faults", "the faults in force"),
    post("/faults", Some(FAULT), "puts a fault in front of an endpoint"),
    delete("/faults", "clears all faults"),
    get("/requests", "every request outside the control plane, verbatim"),
    delete("/requests", "empties the request log"),
    get("/tokens", "the tokens handed out"),
    post("/tokens", Some(MINT), "signs a token without a sign-in: a good one, or one with a defect"),
    post("/users/{name}/revoke", None, "ends a user's sessions and refresh tokens"),
    patch("/users/{name}", USER, "blocks a user's sign-in, or allows it again"),
    post("/apps/{app}/assign", Some(ASSIGN), "assigns a user, group or app; without role, default access"),
    post("/apps/{app}/unassign", Some(ASSIGN), "takes that away"),
    post("/apps/{app}/revoke-consent", None, "withdraws all consent to a client"),
    post("/apps/{app}/secrets", Some(SECRETS), "replaces an app's client secrets"),
    post("/auto-login", Some(AUTO_LOGIN), "signs this user in wherever nobody else is; null stops it"),
];
