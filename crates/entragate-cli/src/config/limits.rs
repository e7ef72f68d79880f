//! `allowed_hosts`, `allowed_origins`, `max_body_bytes`, `resource_name`: what is let in at all.

use url::{Host, Url};

use super::keys;
use super::reader::{Reader, Wrong};

const DEFAULT_BODY_BYTES: u64 = 16 << 20;
/// Below this an `initialize` of a talkative client does not fit, above it one request can exhaust a container.
const BODY_BYTES: std::ops::RangeInclusive<i64> = 1024..=1 << 30;

/// What is let in.
pub(super) struct Limits {
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<String>,
    pub(super) max_body_bytes: usize,
    pub(super) resource_name: Option<String>,
}

/// Reads the limits.
pub(super) fn limits(reader: &mut Reader) -> Option<Limits> {
    let hosts = reader.each(&keys::ALLOWED_HOSTS, host);
    let origins = reader.each(&keys::ALLOWED_ORIGINS, origin);
    let bytes = reader.count(&keys::MAX_BODY_BYTES, BODY_BYTES).or_default(|| DEFAULT_BODY_BYTES);
    let resource_name = reader.parse(&keys::RESOURCE_NAME, |text| {
        if text.chars().any(char::is_control) {
            Err(Wrong::new("contains a control character", "write a name of one line"))
        } else {
            Ok(text.to_owned())
        }
    });
    let resource_name = resource_name.map(Some).or_default(|| None);
    Some(Limits {
        hosts,
        origins,
        max_body_bytes: usize::try_from(bytes?).ok()?,
        resource_name: resource_name?,
    })
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
