//! Lists without what the caller could not use: `tools/list`, `prompts/list`, `resources/list`,
//! `resources/templates/list`, in JSON and in SSE answers (TR-22).
//!
//! What is kept stays byte for byte as the server wrote it, order included.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use super::decide::{Policy, Sight};
use crate::json::Members;
use crate::principal::Principal;

/// A list in a result: its member, the item's name member, and the method that uses an item.
const LISTS: [(&str, &str, &str); 4] = [
    ("tools", "name", "tools/call"),
    ("prompts", "name", "prompts/get"),
    ("resources", "uri", "resources/read"),
    ("resourceTemplates", "uriTemplate", "resources/read"),
];

/// Longest SSE event or JSON answer that is filtered; longer ones are refused rather than let through.
pub(crate) const MAX_FILTERED: usize = 16 * 1024 * 1024;

/// A message could not be read, so it is not known what it shows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilterError {
    #[error("the MCP server's list is not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the MCP server's list is larger than {MAX_FILTERED} bytes")]
    TooLarge,
    #[error("the MCP server's list is not UTF-8")]
    Encoding,
    #[error("the MCP server's answer has the member `{0}` twice, or in another spelling")]
    Ambiguous(String),
    /// The same again once they are known ([`Filter::know`]).
    #[error("what the caller may see depends on groups that nobody has asked for yet")]
    GroupsNeeded,
}

/// Hides for one principal.
#[derive(Clone)]
pub(crate) struct Filter {
    policy: Arc<Policy>,
    principal: Principal,
}

impl Filter {
    pub(crate) fn new(policy: Arc<Policy>, principal: Principal) -> Self {
        Self { policy, principal }
    }

    /// For whom.
    pub(crate) const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The same caller, of whom more is known.
    pub(crate) fn know(&mut self, principal: Principal) {
        self.principal = principal;
    }

    /// The filtered JSON-RPC message or batch; `None` when there is nothing to take out.
    pub(crate) fn json(&self, text: &str) -> Result<Option<String>, FilterError> {
        let text = text.trim();
        if !text.starts_with('[') {
            return self.message(text);
        }
        let batch: Vec<&RawValue> = serde_json::from_str(text)?;
        let mut changed = false;
        let mut messages = Vec::with_capacity(batch.len());
        for raw in batch {
            match self.message(raw.get())? {
                Some(filtered) => {
                    changed = true;
                    messages.push(RawValue::from_string(filtered)?);
                }
                None => messages.push(raw.to_owned()),
            }
        }
        Ok(if changed { Some(serde_json::to_string(&messages)?) } else { None })
    }

    fn message(&self, text: &str) -> Result<Option<String>, FilterError> {
        // Cheap look first: most events of a stream are no lists.
        if !may_be_list(text) {
            return Ok(None);
        }
        let mut message = Members::parse(text)?;
        message.refuse_ambiguous(&["result"]).map_err(FilterError::Ambiguous)?;
        let Some(result) = message.get("result").map(|raw| raw.get().to_owned()) else {
            return Ok(None);
        };
        if !result.starts_with('{') {
            return Ok(None);
        }
        let mut result = Members::parse(&result)?;
        result.refuse_ambiguous(&LISTS.map(|(list, _, _)| list)).map_err(FilterError::Ambiguous)?;
        let mut changed = false;
        for (list, name, method) in LISTS {
            let Some(items) = result.get(list).map(|raw| raw.get().to_owned()) else {
                continue;
            };
            if !items.starts_with('[') {
                continue;
            }
            let kept = self.kept(&items, name, method)?;
            result.set(list, kept);
            changed = true;
        }
        if !changed {
            return Ok(None);
        }
        // The list is now this caller's own: no shared cache may keep it (MCP 2026-07-28, caching).
        if result.get("cacheScope").is_some() || result.get("ttlMs").is_some() {
            result.set("cacheScope", to_raw_value("private")?);
        }
        message.set("result", to_raw_value(&result)?);
        Ok(Some(serde_json::to_string(&message)?))
    }

    fn kept(&self, items: &str, name: &str, method: &str) -> Result<Box<RawValue>, FilterError> {
        let items: Vec<&RawValue> = serde_json::from_str(items)?;
        let mut kept = Vec::with_capacity(items.len());
        for item in items {
            let target: Option<String> = Members::parse(item.get())
                .ok()
                .filter(|members| members.refuse_ambiguous(&[name]).is_ok())
                .and_then(|members| serde_json::from_str(members.get(name)?.get()).ok());
            // An item that cannot be named, or by two names, cannot be allowed.
            let Some(target) = target else { continue };
            match self.policy.sight(&self.principal, method, &target) {
                Sight::Shown => kept.push(item),
                Sight::Hidden => {}
                Sight::DependsOnGroups => return Err(FilterError::GroupsNeeded),
            }
        }
        Ok(to_raw_value(&kept)?)
    }
}

