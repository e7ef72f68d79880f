//! `listen`, `admin.listen`, `base_url`: where the gateway is, and what it is called from outside.

use std::net::{Ipv4Addr, SocketAddr};

use entragate::{BaseUrl, BaseUrlError};

use super::reader::{Read, Reader, Wrong, printable};
use super::{identity, keys};

const DEFAULT_PORT: u16 = 3002;

/// The gateway's addresses and name.
pub(super) struct Listen {
    pub(super) address: SocketAddr,
    pub(super) admin: Option<SocketAddr>,
    pub(super) base_url: BaseUrl,
}

/// Reads the addresses and the public URL.
pub(super) fn listen(reader: &mut Reader) -> Option<Listen> {
    let listen = reader
        .parse(&keys::LISTEN, address)
        .or_default(|| SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)));
    let base_url = base_url(reader, listen);
    let admin = reader.parse(&keys::ADMIN_LISTEN, address);
    if let (Read::Given(admin), Some(listen)) = (&admin, listen)
        && admin.port() == listen.port()
        && admin.port() != 0
        && (admin.ip() == listen.ip() || admin.ip().is_unspecified() || listen.ip().is_unspecified())
    {
        let wrong =
            Wrong::new("is the address of `listen` too", "give it another port, such as 127.0.0.1:3003");
        reader.problem(&keys::ADMIN_LISTEN, wrong);
        return None;
    }
    let admin = admin.map(Some).or_default(|| None);
    Some(Listen { address: listen?, admin: admin?, base_url: base_url? })
}

fn address(text: &str) -> Result<SocketAddr, Wrong> {
    // Not resolved: a name server must not decide whether the listener is public.
    if let Some(port) = text.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse().map_err(|_| {
        Wrong::new(
            format!("is `{}`, which is not an IP address and a port", printable(text)),
            "write 127.0.0.1:3002 for this machine only, 0.0.0.0:3002 or [::]:3002 for every network",
        )
    })
}

/// `listen` is `None` when it is wrong; the default URL is then not worth a problem of its own.
fn base_url(reader: &mut Reader, listen: Option<SocketAddr>) -> Option<BaseUrl> {
    let parsed = reader.parse(&keys::BASE_URL, |text| {
        BaseUrl::parse(text)
            .map(|url| (url, text.ends_with('/')))
            .map_err(|error| base_url_problem(text, error))
    });
    match parsed {
        Read::Bad => None,
        Read::Given((url, has_slash)) => {
            if has_slash {
                reader.note(
                    &keys::BASE_URL,
                    format!("ends in a slash, which is dropped: the issuer is {url}"),
                    "write it without the slash; clients compare it as a string",
                );
            }
            Some(url)
        }
        Read::Unset => default_base_url(reader, listen?),
    }
}

fn default_base_url(reader: &mut Reader, listen: SocketAddr) -> Option<BaseUrl> {
    // Without authentication no document contains the URL, so a free port will do (tests, demonstrations).
    if listen.port() == 0 && !identity::is_development(reader) {
        reader.missing(&keys::BASE_URL, "set it: with `listen` on port 0 nobody knows the URL beforehand");
        return None;
    }
    // Port 80 is left out of a URL in normal form.
    let text = match listen.port() {
        80 => "http://localhost".to_owned(),
        port => format!("http://localhost:{port}"),
    };
    // Without authentication a public listener is refused as such.
    if is_public(listen) && !identity::is_development(reader) {
        if !reader.sources.is_incomplete {
            let wrong = Wrong::new(
                format!("is not set: clients on other machines would be sent to {text}"),
                "set it to the URL that clients use, such as https://mcp.contoso.com",
            );
            reader.problem(&keys::BASE_URL, wrong);
        }
        return None;
    }
    Some(BaseUrl::parse(&text).expect("localhost with a port is a base URL in normal form"))
}

fn base_url_problem(text: &str, error: BaseUrlError) -> Wrong {
    match error {
        BaseUrlError::Scheme(scheme) => Wrong::new(
            format!("has the scheme `{}`", printable(&scheme)),
            "write https://, or http:// on localhost",
        ),
        BaseUrlError::PlainHttp(host) => Wrong::new(
            format!("is plain http on {host}, which other machines can reach"),
            format!(
                "write https://{host} and terminate TLS in front of the gateway; plain http is for localhost"
            ),
        ),
        BaseUrlError::Forbidden(what) => Wrong::new(
            format!("contains {what}"),
            "write scheme, host and at most a path: https://mcp.contoso.com",
        ),
        BaseUrlError::NotNormal(normal) => {
            Wrong::new("is not in normal form, and clients compare it as a string", format!("write {normal}"))
        }
        _ => Wrong::new(
            format!("is `{}`, which is not an absolute URL", printable(text)),
            "write scheme and host, such as https://mcp.contoso.com",
        ),
    }
}

/// Whether other machines may be able to connect.
pub(super) fn is_public(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_is_everything_but_loopback() {
        for (address, expected) in [
            ("127.0.0.1:1", false),
            ("127.8.9.10:1", false),
            ("[::1]:1", false),
            ("[::ffff:127.0.0.1]:1", false),
            ("0.0.0.0:1", true),
            ("[::]:1", true),
            ("[::ffff:0.0.0.0]:1", true),
            ("10.0.0.1:1", true),
            ("[fe80::1]:1", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}
