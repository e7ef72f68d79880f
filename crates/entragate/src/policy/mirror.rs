//! Headers that mirror the body (MCP 2026-07-28, `Mcp-Method`, `Mcp-Name`, `MCP-Protocol-Version`).
//!
//! We read the body, so we are a party "that processes the body" and must refuse a request whose headers
//! say something else (TR-17): otherwise an intermediary behind us that routes on the header would be fooled.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use super::call::{Call, Message};

/// The first revision in which the headers are required.
const FIRST: &str = "2026-07-28";

/// The JSON-RPC error code of a header that does not match the body.
pub(crate) const HEADER_MISMATCH: i64 = -32_020;

/// Whether the headers have to be there. Those that are must agree with the body in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mirrors {
    /// Streamable HTTP, from 2026-07-28 on.
    Required,
    /// The HTTP+SSE transport. Clients of today ask a server behind it, too, whether it speaks 2026-07-28, and read in its
    /// answer that it does not.
    Optional,
}

/// What does not match, as JSON-RPC error message.
pub(crate) fn check(headers: &HeaderMap, message: &Message, mirrors: Mirrors) -> Result<(), String> {
    let call = match message {
        Message::Single(call) => call,
        // Batches ended with revision 2025-03-26; a current header over one would mirror nothing.
        Message::Batch(_) if is_sessionless(headers, message) => {
            return Err("a batch is not part of this protocol revision".into());
        }
        // Nor may one that names one request alone fool who routes on it about the others.
        Message::Batch(_) if headers.contains_key("mcp-method") || headers.contains_key("mcp-name") => {
            return Err("headers Mcp-Method and Mcp-Name are about one request, and this is a batch: leave them out, or send its requests one by one".into());
        }
        _ => return Ok(()),
    };
    let version = single(headers, "mcp-protocol-version")?;
    let is_current = version.into_iter().chain(call.protocol_version()).any(is_current);
    // Header rules for notifications are left open by the spec.
    if !call.is_request() {
        return Ok(());
    }
    // Older revisions know no mirrors. Whoever sends one all the same may mean to fool who routes on it.
    let mirrors = if is_current { mirrors } else { Mirrors::Optional };
    match (version, call.protocol_version()) {
        (None, _) if mirrors == Mirrors::Required => {
            return Err("header MCP-Protocol-Version is missing".into());
        }
        (Some(header), Some(body)) if is_current && header != body => {
            return Err(format!("header MCP-Protocol-Version does not match the body's `{body}`"));
        }
        _ => {}
    }
    match single(headers, "mcp-method")? {
        None if mirrors == Mirrors::Required => return Err("header Mcp-Method is missing".into()),
        Some(method) if method != call.method() => {
            return Err(format!("header Mcp-Method does not match the body's `{}`", call.method()));
        }
        _ => {}
    }
    check_name(headers, call, mirrors)
}

/// The methods whose target `Mcp-Name` mirrors; the others have none to mirror.
const NAMED: [&str; 6] =
    ["tools/call", "prompts/get", "resources/read", "tasks/get", "tasks/update", "tasks/cancel"];

/// Whether the request belongs to a revision without sessions, in which session headers mean nothing (TR-13).
pub(crate) fn is_sessionless(headers: &HeaderMap, message: &Message) -> bool {
    let header = single(headers, "mcp-protocol-version").ok().flatten();
    let in_body = message.calls().iter().filter_map(Call::protocol_version);
    header.into_iter().chain(in_body).any(is_current)
}

/// Revisions are dates, so text order is their order.
fn is_current(version: &str) -> bool {
    version >= FIRST && version.len() == FIRST.len()
}

fn check_name(headers: &HeaderMap, call: &Call, mirrors: Mirrors) -> Result<(), String> {
    if !NAMED.contains(&call.method()) {
        return Ok(());
    }
    let name = match single(headers, "mcp-name")? {
        Some(raw) => Some(decoded(raw).ok_or("header Mcp-Name is not valid base64")?),
        None => None,
    };
    match (name, call.target()) {
        (None, None) => Ok(()),
        (None, Some(_)) if mirrors == Mirrors::Optional => Ok(()),
        (None, Some(_)) => Err("header Mcp-Name is missing".into()),
        (Some(name), Some(target)) if name == target => Ok(()),
        (Some(_), target) => {
            Err(format!("header Mcp-Name does not match the body's `{}`", target.unwrap_or_default()))
        }
    }
}

/// The one value of a header; two of them, or bytes outside visible ASCII, are a mismatch by themselves.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, String> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(format!("header {name} is repeated"));
    }
    let text = value.to_str().map_err(|_| format!("header {name} has characters outside ASCII"))?;
    Ok(Some(text.trim_matches([' ', '\t'])))
}

