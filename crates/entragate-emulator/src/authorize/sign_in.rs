//! Who is signing in: somebody just chosen, somebody hinted at, somebody with a session, or nobody yet.

use super::request::{Prompt, Request};
use super::{Step, Visit, redirect};
use crate::cookies;
use crate::directory::User;
use crate::errors::Refusal;
use crate::event::Outcome;
use crate::grants::Session;
use crate::pages::{self, Account, Form};
use crate::policy;
use crate::tokens::access::roles;

/// Somebody is signed in.
#[derive(Debug)]
pub(super) struct SignedIn<'a> {
    pub(super) user: &'a User,
    /// The tenant signed in to.
    pub(super) tenant: &'a str,
    pub(super) session: Session,
    /// `Set-Cookie`, if the session is new.
    pub(super) cookie: Option<String>,
}

pub(super) fn sign_in<'a>(visit: &Visit<'a>, request: &'a Request<'_>) -> Step<SignedIn<'a>> {
    let entra = visit.entra;
    let current = cookies::session(&visit.exchange.headers)
        .and_then(|key| entra.state.with(|state| state.sessions.get(key).cloned()).map(|found| (key, found)));
    let user = who(visit, request, current.as_ref().map(|(_, session)| session))?;
    let tenant = request.authority.tenant().unwrap_or(&user.tenant);
    policy::check_account(entra, user, tenant, request.client)
        .map_err(|refusal| refuse(visit, request, &refusal))?;

    let mfa = visit.params.get("__emulator_mfa") == Some("approve");
    // A later page of the same visit says so by its own parameter; only the first one starts over.
    let starts_over = request.prompt == Prompt::Login && !mfa && !visit.params.has("__emulator_consent");
    if let Some((key, mut session)) = current
        && session.oid == user.oid
        && !starts_over
    {
        session.mfa |= mfa;
        entra.state.with(|state| state.sessions.insert(key.to_owned(), session.clone()));
        return Ok(SignedIn { user, tenant, session, cookie: None });
    }
    let now = entra.now();
    let (key, id) = entra.random(|random| (random.opaque(96), random.guid()));
    let session = Session { oid: user.oid.clone(), id, mfa, started_at: now };
    entra.state.with(|state| state.sessions.insert(key.clone(), session.clone()));
    Ok(SignedIn { user, tenant, session, cookie: Some(cookies::set(&key, &entra.base)) })
}

/// After sign-in has begun, errors are pages; `prompt=none` has no pages.
pub(super) fn refuse(
    visit: &Visit<'_>,
    request: &Request<'_>,
    refusal: &Refusal,
) -> Box<crate::exchange::Answer> {
    if request.prompt == Prompt::None {
        return redirect::refuse(visit, &request.back, refusal, refusal.silent_error());
    }
    visit.page(refusal)
}

fn who<'a>(visit: &Visit<'a>, request: &Request<'_>, session: Option<&Session>) -> Step<&'a User> {
    let entra = visit.entra;
    let settings = entra.settings();
    let unknown = || Refusal::UnknownUser {
        tenant: entra.directory.tenant_name(request.authority.segment()).to_owned(),
    };
    let find = |called: &str| entra.directory.user(called).ok_or_else(|| refuse(visit, request, &unknown()));
    if let Some(chosen) = visit.params.get("__emulator_user") {
        return find(chosen);
    }
    if let Some(named) = visit.exchange.header("x-emulator-user").filter(|_| settings.headless) {
        return find(named);
    }
    let fresh = matches!(request.prompt, Prompt::Login | Prompt::SelectAccount);
    let session_user =
        session.filter(|_| !fresh).and_then(|session| entra.directory.user_by_oid(&session.oid));
    let silent = request.prompt == Prompt::None;
    match (visit.params.get("login_hint"), session_user) {
        (Some(hint), Some(user)) if user.upn.eq_ignore_ascii_case(hint) => Ok(user),
        // A hint is no credential: without a session, prompt=none has nobody to sign in.
        (Some(_), _) if silent => Err(refuse(visit, request, &Refusal::NoSession)),
        (Some(hint), _) if settings.headless => {
            let user = entra.directory.users.iter().find(|user| user.upn.eq_ignore_ascii_case(hint));
            user.ok_or_else(|| visit.page(&unknown()))
        }
        (Some(_), _) => Err(page(visit, request)),
        (None, Some(user)) => Ok(user),
        (None, None) => match &settings.auto_login {
            Some(called) => find(called),
            None if silent => Err(refuse(visit, request, &Refusal::NoSession)),
            None => Err(page(visit, request)),
        },
    }
}

fn page(visit: &Visit<'_>, request: &Request<'_>) -> Box<crate::exchange::Answer> {
    let directory = &visit.entra.directory;
    let tenant = request.authority.tenant();
    // Where the API has none, or is Graph, roles would only puzzle.
    let api = directory
        .app(&request.scope.target().api)
        .filter(|api| !api.roles.is_empty() && api.owner_organization.is_none());
    let account =
        |user| Account { user, roles: api.map(|api| roles(&directory.user_assignments(api, user))) };
    let (own, others): (Vec<Account<'_>>, Vec<Account<'_>>) = directory
        .users
        .iter()
        .map(account)
        .partition(|account| tenant.is_none_or(|tenant| account.user.tenant == tenant));
    let page = pages::sign_in(&pages::SignIn {
        tenant: tenant.map_or("any tenant", |tenant| directory.tenant_name(tenant)),
        client: &request.client.display_name,
        api: api.map_or("", |api| &api.display_name),
        form: &Form::again(&visit.exchange.path, &visit.params, &[]),
        own: &own,
        others: &others,
        hint: visit.params.get("login_hint").unwrap_or_default(),
    });
    Box::new(page.outcome(Outcome::SignInPage))
}
