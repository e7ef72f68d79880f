//! The redirect URIs of a client: as it sends them, and as they are registered at Entra.
//!
//! Entra ignores the port of `localhost` and compares everything else as text; `127.0.0.1` is another host, its port is
//! ignored in practice for native apps and documented nowhere (AADSTS50011). All of them belong to "Mobile and desktop
//! applications" (`publicClient`): on "Web" Entra demands a secret (AADSTS7000218), on "Single-page application" a browser
//! (AADSTS9002327).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A redirect URI that a client uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// A listener on the person's machine (RFC 8252 §7.3).
    Loopback {
        /// Which spelling of this machine.
        host: LoopbackHost,
        /// Whether the port is known.
        port: Port,
        /// From the first slash on.
        path: &'static str,
    },
    /// As [`Loopback`](Self::Loopback), with a last segment that is computed from the server's URL: its SHA-256, the first nine bytes, base64url.
    LoopbackPerServer {
        /// Which spelling of this machine.
        host: LoopbackHost,
        /// The path before the computed segment.
        path: &'static str,
    },
    /// One address of the vendor, the same for everybody.
    Hosted(&'static str),
    /// An address of the vendor that ends with an id which the vendor gives each connector.
    HostedBelow(&'static str),
    /// The client's own scheme (RFC 8252 §7.1).
    PrivateUse(&'static str),
    /// A path on a server that the operator runs.
    Installation(&'static str),
    /// What whoever sets up or builds the client chooses; an example.
    Chosen(&'static str),
    /// Not published.
    Unknown,
}

/// Which spelling of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopbackHost {
    /// `localhost`
    Localhost,
    /// `127.0.0.1`
    Ipv4,
}

impl LoopbackHost {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Localhost => "localhost",
            Self::Ipv4 => "127.0.0.1",
        }
    }
}

/// Whether a loopback port is known in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Another one each time.
    Random,
    /// Always this one.
    Fixed(u16),
}

/// How a callback is registered at Entra, under "Mobile and desktop applications".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtEntra {
    /// This string.
    Register(String),
    /// Only once the part in braces is known.
    OnceKnown(String),
    /// Nobody has published it.
    Unknown,
}

/// A port as an operating system hands them out, for what is only an example.
const SOME_PORT: u16 = 51_789;

impl Callback {
    /// The URI as the client sends it for the MCP server at `mcp_url`, when that can be known.
    pub fn as_sent(&self, mcp_url: &str) -> Option<String> {
        match *self {
            Self::Loopback { host, port, path } => {
                let port = match port {
                    Port::Random => SOME_PORT,
                    Port::Fixed(port) => port,
                };
                Some(format!("http://{}:{port}{path}", host.as_str()))
            }
            Self::LoopbackPerServer { host, path } => {
                Some(format!("http://{}:{SOME_PORT}{path}/{}", host.as_str(), server_id(mcp_url)))
            }
            Self::Hosted(uri) | Self::PrivateUse(uri) => Some(uri.to_owned()),
            Self::HostedBelow(prefix) => Some(format!("{prefix}example")),
            Self::Chosen(example) => Some(example.to_owned()),
            Self::Installation(_) | Self::Unknown => None,
        }
    }

    /// How it is registered at Entra for the MCP server at `mcp_url`.
    pub fn at_entra(&self, mcp_url: &str) -> AtEntra {
        match *self {
            // The exact string matches for certain; whether the port of 127.0.0.1 is ignored is not documented.
            Self::Loopback { host: LoopbackHost::Ipv4, port: Port::Fixed(port), path } => {
                AtEntra::Register(format!("http://127.0.0.1:{port}{path}"))
            }
            Self::Loopback { host, path, .. } => AtEntra::Register(format!("http://{}{path}", host.as_str())),
            Self::LoopbackPerServer { host, path } => {
                AtEntra::Register(format!("http://{}{path}/{}", host.as_str(), server_id(mcp_url)))
            }
            Self::Hosted(uri) | Self::PrivateUse(uri) => AtEntra::Register(uri.to_owned()),
            Self::HostedBelow(prefix) => AtEntra::OnceKnown(format!("{prefix}{{id}}")),
            Self::Installation(path) => AtEntra::OnceKnown(format!("https://{{your host}}{path}")),
            Self::Chosen(example) => AtEntra::OnceKnown(format!("{{your choice, such as {example}}}")),
            Self::Unknown => AtEntra::Unknown,
        }
    }
}

/// Codex' mix-up defence: without `iss` the callback itself tells the servers apart.
fn server_id(mcp_url: &str) -> String {
    let hash = digest(&SHA256, mcp_url.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..9])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_localhost_is_left_out_and_a_fixed_port_of_the_address_is_kept() {
        let at = |host, port| Callback::Loopback { host, port, path: "/cb" }.at_entra("https://x.test/mcp");
        let registered = |uri: &str| AtEntra::Register(uri.to_owned());
        assert_eq!(at(LoopbackHost::Localhost, Port::Fixed(6274)), registered("http://localhost/cb"));
        assert_eq!(at(LoopbackHost::Ipv4, Port::Random), registered("http://127.0.0.1/cb"));
        assert_eq!(at(LoopbackHost::Ipv4, Port::Fixed(7)), registered("http://127.0.0.1:7/cb"));
    }

    #[test]
    fn the_id_of_a_server_has_twelve_characters_and_depends_on_the_url() {
        let of = |url: &str| {
            Callback::LoopbackPerServer { host: LoopbackHost::Ipv4, path: "/callback" }.at_entra(url)
        };
        let AtEntra::Register(uri) = of("https://mcp.contoso.com/mcp") else { panic!("it can be computed") };
        assert_eq!(uri.rsplit('/').next().map(str::len), Some(12));
        assert_ne!(of("https://mcp.contoso.com/mcp"), of("https://mcp.contoso.com/other"));
    }
}
