//! `allowed_hosts`, `allowed_origins`, `max_body_bytes`, `drain_seconds`, `sign_in_rate`, `session_key`,
//! `resource_name`: what is let in at all, and how long it may stay.

use std::num::NonZeroU32;
use std::time::Duration;

use url::{Host, Url};

use entragate::Secret;

use super::checked::SignInRate;
use super::keys::{self, Key};
use super::reader::{Read, Reader, Wrong};
use super::upstream::ONE_DAY_SECONDS;

const DEFAULT_BODY_BYTES: u64 = 16 << 20;
/// Below this an `initialize` of a talkative client does not fit, above it one request can exhaust a container.
const BODY_BYTES: std::ops::RangeInclusive<i64> = 1024..=1 << 30;
/// As many as the bytes of the hash that it keys (RFC 2104 §3).
const SHORTEST_KEY: usize = 32;
const DRAIN_SECONDS: u64 = 10;
const RATE: std::ops::RangeInclusive<i64> = 1..=1_000_000;

/// What is let in.
pub(super) struct Limits {
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<String>,
    pub(super) max_body_bytes: usize,
    pub(super) drain: Duration,
    pub(super) sign_in_rate: SignInRate,
    pub(super) session_key: Option<Secret>,
    pub(super) resource_name: Option<String>,
}

/// Reads the limits.
pub(super) fn limits(reader: &mut Reader) -> Option<Limits> {
    let hosts = reader.each(&keys::ALLOWED_HOSTS, host);
    let origins = reader.each(&keys::ALLOWED_ORIGINS, origin);
    let bytes = reader.count(&keys::MAX_BODY_BYTES, BODY_BYTES).or_default(|| DEFAULT_BODY_BYTES);
    let drain = reader.count(&keys::DRAIN_SECONDS, 0..=ONE_DAY_SECONDS).or_default(|| DRAIN_SECONDS);
    let resource_name = resource_name(reader).map(Some).or_default(|| None);
    let sign_in_rate = sign_in_rate(reader);
    let session_key = session_key(reader).map(Some).or_default(|| None);
    Some(Limits {
        hosts,
        origins,
        sign_in_rate: sign_in_rate?,
        session_key: session_key?,
        max_body_bytes: usize::try_from(bytes?).ok()?,
        drain: Duration::from_secs(drain?),
        resource_name: resource_name?,
    })
}

/// Reads the name of an MCP server.
pub(super) fn resource_name(reader: &mut Reader) -> Read<String> {
    reader.parse(&keys::RESOURCE_NAME, |text| {
        if text.chars().any(char::is_control) {
            Err(Wrong::new("contains a control character", "write a name of one line"))
        } else {
            Ok(text.to_owned())
        }
    })
}

fn sign_in_rate(reader: &mut Reader) -> Option<SignInRate> {
    let default = SignInRate::default();
    let per_second = positive(reader, &keys::SIGN_IN_PER_SECOND, default.per_second);
    let burst = positive(reader, &keys::SIGN_IN_BURST, default.burst);
    Some(SignInRate { per_second: per_second?, burst: burst? })
}

fn positive(reader: &mut Reader, key: &Key, default: NonZeroU32) -> Option<NonZeroU32> {
    let number = reader.count(key, RATE).or_default(|| u64::from(default.get()))?;
    u32::try_from(number).ok().and_then(NonZeroU32::new)
}

fn session_key(reader: &mut Reader) -> Read<Secret> {
    let key = reader.secret(&keys::SESSION_KEY);
    if let Read::Given(key) = &key
        && key.expose().len() < SHORTEST_KEY
    {
        let wrong = Wrong::new(
            format!("is shorter than {SHORTEST_KEY} characters"),
            "make one with `openssl rand -base64 32` and give all replicas the same",
        );
        reader.problem(&keys::SESSION_KEY, wrong);
        return Read::Bad;
    }
    key
}

/// A value of `Host`: a name or an address, perhaps with a port.
fn host(text: &str) -> Result<String, Wrong> {
    let wrong = || {
        Wrong::new(
            "is not a host",
            "write the host as clients send it, such as mcp.internal:8080, without scheme and path",
        )
    };
    let lower = text.to_ascii_lowercase();
    let url = Url::parse(&format!("http://{lower}")).map_err(|_| wrong())?;
    // Re-serialised and compared: a wildcard, a path, user information or an odd spelling of an address differ.
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let normal = format!("{}{port}", url.host_str().unwrap_or_default());
    let is_plain = lower == normal || lower == format!("{normal}:80");
    if !is_plain || matches!(url.host(), Some(Host::Domain(name)) if name.contains('*')) {
        return Err(wrong());
    }
    Ok(lower)
}

/// An origin as a browser writes it.
fn origin(text: &str) -> Result<String, Wrong> {
    let normal = Url::parse(text).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let text = text.strip_suffix('/').unwrap_or(text);
    if normal == text && (text.starts_with("https://") || text.starts_with("http://")) && !text.contains('*')
    {
        Ok(normal)
    } else {
        Err(Wrong::new(
            "is not the origin of one web page",
            "write scheme, host and port as browsers do, such as https://inspector.contoso.com; there are no wildcards",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_or_without_a_port() {
        for good in
            ["mcp.internal", "mcp.internal:8080", "10.0.0.1", "10.0.0.1:80", "[::1]:3002", "MCP.internal"]
        {
            assert!(host(good).is_ok(), "{good} was refused");
        }
        for bad in ["", "*", "*.contoso.com", "https://a", "a/b", "a b", "u@a", "a:x", "a?b", "0x7f.1"] {
            assert!(host(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn origins_are_what_a_browser_sends() {
        for good in ["https://a.test", "http://localhost:6274", "https://a.test/"] {
            assert!(origin(good).is_ok(), "{good} was refused");
        }
        for bad in [
            "",
            "*",
            "null",
            "a.test",
            "https://a.test/x",
            "https://a.test:443",
            "https://*.a.test",
            "file:///x",
        ] {
            assert!(origin(bad).is_err(), "{bad} was accepted");
        }
    }
}
