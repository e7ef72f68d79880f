//! What MCP call is this? The body is the truth (headers are a copy the caller could forge).
//!
//! The MCP server behind us parses the same bytes with another parser. Where two parsers could disagree a
//! role guard can be bypassed, so everything ambiguous is refused: duplicate members (first wins or last
//! wins?), members that differ only in case (Go's decoder matches case-insensitively), a byte order mark,
//! NUL, bytes that are not UTF-8. A method or a target with control characters, or a target that is no text, is no
//! name that a rule could be about.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::budget::Budget;
pub use super::budget::TooMuch;
use super::members::{Key, Known, Names};
use crate::json::without_values;

/// Why a body is not one unambiguous JSON-RPC message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedCall {
    /// Not UTF-8, or with a byte order mark or a NUL character.
    #[error("the body must be UTF-8 without byte order mark or NUL")]
    Encoding,
    /// Not JSON, or JSON that two parsers could read differently.
    #[error("the body is not one unambiguous JSON-RPC message: {}", without_values(.0))]
    Json(#[from] serde_json::Error),
    /// An empty batch (JSON-RPC 2.0 §6).
    #[error("the batch is empty")]
    EmptyBatch,
    /// More than one message may have.
    #[error("the body has {0}")]
    TooMuch(#[from] TooMuch),
}

impl MalformedCall {
    /// JSON-RPC 2.0 §5.1: not JSON at all, or JSON that is no request.
    pub(crate) fn code(&self) -> i64 {
        match self {
            Self::Json(error) if error.classify() != serde_json::error::Category::Data => -32_700,
            Self::Encoding => -32_700,
            Self::Json(_) | Self::EmptyBatch | Self::TooMuch(_) => -32_600,
        }
    }
}

/// The JSON-RPC content of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Message {
    /// No body: GET (open a stream), DELETE (end a session).
    Empty,
    /// One request, notification or response.
    Single(Call),
    /// Several (revision 2025-03-26 only).
    Batch(Vec<Call>),
}

/// One JSON-RPC request or notification, or a client's response to a server's request.
#[derive(Debug)]
pub struct Call {
    id: Option<Box<RawValue>>,
    method: Option<String>,
    params: Params,
}

#[derive(Debug, Default)]
struct Params {
    name: Option<String>,
    uri: Option<String>,
    task_id: Option<String>,
    protocol_version: Option<String>,
    arguments: Arguments,
    /// What else the call makes use of, as the calls that would do the same.
    uses: Vec<Call>,
}

/// The member of `params` that says what a method acts on.
#[derive(Clone, Copy)]
enum Target {
    Name,
    Uri,
    TaskId,
}

impl Target {
    fn of(method: &str) -> Option<Self> {
        match method {
            "tools/call" | "prompts/get" => Some(Self::Name),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Some(Self::Uri),
            "tasks/get" | "tasks/update" | "tasks/cancel" | "tasks/result" => Some(Self::TaskId),
            _ => None,
        }
    }
}

/// `params.arguments` of a tool or a prompt.
#[derive(Debug, Default)]
pub(crate) enum Arguments {
    /// Nothing that is judged reads them: the usual case costs nothing.
    #[default]
    NotRead,
    /// Nobody has made this call yet.
    Unknown,
    Absent,
    /// As the client wrote them.
    #[cfg_attr(not(feature = "cel"), expect(dead_code, reason = "only conditions read it"))]
    Given(Box<RawValue>),
}

/// Calls of one message whose arguments are read; older revisions have batches.
const MOST_READ: usize = 100;

impl Message {
    /// Reads a POST body.
    pub fn parse(body: &[u8]) -> Result<Self, MalformedCall> {
        let text = std::str::from_utf8(body).map_err(|_| MalformedCall::Encoding)?;
        if text.starts_with('\u{feff}') || text.contains('\0') {
            return Err(MalformedCall::Encoding);
        }
        let mut budget = Budget::new();
        let message = Self::read(text, &mut budget).map_err(|error| match budget.exceeded() {
            Some(too_much) => MalformedCall::TooMuch(too_much),
            None => MalformedCall::Json(error),
        })?;
        if message.calls().is_empty() { Err(MalformedCall::EmptyBatch) } else { Ok(message) }
    }

