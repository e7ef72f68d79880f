//! How the gateway introduces a request to the MCP server.

use std::io::Write as _;
use std::net::IpAddr;

use axum::body::Body;
use entragate::{ClientAddress, Gate, Permit, Principal};
use http::Response;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::assertion::Assertion;
use super::fixed::Fixed;
use super::on_behalf_of::OnBehalfOf;
use super::{claims, token};
use crate::config::UpstreamIdentity;
use crate::upstream::client::RequestHead;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What the MCP server is told.
pub(in crate::upstream) struct Introduction {
    proto: HeaderValue,
    host: Option<HeaderValue>,
    kind: Kind,
}

enum Kind {
    Headers,
    Nobody,
    Assertion(Assertion),
    Static(Fixed),
    Token(Gate),
    OnBehalfOf(OnBehalfOf),
}

impl Introduction {
    pub(in crate::upstream) fn new(gate: &Gate, identity: &UpstreamIdentity) -> Self {
        let base_url = gate.base_url();
        let tls = base_url.as_str().starts_with("https:");
        Self {
            proto: HeaderValue::from_static(if tls { "https" } else { "http" }),
            host: HeaderValue::from_str(&base_url.authority()).ok(),
            kind: match identity {
                UpstreamIdentity::Headers => Kind::Headers,
                UpstreamIdentity::Nobody => Kind::Nobody,
                UpstreamIdentity::Assertion { audience } => {
                    Kind::Assertion(Assertion::new(gate.clone(), audience.clone()))
                }
                UpstreamIdentity::Static(credential) => Kind::Static(Fixed::new(credential.clone())),
                UpstreamIdentity::Token { .. } => Kind::Token(gate.clone()),
                UpstreamIdentity::OnBehalfOf(scope) => {
                    Kind::OnBehalfOf(OnBehalfOf::new(gate.clone(), scope.clone()))
                }
            },
        }
    }

    /// What the MCP server is told about one request; or the answer to a request that cannot go on without it.
    pub(in crate::upstream) async fn introduce<'a>(
        &'a self,
        permit: &'a Permit,
        from: Option<ClientAddress>,
    ) -> Result<Introduced<'a>, Box<Response<Body>>> {
        let authorization = |value| Some((&AUTHORIZATION, value));
        let (caller, credential) = match &self.kind {
            Kind::Nobody => (None, None),
            Kind::Headers => (Some(permit.principal()), None),
            Kind::Static(fixed) => (None, Some((fixed.header(), fixed.value()))),
            Kind::Assertion(assertion) => (None, authorization(assertion.of(permit)?)),
            Kind::Token(gate) => (None, authorization(token::of(gate, permit)?)),
            // In a box, so that nobody who asks Entra for nothing makes room for it.
            Kind::OnBehalfOf(scope) => (None, authorization(Box::pin(scope.of(permit)).await?)),
        };
        Ok(Introduced { proto: &self.proto, host: self.host.as_ref(), from, caller, credential })
    }

    /// What the MCP server's 401 means, for the log: what to look at.
    pub(in crate::upstream) const fn advice(&self) -> &'static str {
        match self.kind {
            Kind::Headers => {
                "turn it off there, it gets no token from this gateway; the X-Forwarded-User and X-Entra- headers say who calls"
            }
            Kind::Nobody => "turn it off there, or set upstream.identity",
            Kind::Assertion(_) => {
                "it must accept ES256 tokens of this gateway: issuer base_url, keys at /oauth/jwks, audience as in upstream.audience"
            }
            Kind::Static(_) => "it does not take upstream.credential",
            Kind::Token(_) => "it must accept Entra's tokens for the API app, as this gateway does",
            Kind::OnBehalfOf(_) => {
                "it, or the API behind it, does not take the token in the caller's name: compare the audience it expects with upstream.on_behalf_of_scopes"
            }
        }
    }

    /// The answer to the MCP server's 401, where it can be met: the API behind it takes a token no longer that has not
    /// ended, and may say what the next one must bring.
    pub(in crate::upstream) async fn challenge(
        &self,
        permit: &Permit,
        refused: HeaderMap,
    ) -> Option<Response<Body>> {
        let Kind::OnBehalfOf(scope) = &self.kind else { return None };
        let claims = scope.refused(permit, &refused)?;
        Some(scope.challenge(permit, &claims).await)
    }
}

/// What the MCP server is told about one request.
pub(in crate::upstream) struct Introduced<'a> {
    proto: &'a HeaderValue,
    host: Option<&'a HeaderValue>,
    from: Option<ClientAddress>,
    /// In plain headers; in development mode that is nobody.
    caller: Option<&'a Principal>,
    credential: Option<(&'a HeaderName, HeaderValue)>,
}

impl Introduced<'_> {
    /// Whether a header of the client's stays behind, because only the gateway may say such a thing.
    pub(in crate::upstream) fn replaces(&self, name: &HeaderName) -> bool {
        claims::is_claim(name, self.credential.as_ref().map(|(name, _)| *name))
    }

    /// Says it.
    pub(in crate::upstream) fn write(&self, head: &mut RequestHead) {
        head.add(&FORWARDED_PROTO, self.proto);
        if let Some(host) = self.host {
            head.add(&FORWARDED_HOST, host);
        }
        if let Some(ClientAddress(address)) = self.from
            && let Some(address) = text(address.ip().to_canonical())
        {
            head.add(&FORWARDED_FOR, &address);
        }
        for (name, value) in self.caller.into_iter().flat_map(Principal::headers) {
            head.add(&name, value);
        }
        if let Some((name, value)) = &self.credential {
            head.add(name, value);
        }
    }
}

/// An address as a header has it: no longer than an IPv6 address in full, so it needs no detour over the heap.
fn text(address: IpAddr) -> Option<HeaderValue> {
    let mut buffer = [0; 39];
    let mut rest = buffer.as_mut_slice();
    write!(rest, "{address}").ok()?;
    let left = rest.len();
    HeaderValue::from_bytes(buffer.get(..buffer.len() - left)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_fits_into_the_header() {
        for address in ["10.1.2.3", "::1", "2001:db8:1111:2222:3333:4444:5555:6666"] {
            assert_eq!(text(address.parse().unwrap()).unwrap(), address);
        }
    }
}
