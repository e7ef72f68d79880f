//! Which credential the options mean.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entragate::{AuthorityHost, Credential, ManagedIdentity, TenantId};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::arguments::{Arguments, CredentialKind};
use super::wanted::{Mode, WantedCredential, WantedFederation};
use super::wanting::WrongOption;
use crate::graph::objects::KeyCredential;

const CREDENTIAL: &str = "--credential";

pub(super) async fn credential(
    arguments: &Arguments,
    authority: &AuthorityHost,
    tenant: &TenantId,
) -> Result<WantedCredential, WrongOption> {
    let options = &arguments.credential;
    let kind = options.kind.unwrap_or(match arguments.mode() {
        Mode::Broker => CredentialKind::Secret,
        Mode::Relay => CredentialKind::None,
    });
    if options.certificate.is_some() && kind != CredentialKind::Certificate {
        return Err(unused("--certificate", "certificate"));
    }
    let is_federated = options.federated_subject.is_some()
        || options.federated_issuer.is_some()
        || options.federated_audience.is_some();
    if is_federated && kind != CredentialKind::Federated {
        return Err(unused("--federated-subject", "federated"));
    }
    match kind {
        CredentialKind::None if arguments.mode() == Mode::Broker => {
            let hint = "use secret, certificate or federated, or --mode relay";
            Err(WrongOption::new(CREDENTIAL, "broker mode cannot sign anybody in without one", hint))
        }
        CredentialKind::None | CredentialKind::Keep => Ok(WantedCredential::None),
        CredentialKind::Secret => Ok(WantedCredential::Secret { days: options.secret_days }),
        CredentialKind::Certificate => {
            let hint = "add --certificate FILE, a PEM file with the certificate and its RSA key";
            let file = options.certificate.as_deref();
            let file = file.ok_or_else(|| WrongOption::new(CREDENTIAL, "certificate needs a file", hint))?;
            certificate(file).await
        }
        CredentialKind::Federated => federation(arguments, authority, tenant),
    }
}

fn unused(option: &'static str, kind: &str) -> WrongOption {
    WrongOption::new(
        option,
        "is not used by this --credential",
        format!("add --credential {kind}, or leave it out"),
    )
}

/// The gateway reads the file too, and complains of the same things.
async fn certificate(file: &Path) -> Result<WantedCredential, WrongOption> {
    const OPTION: &str = "--certificate";
    let credential = Credential::certificate_file(file)
        .map_err(|error| WrongOption::new(OPTION, error.to_string(), error.hint()))?;
    let unreadable =
        || WrongOption::new(OPTION, format!("{} cannot be read", file.display()), "name a readable PEM file");
    let pem = std::fs::read(file).map_err(|_| unreadable())?;
    let der = CertificateDer::from_pem_slice(&pem).map_err(|_| unreadable())?;
    // The SHA-1 is the name by which Entra knows a certificate; nothing is trusted for it.
    let [sha1, _] = credential.thumbprints().await.ok_or_else(unreadable)?;
    let path = std::path::absolute(file).map_err(|_| unreadable())?;
    Ok(WantedCredential::Certificate {
        file: path.display().to_string(),
        certificate: STANDARD.encode(&der),
        thumbprint: KeyCredential::identifier(&sha1),
    })
}

fn federation(
    arguments: &Arguments,
    authority: &AuthorityHost,
    tenant: &TenantId,
) -> Result<WantedCredential, WrongOption> {
    let options = &arguments.credential;
    let hint =
        "write the subject of the token letter by letter, such as system:serviceaccount:NAMESPACE:NAME";
    let subject = options.federated_subject.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let subject = subject.ok_or_else(|| WrongOption::new("--federated-subject", "is missing", hint))?;
    let issuer = match (&options.federated_issuer, tenant.as_guid()) {
        (Some(issuer), _) => issuer.trim().to_owned(),
        // A managed identity's tokens are the tenant's own.
        (None, Some(tenant)) => format!("{}/{tenant}/v2.0", authority.as_str()),
        (None, None) => {
            let hint = "write the issuer, or --tenant with the GUID for a managed identity";
            return Err(WrongOption::new("--federated-issuer", "is missing", hint));
        }
    };
    let is_url = url::Url::parse(&issuer).is_ok_and(|url| url.has_host());
    if !is_url {
        let hint = "copy `iss` of the token letter by letter (AADSTS700211)";
        return Err(WrongOption::new("--federated-issuer", "is not a URL", hint));
    }
    let audience = options.federated_audience.clone();
    let audience = audience
        .unwrap_or_else(|| ManagedIdentity::system_assigned().in_cloud(authority).audience().to_owned());
    Ok(WantedCredential::Federated(WantedFederation { issuer, subject: subject.to_owned(), audience }))
}
