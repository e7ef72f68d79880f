//! One function a step: what the client demands against what there is.

use url::Url;

use super::facts::{Facts, Reach};
use super::verdict::{EVERYBODY, Experience, Step, Verdict};
use crate::clients::{
    AtEntra, Callback, Client, Home, IssRule, IssuerRule, PkceRule, PrivateAddresses, Prompt, Registration,
    ResourceRule,
};
use crate::doctor::checks::redirect_uris::is_accepted;
use crate::doctor::site::Site;

use Verdict::{Fails, NotNeeded, Unknown, Works};

pub(super) async fn experience(client: &'static Client, facts: &Facts<'_>, site: &Site) -> Experience {
    let mut steps = Vec::new();
    for step in Step::ALL {
        let verdict = match step {
            Step::Discovery => discovery(client, facts),
            Step::Registration => registration(client, facts),
            Step::RedirectHere => redirect_here(client, facts, site).await,
            Step::RedirectAtEntra => redirect_at_entra(client, facts, site).await,
            Step::Pkce => pkce(client, facts),
            Step::Iss => iss(client, facts),
            Step::Consent => consent(client, facts),
            Step::Token | Step::Refresh => token(facts),
            // Nobody lists tools without a token.
            Step::Tools if facts.tools.is_none() => token(facts),
            Step::Tools => everybody(facts.tools.as_ref()),
        };
        steps.push((step, verdict));
    }
    Experience { client, steps }
}

fn everybody(problem: Option<&String>) -> Verdict {
    problem.map_or(Works, |problem| Fails(format!("{EVERYBODY} {problem}")))
}

fn token(facts: &Facts<'_>) -> Verdict {
    let problem = [&facts.sign_in, &facts.redirect, &facts.consent, &facts.token];
    let untold = [&facts.untold, &facts.untold_consent];
    match (problem.into_iter().flatten().next(), untold.into_iter().flatten().next()) {
        (None, Some(reason)) => Unknown(format!("not known: {reason}")),
        (problem, _) => everybody(problem),
    }
}

fn discovery(client: &Client, facts: &Facts<'_>) -> Verdict {
    if let Some(problem) = &facts.discovery {
        return everybody(Some(problem));
    }
    match (client.home, client.private_addresses, facts.reach) {
        (Home::Cloud, _, Reach::ThisMachine) => {
            return Fails("it runs in its vendor's cloud, and the gateway is on this machine".to_owned());
        }
        (Home::Cloud, _, Reach::Inside) => {
            return Fails("it runs in its vendor's cloud, and the gateway has a private address".to_owned());
        }
        (_, PrivateAddresses::Refused, Reach::Inside) => {
            return Fails("it refuses private addresses".to_owned());
        }
        (_, PrivateAddresses::RefusedAsLiterals, Reach::Inside) if is_literal(&facts.mcp_url) => {
            return Fails("it refuses private addresses in the URL".to_owned());
        }
        _ => {}
    }
    let resource = facts.resource["resource"].as_str().unwrap_or_default();
    let same = match client.resource {
        ResourceRule::Prefix => is_prefix(resource, &facts.mcp_url),
        ResourceRule::SlashInsensitive => {
            resource.trim_end_matches('/') == facts.mcp_url.trim_end_matches('/')
        }
        // What every known rule accepts is accepted by an unknown one.
        ResourceRule::Exact | ResourceRule::Unknown => resource == facts.mcp_url,
    };
    if !same {
        return Fails(format!("the metadata is about {resource}, not about {}", facts.mcp_url));
    }
    let listed = facts.resource["authorization_servers"][0].as_str().unwrap_or_default();
    let issuer = facts.server["issuer"].as_str().unwrap_or_default();
    let same = match client.issuer {
        IssuerRule::Exact | IssuerRule::Unknown => issuer == listed,
        IssuerRule::ExactButSlash => issuer.trim_end_matches('/') == listed.trim_end_matches('/'),
        IssuerRule::NotCompared => true,
    };
    if same { Works } else { Fails(format!("the issuer is {issuer}, the metadata names {listed}")) }
}

fn is_literal(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_))))
}

fn is_prefix(resource: &str, url: &str) -> bool {
    let (Ok(resource), Ok(url)) = (Url::parse(resource), Url::parse(url)) else { return false };
    resource.origin() == url.origin() && url.path().starts_with(resource.path())
}

fn registration(client: &Client, facts: &Facts<'_>) -> Verdict {
    let documents = facts.server["client_id_metadata_document_supported"] == true
        && facts.lists("token_endpoint_auth_methods_supported", "none");
    let registers = facts.server["registration_endpoint"].is_string();
    let by_itself = client.registration.iter().any(|way| match way {
        Registration::Document(url) => documents && (url.is_some() || client.home == Home::Cloud),
        Registration::Dynamic => registers,
        Registration::Configured => false,
    });
    if by_itself {
        return Works;
    }
    if client.registration.contains(&Registration::Configured) {
        return Unknown("it needs a client id that the operator gives it".to_owned());
    }
    Fails("the gateway offers none of the ways in which it gets a client id".to_owned())
}

