//! Which URLs can be a client id (OAuth Client ID Metadata Document, section 3).

use url::{Host, Url};

/// A URL that may be fetched.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) url: Url,
    pub(super) loopback: bool,
}

/// `https`, with a path, in its normal form, and nothing that is not sent. An emulator's clients live on the same machine,
/// so loopback hosts need no TLS.
pub(super) fn check(id: &str) -> Result<Location, &'static str> {
    let url = Url::parse(id).map_err(|_| "it is no URL")?;
    let loopback = is_loopback(&url);
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err("it does not begin with https://");
    }
    if url.as_str() != id {
        return Err("it is not in its normal form, or has no path");
    }
    if url.path() == "/" {
        return Err("it has no path");
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it has a fragment or a user");
    }
    Ok(Location { url, loopback })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_https_outside_of_this_machine() {
        for id in [
            "https://client.test/client.json",
            "https://client.test/a/b?x=y",
            "http://localhost:5000/client.json",
            "http://127.0.0.1/client.json",
            "http://[::1]:1/client.json",
        ] {
            assert!(check(id).is_ok(), "{id}");
        }
        for id in [
            "http://client.test/client.json",
            "http://localhost.evil.test/client.json",
            "https://client.test",
            "https://client.test/",
            "https://CLIENT.test/client.json",
            "https://client.test/a/../client.json",
            "https://client.test/client.json#x",
            "https://me@client.test/client.json",
            "ftp://localhost/client.json",
        ] {
            assert!(check(id).is_err(), "{id}");
        }
    }
}
