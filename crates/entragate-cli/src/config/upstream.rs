//! Section `[upstream]`: the MCP server behind the gateway.

use std::net::IpAddr;
use std::time::Duration;

use entragate::base_url::is_loopback;
use url::{Host, Url};

use super::checked::{FurtherPath, ServerConfig, UpstreamConfig};
use super::environment::Environment;
use super::keys::{self, Key};
use super::listen::Listen;
use super::reader::{Read, Reader, Wrong, printable};
use super::{stdio, upstream_identity};

/// Served at this path when the MCP server's URL has none.
const DEFAULT_PATH: &str = "/mcp";
/// The gateway's own paths; the MCP server can have none below them.
const RESERVED: [&str; 6] = ["/oauth", "/authorize", "/token", "/register", "/.well-known", "/auth"];
const CONNECT_TIMEOUT_SECONDS: u64 = 5;
pub(super) const ONE_DAY_SECONDS: i64 = 86_400;

/// Reads the section.
pub(super) fn upstream(
    reader: &mut Reader,
    environment: &Environment,
    listen: Option<&Listen>,
) -> Option<ServerConfig> {
    if stdio::is_meant(reader) {
        let path = path(reader, None);
        if let (Some(path), Some(listen)) = (&path, listen) {
            warn_of_doubled_path(reader, path, listen);
        }
        return stdio::stdio(reader, environment, path).map(ServerConfig::Stdio);
    }
    stdio::refuse_own(reader);
    http(reader, listen).map(ServerConfig::Http)
}

fn http(reader: &mut Reader, listen: Option<&Listen>) -> Option<UpstreamConfig> {
    let url = reader.parse(&keys::UPSTREAM, url);
    if url.is_unset() {
        reader.missing(
            &keys::UPSTREAM,
            "set it to the URL of the MCP server, such as http://127.0.0.1:3000/mcp, or to the command that starts one, such as `stdio: npx -y some-server`",
        );
    }
    let url = url.given();
    if let Some(url) = &url {
        look_at(reader, &keys::UPSTREAM, url, listen);
    }
    let replicas = replicas(reader, url.as_ref(), listen);
    let path = path(reader, url.as_ref());
    if let (Some(path), Some(listen)) = (&path, listen) {
        warn_of_doubled_path(reader, path, listen);
    }
    let also = also(reader, path.as_deref());
    if !also.is_empty() && !replicas.is_empty() {
        refuse_legacy_replicas(reader);
    }
    let connect =
        reader.count(&keys::CONNECT_TIMEOUT, 1..=ONE_DAY_SECONDS).or_default(|| CONNECT_TIMEOUT_SECONDS);
    let header = reader.count(&keys::RESPONSE_HEADER_TIMEOUT, 1..=ONE_DAY_SECONDS);
    let header = header.map(|seconds| Some(Duration::from_secs(seconds))).or_default(|| None);
    let identity = upstream_identity::identity(reader, url.as_ref());
    Some(UpstreamConfig {
        url: url?,
        replicas,
        path: path?,
        also,
        connect_timeout: Duration::from_secs(connect?),
        response_header_timeout: header?,
        identity: identity?,
    })
}