fn callbacks(client: &Client, facts: &Facts<'_>) -> &'static [Callback] {
    let promised = facts.server["authorization_response_iss_parameter_supported"] == true;
    if promised { client.callbacks } else { client.callbacks_without_iss.unwrap_or(client.callbacks) }
}

async fn redirect_here(client: &Client, facts: &Facts<'_>, site: &Site) -> Verdict {
    let Ok(gateway) = site.gateway().await else { return Unknown("the gateway cannot be asked".to_owned()) };
    let (mut refused, mut open) = (None, false);
    for callback in callbacks(client, facts) {
        let Some(uri) = callback.as_sent(&facts.mcp_url) else {
            open = true;
            continue;
        };
        match gateway.register(&uri).await {
            // One that is allowed is enough: clients use the one that they were given back.
            Ok(answer) if answer.status == http::StatusCode::CREATED => return Works,
            _ => refused = Some(uri),
        }
    }
    match refused {
        Some(uri) => Fails(format!("the gateway does not allow {uri}")),
        None if open => {
            Unknown("its callback depends on its installation: enter it in allowed_redirect_uris".to_owned())
        }
        None => Works,
    }
}

/// Of several, a client takes the one that suits its build or its surroundings: each must be registered, but those that
/// the gateway lets nobody use.
async fn redirect_at_entra(client: &Client, facts: &Facts<'_>, site: &Site) -> Verdict {
    if !site.is_relay() {
        return NotNeeded;
    }
    if let Some(problem) = facts.sign_in.as_ref().or(facts.redirect.as_ref()) {
        return everybody(Some(problem));
    }
    let Some(probes) = facts.probes else { return Unknown("Entra could not be asked".to_owned()) };
    let (mut refused, mut unknown): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for callback in callbacks(client, facts) {
        if is_refused_here(*callback, facts, site).await {
            continue;
        }
        match (callback.at_entra(&facts.mcp_url), callback.as_sent(&facts.mcp_url)) {
            (AtEntra::Register(uri), Some(sent)) => match probes.of(&sent) {
                Some(probe) if is_accepted(probe) => {}
                Some(_) => refused.push(uri),
                None => unknown.push(uri),
            },
            (AtEntra::OnceKnown(pattern), _) => unknown.push(pattern),
            _ => unknown.push("its callback, which is not published".to_owned()),
        }
    }
    if unknown.is_empty() && refused.is_empty() {
        return Works;
    }
    if unknown.is_empty() {
        return Fails(format!("not registered at the client app: {} (AADSTS50011)", refused.join(", ")));
    }
    let all: Vec<String> = unknown.into_iter().chain(refused).collect();
    Unknown(format!("must be registered at the client app: {} (AADSTS50011)", all.join(", ")))
}

async fn is_refused_here(callback: Callback, facts: &Facts<'_>, site: &Site) -> bool {
    let (Ok(gateway), Some(uri)) = (site.gateway().await, callback.as_sent(&facts.mcp_url)) else {
        return false;
    };
    matches!(gateway.register(&uri).await, Ok(answer) if answer.status != http::StatusCode::CREATED)
}

fn pkce(client: &Client, facts: &Facts<'_>) -> Verdict {
    let listed = facts.server["code_challenge_methods_supported"].is_array();
    let s256 = facts.lists("code_challenge_methods_supported", "S256");
    let works = match client.pkce {
        PkceRule::Required | PkceRule::Unknown => s256,
        PkceRule::WhenListed => s256 || !listed,
        PkceRule::NotRead => true,
    };
    if works { Works } else { Fails("the metadata does not advertise S256".to_owned()) }
}

fn iss(client: &Client, facts: &Facts<'_>) -> Verdict {
    // Whoever promises it sends it: broker mode. In relay mode Entra answers the client, without it.
    let promised = facts.server["authorization_response_iss_parameter_supported"] == true;
    match client.iss {
        IssRule::NotRead | IssRule::WhenPromised => Works,
        IssRule::Required | IssRule::Unknown if promised => Works,
        IssRule::Required => Fails(
            "it demands iss in the answer, and Entra, which answers it in relay mode, sends none".to_owned(),
        ),
        IssRule::Unknown => Unknown("whether it demands iss is not known".to_owned()),
    }
}

/// The gateway never hands `prompt=consent` on, so this is about what the metadata makes clients ask for.
fn consent(client: &Client, facts: &Facts<'_>) -> Verdict {
    let offline = facts.lists("scopes_supported", "offline_access");
    match client.prompt {
        Prompt::WithOfflineAccess if offline => {
            Fails("the metadata lists offline_access: it asks for the consent page".to_owned())
        }
        _ => match (facts.sign_in.as_ref().or(facts.consent.as_ref()), &facts.untold_consent) {
            (None, Some(reason)) => Unknown(format!("not known: {reason}")),
            (problem, _) => everybody(problem),
        },
    }
}
