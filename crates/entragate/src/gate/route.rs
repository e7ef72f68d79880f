//! What is said of one MCP server when there are several behind a gate.

use crate::idp::entra::registration::ApiApp;
use crate::policy::Rule;

/// An MCP server to protect: its path, and what differs from the gate's other servers.
///
/// ```
/// use entragate::{Route, Rule};
///
/// let github = Route::new("/github").name("GitHub").rules([Rule::tools(["delete_*"]).roles(["Admin"]), Rule::tools(["*"])]);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Route {
    pub(super) path: String,
    pub(super) also: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) rules: Vec<Rule>,
    pub(super) api: Option<ApiApp>,
    pub(super) max_body_bytes: Option<usize>,
}

impl Route {
    /// The server at this path below the base URL.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            also: Vec::new(),
            name: None,
            rules: Vec::new(),
            api: None,
            max_body_bytes: None,
        }
    }

    /// Another path of the same server, e.g. `/messages` of the legacy HTTP+SSE transport.
    pub fn also_protect(mut self, path: impl Into<String>) -> Self {
        self.also.push(path.into());
        self
    }

    /// The name that clients may show (RFC 9728 `resource_name`).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Who may call what here; without rules everybody signed in may call everything. The rules of other routes mean
    /// nothing here.
    pub fn rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// What tokens must be for; default: the gate's API app.
    ///
    /// Entra's own tokens are for an API app, not for a URL. Two routes with one API app are told apart by the scopes that
    /// each requires ([`ApiApp::with_scopes`]); where one asks for no scope that the other lacks, a token of Entra's for the
    /// one is good at the other. Programs in their own name have no scopes, so there only the rules' roles tell. The tokens
    /// of broker mode are for one route, whatever the API app.
    pub fn api(mut self, api: ApiApp) -> Self {
        self.api = Some(api);
        self
    }

    /// Largest request body in bytes; default: the gate's.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = Some(bytes);
        self
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.path).chain(&self.also).map(String::as_str)
    }
}
