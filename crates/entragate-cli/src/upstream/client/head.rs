//! The head of an answer (RFC 9112 §4–§6): what it says, where its body ends, whether the connection can go on.

use std::mem::MaybeUninit;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Version};
use httparse::{Header, ParserConfig, Status};
use hyper::ext::ReasonPhrase;

use super::framing::Framing;
use super::hop::{HopByHop, tokens};
use super::wire_error::WireError;

/// As many headers as an answer may have.
const MOST_HEADERS: usize = 100;
/// As many bytes as its head may have.
pub(super) const MOST_BYTES: usize = 64 * 1024;

/// An answer whose body has not been read, without the headers that belong to its connection.
pub(super) struct Head {
    pub(super) response: Response<()>,
    pub(super) framing: Framing,
    /// The server takes another request on this connection.
    pub(super) is_kept: bool,
}

/// Takes the head out of `read` when it is all there. Interim answers (1xx) are passed over. RFC 9110 §15.2 wants a
/// proxy to forward them; MCP uses none, and hyper's server cannot send one (docs/decisions/0019-what-passes-unchanged.md).
pub(super) fn take(read: &mut BytesMut, asked: &Method) -> Result<Option<Head>, WireError> {
    loop {
        let Some(length) = length_of(read)? else {
            return if read.len() < MOST_BYTES { Ok(None) } else { Err(WireError::TooLarge) };
        };
        if let Some(head) = parsed(&read.split_to(length).freeze(), asked)? {
            return Ok(Some(head));
        }
    }
}

/// How long the head is, if it is all there. What cannot become one is refused at once.
fn length_of(read: &mut BytesMut) -> Result<Option<usize>, WireError> {
    // Empty lines before it mean nothing (RFC 9112 §2.2).
    while let [b'\r', b'\n', ..] | [b'\n', ..] = &read[..] {
        read.advance(if read.starts_with(b"\n") { 1 } else { 2 });
    }
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\n', read.get(from..).unwrap_or_default()) {
        from += at + 1;
        let length = match read.get(from..) {
            Some([b'\n', ..]) => from + 1,
            Some([b'\r', b'\n', ..]) => from + 2,
            _ => continue,
        };
        return if length > MOST_BYTES { Err(WireError::TooLarge) } else { Ok(Some(length)) };
    }
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    match ParserConfig::default().parse_response_with_uninit_headers(&mut response, read, &mut headers)? {
        Status::Complete(length) => Ok(Some(length)),
        Status::Partial => Ok(None),
    }
}

/// What a whole head says, of which every header value is a part and no copy; `None` when it is an interim one.
fn parsed(head: &Bytes, asked: &Method) -> Result<Option<Head>, WireError> {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let status =
        ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, head, &mut headers)?;
    if status.is_partial() {
        return Err(WireError::Malformed("its head ends in the middle of a line"));
    }
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(WireError::Malformed("its status is none"))?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(None);
    }
    let is_old = parsed.version == Some(0);
    let framing = framing(status, parsed.headers, is_old, asked)?;
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.version_mut() = if is_old { Version::HTTP_10 } else { Version::HTTP_11 };
    // Only what differs from the usual phrase: it is written as it came.
    if let Some(reason) = parsed.reason
        && status.canonical_reason() != Some(reason)
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        response.extensions_mut().insert(reason);
    }
    let is_kept = !matches!(framing, Framing::UntilClose)
        && !is_doubtful(status, parsed.headers)
        && status != StatusCode::SWITCHING_PROTOCOLS
        && !says(parsed.headers, b"close")
        && (!is_old || says(parsed.headers, b"keep-alive"));
    let has_length = !matches!(framing, Framing::Chunked(_)) && status != StatusCode::NO_CONTENT;
    pass_on(head, parsed.headers, has_length, &mut response)?;
    Ok(Some(Head { response, framing, is_kept }))
}

/// What the server says to the client.
fn pass_on(
    head: &Bytes,
    headers: &[Header<'_>],
    has_length: bool,
    response: &mut Response<()>,
) -> Result<(), WireError> {
    let hop = HopByHop::named_by(values(headers, "connection"));
    let map = response.headers_mut();
    map.reserve(headers.len());
    let mut wants_length = has_length;
    for header in headers {
        // Chunks count, and nobody behind us may think otherwise; a 204 may have none. `5, 5` and `05` mean what the framing
        // says, and clients refuse them, so it is written anew (RFC 9110 §8.6).
        let is_length = header.name.eq_ignore_ascii_case("content-length");
        if is_length && !(wants_length && is_plain(header.value)) || hop.has(header.name) {
            continue;
        }
        wants_length &= !is_length;
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_maybe_shared(head.slice_ref(header.value));
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(WireError::Malformed("a header holds characters that none may hold"));
        };
        map.append(name, value);
    }
    Ok(())
}

