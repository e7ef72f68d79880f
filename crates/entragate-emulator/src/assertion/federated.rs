//! Assertions of other issuers: issuer, subject and audience must be those of one federated identity credential.

use super::{Assertion, jwks};
use crate::directory::{App, FederatedCredential};
use crate::entra::Entra;
use crate::errors::Refusal;
use crate::managed_identity;

/// AADSTS70021, 700211, 700213, 700212: which of the three does not fit, in this order.
pub(super) fn check(entra: &Entra, client: &App, assertion: &Assertion) -> Result<(), Refusal> {
    if client.federated_credentials.is_empty() {
        return Err(Refusal::NoFederatedCredential);
    }
    let own_issuer = entra.v2_issuer(&client.tenant);
    let claim = |name: &str| assertion.text(name).unwrap_or_default();
    let (issuer, subject) = (claim("iss"), claim("sub"));
    let mut fitting: Vec<&FederatedCredential> = client.federated_credentials.iter().collect();

    fitting.retain(|credential| match credential.issuer.as_str() {
        FederatedCredential::THIS_ISSUER => issuer == own_issuer,
        registered => issuer == registered,
    });
    if fitting.is_empty() {
        return Err(Refusal::FederatedIssuer { issuer: issuer.to_owned() });
    }
    fitting.retain(|credential| credential.subject == subject);
    if fitting.is_empty() {
        return Err(Refusal::FederatedSubject { subject: subject.to_owned() });
    }
    let audiences = assertion.audiences();
    fitting.retain(|credential| {
        let registered = &credential.audiences;
        audiences.iter().any(|sent| registered.iter().any(|known| names(entra, known, sent)))
    });
    let Some(credential) = fitting.first() else {
        return Err(Refusal::FederatedAudience { audience: audiences.join(", ") });
    };
    assertion.check_time(entra.now())?;
    if is_signed(entra, credential, issuer == own_issuer, assertion) {
        Ok(())
    } else {
        Err(Refusal::AssertionInvalid)
    }
}

/// Tokens of managed identities carry the id of the app that is registered by its URI.
fn names(entra: &Entra, registered: &str, sent: &str) -> bool {
    registered == sent || managed_identity::resource_id(entra, registered).as_deref() == Some(sent)
}

/// RS256 with a key of the issuer. Foreign key documents are not fetched; the credential brings them along.
fn is_signed(entra: &Entra, credential: &FederatedCredential, own: bool, assertion: &Assertion) -> bool {
    let (kid, message, signature) = (assertion.header("kid"), &assertion.input, &assertion.signature);
    if assertion.header("alg") != Some("RS256") {
        return false;
    }
    let inline = credential.jwks.as_deref().and_then(jwks::parse);
    if inline.is_some_and(|keys| keys.verify(kid, message, signature)) {
        return true;
    }
    let key = kid.filter(|_| own).and_then(|kid| entra.state.with(|state| state.keys.find(kid)));
    key.is_some_and(|key| key.verify(message.as_bytes(), signature))
}