/// `=?base64?…?=` carries what a header cannot (TR-19): markers are case-sensitive, padding is required.
fn decoded(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(value.to_owned());
    };
    String::from_utf8(STANDARD.decode(inner).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn message(body: &str) -> Message {
        Message::parse(body.as_bytes()).unwrap()
    }

    fn call() -> Message {
        message(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"é","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        )
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
    const METHOD: (&str, &str) = ("mcp-method", "tools/call");
    const NAME: (&str, &str) = ("mcp-name", "=?base64?w6k=?=");

    #[test]
    fn tr_17_header_and_body_agree() {
        assert_eq!(check(&headers(&[VERSION, METHOD, NAME]), &call(), Mirrors::Required), Ok(()));
    }

    #[test]
    fn header_and_body_that_disagree_are_refused() {
        for bad in [
            vec![METHOD, NAME],
            vec![VERSION, NAME],
            vec![VERSION, METHOD],
            vec![("mcp-protocol-version", "2025-11-25"), METHOD, NAME],
            vec![VERSION, ("mcp-method", "tools/list"), NAME],
            vec![VERSION, METHOD, ("mcp-name", "e")],
            vec![VERSION, METHOD, ("mcp-name", "=?base64?w6k?=")],
            vec![VERSION, METHOD, ("mcp-name", "=?BASE64?w6k=?=")],
            vec![VERSION, METHOD, NAME, ("mcp-name", "other")],
        ] {
            assert!(check(&headers(&bad), &call(), Mirrors::Required).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn older_revisions_and_notifications_need_no_mirror() {
        let old = message(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#);
        assert_eq!(
            check(&headers(&[("mcp-protocol-version", "2025-11-25")]), &old, Mirrors::Required),
            Ok(())
        );
        assert_eq!(check(&HeaderMap::new(), &old, Mirrors::Required), Ok(()));
        let note = message(r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#);
        assert_eq!(check(&headers(&[VERSION]), &note, Mirrors::Required), Ok(()));
    }

    #[test]
    fn a_mirror_may_not_lie_in_any_revision() {
        let old = message(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#);
        for version in [None, Some("2025-11-25"), Some("2024-11-05"), Some("DRAFT-2026-v1"), Some("9")] {
            let with = |pairs: &[(&'static str, &'static str)]| {
                let version = version.map(|version| ("mcp-protocol-version", version));
                headers(&version.into_iter().chain(pairs.iter().copied()).collect::<Vec<_>>())
            };
            assert_eq!(check(&with(&[METHOD, ("mcp-name", "x")]), &old, Mirrors::Required), Ok(()));
            for bad in [("mcp-method", "tools/list"), ("mcp-name", "y")] {
                assert!(check(&with(&[bad]), &old, Mirrors::Required).is_err(), "{version:?} {bad:?}");
            }
        }
    }

    #[test]
    fn tr_15_the_old_transport_has_no_mirrors_and_none_may_lie() {
        assert_eq!(check(&HeaderMap::new(), &call(), Mirrors::Optional), Ok(()));
        assert_eq!(check(&headers(&[VERSION]), &call(), Mirrors::Optional), Ok(()));
        for bad in [
            ("mcp-protocol-version", "2025-11-25"),
            ("mcp-method", "tools/list"),
            ("mcp-name", "e"),
            ("mcp-name", "=?base64?w6k?="),
        ] {
            assert!(check(&headers(&[bad]), &call(), Mirrors::Optional).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tr_19_the_base64_form_is_read_strictly() {
        // Markers in this case only, standard alphabet, padding; what lacks a marker is literal.
        for (value, name) in [
            ("=?base64?SGVsbG8=?=", Some("Hello")),
            ("=?base64?w6k=?=", Some("é")),
            ("=?base64??=", Some("")),
            ("=?base64?SGVsbG8?=", None),
            ("=?base64?SGVs!!!bG8=?=", None),
            ("=?base64?SGVsbG8= ?=", None),
            ("=?base64?_-8=?=", None),
            ("=?base64?SGVsbG9=?=", None),
            ("=?base64?//8=?=", None),
            ("=?BASE64?SGVsbG8=?=", Some("=?BASE64?SGVsbG8=?=")),
            ("SGVsbG8=", Some("SGVsbG8=")),
            ("=?base64?SGVsbG8=", Some("=?base64?SGVsbG8=")),
            ("SGVsbG8=?=", Some("SGVsbG8=?=")),
        ] {
            assert_eq!(decoded(value).as_deref(), name, "{value}");
        }
    }
}
