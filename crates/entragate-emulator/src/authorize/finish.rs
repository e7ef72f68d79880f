//! From signed in to answered: scopes, assignment, Conditional Access, consent, code.

use super::request::{Prompt, Request, ResponseType};
use super::sign_in::{SignedIn, refuse};
use super::{Step, Visit, redirect};
use crate::consent::{self, Which};
use crate::errors::Refusal;
use crate::event::Outcome;
use crate::exchange::Answer;
use crate::grants::{Code, Grant};
use crate::ids::Random;
use crate::pages::{self, Form};
use crate::{cimd, policy, tokens};

pub(super) fn finish(visit: &Visit<'_>, request: &Request<'_>, signed_in: &SignedIn<'_>) -> Step<Answer> {
    let (entra, client, user) = (visit.entra, request.client, signed_in.user);
    let stop = |refusal: Refusal| refuse(visit, request, &refusal);
    policy::check_scopes_exist(entra, client, &request.scope).map_err(stop)?;
    policy::check_assigned(entra, client, user, &request.scope).map_err(stop)?;
    policy::check_not_blocked(entra, user).map_err(stop)?;
    if let Err(refusal) = policy::check_mfa(entra, user, &request.scope, signed_in.session.mfa) {
        if request.prompt == Prompt::None {
            return Err(stop(refusal));
        }
        let form = Form::again(&visit.exchange.path, &visit.params, &[("__emulator_user", &user.name)]);
        return Ok(pages::mfa(user, &form).outcome(Outcome::MfaPage));
    }
    cimd::check_approved(entra, client).map_err(stop)?;
    ask_consent(visit, request, signed_in)?;
    Ok(issue(visit, request, signed_in))
}

fn ask_consent(visit: &Visit<'_>, request: &Request<'_>, signed_in: &SignedIn<'_>) -> Step<()> {
    let (entra, client, user) = (visit.entra, request.client, signed_in.user);
    let forced = request.prompt == Prompt::Consent;
    let which = if forced { Which::All } else { Which::Missing };
    let asked = consent::asked(entra, client, user, &request.scope, which);
    if asked.is_empty() && !forced {
        return Ok(());
    }
    if request.prompt == Prompt::None {
        return Err(refuse(visit, request, &consent::missing(client)));
    }
    let decision = visit.params.get("__emulator_consent");
    if decision == Some("decline") {
        let refusal = Refusal::ConsentDeclined;
        return Err(redirect::refuse(visit, &request.back, &refusal, refusal.facts().error));
    }
    if !user.admin && asked.iter().any(|permission| permission.admin_only) {
        return Err(visit.page(&Refusal::AdminConsent));
    }
    if !user.admin && entra.settings().restrict_user_consent {
        return Err(visit.page(&Refusal::UserConsentRestricted));
    }
    if decision == Some("accept") {
        consent::remember(entra, client, user, &asked);
        return Ok(());
    }
    let mut carried = vec![("__emulator_user", user.name.as_str())];
    if signed_in.session.mfa {
        carried.push(("__emulator_mfa", "approve"));
    }
    let form = Form::again(&visit.exchange.path, &visit.params, &carried);
    let page = pages::consent(client, user, &asked, &request.scope.oidc, &form);
    Err(Box::new(page.outcome(Outcome::ConsentPage)))
}

fn issue(visit: &Visit<'_>, request: &Request<'_>, signed_in: &SignedIn<'_>) -> Answer {
    let (entra, session) = (visit.entra, &signed_in.session);
    let grant = Grant {
        tenant: signed_in.tenant.to_owned(),
        client: request.client.id.clone(),
        platform: request.back.platform,
        oid: signed_in.user.oid.clone(),
        scope: request.scope.clone(),
        nonce: request.nonce.clone(),
        claims: request.claims.clone(),
        mfa: session.mfa,
        session: session.id.clone(),
        signed_in_at: session.started_at,
        revoked: false,
    };
    let mut parameters: Vec<(&str, Vec<u8>)> = Vec::new();
    if request.response != ResponseType::IdToken {
        let code = Code {
            grant: grant.clone(),
            authority: request.authority.clone(),
            redirect_uri: request.back.sent.clone(),
            challenge: request.challenge.clone(),
            issued_at: entra.now(),
            redeemed: false,
        };
        let key = entra.random(Random::code);
        entra.state.with(|state| state.add_code(key.clone(), code));
        parameters.push(("code", key.into_bytes()));
    }
    if request.response != ResponseType::Code {
        let token = tokens::id_token(
            entra,
            visit.version,
            (request.client, signed_in.user, signed_in.tenant),
            &grant,
        );
        parameters.push(("id_token", token.into_bytes()));
    }
    if visit.params.get("client_info") == Some("1") {
        parameters.push(("client_info", tokens::client_info(signed_in.user).into_bytes()));
    }
    parameters.extend(request.back.state.clone().map(|state| ("state", state)));
    parameters.push(("session_state", session.id.clone().into_bytes()));
    redirect::send(&request.back, &parameters).outcome(Outcome::Code)
}
