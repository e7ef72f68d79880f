//! `/devicecode`, and the page where a person types the code.

use http::{Method, StatusCode};
use serde_json::json;

use crate::authority::Authority;
use crate::authorize::{check_audience, find_client};
use crate::consent::{self, Which};
use crate::directory::{App, User};
use crate::entra::Entra;
use crate::errors::{self, Refusal};
use crate::exchange::{Answer, Exchange};
use crate::grants::{Device, DeviceState, Session};
use crate::pages;
use crate::policy;
use crate::scope::ScopeRequest;

/// How long a device code lives.
pub(crate) const LIFETIME: u64 = 900;

pub(crate) fn answer(entra: &Entra, exchange: &Exchange, segment: &str) -> Answer {
    let trace = entra.trace(&exchange.headers);
    match start(entra, exchange, segment) {
        Ok(answer) => answer.uncached().traced(&trace),
        Err(refusal) => errors::json(&refusal, &entra.base, &trace),
    }
}

fn start(entra: &Entra, exchange: &Exchange, segment: &str) -> Result<Answer, Refusal> {
    let authority = Authority::parse(segment, &entra.directory)?;
    if exchange.method != Method::POST {
        let method = exchange.method.to_string();
        return Err(Refusal::Verb { accepts: "POST, OPTIONS", method });
    }
    let form = &exchange.form;
    let client = find_client(entra, &authority, form.get("client_id").ok_or(Refusal::Missing("client_id"))?)?;
    check_audience(&authority, client)?;
    let scope = form.get("scope").ok_or(Refusal::Missing("scope"))?;
    let scope = ScopeRequest::parse(scope, entra.apis(), &authority)?;
    scope.check_not_itself_by_uri(client)?;
    let (key, user_code) = entra.random(|random| (random.opaque(150), random.user_code()));
    let device = Device {
        user_code: user_code.clone(),
        client: client.id.clone(),
        authority,
        scope,
        issued_at: entra.now(),
        state: DeviceState::Pending,
    };
    entra.state.with(|state| state.devices.insert(key.clone(), device));
    let page = format!("{}/common/oauth2/deviceauth", entra.base);
    let body = json!({
        "user_code": user_code,
        "device_code": key,
        "verification_uri": page,
        "expires_in": LIFETIME,
        "interval": 5,
        "message": format!("To sign in, open {page} and enter the code {user_code}."),
    });
    Ok(Answer::json(StatusCode::OK, &body).client(&client.name))
}

/// The page: code and user first, then approve or decline.
pub(crate) fn page(entra: &Entra, exchange: &Exchange) -> Answer {
    let params = exchange.query.clone().and(exchange.form.clone());
    let settings = entra.settings();
    let code =
        params.get("user_code").or_else(|| params.get("otc")).map(|code| code.trim().to_ascii_uppercase());
    let named = exchange.header("x-emulator-user").filter(|_| settings.headless);
    let called = params.get("__emulator_user").or(named).or(settings.auto_login.as_deref());
    let found = code.as_deref().and_then(|code| find(entra, code));
    let user = called.and_then(|called| entra.directory.user(called));
    let users: Vec<&User> = entra.directory.users.iter().collect();
    let Some((key, device)) = found else {
        let problem = code.is_some().then_some("There is no such code, or it has expired.");
        return pages::device(&exchange.path, code.as_deref().unwrap_or_default(), &users, problem);
    };
    let Some(client) = entra.directory.app(&device.client) else { return Answer::not_found() };
    let decision = params.get("__emulator_device").filter(|_| exchange.method == Method::POST);
    match (decision, user) {
        (Some("decline"), _) => {
            settle(entra, &key, DeviceState::Declined);
            pages::message("Declined", "The other device was not signed in.")
        }
        (Some("approve"), Some(user)) => {
            let trace = entra.trace(&exchange.headers);
            match approve(entra, client, &device, &key, user) {
                Ok(()) => pages::message("Signed in", "You can go back to your device and close this page."),
                Err(refusal) => errors::page(&refusal, &trace),
            }
        }
        (_, Some(user)) => pages::device_confirm(&exchange.path, &device.user_code, client, user),
        (_, None) => pages::device(&exchange.path, &device.user_code, &users, None),
    }
}

fn find(entra: &Entra, user_code: &str) -> Option<(String, Device)> {
    let now = entra.now();
    entra.state.with(|state| {
        let mut all = state.devices.iter();
        let found = all.find(|(_, device)| {
            let pending = matches!(device.state, DeviceState::Pending);
            device.user_code == user_code && pending && now < device.issued_at + LIFETIME
        });
        found.map(|(key, device)| (key.clone(), device.clone()))
    })
}

fn settle(entra: &Entra, key: &str, outcome: DeviceState) {
    entra.state.with(|state| {
        if let Some(device) = state.devices.get_mut(key) {
            device.state = outcome;
        }
    });
}

/// The same policies as at `/authorize`; approving is consenting.
fn approve(entra: &Entra, client: &App, device: &Device, key: &str, user: &User) -> Result<(), Refusal> {
    let tenant = device.authority.tenant().unwrap_or(&user.tenant);
    policy::check_account(entra, user, tenant, client)?;
    policy::check_scopes_exist(entra, client, &device.scope)?;
    policy::check_assigned(entra, client, user, &device.scope)?;
    policy::check_not_blocked(entra, user)?;
    let asked = consent::asked(entra, client, user, &device.scope, Which::Missing);
    if !user.admin && asked.iter().any(|permission| permission.admin_only) {
        return Err(Refusal::AdminConsent);
    }
    if !user.admin && !asked.is_empty() && entra.settings().restrict_user_consent {
        return Err(Refusal::UserConsentRestricted);
    }
    consent::remember(entra, client, user, &asked);
    let id = entra.random(crate::ids::Random::guid);
    let session = Session { oid: user.oid.clone(), id, mfa: true, started_at: entra.now() };
    settle(entra, key, DeviceState::Approved(session));
    Ok(())
}