    fn read(text: &str, budget: &mut Budget) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let message = if text.trim_start().starts_with('[') {
            Self::Batch(json.deserialize_seq(BatchVisitor(budget))?)
        } else {
            Self::Single(OneCall(budget).deserialize(&mut json)?)
        };
        json.end()?;
        Ok(message)
    }

    /// The same message with the arguments of the calls that are `wanted`, from the same body.
    pub(crate) fn reading_arguments(mut self, body: &[u8], wanted: impl Fn(&Call) -> bool) -> Self {
        match &mut self {
            Self::Empty => {}
            Self::Single(call) => {
                if wanted(call) {
                    // A body that has been read once is read again; were it not, the arguments would count as not read.
                    if let Ok(WithArguments { params }) = serde_json::from_slice(body) {
                        call.params.arguments = params.into();
                    }
                }
            }
            Self::Batch(calls) => {
                if calls.iter().any(&wanted)
                    && let Ok(all) = serde_json::from_slice::<Vec<WithArguments<'_>>>(body)
                {
                    let wanted = calls.iter_mut().zip(all).filter(|(call, _)| wanted(call));
                    for (call, WithArguments { params }) in wanted.take(MOST_READ) {
                        call.params.arguments = params.into();
                    }
                }
            }
        }
        self
    }

    /// The calls in it, in order.
    pub fn calls(&self) -> &[Call] {
        match self {
            Self::Empty => &[],
            Self::Single(call) => std::slice::from_ref(call),
            Self::Batch(calls) => calls,
        }
    }

    /// A JSON-RPC error answer for every request in the message; `None` when nothing in it expects one.
    pub fn error_body(&self, code: i64, text: &str) -> Option<Vec<u8>> {
        #[derive(Serialize)]
        struct Failure<'a> {
            jsonrpc: &'static str,
            id: &'a RawValue,
            error: Error<'a>,
        }
        #[derive(Serialize)]
        struct Error<'a> {
            code: i64,
            message: &'a str,
        }
        let failures: Vec<_> = self
            .calls()
            .iter()
            .filter(|call| call.is_request())
            .filter_map(Call::id)
            .map(|id| Failure { jsonrpc: "2.0", id, error: Error { code, message: text } })
            .collect();
        match (self, failures.as_slice()) {
            (_, []) => None,
            (Self::Batch(_), all) => serde_json::to_vec(all).ok(),
            (_, [one, ..]) => serde_json::to_vec(one).ok(),
        }
    }
}

impl Call {
    /// A call as it would be if the caller used a listed item, for judging lists.
    pub(crate) fn probe(method: &str, target: &str) -> Self {
        let mut params = Params { arguments: Arguments::Unknown, ..Params::default() };
        match Target::of(method) {
            Some(Target::Uri) => params.uri = Some(target.to_owned()),
            Some(Target::TaskId) => params.task_id = Some(target.to_owned()),
            Some(Target::Name) | None => params.name = Some(target.to_owned()),
        }
        Self { id: None, method: Some(method.to_owned()), params }
    }

    /// The id, exactly as the client wrote it; `None` for a notification.
    pub fn id(&self) -> Option<&RawValue> {
        self.id.as_deref()
    }

    /// The method; empty for a response.
    pub fn method(&self) -> &str {
        self.method.as_deref().unwrap_or_default()
    }

    /// What the method acts on: the tool or prompt name, the resource URI, the task id.
    pub fn target(&self) -> Option<&str> {
        match Target::of(self.method())? {
            Target::Name => self.params.name.as_deref(),
            Target::Uri => self.params.uri.as_deref(),
            Target::TaskId => self.params.task_id.as_deref(),
        }
    }

    /// One more name or URI of a message that has several.
    fn spend_target(&self, budget: &mut Budget) -> Result<(), TooMuch> {
        match Target::of(self.method()) {
            Some(Target::Uri) => budget.spend_uri(self.target().unwrap_or_default()),
            _ => budget.spend_text(self.target().unwrap_or_default()),
        }
    }

