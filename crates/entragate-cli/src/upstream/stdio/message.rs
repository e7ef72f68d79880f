//! JSON-RPC messages as far as they must be understood to bring them where they belong.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON-RPC id or a progress token, however it is spelt: `"a"` and `"\u0061"` are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Id {
    Number(String),
    Text(String),
}

/// One message of either side.
#[derive(Debug)]
pub(super) struct Message {
    /// As it came, in one line.
    pub(super) text: Bytes,
    pub(super) kind: Kind,
}

/// What it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request: its id, how that is written, and the token that progress of it is reported with.
    Request { id: Id, written: Box<str>, progress: Option<Id> },
    /// An answer.
    Response { id: Id, is_error: bool },
    /// `notifications/progress`.
    Progress(Id),
    /// `notifications/cancelled`, of a request of the side that sends it.
    Cancelled(Id),
    /// `notifications/message`: a line of a log.
    Log,
    /// Any other notification, and an error about something that could not be read.
    Notification,
}

impl Message {
    /// The id of a call.
    pub(super) fn call(&self) -> Option<Id> {
        if let Kind::Request { id, .. } = &self.kind { Some(id.clone()) } else { None }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// `null` is there, and is something else than nothing.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(member: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(member).map(Some)
}

#[derive(Deserialize, Default)]
struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, rename = "progressToken")]
    progress: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId")]
    request: Option<&'a RawValue>,
}

/// The messages in a text: one, or those of a batch (revision 2025-03-26). `None`: it is something else.
pub(super) fn read(text: &Bytes) -> Option<Vec<Message>> {
    let trimmed = text.trim_ascii();
    if !trimmed.starts_with(b"[") {
        return Some(vec![message(trimmed, text)?]);
    }
    let all: Vec<&RawValue> = serde_json::from_slice(trimmed).ok()?;
    all.into_iter().map(|one| message(one.get().as_bytes(), text)).collect()
}

fn message(one: &[u8], within: &Bytes) -> Option<Message> {
    let envelope: Envelope<'_> = serde_json::from_slice(one).ok()?;
    Some(Message { kind: kind(&envelope)?, text: in_one_line(one, within) })
}

fn kind(envelope: &Envelope<'_>) -> Option<Kind> {
    let id = envelope.id.and_then(self::id);
    let Some(method) = &envelope.method else {
        let is_error = envelope.error.is_some();
        return match id {
            Some(id) => (is_error || envelope.result.is_some()).then_some(Kind::Response { id, is_error }),
            // What could not be read had no id that could be told (JSON-RPC 2.0 §5).
            None if is_error && envelope.id.is_none_or(is_null) => Some(Kind::Notification),
            None => None,
        };
    };
    // MCP has no request whose id is null, and JSON-RPC none whose id is a list: nobody could be answered.
    if envelope.id.is_some() && id.is_none() {
        return None;
    }
    // Positional parameters or none: nothing to find in them.
    let params: Params<'_> =
        envelope.params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
    if let (Some(id), Some(written)) = (id, envelope.id) {
        let meta = params.meta.and_then(|meta| serde_json::from_str::<Params<'_>>(meta.get()).ok());
        let progress = meta.and_then(|meta| self::id(meta.progress?));
        return Some(Kind::Request { id, written: written.get().into(), progress });
    }
    Some(match method.as_ref() {
        "notifications/progress" => {
            params.progress.and_then(self::id).map_or(Kind::Notification, Kind::Progress)
        }
        "notifications/cancelled" => {
            params.request.and_then(self::id).map_or(Kind::Notification, Kind::Cancelled)
        }
        "notifications/message" => Kind::Log,
        _ => Kind::Notification,
    })
}

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

fn id(raw: &RawValue) -> Option<Id> {
    match serde_json::from_str(raw.get()).ok()? {
        Value::String(text) => Some(Id::Text(text)),
        Value::Number(number) => Some(Id::Number(number.to_string())),
        _ => None,
    }
}

/// A line feed outside a string is white space, and inside one it is not JSON: so a space in its place changes
/// nothing, and the message is one line, as the transport and server-sent events both want it.
fn in_one_line(one: &[u8], within: &Bytes) -> Bytes {
    if one.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        let blank = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        one.iter().map(blank).collect::<BytesMut>().freeze()
    } else {
        within.slice_ref(one)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &'static str) -> Option<Vec<Kind>> {
        Some(read(&Bytes::from_static(text.as_bytes()))?.into_iter().map(|message| message.kind).collect())
    }

    fn number(text: &str) -> Id {
        Id::Number(text.to_owned())
    }

    #[test]
    fn messages_are_told_apart_by_what_they_carry() {
        for (text, kind) in [
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"progressToken":"\u0061"}}}"#,
                Kind::Request {
                    id: number("7"),
                    written: "7".into(),
                    progress: Some(Id::Text("a".to_owned())),
                },
            ),
            (
                r#"{"jsonrpc":"2.0","id":"7","method":"ping"}"#,
                Kind::Request { id: Id::Text("7".to_owned()), written: r#""7""#.into(), progress: None },
            ),
            (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, Kind::Response { id: number("7"), is_error: false }),
            (r#"{"jsonrpc":"2.0","id":7,"error":{}}"#, Kind::Response { id: number("7"), is_error: true }),
            (
                r#"{"jsonrpc":"2.0","id":7,"result":null}"#,
                Kind::Response { id: number("7"), is_error: false },
            ),
            (r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}"#, Kind::Notification),
            (r#"{"jsonrpc":"2.0","error":{"code":-32700}}"#, Kind::Notification),
            (
                r#"{"method":"notifications/progress","params":{"progressToken":3}}"#,
                Kind::Progress(number("3")),
            ),
            (
                r#"{"method":"notifications/cancelled","params":{"requestId":3}}"#,
                Kind::Cancelled(number("3")),
            ),
            (r#"{"method":"notifications/message","params":{}}"#, Kind::Log),
            (r#"{"method":"notifications/progress","params":[3]}"#, Kind::Notification),
            (r#"{"method":"notifications/initialized"}"#, Kind::Notification),
        ] {
            assert_eq!(kinds(text), Some(vec![kind]), "{text}");
        }
        assert_eq!(kinds(r#"[{"id":1,"method":"a"},{"method":"b"}]"#).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_message_is_none() {
        for text in [
            "",
            "Server running on stdio",
            "{}",
            "[]x",
            "[7]",
            r#"{"id":null,"result":{}}"#,
            r#"{"id":1}"#,
            r#"{"id":null,"method":"a"}"#,
            r#"{"id":[1],"method":"a"}"#,
            r#"{"id":{},"error":{}}"#,
            r#"{"id":1,"id":2,"method":"a"}"#,
        ] {
            assert_eq!(kinds(text), None, "{text}");
        }
        assert!(read(&Bytes::from_static(b"{\"method\":\"\xff\"}")).is_none());
    }

    #[test]
    fn line_feeds_between_tokens_become_spaces_and_escaped_ones_stay() {
        let text = Bytes::from_static(b"{\r\n \"method\":\n\"a\\nb\" }\n");
        assert_eq!(read(&text).unwrap()[0].text, r#"{   "method": "a\nb" }"#.as_bytes());
    }

    proptest! {
        #[test]
        fn total_on_any_bytes_and_always_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for message in read(&Bytes::from(bytes)).unwrap_or_default() {
                prop_assert!(!message.text.contains(&b'\n'));
            }
        }
    }
}
