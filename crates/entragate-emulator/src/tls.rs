//! HTTPS: a certificate authority of the emulator's own, and a certificate of it for the names of this machine. Microsoft's
//! libraries refuse authorities without TLS.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

use crate::clock;

/// The name that certificates are for, beside the address of loopback; it is that of the URL too.
pub(crate) const HOST: &str = "localhost";

const DAY: u64 = 86_400;

/// The longest that every browser accepts of a server's certificate is 398 days. A new one is made at each start.
const LIFETIME: u64 = 397 * DAY;

/// Why TLS is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("a certificate could not be made")]
    Certificate(#[from] rcgen::Error),
    #[error("the certificate cannot be used")]
    Setup(#[from] rustls::Error),
}

/// The authority: its certificate and its key, in PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateAuthority {
    pub(crate) certificate: String,
    key: String,
}

impl std::fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CertificateAuthority")
    }
}

impl CertificateAuthority {
    pub(crate) fn generate() -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let certificate = authority().self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// TLS with a new certificate of this authority.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let issuer = Issuer::new(authority(), KeyPair::from_pem(&self.key)?);
        let key = KeyPair::generate()?;
        let certificate = server().signed_by(&key, &issuer)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Its validity does not follow the clock: a saved one outlives the day.
fn authority() -> CertificateParams {
    let mut params = params("Entragate emulator, not to be trusted outside of tests");
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server() -> CertificateParams {
    let mut params = params(HOST);
    // Who connects compares with the system's clock, not with the emulated one; a day is left for what that is off by.
    let yesterday =
        date_time_ymd(1970, 1, 1) + Duration::from_secs(clock::system_seconds().saturating_sub(DAY));
    params.not_before = yesterday;
    params.not_after = yesterday + Duration::from_secs(LIFETIME);
    params.subject_alt_names = vec![SanType::IpAddress(IpAddr::from(Ipv4Addr::LOCALHOST))];
    params.subject_alt_names.extend(HOST.try_into().map(SanType::DnsName));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // OpenSSL's strict mode, which Python switches on, wants to see who issued it.
    params.use_authority_key_identifier_extension = true;
    params
}

#[cfg(test)]
mod tests {
    use super::CertificateAuthority;

    #[test]
    fn an_authority_survives_its_written_form_and_shows_no_key() {
        let authority = CertificateAuthority::generate().expect("an authority");
        let text = serde_json::to_string(&authority).expect("JSON");
        let again: CertificateAuthority = serde_json::from_str(&text).expect("it reads back");
        assert_eq!(again, authority);
        again.acceptor().expect("TLS of it");
        assert!(!format!("{authority:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let authority = CertificateAuthority::generate().expect("an authority");
        let broken = CertificateAuthority { key: "x".to_owned(), ..authority };
        assert!(broken.acceptor().is_err());
    }
}