    /// It, and the calls that it stands for besides: `subscriptions/listen` subscribes to resources, and
    /// `completion/complete` tells what is behind a prompt or a resource.
    pub(crate) fn with_uses(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.params.uses)
    }

    /// `params._meta["io.modelcontextprotocol/protocolVersion"]` (revision 2026-07-28).
    pub fn protocol_version(&self) -> Option<&str> {
        self.params.protocol_version.as_deref()
    }

    /// What it is called with, if anything that is judged reads it.
    pub(crate) const fn arguments(&self) -> &Arguments {
        &self.params.arguments
    }

    /// Whether an answer is expected.
    pub fn is_request(&self) -> bool {
        self.method.is_some() && self.id.is_some()
    }

    /// Whether this is a client's answer to a server's request.
    pub fn is_response(&self) -> bool {
        self.method.is_none()
    }
}

/// `K` (Kelvin sign) and `ſ` (long s) fold to ASCII letters in some case-insensitive decoders.
pub(crate) fn folded(key: &str) -> String {
    if key.is_ascii() { key.to_ascii_lowercase() } else { key.to_lowercase().to_uppercase().to_lowercase() }
}

/// What a condition reads of a call. Every name in the message is known to be there once and in one spelling.
#[derive(Deserialize)]
struct WithArguments<'a> {
    #[serde(borrow, default)]
    params: Option<ParamsWithArguments<'a>>,
}

#[derive(Deserialize)]
struct ParamsWithArguments<'a> {
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

impl From<Option<ParamsWithArguments<'_>>> for Arguments {
    fn from(params: Option<ParamsWithArguments<'_>>) -> Self {
        let arguments = params.and_then(|params| params.arguments);
        arguments.map_or(Self::Absent, |raw| Self::Given(raw.to_owned()))
    }
}

/// The calls of a batch, as far as one message may have so many.
struct BatchVisitor<'a>(&'a mut Budget);

impl<'de> Visitor<'de> for BatchVisitor<'_> {
    type Value = Vec<Call>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch of JSON-RPC objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut batch: A) -> Result<Vec<Call>, A::Error> {
        let mut calls = Vec::new();
        while let Some(call) = batch.next_element_seed(OneCall(&mut *self.0))? {
            call.spend_target(self.0).map_err(A::Error::custom)?;
            calls.push(call);
        }
        Ok(calls)
    }
}

struct OneCall<'a>(&'a mut Budget);

impl<'de> DeserializeSeed<'de> for OneCall<'_> {
    type Value = Call;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Call, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneCall<'_> {
    type Value = Call;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Call, A::Error> {
        const KNOWN: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
        let Self(budget) = self;
        budget.spend_call().map_err(A::Error::custom)?;
        let (mut names, mut id, mut method) = (Names::new(&KNOWN), None, None);
        let (mut version_ok, mut is_response, mut given) = (false, false, Given::default());
        while let Some(Key(key)) = map.next_key()? {
            names.check(&key, budget)?;
            match key.as_ref() {
                "jsonrpc" => version_ok = map.next_value::<Key<'_>>()?.0 == "2.0",
                "id" => id = Some(map.next_value::<Box<RawValue>>()?),
                "method" => method = Some(map.next_value::<String>()?),
                "params" => given = map.next_value_seed(AnyParams(&mut *budget))?,
                "result" | "error" => {
                    is_response = true;
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !version_ok {
            return Err(A::Error::custom("member `jsonrpc` must be \"2.0\""));
        }
        if method.is_some() == is_response {
            return Err(A::Error::custom("a message has either `method` or one of `result` and `error`"));
        }
        if let Some(raw) = &id {
            check_id(raw.get()).map_err(A::Error::custom)?;
        }
        let method: Option<String> = method;
        let params = match &method {
            Some(method) => {
                check_text("method", method).map_err(A::Error::custom)?;
                given.of(method, budget).map_err(A::Error::custom)?
            }
            None => Params::default(),
        };
        Ok(Call { id, method, params })
    }
}

/// JSON-RPC ids are strings or numbers; `null` is refused by MCP (2025-03-26 basic/index).
fn check_id(raw: &str) -> Result<(), &'static str> {
    match raw.as_bytes().first() {
        Some(b'"' | b'-' | b'0'..=b'9') => Ok(()),
        _ if raw == "null" => Ok(()), // an error response to an unreadable request carries it; harmless here
        _ => Err("member `id` must be a string or a number"),
    }
}

/// Characters of a text in an error about it.
const MOST_SHOWN: usize = 1000;

/// Another parser may end a text at a NUL, and readers of URIs leave out line breaks and tabs (WHATWG URL §4.4).
fn check_text(member: &str, text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        let shown: String = text.escape_debug().take(MOST_SHOWN).collect();
        Err(format!("member `{member}` has control characters: {shown}"))
    } else {
        Ok(())
    }
}