/// Whether a length is written as everybody writes it.
pub(super) fn is_plain(length: &[u8]) -> bool {
    match length {
        b"0" => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether the server contradicts itself on where the answer ends: what it sends next may be left of this one.
fn is_doubtful(status: StatusCode, headers: &[Header<'_>]) -> bool {
    let is_chunked = values(headers, "transfer-encoding").next().is_some();
    let mut lengths = values(headers, "content-length");
    if status == StatusCode::NO_CONTENT {
        return is_chunked || lengths.any(|length| length != b"0");
    }
    is_chunked && lengths.next().is_some()
}

/// RFC 9112 §6.3.
fn framing(
    status: StatusCode,
    headers: &[Header<'_>],
    is_old: bool,
    asked: &Method,
) -> Result<Framing, WireError> {
    let has_no_body = *asked == Method::HEAD
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if has_no_body {
        return Ok(Framing::Length(0));
    }
    let mut codings = values(headers, "transfer-encoding");
    if let Some(only) = codings.next() {
        let is_chunked = only.trim_ascii().eq_ignore_ascii_case(b"chunked");
        if is_old || codings.next().is_some() || !is_chunked {
            return Err(WireError::Malformed("of the transfer codings only `chunked` is understood"));
        }
        return Ok(Framing::chunked());
    }
    match length(headers)? {
        Some(length) => Ok(Framing::Length(length)),
        None => Ok(Framing::UntilClose),
    }
}

/// What `Content-Length` says, however often it says it.
fn length(headers: &[Header<'_>]) -> Result<Option<u64>, WireError> {
    const DISAGREE: WireError = WireError::Malformed("its length is no number, or several");
    let mut found = None;
    for member in values(headers, "content-length").flat_map(|value| value.split(|byte| *byte == b',')) {
        let digits = member.trim_ascii();
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let number =
            std::str::from_utf8(digits).ok().filter(|_| is_number).and_then(|text| text.parse().ok());
        let number: u64 = number.ok_or(DISAGREE)?;
        if found.is_some_and(|before| before != number) {
            return Err(DISAGREE);
        }
        found = Some(number);
    }
    Ok(found)
}

/// Whether `Connection` has this option.
fn says(headers: &[Header<'_>], option: &[u8]) -> bool {
    values(headers, "connection").flat_map(tokens).any(|one| one.eq_ignore_ascii_case(option))
}

/// Every value of a header.
fn values<'a>(headers: &'a [Header<'a>], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_LENGTH;

    use super::*;

    fn taken(text: &str, asked: &Method) -> Result<Option<Head>, WireError> {
        take(&mut BytesMut::from(text), asked)
    }

    #[track_caller]
    fn framed(headers: &str) -> (Framing, bool) {
        let head = taken(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n"), &Method::POST).unwrap().unwrap();
        (head.framing, head.is_kept)
    }

    #[test]
    fn a_head_is_taken_when_it_is_whole_and_what_follows_stays() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Two: a\r\nX-Two: b\r\n\r\nhi";
        for end in 0..text.len() - 2 {
            let mut read = BytesMut::from(&text[..end]);
            assert!(take(&mut read, &Method::GET).unwrap().is_none(), "{end}");
            assert_eq!(read.len(), end);
        }
        let mut read = BytesMut::from(text);
        let head = take(&mut read, &Method::GET).unwrap().unwrap();
        assert_eq!(head.response.headers().get_all("x-two").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((&read[..], head.framing, head.is_kept), (&b"hi"[..], Framing::Length(2), true));
    }

    #[test]
    fn interim_answers_are_passed_over() {
        let interim = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
        let head =
            taken(&format!("{interim}HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"), &Method::POST);
        assert_eq!(head.unwrap().unwrap().response.status(), 202);
        assert!(taken(interim, &Method::POST).unwrap().is_none());
    }

    #[test]
    fn where_the_body_ends_is_known_before_it_is_read() {
        for (headers, expected) in [
            ("content-length: 5\r\n", (Framing::Length(5), true)),
            ("content-length: 5, 5\r\ncontent-length: 5\r\n", (Framing::Length(5), true)),
            ("transfer-encoding: Chunked\r\n", (Framing::chunked(), true)),
            ("transfer-encoding: chunked\r\ncontent-length: 5\r\n", (Framing::chunked(), false)),
            ("content-length: 5\r\nconnection: x, Close\r\n", (Framing::Length(5), false)),
            ("", (Framing::UntilClose, false)),
        ] {
            assert_eq!(framed(headers), expected, "{headers}");
        }
        let both =
            taken("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n", &Method::GET);
        assert!(both.unwrap().unwrap().response.headers().is_empty());
    }

    #[test]
    fn a_length_is_passed_on_once_and_as_everybody_writes_it() {
        for (headers, passed) in [
            ("content-length: 36\r\n", vec!["36"]),
            ("content-length: 0\r\n", vec!["0"]),
            ("content-length: 36\r\ncontent-length: 36\r\n", vec!["36"]),
            ("content-length: 036\r\nContent-Length: 36\r\n", vec!["36"]),
            ("content-length: 36, 36\r\n", vec![]),
            ("content-length: 36, 036\r\n", vec![]),
            ("content-length: 036\r\n", vec![]),
            ("content-length: 00\r\n", vec![]),
        ] {
            let head = taken(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n"), &Method::POST).unwrap().unwrap();
            assert_eq!(
                head.response.headers().get_all(CONTENT_LENGTH).iter().collect::<Vec<_>>(),
                passed,
                "{headers}"
            );
        }
        // Nobody counts what has no body, so nothing but a number may stand there.
        for length in ["5, 5", "x", "99999999999999999999"] {
            let head = taken(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"), &Method::HEAD);
            assert!(head.unwrap().unwrap().response.headers().is_empty(), "{length}");
        }
    }

    #[test]
    fn an_answer_that_two_readers_could_frame_differently_is_refused() {
        for headers in [
            "content-length: 5\r\ncontent-length: 6\r\n",
            "content-length: 5, 6\r\n",
            "content-length: +5\r\n",
            "content-length: 0x5\r\n",
            "content-length: -1\r\n",
            "content-length: 5 5\r\n",
            "content-length:\r\n",
            "content-length: 99999999999999999999\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: chunked, identity\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: identity\r\n",
            "transfer-encoding: x\u{b}chunked\r\n",
            "content-length : 5\r\n",
            "x: a\r\n b\r\n",
            "no colon\r\n",
        ] {
            assert!(taken(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n"), &Method::POST).is_err(), "{headers}");
        }
        assert!(taken("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &Method::POST).is_err());
        assert!(taken("HTTP/2 200 OK\r\n\r\n", &Method::POST).is_err());
        assert!(taken("SSH-2.0-OpenSSH_9.2\r\n\r\n", &Method::POST).is_err());
    }

    #[test]
    fn some_answers_have_no_body_whatever_their_headers_say() {
        let with = |status: &str, asked| {
            let head =
                taken(&format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\n"), &asked).unwrap().unwrap();
            (head.framing, head.response.headers().contains_key(CONTENT_LENGTH), head.is_kept)
        };
        // The server may send one all the same.
        assert_eq!(with("204 No Content", Method::POST), (Framing::Length(0), false, false));
        assert_eq!(with("304 Not Modified", Method::GET), (Framing::Length(0), true, true));
        assert_eq!(with("200 OK", Method::HEAD), (Framing::Length(0), true, true));
        let empty = taken("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", &Method::POST);
        assert!(empty.unwrap().unwrap().is_kept);
    }

    #[test]
    fn headers_of_the_servers_connection_stay_behind() {
        let text = "HTTP/1.1 200 OK\r\nConnection: X-One, keep-alive\r\nX-One: 1\r\nKeep-Alive: timeout=5\r\n\
                    Upgrade: h2c\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\nX-Two: 2\r\n\r\n";
        let head = taken(text, &Method::POST).unwrap().unwrap();
        let names: Vec<_> = head.response.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!((names, head.is_kept), (vec!["content-length", "x-two"], true));
    }

    #[test]
    fn empty_lines_before_a_head_mean_nothing() {
        for before in ["\r\n", "\r\n\r\n", "\n"] {
            let head = taken(&format!("{before}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), &Method::GET);
            assert_eq!(head.unwrap().unwrap().response.status(), 200);
            assert!(taken(before, &Method::GET).unwrap().is_none());
        }
        assert!(taken("HTTP/1.1 200 OK\ncontent-length: 0\n\n", &Method::GET).unwrap().is_some());
    }

    #[test]
    fn http_1_0_ends_with_the_connection_unless_it_says_otherwise() {
        let kept = |headers: &str| {
            taken(&format!("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n{headers}\r\n"), &Method::GET)
                .unwrap()
                .unwrap()
                .is_kept
        };
        assert!(!kept(""));
        assert!(kept("connection: Keep-Alive\r\n"));
    }

    #[test]
    fn a_head_without_an_end_is_not_kept_for_ever() {
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MOST_BYTES));
        assert!(matches!(taken(&endless, &Method::GET), Err(WireError::TooLarge)));
        for (length, is_taken) in [(MOST_BYTES, true), (MOST_BYTES + 1, false)] {
            let start = "HTTP/1.1 200 OK\r\nx: ";
            let head = format!("{start}{}\r\n\r\n", "y".repeat(length - start.len() - 4));
            assert_eq!(taken(&head, &Method::GET).is_ok(), is_taken, "all at once");
            let last_but_one = taken(&head[..length - 1], &Method::GET);
            assert_eq!(matches!(last_but_one, Ok(None)), is_taken, "and in two");
        }
        let many = "a: b\r\n".repeat(MOST_HEADERS + 1);
        assert!(taken(&format!("HTTP/1.1 200 OK\r\n{many}\r\n"), &Method::GET).is_err());
    }
}
