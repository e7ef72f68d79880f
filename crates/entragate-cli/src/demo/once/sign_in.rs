//! The sign-in, leg by leg, as rmcp does it for every client that is built with it.

use std::sync::Arc;

use anyhow::Context as _;
use entragate_emulator::{Control, fixtures};
use rmcp::transport::auth::{
    AuthClient, AuthorizationManager, AuthorizationRequest, AuthorizationSession, OAuthTokenResponse,
    WWWAuthenticateParams,
};
use url::Url;

use super::browser::{self, CALLBACK};
use super::client::Client;
use super::person::Person;
use super::report::{Report, Worked};
use super::wire::{self, Wire};

/// From nothing to a connected client; `None` when a step failed, since each needs the one before.
pub(super) async fn run(
    person: &Person,
    mcp_url: &str,
    control: &Control,
    report: &mut Report,
) -> anyhow::Result<Option<Client>> {
    let leg = Legs::new(person, mcp_url)?;
    let Some(challenge) = report.step("asked without a token", leg.challenge()).await? else {
        return Ok(None);
    };
    let Some(manager) = report.step("found out where to sign in", leg.discover(&challenge)).await? else {
        return Ok(None);
    };
    let Some(session) = report.step("registered the client", leg.register(manager)).await? else {
        return Ok(None);
    };
    let signed_in = leg.browse(&session, control);
    let Some(callback) = report.step("signed in at Entra", signed_in).await? else { return Ok(None) };
    let Some(session) = report.step("got tokens for the code", leg.redeem(session, callback)).await? else {
        return Ok(None);
    };
    Ok(report.step("connected with the token", Box::pin(leg.connect(session))).await?)
}

struct Legs<'a> {
    person: &'a Person,
    mcp_url: &'a str,
    http: reqwest::Client,
    wire: Wire,
}

impl<'a> Legs<'a> {
    fn new(person: &'a Person, mcp_url: &'a str) -> anyhow::Result<Self> {
        let http = wire::http()?;
        Ok(Self { person, mcp_url, wire: Wire::new(http.clone()), http })
    }

    /// The 401, as the client meets it: in the answer to its first message.
    async fn challenge(&self) -> anyhow::Result<Worked<String>> {
        let answer = Client::connect(self.http.clone(), self.mcp_url, self.person.lifecycle()).await;
        let Err(error) = answer else { anyhow::bail!("the server let somebody in without a token") };
        let Some(challenge) = error.auth_challenge().map(str::to_owned) else {
            return Err(error).context("there was no challenge");
        };
        let read = WWWAuthenticateParams::parse(&challenge, &Url::parse(self.mcp_url)?);
        let metadata = read.resource_metadata_url.context("the challenge names no resource_metadata")?;
        Ok(Worked::with(format!("401, which points to {metadata}"), challenge))
    }

    /// Both metadata documents.
    async fn discover(&self, challenge: &str) -> anyhow::Result<Worked<AuthorizationManager>> {
        let wire = Arc::new(self.wire.clone());
        let mut manager = AuthorizationManager::new_with_oauth_http_client(self.mcp_url, wire).await?;
        let found = manager
            .resolve_metadata_from_challenge(Some(challenge))
            .await
            .with_context(|| self.wire.last())?;
        anyhow::ensure!(found.source.is_discovered(), "no metadata was found; {}", self.wire.last());
        let issuer = found.metadata.issuer.clone().context("the metadata names no issuer")?;
        let pkce = found.metadata.code_challenge_methods_supported.clone().unwrap_or_default();
        anyhow::ensure!(pkce == ["S256"], "PKCE methods: {pkce:?}");
        manager.set_metadata(found.metadata);
        Ok(Worked::with(format!("at {issuer}, with PKCE S256"), manager))
    }

    /// Dynamic client registration, and the URL for the browser.
    async fn register(&self, manager: AuthorizationManager) -> anyhow::Result<Worked<AuthorizationSession>> {
        let request = AuthorizationRequest::new(CALLBACK)
            .with_initial_scope_selection()
            .with_client_name("Entragate demo");
        let session = AuthorizationSession::new(manager, request)
            .await
            .map_err(|(_, error)| error)
            .with_context(|| self.wire.last())?;
        let (client_id, _) = session.get_credentials().await?;
        // The gateway's own ids hold the registration and are long.
        let client_id = if client_id.len() > 40 { format!("{}…", &client_id[..16]) } else { client_id };
        Ok(Worked::with(format!("client id {client_id}"), session))
    }

    /// The browser's part, and what reached Entra of it.
    async fn browse(
        &self,
        session: &AuthorizationSession,
        control: &Control,
    ) -> anyhow::Result<Worked<String>> {
        let url = session.get_authorization_url();
        anyhow::ensure!(
            url.contains("resource="),
            "the client sent no `resource`, so nothing is shown by this"
        );
        let upn = self.person.upn();
        let callback = browser::sign_in(&self.http, url, &upn).await?;
        let requests = control.requests();
        let asked = requests.iter().rev().find(|request| request.path.ends_with("/authorize"));
        let scope = asked.and_then(|request| request.param("scope")).unwrap_or_default();
        anyhow::ensure!(scope.contains("offline_access"), "the scope was not completed: {scope}");
        Ok(Worked::with(format!("as {upn}, for {}", abridged(scope)), callback))
    }

    /// The token endpoint.
    async fn redeem(
        &self,
        session: AuthorizationSession,
        callback: String,
    ) -> anyhow::Result<Worked<AuthorizationSession>> {
        let tokens = session.handle_callback_url(&callback).await.with_context(|| self.wire.last())?;
        Ok(Worked::with(described(&tokens)?, session))
    }

    /// The first message with the token.
    async fn connect(&self, session: AuthorizationSession) -> anyhow::Result<Worked<Client>> {
        let http = AuthClient::new(self.http.clone(), session.auth_manager);
        let client = Client::connect(http, self.mcp_url, self.person.lifecycle()).await?;
        Ok(Worked::with(client.server(), client))
    }
}

/// The token response without the tokens.
fn described(tokens: &OAuthTokenResponse) -> anyhow::Result<String> {
    let answer = serde_json::to_value(tokens)?;
    let seconds = answer["expires_in"].as_u64().context("the answer has no expires_in")?;
    anyhow::ensure!(answer["refresh_token"].is_string(), "there is no refresh token");
    let scope = answer["scope"].as_str().unwrap_or("no scope");
    let (scope, minutes) = (abridged(scope), seconds / 60);
    // Entra's tokens have three parts that anybody can read, the gateway's own have one that nobody can.
    let is_jwt = answer["access_token"].as_str().is_some_and(|token| token.contains('.'));
    let kind = if is_jwt { "a JWT" } else { "an opaque token" };
    Ok(format!("{kind} for {scope}, good for {minutes} minutes, and a refresh token"))
}

/// Scopes without the id of the API app, which says nothing to a reader.
fn abridged(scope: &str) -> String {
    scope.replace(fixtures::API, "…")
}