/// The members of `params` that may decide, before it is known of which method they are.
#[derive(Default)]
struct Given {
    name: Option<Text>,
    uri: Option<Text>,
    task_id: Option<Text>,
    protocol_version: Option<String>,
    notifications: Option<Box<RawValue>>,
    reference: Option<Box<RawValue>>,
}

impl Given {
    /// As the params of this method, if they name what it acts on in a way that everybody reads alike.
    fn of(self, method: &str, budget: &mut Budget) -> Result<Params, String> {
        let target = Target::of(method);
        let (member, text) = match target {
            Some(Target::Name) => ("name", self.name),
            Some(Target::Uri) => ("uri", self.uri),
            Some(Target::TaskId) => ("taskId", self.task_id),
            None => ("", None),
        };
        let mut params = Params { protocol_version: self.protocol_version, ..Params::default() };
        let text = match text {
            Some(Text(Some(text))) => {
                check_text(member, &text)?;
                Some(text)
            }
            Some(Text(None)) => return Err(format!("member `{member}` must be a string")),
            None => None,
        };
        match target {
            Some(Target::Name) => params.name = text,
            Some(Target::Uri) => params.uri = text,
            Some(Target::TaskId) => params.task_id = text,
            None => {
                let (notifications, reference) = (self.notifications.as_deref(), self.reference.as_deref());
                params.uses = uses(method, notifications, reference, budget)?;
            }
        }
        Ok(params)
    }
}

/// What a method without a target makes use of all the same.
fn uses(
    method: &str,
    notifications: Option<&RawValue>,
    reference: Option<&RawValue>,
    budget: &mut Budget,
) -> Result<Vec<Call>, String> {
    match (method, notifications, reference) {
        // MCP 2026-07-28, subscriptions: what `resources/subscribe` was before.
        ("subscriptions/listen", Some(wanted), _) => {
            let [subscriptions] = members(wanted, &["resourceSubscriptions"], budget)?;
            let Some(subscriptions) = subscriptions else { return Ok(Vec::new()) };
            let all = serde_json::Deserializer::from_str(subscriptions.get())
                .deserialize_any(UrisVisitor(budget))
                .map_err(|_| "member `resourceSubscriptions` must be a list of strings")?;
            all.iter().try_for_each(|uri| check_text("resourceSubscriptions", uri))?;
            Ok(all.iter().map(|uri| Call::probe("resources/subscribe", uri)).collect())
        }
        ("completion/complete", _, Some(reference)) => {
            // Whatever `type` says: what is named must be open to the caller.
            let [_, name, uri] = members(reference, &["type", "name", "uri"], budget)?;
            let named = [("name", "prompts/get", name), ("uri", "resources/read", uri)];
            let named = named.into_iter().filter_map(|(member, use_of, raw)| Some((member, use_of, raw?)));
            named
                .map(|(member, use_of, raw)| {
                    let text: String = serde_json::from_str(raw.get())
                        .map_err(|_| format!("member `{member}` of `ref` must be a string"))?;
                    let call = Call::probe(use_of, &text);
                    budget
                        .spend_call()
                        .and_then(|()| call.spend_target(budget))
                        .map_err(|error| error.to_string())?;
                    check_text(member, &text)?;
                    Ok(call)
                })
                .collect()
        }
        _ => Ok(Vec::new()),
    }
}

/// The known members of an object that is as strictly read as the message around it.
fn members<'a, const N: usize>(
    raw: &'a RawValue,
    names: &'static [&'static str; N],
    budget: &mut Budget,
) -> Result<[Option<&'a RawValue>; N], String> {
    let mut json = serde_json::Deserializer::from_str(raw.get());
    Known { names, budget }.deserialize(&mut json).map_err(|error| without_values(&error))
}

/// A list of URIs, or null, as far as one message may have so many.
struct UrisVisitor<'a>(&'a mut Budget);

