//! Event streams, event by event as they arrive: each one's data passes the list filter, the rest goes on as it is.

use super::filter::{Filter, FilterError, MAX_FILTERED, in_place_of, text_of};
use crate::sse::{Cuts, field, fields, lines};

/// Takes a byte stream apart into SSE events and filters each event's data. What stands between events, as heartbeats do,
/// does not wait for the next one (TR-06).
pub(crate) struct SseFilter {
    pub(crate) filter: Filter,
    pending: Vec<u8>,
    /// How much of it has gone on.
    done: usize,
    /// How far it has been looked at: an event of many chunks is not read again for each.
    read: usize,
    cuts: Cuts,
    /// Whether anything has gone on.
    has_begun: bool,
}

impl SseFilter {
    pub(crate) fn new(filter: Filter) -> Self {
        Self { filter, pending: Vec::new(), done: 0, read: 0, cuts: Cuts::default(), has_begun: false }
    }

    /// `chunk` arrived.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.pending.drain(..self.done);
        self.read -= self.done;
        self.done = 0;
        self.pending.extend_from_slice(chunk);
    }

    /// The bytes that may go on by now; an unfinished event waits. After an error the event that caused it is still there.
    pub(crate) fn passed(&mut self) -> Result<Vec<u8>, FilterError> {
        let mut out = Vec::new();
        loop {
            let mut cuts = self.cuts;
            let Some(length) = cuts.next(self.pending.get(self.read..).unwrap_or_default()) else {
                (self.cuts, self.read) = (cuts, self.pending.len());
                break;
            };
            let end = self.read + length;
            match self.event(self.pending.get(self.done..end).unwrap_or_default()) {
                Ok(bytes) => out.extend_from_slice(&bytes),
                // What went before neither waits nor is lost: whoever asks again gets the error.
                Err(_) if !out.is_empty() => return Ok(out),
                Err(error) => return Err(error),
            }
            (self.cuts, self.read, self.done) = (cuts, end, end);
            self.has_begun = true;
        }
        if out.is_empty() && self.pending.len() - self.done > MAX_FILTERED {
            return Err(FilterError::TooLarge);
        }
        Ok(out)
    }

    /// What is left when the stream ends. An event without its blank line is no event (WHATWG SSE §9.2.6), and must not
    /// become one here.
    pub(crate) fn rest(&mut self) -> Result<Vec<u8>, FilterError> {
        let rest = self.event(self.pending.get(self.done..).unwrap_or_default())?;
        self.done = self.pending.len();
        Ok(rest)
    }

    fn event(&self, event: &[u8]) -> Result<Vec<u8>, FilterError> {
        let text = text_of(event)?;
        if has_odd_mark(text, self.has_begun) {
            return Err(FilterError::Ambiguous("data".to_owned()));
        }
        let data: Vec<&str> =
            fields(text).filter(|(name, _)| *name == "data").map(|(_, data)| data).collect();
        let data = data.join("\n");
        // A reader of JSON may skip a byte order mark.
        let data = data.trim_start().trim_start_matches('\u{feff}');
        if !data.trim_start().starts_with(['{', '[']) {
            return Ok(event.to_vec());
        }
        let data = match self.filter.json(data) {
            Ok(None) => return Ok(event.to_vec()),
            Ok(Some(filtered)) => filtered,
            Err(error @ (FilterError::Unreadable(_) | FilterError::Ambiguous(_))) if is_whole(text) => {
                let Some(answer) = in_place_of(data) else { return Err(error) };
                tracing::error!(target: "entragate::policy", reason = %error, "answer withheld: it could not be filtered");
                answer
            }
            Err(error) => return Err(error),
        };
        Ok(with_data(text, &data).into_bytes())
    }
}

/// The event with this line of data in place of its own.
fn with_data(event: &str, data: &str) -> String {
    let mut out = String::with_capacity(data.len() + 64);
    let mut written = false;
    for line in lines(event).filter(|line| !line.is_empty()) {
        if field(line).is_none_or(|(name, _)| name != "data") {
            out.push_str(line);
            out.push('\n');
        } else if !written {
            written = true;
            out.push_str("data: ");
            out.push_str(data);
            out.push('\n');
        }
    }
    if is_whole(event) {
        out.push('\n');
    }
    out
}

/// Whether a line begins with a byte order mark elsewhere than at the beginning of the stream, where it means nothing: some
/// readers skip it there too, and to others it makes the line one that they do not know.
fn has_odd_mark(event: &str, has_begun: bool) -> bool {
    let first = if has_begun { event } else { event.strip_prefix('\u{feff}').unwrap_or(event) };
    lines(first).any(|line| line.starts_with('\u{feff}'))
}

