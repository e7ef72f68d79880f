//! What the log says of what was not let through: who, what, which rule, and what was missing. Arguments, tokens and headers
//! are not in it, and what a caller wrote is short and readable.

use crate::policy::call::Message;
use crate::policy::decide::Forbidden;
use crate::principal::Principal;
use crate::signin::{Leg, leg};
use crate::token::refused::shown;

/// A call that the rules refuse.
pub(crate) fn call(who: &Principal, forbidden: &Forbidden) {
    let text = forbidden.text();
    leg!(
        Leg::Denied,
        missing = forbidden.missing(),
        reason = text.as_str(),
        method = method(forbidden),
        target_name = forbidden.target.as_deref().map(shown),
        rule = forbidden.rule,
        object_id = who.object_id(),
        client_id = who.client_id(),
        tenant_id = who.tenant_id(),
        token_id = who.token_id()
    );
}

/// A request without the scopes that `wanted` lists. `lacking`: the call that needs them.
pub(crate) fn scopes(who: &Principal, lacking: &Forbidden, missing: &[String], wanted: &[String]) {
    leg!(
        Leg::Denied,
        missing = "scope",
        scopes = missing.join(" "),
        wanted = wanted.join(" "),
        method = method(lacking),
        target_name = lacking.target.as_deref().map(shown),
        rule = lacking.rule,
        object_id = who.object_id(),
        client_id = who.client_id(),
        tenant_id = who.tenant_id(),
        token_id = who.token_id()
    );
}

/// A session that is not theirs, or none at all.
pub(crate) fn session(who: &Principal) {
    leg!(
        Leg::Denied,
        missing = "session",
        object_id = who.object_id(),
        client_id = who.client_id(),
        tenant_id = who.tenant_id(),
        token_id = who.token_id()
    );
}

/// None for a GET.
fn method(forbidden: &Forbidden) -> Option<String> {
    (!forbidden.method.is_empty()).then(|| shown(&forbidden.method))
}

/// A request of somebody known that is no message: its form, or its headers, say something else than its body.
pub(crate) fn message(who: &Principal, status: u16, message: Option<&Message>, reason: &str) {
    let call = message.and_then(|message| message.calls().first());
    tracing::warn!(
        target: "entragate::policy",
        status,
        reason = shown(reason),
        method = call.map(|call| shown(call.method())),
        target_name = call.and_then(|call| call.target()).map(shown),
        object_id = who.object_id(),
        client_id = who.client_id(),
        tenant_id = who.tenant_id(),
        token_id = who.token_id(),
        "message refused"
    );
}

/// A method of HTTP that MCP does not use, from anybody.
pub(crate) fn http_method(method: &http::Method) {
    let method = shown(method.as_str());
    tracing::warn!(target: "entragate::policy", status = 405, http_method = method, "request refused");
}