fn url(text: &str) -> Result<Url, Wrong> {
    let example = "such as http://127.0.0.1:3000/mcp";
    let Ok(url) = Url::parse(text) else {
        return Err(Wrong::new(
            format!("is `{}`, which is not a URL", printable(text)),
            format!("write scheme, host, port and path, {example}"),
        ));
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Wrong::new(
            format!("has the scheme `{}`", printable(url.scheme())),
            format!("write http:// or https://, {example}, or stdio: and a command"),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Wrong::new("contains a user name or password", "remove what stands before the @"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Wrong::new("contains a query or a fragment", "remove what begins with ? or #"));
    }
    Ok(url)
}

/// The other replicas, each checked as the first one is.
fn replicas(reader: &mut Reader, main: Option<&Url>, listen: Option<&Listen>) -> Vec<Url> {
    let mut all: Vec<Url> = Vec::new();
    for one in reader.each(&keys::UPSTREAM_REPLICAS, url) {
        if main == Some(&one) || all.contains(&one) {
            let wrong = Wrong::new(format!("repeats {one}"), "name each replica once");
            reader.problem(&keys::UPSTREAM_REPLICAS, wrong);
        } else {
            look_at(reader, &keys::UPSTREAM_REPLICAS, &one, listen);
            all.push(one);
        }
    }
    all
}

/// The transport of 2024-11-05 names its session in a query that only the server understands, so nobody could say which
/// replica a message belongs to.
fn refuse_legacy_replicas(reader: &mut Reader) {
    let wrong = Wrong::new(
        "cannot be used with the HTTP+SSE transport of 2024-11-05, whose further paths `also` names",
        "leave also out if the clients speak Streamable HTTP, or run one server",
    );
    reader.problem(&keys::UPSTREAM_REPLICAS, wrong);
}

fn look_at(reader: &mut Reader, key: &Key, url: &Url, listen: Option<&Listen>) {
    if listen.is_some_and(|listen| is_gateway(url, listen)) {
        let wrong =
            Wrong::new("is the gateway itself", "set it to the URL of the MCP server, on another port");
        reader.problem(key, wrong);
        return;
    }
    let loopback = url.host().is_some_and(|host| is_loopback(&host));
    if url.scheme() == "http" && !loopback {
        reader.warn(
            key,
            "is plain http to another machine: calls and their answers cross the network in the clear",
            "use https, or make sure that the network between is private",
        );
    }
}

/// Whether a request to `url` would come back to us, by our listener or by our public name.
fn is_gateway(url: &Url, Listen { address, base_url, .. }: &Listen) -> bool {
    let listens_here = is_this_machine(address.ip());
    let is_us =
        |ip: IpAddr| listens_here && is_this_machine(ip) || ip.to_canonical() == address.ip().to_canonical();
    let goes_here = url.host().is_some_and(|host| match host {
        Host::Ipv4(ip) => is_us(ip.into()),
        Host::Ipv6(ip) => is_us(ip.into()),
        name @ Host::Domain(_) => listens_here && is_loopback(&name),
    });
    let by_listener = goes_here && url.port_or_known_default() == Some(address.port());
    // Another path of the same origin may well be somebody else's.
    let below = url.path().strip_prefix(base_url.path());
    let by_name = url.origin().ascii_serialization() == base_url.origin()
        && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    by_listener || by_name
}

/// Whether it is an address of loopback, or the one that stands for all of this machine's: a connection to it
/// arrives here too.
fn is_this_machine(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    ip.is_loopback() || ip.is_unspecified()
}

/// `BASE_URL=https://host/mcp` is how clients write it, and not what is asked for.
fn warn_of_doubled_path(reader: &mut Reader, path: &str, Listen { base_url, .. }: &Listen) {
    if base_url.path().ends_with(path) {
        reader.warn(
            &keys::BASE_URL,
            format!(
                "ends in {path}, the public path of the MCP server: clients would have to use {}",
                base_url.join(path)
            ),
            format!("leave {path} out of it, it is appended"),
        );
    }
}

fn path(reader: &mut Reader, url: Option<&Url>) -> Option<String> {
    match reader.parse(&keys::UPSTREAM_PATH, public_path) {
        Read::Given(path) => Some(path),
        Read::Bad => None,
        Read::Unset => {
            let path = url.map_or("", Url::path).trim_end_matches('/');
            let path = if path.is_empty() { DEFAULT_PATH } else { path };
            match public_path(path) {
                Ok(path) => Some(path),
                Err(Wrong { what, .. }) => {
                    let what = format!("has the path {path}, and as a public path it {what}");
                    reader.problem(
                        &keys::UPSTREAM,
                        Wrong::new(
                            what,
                            format!(
                                "set {} to another one, such as /mcp",
                                reader.setting(&keys::UPSTREAM_PATH)
                            ),
                        ),
                    );
                    None
                }
            }
        }
    }
}

fn also(reader: &mut Reader, main: Option<&str>) -> Vec<FurtherPath> {
    let mut paths: Vec<FurtherPath> = Vec::new();
    for path in reader.each(&keys::UPSTREAM_ALSO, further_path) {
        let FurtherPath { public, upstream } = &path;
        // One of the server's must lead to one of ours, by which its `endpoint` event is corrected.
        let is_known = |other: &FurtherPath| other.public == *public || other.upstream == *upstream;
        if Some(public.as_str()) == main || paths.iter().any(is_known) {
            let wrong = Wrong::new(format!("repeats {public}"), "name each path once");
            reader.problem(&keys::UPSTREAM_ALSO, wrong);
        } else {
            paths.push(path);
        }
    }
    paths
}

/// `/messages`, or `/b/messages=/messages`.
fn further_path(text: &str) -> Result<FurtherPath, Wrong> {
    let (public, upstream) = text.split_once('=').unwrap_or((text, text));
    let public = public_path(public.trim_end())?;
    Ok(FurtherPath { public, upstream: plain_path(upstream.trim_start())?.to_owned() })
}

fn plain_path(path: &str) -> Result<&str, Wrong> {
    let segments = path.strip_prefix('/').map(|rest| rest.split('/').collect::<Vec<_>>()).unwrap_or_default();
    let plain = |segment: &&str| {
        !segment.is_empty()
            && !matches!(*segment, "." | "..")
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
    };
    if segments.is_empty() || !segments.iter().all(plain) {
        return Err(Wrong::new(
            "is not a plain path",
            "begin with a slash, end without one, and use letters, digits, - . _ ~ only, such as /mcp",
        ));
    }
    Ok(path)
}

fn public_path(path: &str) -> Result<String, Wrong> {
    plain_path(path)?;
    let below = |reserved: &&&str| {
        path.strip_prefix(**reserved).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(reserved) = RESERVED.iter().find(below) {
        return Err(Wrong::new(
            format!("collides with {reserved}, which is the gateway's own"),
            "choose another public path, such as /mcp; the MCP server keeps its own",
        ));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_paths_are_plain_and_not_the_gateways_own() {
        for good in ["/mcp", "/a/b-c_d.e~f", "/oauthx", "/tokens"] {
            assert!(public_path(good).is_ok(), "{good} was refused");
        }
        for bad in
            ["", "/", "mcp", "/mcp/", "//mcp", "/a//b", "/a/../b", "/a b", "/{x}", "/*", "/a%2fb", "/a?b"]
        {
            assert!(public_path(bad).is_err(), "{bad} was accepted");
        }
        for reserved in RESERVED {
            assert!(public_path(reserved).is_err(), "{reserved} was accepted");
            assert!(public_path(&format!("{reserved}/x")).is_err(), "{reserved}/x was accepted");
        }
    }
}
