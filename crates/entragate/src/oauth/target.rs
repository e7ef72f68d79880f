//! Which MCP server a sign-in is for. A client names it with `resource` (RFC 8707); everything that comes out of the
//! sign-in is for that server alone (RS-19).

use std::net::SocketAddr;
use std::sync::Arc;

use super::error::{Code, OAuthError};
use super::params::Params;
use super::resource::KnownResources;
use crate::base_url::BaseUrl;
use crate::facade::Facade;
use crate::gate::{Audience, Resource};
use crate::idp::entra::registration::ApiApp;
use crate::idp::entra::scopes;
use crate::policy::Policy;

/// An MCP server that people sign in for.
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    pub(crate) audience: Arc<Audience>,
    names: KnownResources,
}

impl Target {
    /// The targets of a gate: the resources that tokens are asked for. None in development mode.
    pub(crate) fn all(resources: &[Arc<Resource>], base: &BaseUrl, listen: &[SocketAddr]) -> Arc<[Self]> {
        let guarded = resources.iter().filter_map(|resource| Some((resource, resource.audience.as_ref()?)));
        let guarded: Vec<_> = guarded.collect();
        let known_as: Vec<_> =
            guarded.iter().map(|(resource, audience)| (resource.url(), &audience.api)).collect();
        let names = KnownResources::of_each(base, listen, &known_as);
        let target = |((resource, audience), names): ((&Arc<Resource>, &Arc<Audience>), _)| Self {
            resource: Arc::clone(resource),
            audience: Arc::clone(audience),
            names,
        };
        guarded.into_iter().zip(names).map(target).collect()
    }

    pub(crate) fn url(&self) -> &str {
        self.resource.url()
    }

    pub(crate) fn name(&self) -> &str {
        self.resource.name()
    }

    pub(crate) fn api(&self) -> &ApiApp {
        &self.audience.api
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.resource.policy
    }
}

/// What the request names, if it names something. More values than one must mean the same server.
pub(crate) fn named<'a>(facade: &'a Facade, params: &Params) -> Result<Option<&'a Target>, OAuthError> {
    let mut named: Option<&Target> = None;
    for value in params.all("resource") {
        let Some(target) = facade.targets.iter().find(|target| target.names.contains(value)) else {
            return Err(invalid(format!("resource must be {}", choices(facade))));
        };
        if named.is_some_and(|before| before.url() != target.url()) {
            return Err(invalid("resource names two MCP servers, and a token is for one".to_owned()));
        }
        named = Some(target);
    }
    Ok(named)
}

/// The server that the request is for: the one it names, the only one, or the only one whose scopes it asks for, fully
/// qualified. Nothing is guessed beyond that (docs/decisions/0018-routes.md).
pub(crate) fn chosen<'a>(facade: &'a Facade, params: &Params) -> Result<&'a Target, OAuthError> {
    if let Some(target) = named(facade, params)? {
        return Ok(target);
    }
    let asked = params.get("scope").unwrap_or_default();
    let is_only = facade.targets.len() == 1;
    let mut meant = facade.targets.iter().filter(|target| is_only || scopes::mean(asked, target.api()));
    match (meant.next(), meant.next()) {
        (Some(target), None) => Ok(target),
        _ => Err(invalid(format!(
            "resource is missing: say which MCP server the token is for, {}",
            choices(facade)
        ))),
    }
}

/// A token leg that names another server than its grant is for (RFC 8707 §2.2).
pub(crate) fn check_same(named: Option<&Target>, granted: &Target) -> Result<(), OAuthError> {
    match named {
        Some(other) if other.url() != granted.url() => {
            Err(invalid(format!("the sign-in was for {}, resource must be the same", granted.url())))
        }
        _ => Ok(()),
    }
}

fn invalid(text: String) -> OAuthError {
    OAuthError::new(Code::InvalidTarget, text)
}

/// As many names as fit into an error's description.
const SHOWN: usize = 8;

fn choices(facade: &Facade) -> String {
    let urls: Vec<&str> = facade.targets.iter().map(Target::url).take(SHOWN).collect();
    let more = if facade.targets.len() > SHOWN { " or another one of this gateway's" } else { "" };
    match urls.as_slice() {
        [only] => (*only).to_owned(),
        several => format!("one of {}{more}", several.join(", ")),
    }
}