/// Whether one of the lists may be in it, by whatever spelling of its name: what all of them begin with, an escape, or the
/// one character beyond ASCII that folds to a letter of theirs.
fn may_be_list(text: &str) -> bool {
    let is_one = |at: &[u8]| [b"tools", b"promp", b"resou"].iter().any(|name| at.eq_ignore_ascii_case(*name));
    text.as_bytes().windows(5).any(is_one) || text.contains("\\u") || text.contains('\u{17f}')
}

/// Takes a byte stream apart into SSE events and filters each event's data.
pub(crate) struct SseFilter {
    pub(crate) filter: Filter,
    pending: Vec<u8>,
    /// How much of it has gone on.
    done: usize,
    scan: Scan,
}

/// How far the unfinished event has been looked at: an event of many chunks is not read again for each.
#[derive(Clone, Copy, Default)]
struct Scan {
    line_start: usize,
    at: usize,
}

impl SseFilter {
    pub(crate) fn new(filter: Filter) -> Self {
        Self { filter, pending: Vec::new(), done: 0, scan: Scan::default() }
    }

    /// `chunk` arrived.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.pending.drain(..self.done);
        self.done = 0;
        self.pending.extend_from_slice(chunk);
    }

    /// The bytes that may go on by now; an unfinished event waits. After an error the event that caused it is still there.
    pub(crate) fn passed(&mut self) -> Result<Vec<u8>, FilterError> {
        let mut out = Vec::new();
        while let Some(length) = self.scan.event_end(self.pending.get(self.done..).unwrap_or_default()) {
            let event = self.pending.get(self.done..self.done + length).unwrap_or_default();
            match self.event(event) {
                Ok(bytes) => out.extend_from_slice(&bytes),
                // What went before does not wait.
                Err(FilterError::GroupsNeeded) if !out.is_empty() => return Ok(out),
                Err(error) => return Err(error),
            }
            self.done += length;
        }
        // Heartbeats do not wait for an event that has not begun (TR-06).
        let waiting = self.pending.get(self.done..).unwrap_or_default();
        let heartbeats = waiting.get(..comments(waiting)).unwrap_or_default();
        if std::str::from_utf8(heartbeats).is_ok() {
            out.extend_from_slice(heartbeats);
            self.scan.skip(heartbeats.len());
            self.done += heartbeats.len();
        }
        if self.pending.len() - self.done > MAX_FILTERED {
            return Err(FilterError::TooLarge);
        }
        Ok(out)
    }

    /// What is left when the stream ends: an event without its blank line is no event (WHATWG SSE §9.2.6),
    /// so only comments and the like may go on.
    pub(crate) fn rest(&mut self) -> Result<Vec<u8>, FilterError> {
        let rest = self.event(self.pending.get(self.done..).unwrap_or_default())?;
        self.done = self.pending.len();
        Ok(rest)
    }

    fn event(&self, event: &[u8]) -> Result<Vec<u8>, FilterError> {
        let text = std::str::from_utf8(event).map_err(|_| FilterError::Encoding)?;
        // Comments before it are no part of it: most of them have gone already.
        let (comments, text) = text.split_at_checked(comments(event)).unwrap_or(("", text));
        let data: Vec<&str> = lines(text).filter_map(data_of).collect();
        if data.is_empty() {
            return Ok(event.to_vec());
        }
        let joined = data.join("\n");
        if !joined.trim_start().starts_with(['{', '[']) {
            return Ok(event.to_vec());
        }
        let Some(filtered) = self.filter.json(&joined)? else {
            return Ok(event.to_vec());
        };
        let mut out = String::with_capacity(comments.len() + filtered.len() + 64);
        out.push_str(comments);
        let mut written = false;
        for line in lines(text).filter(|line| !line.is_empty()) {
            if data_of(line).is_none() {
                out.push_str(line);
                out.push('\n');
            } else if !written {
                written = true;
                out.push_str("data: ");
                out.push_str(&filtered);
                out.push('\n');
            }
        }
        out.push('\n');
        Ok(out.into_bytes())
    }
}

/// How long the comments are that these bytes begin with, in whole lines.
fn comments(bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some(rest) = bytes.get(length..).filter(|rest| rest.starts_with(b":")) {
        let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else { break };
        length += at
            + match (rest.get(at), rest.get(at + 1)) {
                (Some(b'\r'), Some(b'\n')) => 2,
                // The LF of a CRLF may still be on its way.
                (Some(b'\r'), None) => break,
                _ => 1,
            };
    }
    length
}