/// Whether it ends with its blank line.
fn is_whole(event: &str) -> bool {
    let ended = event.strip_suffix("\r\n").or_else(|| event.strip_suffix(['\n', '\r']));
    ended.is_some_and(|line| line.is_empty() || line.ends_with(['\n', '\r']))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::idp::entra::groups::Unread;
    use crate::policy::filter::tests::{KEPT, LIST, filter};

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
    fn a_byte_order_mark_hides_no_line_from_the_filter() {
        for stream in [
            format!(": hi\n\n\u{feff}data: x\ndata: {LIST}\n\n"),
            format!("id: 1\n\u{feff}data: x\ndata: {LIST}\n\n"),
            format!("\u{feff}\u{feff}data: x\ndata: {LIST}\n\n"),
        ] {
            let mut sse = SseFilter::new(filter());
            sse.feed(stream.as_bytes());
            let passed = sse.passed().and_then(|first| Ok([first, sse.passed()?].concat()));
            assert!(matches!(passed, Err(FilterError::Ambiguous(_))), "{stream:?} {passed:?}");
        }
        let mut sse = SseFilter::new(filter());
        sse.feed(format!("\u{feff}data: {LIST}\n\n").as_bytes());
        let passed = String::from_utf8(sse.passed().unwrap()).unwrap();
        assert!(passed.contains(KEPT) && !passed.contains("admin_delete"), "{passed}");
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

    /// What comes out of a stream, and whether it ends with an error.
    fn through(stream: &str) -> (String, bool) {
        let mut sse = SseFilter::new(filter());
        sse.feed(stream.as_bytes());
        let mut out = Vec::new();
        let failed = loop {
            match sse.passed() {
                Ok(bytes) if bytes.is_empty() => break false,
                Ok(bytes) => out.extend(bytes),
                Err(_) => break true,
            }
        };
        let rest = if failed { Ok(Vec::new()) } else { sse.rest() };
        let failed = failed || rest.is_err();
        out.extend(rest.unwrap_or_default());
        (String::from_utf8(out).unwrap(), failed)
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_replaced_and_only_a_stream_in_doubt_ends() {
        let event = |data: &str| format!("event: message\nid: 7\ndata: {data}\n\n");
        let good = event(r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#);
        let error = |id: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"The MCP server's answer could not be read"}}}}"#
            )
        };
        for (unreadable, id) in [
            (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"admin_x","x":NaN}]}}"#, "1"),
            (
                r#"{"jsonrpc":"2.0","id":"a\"b","result":{"tools":[{"name":"admin_x"}],"tools":[]}}"#,
                r#""a\"b""#,
            ),
            (r#"{"jsonrpc":"2.0","id":-1,"result":{"Tools":[{"name":"admin_x"}]}}"#, "-1"),
        ] {
            let stream = format!("{good}{}{good}", event(unreadable));
            assert_eq!(
                through(&stream),
                (format!("{good}{}{good}", event(&error(id))), false),
                "{unreadable}"
            );
        }
        // No id, several, one that is none, or not an answer: somebody else's request must not fail for it.
        for unreadable in [
            r#"{"jsonrpc":"2.0","result":{"tools":[NaN]},"id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{"tools":[NaN]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"ID":2,"result":{"tools":[NaN]}}"#,
            r#"{"jsonrpc":"2.0","id":[1],"result":{"tools":[NaN]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"params":{"tools":"result","x":NaN}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{"tools":[NaN]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"r\u00zzsult":{"tools":[NaN]}}"#,
            r#"[{"jsonrpc":"2.0","id":1,"result":{"tools":[NaN]}}]"#,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[\0]}}",
        ] {
            let stream = format!("{good}{}{good}", event(unreadable));
            assert_eq!(through(&stream), (good.clone(), true), "{unreadable}");
        }
        // What is not the answer to a list passes, whatever else it is.
        for other in [
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"3 tools, loss NaN","v":NaN}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"caf\u00e9 \ud83d\ude00","v":NaN}]}}"#,
        ] {
            let stream = format!("{good}{}{good}", event(other));
            assert_eq!(through(&stream), (stream.clone(), false));
        }
    }

    #[test]
    fn an_unfinished_event_does_not_become_one() {
        for end in ["", "\n", "\r\n", "\r"] {
            let (out, failed) = through(&format!(": hi\n\nid: 7\ndata: {LIST}{end}"));
            assert_eq!((out, failed), (format!(": hi\n\nid: 7\ndata: {KEPT}\n"), false), "{end:?}");
            // Not by an answer in its place, either.
            let cut = format!("data: {}{end}", r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[NaN"#);
            assert_eq!(through(&cut), (String::new(), true), "{end:?}");
        }
        for end in ["\r\r", "\n\r"] {
            assert_eq!(through(&format!("data: {LIST}{end}")).0, format!("data: {KEPT}\n\n"), "{end:?}");
        }
    }

    #[test]
    fn what_came_before_something_too_large_goes_on() {
        let good = "data: {}\n\n";
        let stream = format!("{good}data: {}", "x".repeat(MAX_FILTERED));
        assert_eq!(through(&stream), (good.to_owned(), true));
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
