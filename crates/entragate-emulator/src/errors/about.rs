//! What the texts of ordered refusals speak of: as much of it as the request tells, and something plausible for the rest.

use crate::clock;
use crate::entra::Entra;
use crate::params::Params;

/// Values for the blanks in Entra's texts.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) client: String,
    pub(crate) client_name: String,
    pub(crate) api: String,
    pub(crate) api_name: String,
    pub(crate) tenant: String,
    pub(crate) tenant_name: String,
    /// The tenant's issuer, as what signs in with an identity provider calls it.
    pub(crate) issuer: String,
    pub(crate) user: String,
    pub(crate) scope: String,
    pub(crate) redirect_uri: String,
    pub(crate) origin: String,
    pub(crate) grant_type: String,
    /// An hour ago, now.
    pub(crate) issued: String,
    pub(crate) now: String,
}

impl About {
    pub(crate) fn of(entra: &Entra, segment: &str, params: &Params) -> Self {
        let directory = &entra.directory;
        let text = |name: &str, otherwise: &str| params.get(name).unwrap_or(otherwise).to_owned();
        let client = params.get("client_id").and_then(|id| directory.client(id, None));
        let scope = text("scope", "https://graph.microsoft.com/User.Read");
        let named = |word: &str| directory.api(word.rsplit_once('/')?.0, None);
        let api = scope.split_ascii_whitespace().find_map(named);
        let tenant = directory.tenant(segment).map_or(segment, |tenant| &tenant.id);
        let somebody = directory.users.first().map_or("somebody@example.com", |user| &user.upn);
        let now = entra.now();
        Self {
            client: text("client_id", crate::fixtures::CLI),
            client_name: client.map_or("an application", |app| &app.display_name).to_owned(),
            api: api.map_or(crate::fixtures::GRAPH, |app| &app.id).to_owned(),
            api_name: api.map_or("Microsoft Graph", |app| &app.display_name).to_owned(),
            tenant: tenant.to_owned(),
            tenant_name: directory.tenant_name(segment).to_owned(),
            issuer: entra.v1_issuer(tenant),
            user: text("login_hint", somebody),
            scope,
            redirect_uri: text("redirect_uri", "http://localhost/callback"),
            origin: entra.base.to_string(),
            grant_type: text("grant_type", "authorization_code"),
            issued: clock::iso(now.saturating_sub(3600)),
            now: clock::iso(now),
        }
    }

    /// The text with `{client}` and its like replaced.
    pub(super) fn fill(&self, text: &str) -> String {
        let blanks = [
            ("{client}", &self.client),
            ("{client_name}", &self.client_name),
            ("{api}", &self.api),
            ("{api_name}", &self.api_name),
            ("{tenant}", &self.tenant),
            ("{tenant_name}", &self.tenant_name),
            ("{issuer}", &self.issuer),
            ("{issued}", &self.issued),
            ("{now}", &self.now),
        ];
        blanks.iter().fold(text.to_owned(), |text, (blank, value)| text.replace(blank, value))
    }
}