/// Lines end with LF, CR or CRLF.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn data_of(line: &str) -> Option<&str> {
    // A byte order mark may stand at the beginning of a stream, and readers skip it.
    let value = line.trim_start_matches('\u{feff}').strip_prefix("data")?;
    if value.is_empty() {
        return Some("");
    }
    value.strip_prefix(':').map(|value| value.strip_prefix(' ').unwrap_or(value))
}

impl Scan {
    /// So many bytes have gone, in whole lines.
    fn skip(&mut self, length: usize) {
        self.line_start = self.line_start.saturating_sub(length);
        self.at = self.at.saturating_sub(length);
    }

    /// The length of the first complete event of the same bytes and more, its blank line included.
    fn event_end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b'\n' | b'\r') {
                self.at += 1;
                continue;
            }
            let mut next = self.at + 1;
            if *byte == b'\r' {
                match bytes.get(next) {
                    Some(b'\n') => next += 1,
                    Some(_) => {}
                    // The LF of a CRLF may still be on its way.
                    None => return None,
                }
            }
            if self.at == self.line_start {
                *self = Self::default();
                return Some(next);
            }
            *self = Self { line_start: next, at: next };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::idp::entra::groups::Unread;
    use crate::policy::Rule;
    use crate::principal::{Identity, Kind};

    fn filter() -> Filter {
        let policy = Policy::new([
            Rule::tools(["admin_*"]).roles(["Admin"]),
            Rule::tools(["grouped_*"]).groups(["g"]),
            Rule::tools(["*"]).and_resources(["file:*"]),
        ]);
        let user = Principal::new(Identity {
            kind: Kind::User,
            object_id: "o".into(),
            tenant_id: "t".into(),
            client_id: "c".into(),
            username: None,
            email: None,
            roles: vec!["User".into()],
            scopes: vec!["access".into()],
            groups: Vec::new(),
            groups_overage: true,
            agent_blueprint: None,
            token_id: None,
            issued_at: None,
            ends_at: crate::clock::Timestamp::from_unix(u64::MAX),
            expires_at: crate::clock::Timestamp::from_unix(u64::MAX),
        });
        Filter::new(Arc::new(policy), user)
    }

    const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"admin_delete","x":1.0},{"name":"whoami","max":18446744073709551616}],"nextCursor":"n"}}"#;
    const KEPT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"whoami","max":18446744073709551616}],"nextCursor":"n"}}"#;

    #[test]
    fn refused_tools_are_hidden_and_the_rest_keeps_its_bytes() {
        assert_eq!(filter().json(LIST).unwrap().as_deref(), Some(KEPT));
        assert_eq!(filter().json(&format!("[{LIST}]")).unwrap(), Some(format!("[{KEPT}]")));
    }

    #[test]
    fn escapes_do_not_smuggle_a_tool_through() {
        let text =
            r#"{"jsonrpc":"2.0","id":1,"r\u0065sult":{"t\u006fols":[{"n\u0061me":"\u0061dmin_delete"}]}}"#;
        assert!(!filter().json(text).unwrap().unwrap().contains("dmin_delete"));
    }

    #[test]
    fn filtered_lists_are_private_to_the_caller() {
        let text = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"ttlMs":5,"cacheScope":"public"}}"#;
        assert!(filter().json(text).unwrap().unwrap().contains(r#""cacheScope":"private""#));
    }

    #[test]
    fn errors_and_calls_pass_untouched() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"tools"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"tools"}]}}"#,
        ] {
            assert_eq!(filter().json(text).unwrap(), None);
        }
        assert!(filter().json(r#"{"result":{"tools":[}"#).is_err());
        // Clients take the last one, so the first alone proves nothing.
        let twice = r#"{"result":{"tools":[]},"result":{"tools":[{"name":"admin_delete"}]}}"#;
        assert!(filter().json(twice).is_err());
        assert!(filter().json(r#"{"result":{"tools":[],"tools":[{"name":"admin_delete"}]}}"#).is_err());
        // Decoders that match without case take another spelling for the same.
        for spelt in [
            r#"{"Result":{"tools":[{"name":"admin_delete"}]}}"#,
            r#"{"result":{"tools":[]},"RESULT":{"tools":[{"name":"admin_delete"}]}}"#,
            r#"{"result":{"Tools":[{"name":"admin_delete"}]}}"#,
            r#"{"result":{"tools":[],"TOOLS":[{"name":"admin_delete"}]}}"#,
            r#"{"result":{"toolſ":[{"name":"admin_delete"}]}}"#,
            r#"{"result":{"t\u006fOls":[{"name":"admin_delete"}]}}"#,
        ] {
            assert!(filter().json(spelt).is_err(), "{spelt}");
        }
        for item in [
            r#"{"name":"whoami","name":"admin_delete"}"#,
            r#"{"name":"whoami","Name":"admin_delete"}"#,
            r#"{"NAME":"whoami"}"#,
            r#"{"name":"whoami","n\u0061me":"admin_delete"}"#,
        ] {
            let text = format!(r#"{{"result":{{"tools":[{item},{{"name":"kept"}}]}}}}"#);
            assert_eq!(
                filter().json(&text).unwrap().unwrap(),
                r#"{"result":{"tools":[{"name":"kept"}]}}"#,
                "{item}"
            );
        }
    }

    #[test]
    fn events_are_filtered_whatever_the_chunks_and_line_ends() {
        for end in ["\n", "\r\n", "\r"] {
            let stream = format!(
                ": hi{end}{end}id: 7{end}event: message{end}data: {LIST}{end}{end}data: {{}}{end}{end}"
            );
            for size in [1, 7, 4096] {
                let mut sse = SseFilter::new(filter());
                let mut out = Vec::new();
                for chunk in stream.as_bytes().chunks(size) {
                    sse.feed(chunk);
                    out.extend(sse.passed().unwrap());
                }
                out.extend(sse.rest().unwrap());
                let out = String::from_utf8(out).unwrap();
                assert!(out.contains(KEPT) && !out.contains("admin_delete"), "{end:?} {size} {out}");
                assert!(out.starts_with(&format!(": hi{end}{end}id: 7\nevent: message\ndata: ")), "{out:?}");
                assert!(out.ends_with(&format!("data: {{}}{end}{end}")), "{out:?}");
            }
        }
    }

    #[test]
    fn an_event_that_depends_on_groups_waits_until_they_are_known_and_no_other_does() {
        let list = |name: &str| format!(r#"data: {{"result":{{"tools":[{{"name":"{name}"}}]}}}}{}"#, "\n\n");
        let mut sse = SseFilter::new(filter());
        sse.feed(format!("{}{}", list("open"), list("grouped_x")).as_bytes());
        assert_eq!(String::from_utf8(sse.passed().unwrap()).unwrap(), list("open"));
        for _ in 0..2 {
            assert!(matches!(sse.passed(), Err(FilterError::GroupsNeeded)));
        }
        let unasked = sse.filter.principal().clone();
        sse.filter.know(unasked.with_groups(Ok(Arc::new(["g".to_owned()]))));
        assert_eq!(String::from_utf8(sse.passed().unwrap()).unwrap(), list("grouped_x"));
        assert_eq!(sse.passed().unwrap(), b"");
        sse.filter.know(unasked.with_groups(Err(Unread::NoSuchUser)));
        sse.feed(list("grouped_x").trim_end().as_bytes());
        assert_eq!(sse.passed().unwrap(), b"");
        assert!(!String::from_utf8(sse.rest().unwrap()).unwrap().contains("grouped_x"));
    }

    #[test]
    fn heartbeats_do_not_wait_for_an_event_and_what_belongs_to_one_does() {
        let mut sse = SseFilter::new(filter());
        for (chunk, passes) in [
            (":\n", ":\n"),
            (": pi", ""),
            ("ng\r\n", ": ping\r\n"),
            ("\r\n", "\r\n"),
            (":\r", ""),
            (": x\n\nid: 7\n:", ":\r: x\n\n"),
            (": y\n", ""),
            ("\n", "id: 7\n:: y\n\n"),
        ] {
            sse.feed(chunk.as_bytes());
            assert_eq!(String::from_utf8(sse.passed().unwrap()).unwrap(), passes, "{chunk:?}");
        }
        // However it is cut, a filtered event comes out the same.
        let stream = format!(": a\r\n:b\rid: 7\r\ndata: {LIST}\r\n\r\n");
        let cut = |size: usize| {
            let mut sse = SseFilter::new(filter());
            let mut out = Vec::new();
            for chunk in stream.as_bytes().chunks(size) {
                sse.feed(chunk);
                out.extend(sse.passed().unwrap());
            }
            out
        };
        assert!(
            cut(4096).starts_with(b": a\r\n:b\rid: 7\ndata: ") && cut(1) == cut(4096) && cut(5) == cut(1)
        );
    }

    proptest! {
        #[test]
        fn a_stream_without_lists_passes_byte_for_byte(text in "[a-z:{}\" \r\n]{0,200}", size in 1usize..20) {
            prop_assume!(!text.contains("tools"));
            let mut sse = SseFilter::new(filter());
            let mut out = Vec::new();
            for chunk in text.as_bytes().chunks(size) {
                sse.feed(chunk);
                out.extend(sse.passed().unwrap());
            }
            out.extend(sse.rest().unwrap());
            prop_assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
