//! A protected resource (RFC 9728): one MCP server as its clients know it, with everything that is true of it alone.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::extract::Request;
use http::Method;
use http::uri::PathAndQuery;

use super::GateError;
use super::route::Route;
use crate::base_url::BaseUrl;
use crate::discovery::challenge::Challenge;
use crate::facade::Entra;
use crate::idp::entra::registration::ApiApp;
use crate::policy::Policy;
use crate::policy::mirror::Mirrors;
use crate::policy::step_up::StepUps;
use crate::session::SessionSeal;
use crate::stream_refusals::OpenStreams;
use crate::token::verifier::Verifier;

/// One MCP server behind a gate.
pub struct Resource {
    /// Of the gateway: above every path.
    base_path: String,
    pub(super) path: String,
    pub(super) url: String,
    pub(super) also: Vec<String>,
    pub(super) name: String,
    pub(crate) challenge: Challenge,
    pub(crate) policy: Arc<Policy>,
    pub(crate) sessions: SessionSeal,
    pub(crate) step_ups: StepUps,
    pub(crate) streams: Arc<OpenStreams>,
    pub(crate) max_body_bytes: usize,
    /// Nothing in development mode.
    pub(crate) audience: Option<Arc<Audience>>,
}

/// What tokens for a resource must be for, and who says so.
pub(crate) struct Audience {
    pub(crate) entra: Arc<Entra>,
    pub(crate) api: ApiApp,
    /// One for each API app: what it has verified holds for every resource of that app and for no other.
    pub(crate) verifier: Arc<Verifier>,
}

impl Resource {
    /// Its path below the base URL.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its public URL: the RFC 8707 resource.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a message sent to this path has headers that mirror it: not on the further paths of the HTTP+SSE transport,
    /// which has none in any revision (TR-15).
    pub(crate) fn mirrors(&self, path: &str) -> Mirrors {
        let below = path.strip_prefix(self.base_path.as_str()).unwrap_or(path).trim_end_matches('/');
        let is_further = self.also.iter().any(|also| also.trim_end_matches('/') == below);
        if is_further { Mirrors::Optional } else { Mirrors::Required }
    }

    /// Where a message of the HTTP+SSE transport goes: its client looks for the answer elsewhere. In a box, so that no other
    /// call makes room for it.
    pub(crate) fn posted_to(&self, request: &Request) -> Option<Box<PathAndQuery>> {
        if self.also.is_empty() || request.method() != Method::POST {
            return None;
        }
        request.uri().path_and_query().cloned().map(Box::new)
    }

    /// Its path and the further paths of the same server.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.path).chain(&self.also).map(String::as_str)
    }
}

/// Builds the resources of a gate.
pub(super) struct Resources<'a> {
    pub(super) base: &'a BaseUrl,
    pub(super) session_keys: Vec<hmac::Key>,
    pub(super) max_body_bytes: usize,
    pub(super) entra: Option<&'a Arc<Entra>>,
    /// The API app of every route that names no other.
    pub(super) api: Option<ApiApp>,
}

impl Resources<'_> {
    pub(super) fn build(
        self,
        routes: Vec<Route>,
        policies: Vec<Policy>,
    ) -> Result<Vec<Arc<Resource>>, GateError> {
        let mut verifiers: Vec<(Vec<String>, Arc<Verifier>)> = Vec::new();
        let are_several = routes.len() > 1;
        let mut resources = Vec::with_capacity(routes.len());
        for (route, policy) in routes.into_iter().zip(policies) {
            let api = route.api.as_ref().or(self.api.as_ref());
            let audience = match (self.entra, api) {
                (Some(entra), Some(api)) => Some(audience(entra, api, &mut verifiers)),
                _ => None,
            };
            resources.push(Arc::new(self.resource(route, policy, audience, are_several)?));
        }
        Ok(resources)
    }

    fn resource(
        &self,
        route: Route,
        policy: Policy,
        audience: Option<Arc<Audience>>,
        are_several: bool,
    ) -> Result<Resource, GateError> {
        let below = route.path.trim_end_matches('/');
        let metadata =
            format!("{}/.well-known/oauth-protected-resource{}{below}", self.base.origin(), self.base.path());
        let scopes = audience.as_ref().map(|audience| audience.api.qualified_scopes()).unwrap_or_default();
        let name = route.name.unwrap_or_else(|| {
            let at = if are_several { format!(" at {}", route.path) } else { String::new() };
            format!("MCP server{at}")
        });
        Ok(Resource {
            base_path: self.base.path().to_owned(),
            url: self.base.join(below),
            name,
            challenge: Challenge::new(metadata, &scopes).ok_or(GateError::Challenge)?,
            policy: Arc::new(policy),
            sessions: SessionSeal::new(self.session_keys.clone(), route.path.clone()),
            step_ups: StepUps::new(),
            streams: Arc::default(),
            max_body_bytes: route.max_body_bytes.unwrap_or(self.max_body_bytes),
            audience,
            path: route.path,
            also: route.also,
        })
    }
}

/// Resources of one API app share a verifier, so that a token is verified once for all of them.
fn audience(
    entra: &Arc<Entra>,
    api: &ApiApp,
    verifiers: &mut Vec<(Vec<String>, Arc<Verifier>)>,
) -> Arc<Audience> {
    let audiences: Vec<String> = api.audiences().collect();
    let known = verifiers.iter().find(|(known, _)| *known == audiences);
    let verifier = if let Some((_, verifier)) = known {
        Arc::clone(verifier)
    } else {
        let (keyring, clock) = (Arc::clone(&entra.keyring), Arc::clone(&entra.clock));
        let verifier = Arc::new(Verifier::new(keyring, api, verifiers.len(), clock));
        verifiers.push((audiences, Arc::clone(&verifier)));
        verifier
    };
    Arc::new(Audience { entra: Arc::clone(entra), api: api.clone(), verifier })
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("url", &self.url).finish_non_exhaustive()
    }
}
