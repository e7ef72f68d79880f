//! Assertions that a client signs itself, with the key of a certificate on its registration.

use super::Assertion;
use super::certificate::Certificate;
use crate::authority::Authority;
use crate::directory::App;
use crate::entra::Entra;
use crate::errors::Refusal;

pub(super) fn check(
    entra: &Entra,
    authority: &Authority,
    client: &App,
    assertion: &Assertion,
) -> Result<(), Refusal> {
    check_signature(client, assertion)?;
    assertion.check_time(entra.now())?;
    let is_client = |name: &str| assertion.text(name).is_some_and(|id| id.eq_ignore_ascii_case(&client.id));
    if !is_client("iss") || !is_client("sub") {
        return Err(Refusal::AssertionClient);
    }
    if assertion.audiences().iter().any(|audience| is_us(entra, authority, client, audience)) {
        Ok(())
    } else {
        Err(Refusal::AssertionAudience)
    }
}

/// AADSTS700027, for a thumbprint that the app does not have as for a bad signature.
fn check_signature(client: &App, assertion: &Assertion) -> Result<(), Refusal> {
    let (sha1, sha256) = (assertion.header("x5t"), assertion.header("x5t#S256"));
    let mut certificates = client.certificates.iter().filter_map(|it| Certificate::from_pem(&it.pem));
    let known = certificates.find(|certificate| certificate.has_thumbprint(sha1, sha256));
    let thumbprint = sha256.or(sha1).unwrap_or_default();
    let certificate =
        known.ok_or_else(|| Refusal::AssertionKeyUnknown { thumbprint: thumbprint.to_owned() })?;
    let alg = assertion.header("alg").unwrap_or_default();
    if certificate.verify(alg, &assertion.input, &assertion.signature) {
        Ok(())
    } else {
        Err(Refusal::AssertionInvalid)
    }
}

/// The token endpoint called, with the tenant in any of its names, or the v2 issuer of the tenant.
fn is_us(entra: &Entra, authority: &Authority, client: &App, audience: &str) -> bool {
    let tenant = authority.tenant().unwrap_or(&client.tenant);
    if audience == entra.v2_issuer(tenant) {
        return true;
    }
    let path = audience.strip_prefix(&*entra.base).and_then(|rest| rest.strip_prefix('/'));
    let endpoint = ["/oauth2/v2.0/token", "/oauth2/token"];
    let segment = path.and_then(|path| endpoint.iter().find_map(|suffix| path.strip_suffix(suffix)));
    segment.is_some_and(|segment| Authority::parse(segment, &entra.directory).as_ref() == Ok(authority))
}