impl<'de> Visitor<'de> for UrisVisitor<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_unit<E>(self) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut uris: Vec<String> = Vec::new();
        while let Some(uri) = list.next_element::<String>()? {
            self.0.spend_call().map_err(A::Error::custom)?;
            self.0.spend_uri(&uri).map_err(A::Error::custom)?;
            uris.push(uri);
        }
        Ok(uris)
    }
}

/// `params`: an object whose few deciding members are read, or an array (never used by MCP), or null.
struct AnyParams<'a>(&'a mut Budget);

impl<'de> DeserializeSeed<'de> for AnyParams<'_> {
    type Value = Given;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Given, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyParams<'_> {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Given, E> {
        Ok(Given::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Given, A::Error> {
        Err(A::Error::custom("positional `params` are not used by MCP"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        const KNOWN: [&str; 7] = ["name", "arguments", "uri", "taskId", "_meta", "notifications", "ref"];
        let (mut names, mut given) = (Names::new(&KNOWN), Given::default());
        while let Some(Key(key)) = map.next_key()? {
            names.check(&key, self.0)?;
            match key.as_ref() {
                "name" => given.name = Some(map.next_value()?),
                "uri" => given.uri = Some(map.next_value()?),
                "taskId" => given.task_id = Some(map.next_value()?),
                "_meta" => given.protocol_version = map.next_value::<Meta>()?.0,
                "notifications" => given.notifications = Some(map.next_value()?),
                "ref" => given.reference = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(given)
    }
}

/// A string that can be read, or anything else.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// `_meta`, of which only the protocol version matters.
struct Meta(Option<String>);

impl<'de> Deserialize<'de> for Meta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Known {
            #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
            protocol_version: Option<String>,
        }
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('{') {
            return Ok(Self(None));
        }
        let known: Known = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        Ok(Self(known.protocol_version))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn single(body: &str) -> Call {
        match Message::parse(body.as_bytes()) {
            Ok(Message::Single(call)) => call,
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn reads_method_and_target() {
        let call = single(
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"whoami","arguments":{"name":"x"}}}"#,
        );
        assert_eq!((call.method(), call.target()), ("tools/call", Some("whoami")));
        assert_eq!(call.id().map(RawValue::get), Some("7"));
        let call =
            single(r#"{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":"file:///x"}}"#);
        assert_eq!(call.target(), Some("file:///x"));
        let call = single(
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        assert_eq!(call.protocol_version(), Some("2026-07-28"));
    }

    #[test]
    fn escapes_cannot_hide_a_method_or_a_tool() {
        let call = single(
            r#"{"jsonrpc":"2.0","id":7,"\u006dethod":"tools\/call","params":{"n\u0061me":"\u0061dmin_x"}}"#,
        );
        assert_eq!((call.method(), call.target()), ("tools/call", Some("admin_x")));
    }

    #[test]
    fn whatever_two_parsers_could_read_differently_is_refused() {
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","NAME":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"},"param\u017f":{"name":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["a"]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a\u0000"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"pi\u007fng"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"} {"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
            "[]",
            "",
            "7",
            r#""ping""#,
        ] {
            assert!(Message::parse(body.as_bytes()).is_err(), "{body} was accepted");
        }
        assert!(Message::parse(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xff\"}").is_err());
        assert!(Message::parse(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\0").is_err());
    }

    #[test]
    fn errors_answer_every_request_and_no_notification() {
        let batch = Message::parse(
            br#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","id":"x","method":"c"}]"#,
        )
        .unwrap();
        let body = String::from_utf8(batch.error_body(5, "no").unwrap()).unwrap();
        assert_eq!(
            body,
            r#"[{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"no"}},{"jsonrpc":"2.0","id":"x","error":{"code":5,"message":"no"}}]"#
        );
        let note = Message::parse(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).unwrap();
        assert!(note.error_body(5, "no").is_none());
    }

    proptest! {
        #[test]
        fn total_on_any_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Message::parse(&body);
        }

        #[test]
        fn total_on_json_like_text(body in r#"[\[\]{}",:\\a-z0-9 ]{0,120}"#) {
            let _ = Message::parse(body.as_bytes());
        }
    }
}
