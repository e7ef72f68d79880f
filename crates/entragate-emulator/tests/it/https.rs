//! TLS with the emulator's own certificate authority.

use entragate_emulator::{Emulator, KeySource, fixtures};
use reqwest::Certificate;

use crate::fixture::{http_client, https_client};

async fn start() -> Emulator {
    Emulator::builder().keys(KeySource::Embedded).https().start().await.expect("the emulator starts")
}

fn authority(entra: &Emulator) -> Certificate {
    Certificate::from_pem(entra.ca_certificate().expect("a certificate").as_bytes()).expect("PEM")
}

#[tokio::test]
async fn every_name_of_this_machine_is_certified() {
    let entra = start().await;
    let client = https_client(authority(&entra));
    let port = entra.addr().port();
    assert_eq!(entra.url(), format!("https://localhost:{port}"));
    for host in ["localhost", "127.0.0.1"] {
        let path = format!("{}/v2.0/.well-known/openid-configuration", fixtures::TENANT);
        let answer = client.get(format!("https://{host}:{port}/{path}")).send().await.expect("an answer");
        let document: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(document["issuer"], format!("{}/{}/v2.0", entra.url(), fixtures::TENANT));
    }
}

/// Days since 0000-03-01 of the `YYMMDD` that a `UTCTime` (RFC 5280, section 4.1.2.5.1) begins with.
fn days(time: &[u8]) -> i64 {
    let number = |at: usize| i64::from(time[at] - b'0') * 10 + i64::from(time[at + 1] - b'0');
    let (month, day) = (number(2), number(4));
    let year = 2000 + number(0) - i64::from(month <= 2);
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day - 1
}

#[tokio::test]
async fn the_certificate_is_as_short_lived_as_browsers_demand_and_names_only_what_listens() {
    let entra = start().await;
    let answer = https_client(authority(&entra)).get(entra.url()).send().await.expect("an answer");
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().expect("TLS was spoken");
    let leaf = info.peer_certificate().expect("a certificate");
    let times: Vec<&[u8]> =
        leaf.windows(15).filter(|bytes| bytes.starts_with(&[0x17, 13]) && bytes[14] == b'Z').collect();
    let [from, until] = times.as_slice() else { panic!("two dates: {times:?}") };
    let lifetime = days(&until[2..]) - days(&from[2..]);
    assert!((300..=398).contains(&lifetime), "{lifetime} days");
    // IPv6 loopback as an iPAddress of the subject alternative names.
    let mut ipv6 = [0; 18];
    (ipv6[0], ipv6[1], ipv6[17]) = (0x87, 16, 1);
    assert!(!leaf.windows(18).any(|bytes| bytes == ipv6), "nothing listens on ::1");
}

#[tokio::test]
async fn who_does_not_trust_the_authority_gets_nothing() {
    let (entra, other) = (start().await, start().await);
    assert_ne!(entra.ca_certificate(), other.ca_certificate());
    for client in [http_client(), https_client(authority(&other))] {
        assert!(client.get(entra.url()).send().await.is_err());
    }
    let plain = http_client().get(entra.url().replace("https:", "http:")).send().await;
    assert!(plain.is_err(), "no plain http on that port");
    https_client(authority(&entra)).get(entra.url()).send().await.expect("still there");
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_holds_up_nobody() {
    let entra = start().await;
    let silent = tokio::net::TcpStream::connect(entra.addr()).await.expect("a connection");
    https_client(authority(&entra)).get(entra.url()).send().await.expect("an answer");
    drop(silent);
}

#[tokio::test]
async fn without_tls_there_is_no_authority() {
    let entra = Emulator::builder().keys(KeySource::Embedded).start().await.expect("it starts");
    assert_eq!(entra.ca_certificate(), None);
    assert!(entra.url().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn cookies_reach_frames_of_other_sites_over_tls_only() {
    let secure = start().await;
    let plain = Emulator::builder().keys(KeySource::Embedded).start().await.expect("it starts");
    for (entra, client, expected) in [
        (&secure, https_client(authority(&secure)), "SameSite=None; Secure"),
        (&plain, http_client(), "SameSite=Lax"),
    ] {
        let query = crate::fixture::Authorize::base().user("alice").path_and_query();
        let answer = client.get(format!("{}{query}", entra.url())).send().await.expect("an answer");
        let cookie = answer.headers()["set-cookie"].to_str().expect("ASCII").to_owned();
        assert!(cookie.ends_with(expected), "{cookie}");
    }
}
