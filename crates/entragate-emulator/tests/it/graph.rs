//! A caller of the emulated Microsoft Graph, and readers for its answers.

use entragate_emulator::fixtures::{ADM, ADM_SECRET, GRAPH, GRAPH_CLI, READER, READER_SECRET};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, Token};
use crate::reply::Reply;

/// What administrators sign in for.
pub(crate) const ALL_SCOPES: &str = "Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All \
     AppRoleAssignment.ReadWrite.All Directory.Read.All Domain.Read.All Policy.Read.All User.Read";

/// Somebody with a token for Graph.
pub(crate) struct Caller<'a> {
    entra: &'a Entra,
    token: String,
}

impl<'a> Caller<'a> {
    pub(crate) fn with(entra: &'a Entra, token: &str) -> Self {
        Self { entra, token: token.to_owned() }
    }

    /// The daemon that may do everything.
    pub(crate) async fn admin(entra: &'a Entra) -> Self {
        Self::daemon(entra, ADM, ADM_SECRET).await
    }

    /// The daemon that may read registrations.
    pub(crate) async fn reader(entra: &'a Entra) -> Self {
        Self::daemon(entra, READER, READER_SECRET).await
    }

    pub(crate) async fn daemon(entra: &'a Entra, client: &str, secret: &str) -> Self {
        let request = Token::client_credentials(client, secret, &format!("{GRAPH}/.default"));
        let tokens = entra.redeem(&request).await;
        Self::with(entra, tokens["access_token"].as_str().expect("a token"))
    }

    /// A user of the Graph command line tools, after alice consented to the scopes for herself or for everybody.
    pub(crate) async fn user(entra: &'a Entra, user: &str, scopes: &str) -> Self {
        let qualified: Vec<String> = scopes.split(' ').map(|scope| format!("{GRAPH}/{scope}")).collect();
        let request = Authorize::base()
            .with("client_id", GRAPH_CLI)
            .with("redirect_uri", "http://localhost:50123/")
            .scope(&format!("{} openid", qualified.join(" ")))
            .user(user);
        let tokens = entra.tokens(&request).await;
        Self::with(entra, tokens["access_token"].as_str().expect("a token"))
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.call_with(method, path, body, &[]).await
    }

    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Reply {
        let path = path.replace(' ', "%20");
        let mut request = self.entra.request(method, &format!("/v1.0{path}")).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = if body.is_null() { request } else { request.json(body) };
        self.entra.send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, &Value::Null).await.ok()
    }

    /// The objects of one page.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        self.get(path).await["value"].as_array().expect("`value` is an array").clone()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.call("POST", path, &body).await;
        assert_eq!(reply.status, 201, "POST {path} {body}: {}", reply.body);
        reply.json()
    }

    /// A successful PATCH.
    pub(crate) async fn patch(&self, path: &str, body: Value) {
        let reply = self.call("PATCH", path, &body).await;
        assert_eq!((reply.status, reply.body.as_str()), (204, ""), "PATCH {path} {body}");
    }

    pub(crate) async fn delete(&self, path: &str) {
        let reply = self.call("DELETE", path, &Value::Null).await;
        assert_eq!((reply.status, reply.body.as_str()), (204, ""), "DELETE {path}");
    }

    /// A registration in the API's shape: version 2, one scope, one role; its object.
    pub(crate) async fn register(&self, name: &str) -> Value {
        self.post(
            "/applications",
            json!({ "displayName": name, "uniqueName": name, "api": api(), "appRoles": roles() }),
        )
        .await
    }
}

pub(crate) const SCOPE_ID: &str = "5c0be000-0000-4000-8000-000000000001";
pub(crate) const ROLE_ID: &str = "501e0000-0000-4000-8000-000000000001";

pub(crate) fn scope(id: &str, value: &str, enabled: bool) -> Value {
    json!({
        "id": id, "value": value, "type": "User", "isEnabled": enabled,
        "adminConsentDisplayName": "Use it", "adminConsentDescription": "Use it.",
        "userConsentDisplayName": "Use it", "userConsentDescription": "Use it.",
    })
}

pub(crate) fn role(id: &str, value: &str, enabled: bool) -> Value {
    json!({
        "id": id, "value": value, "displayName": value, "description": value,
        "allowedMemberTypes": ["User"], "isEnabled": enabled,
    })
}

pub(crate) fn api() -> Value {
    json!({ "requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [scope(SCOPE_ID, "use", true)] })
}

pub(crate) fn roles() -> Value {
    json!([role(ROLE_ID, "Writer", true)])
}

/// The path of an object that was made.
pub(crate) fn at(collection: &str, object: &Value) -> String {
    format!("/{collection}/{}", object["id"].as_str().expect("an id"))
}

pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_else(|| panic!("`{name}` is text in {object}"))
}

impl Reply {
    /// Graph's error JSON; its message.
    #[track_caller]
    pub(crate) fn graph_error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        let error = &self.json()["error"];
        assert_eq!(error["code"], code, "{error}");
        for name in ["date", "request-id", "client-request-id"] {
            assert!(error["innerError"][name].is_string(), "{name} in {error}");
        }
        assert_eq!(self.header("request-id"), error["innerError"]["request-id"].as_str());
        text(error, "message").to_owned()
    }
}
