//! Lists without what the caller could not use: `tools/list`, `prompts/list`, `resources/list`,
//! `resources/templates/list` (TR-22). Those in event streams are read by [`super::events`].
//!
//! What is kept stays byte for byte as the server wrote it, order included.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
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
    #[error("the MCP server's answer is not UTF-8 without NUL")]
    Encoding,
    #[error("the MCP server's answer has the member `{0}` twice, or in another spelling")]
    Ambiguous(String),
    /// The same again once they are known ([`Filter::know`]).
    #[error("what the caller may see depends on groups that nobody has asked for yet")]
    GroupsNeeded,
}

/// The text of an answer. With a NUL it could be UTF-16 or UTF-32, in which some clients find a list where we see none.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, FilterError> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(FilterError::Encoding)
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
        // Before it is read: `[DONE]` is no JSON, and no list either.
        if !may_be_list(text) {
            return Ok(None);
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

/// Whether one of the lists may be in it: the member `result` and what all their names begin with, by whatever spelling.
/// Whatever else is in the text, without them it is none.
pub(crate) fn may_be_list(text: &str) -> bool {
    let mentions = |names: &[&[u8]]| {
        text.as_bytes().windows(5).any(|at| names.iter().any(|name| at.eq_ignore_ascii_case(name)))
    };
    hides_letters(text) || (mentions(&[b"tools", b"promp", b"resou"]) && mentions(&[b"resul"]))
}

/// Whether a letter of these names may be there as an escape, or as the one character beyond ASCII that folds to one of them.
fn hides_letters(text: &str) -> bool {
    const LONG_S: char = '\u{17f}';
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == LONG_S;
    let escapes_one = |(at, _): (usize, &str)| {
        let code = text.get(at + 2..at + 6).and_then(|code| u32::from_str_radix(code, 16).ok());
        code.is_none_or(|code| char::from_u32(code).is_some_and(is_letter))
    };
    text.contains(LONG_S) || text.match_indices("\\u").any(escapes_one)
}

/// What a client gets in place of an answer that cannot be read, so that it does not wait; nothing where it is not sure for
/// which of its requests.
pub(super) fn in_place_of(answer: &str) -> Option<String> {
    let mut beginning = Beginning::default();
    // As far as it can be read.
    let _ = serde_json::Deserializer::from_str(answer).deserialize_map(&mut beginning);
    let often = |name| beginning.names.iter().filter(|one| one.eq_ignore_ascii_case(name)).count();
    let is_answer = (often("id"), often("result"), often("method")) == (1, 1, 0);
    let id = beginning.id.filter(|_| is_answer)?;
    let is_id = id.get().starts_with(|c: char| matches!(c, '"' | '-' | '0'..='9'));
    // JSON-RPC 2.0 §5.1: an internal error.
    is_id.then(|| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"The MCP server's answer could not be read"}}}}"#
        )
    })
}

/// What there is of a message, up to the member that cannot be read.
#[derive(Default)]
struct Beginning {
    names: Vec<String>,
    id: Option<Box<RawValue>>,
}

impl<'de> Visitor<'de> for &mut Beginning {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let is_id = name == "id";
            self.names.push(name);
            if is_id {
                self.id = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::policy::Rule;
    use crate::principal::{Identity, Kind};

    /// What Bob sees, who is in more groups than fit into his token.
    pub(crate) fn filter() -> Filter {
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

    pub(crate) const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"admin_delete","x":1.0},{"name":"whoami","max":18446744073709551616}],"nextCursor":"n"}}"#;
    pub(crate) const KEPT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"whoami","max":18446744073709551616}],"nextCursor":"n"}}"#;

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
}
