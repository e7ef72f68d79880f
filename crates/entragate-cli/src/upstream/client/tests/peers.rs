//! Answers as hyper's client reads them. What it takes for an answer, we take for the same one, or refuse for a reason that
//! has a name here (docs/decisions/0022); what it refuses, we refuse.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::super::framing::may_come_late;
use super::super::head::is_plain;
use super::super::hop::HopByHop;
use super::hostile::{Answer, answer};
use super::reading::{End, Heard, Pieces, Then};

/// Times as many as proptest tries of itself, or `PROPTEST_CASES` says.
const MANY: u32 = 4;

/// Longer than any exchange takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than hyper needs to read an answer that has come.
const TURNS: usize = 50;

/// A complete answer, as hyper reads it.
struct Theirs {
    head: Response<()>,
    body: Bytes,
    trailers: HeaderMap,
    /// It would send another request on this connection.
    is_kept: bool,
}

async fn collected(
    sender: &mut SendRequest<Empty<Bytes>>,
    asked: &Method,
) -> hyper::Result<(Response<()>, Bytes, HeaderMap)> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = asked.clone();
    let (parts, body): (_, Incoming) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    Ok((Response::from_parts(parts, ()), body.to_bytes(), trailers))
}

async fn by_hyper(bytes: &[u8], then: Then, asked: &Method) -> Option<Theirs> {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let (mut sender, connection) = handshake(TokioIo::new(near)).await.unwrap();
    let asking = async {
        let (head, body, trailers) = collected(&mut sender, asked).await.ok()?;
        let is_kept = then == Then::Waits && sender.ready().await.is_ok();
        drop(sender);
        Some(Theirs { head, body, trailers, is_kept })
    };
    let answering = async {
        assert!(far.read(&mut [0; 1024]).await.unwrap() > 0);
        drop(far.write_all(bytes).await); // it may have heard enough
        if then == Then::Waits {
            // Nothing but the two of them is there to be waited for.
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        }
        drop(far.shutdown().await);
    };
    let (theirs, _, ()) = tokio::join!(asking, connection, answering);
    theirs
}

/// Whether there is a reason why we refuse what hyper takes.
fn is_stricter_on_purpose(refused: &str, bytes: &[u8]) -> bool {
    let has_digits = |many: usize| bytes.windows(many).any(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    match refused {
        // hyper reads other codings to the end of the connection, or passes them on undone.
        r#"Malformed("of the transfer codings only `chunked` is understood")"#
        // It goes on to the next CR LF, others end there.
        | r#"Malformed("a trailer does not end in CR LF")"#
        // It takes 100 trailers.
        | "Unreadable(TooManyHeaders)" => true,
        // It takes more than 16 digits when the first are zeros.
        r#"Malformed("the size of a chunk is no number")"# => has_digits(17),
        _ => false,
    }
}

fn assert_same(ours: &Heard, theirs: &Theirs) {
    let head = ours.head.as_ref().unwrap();
    let mut headers = theirs.head.headers().clone();
    if headers.contains_key(TRANSFER_ENCODING) && !head.headers().contains_key(CONTENT_LENGTH) {
        headers.remove(CONTENT_LENGTH); // two lengths are one too many
    }
    if head.status() == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH); // RFC 9110 §8.6
    }
    // Once, and as everybody writes it, or not at all: the framing says the same.
    let lengths: Vec<HeaderValue> = headers.get_all(CONTENT_LENGTH).iter().cloned().collect();
    headers.remove(CONTENT_LENGTH);
    headers.extend(
        lengths.into_iter().find(|length| is_plain(length.as_bytes())).map(|length| (CONTENT_LENGTH, length)),
    );
    let connection = theirs.head.headers().get_all(CONNECTION).into_iter().map(HeaderValue::as_bytes);
    let hop = HopByHop::named_by(connection);
    theirs.head.headers().keys().filter(|name| hop.has(name.as_str())).for_each(|name| {
        headers.remove(name);
    });
    let reason = |head: &Response<()>| head.extensions().get::<ReasonPhrase>().cloned();
    assert_eq!((head.status(), head.version()), (theirs.head.status(), theirs.head.version()));
    assert_eq!(reason(head), reason(&theirs.head));
    assert_eq!(head.headers(), &headers);
    let mut trailers = theirs.trailers.clone();
    theirs.trailers.keys().filter(|name| !may_come_late(name.as_str())).for_each(|name| {
        trailers.remove(name);
    });
    assert_eq!((&ours.body[..], &ours.trailers), (&theirs.body[..], &trailers));
}

async fn compare(bytes: &[u8], asked: &Method) {
    let ours = |then| Pieces { pieces: &[bytes], then }.read(asked);
    let is_kept = |ours: &Heard| ours.end == End::Whole && ours.is_kept && ours.left == 0;
    let then = if is_kept(&ours(Then::Waits)) { Then::Waits } else { Then::Closes };
    let ours = ours(then);
    match (&ours.end, by_hyper(bytes, then, asked).await) {
        (End::Whole, Some(theirs)) => {
            assert_same(&ours, &theirs);
            assert!(theirs.is_kept || then == Then::Closes, "used again against hyper's judgement");
        }
        (End::Refused(why), Some(_)) => assert!(is_stricter_on_purpose(why, bytes), "refused: {why}"),
        (end, Some(_)) => panic!("complete for hyper, {end:?} for us"),
        (End::Whole, None) => panic!("complete for us, not for hyper"),
        (_, None) => {}
    }
}

#[test]
fn what_hyper_takes_for_an_answer_is_the_same_answer_or_refused_for_a_reason() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config =
        Config { cases: MANY * Config::default().cases, failure_persistence: None, ..Config::default() };
    let asked = select(vec![Method::POST, Method::GET, Method::HEAD]);
    TestRunner::new(config)
        .run(&(answer(), asked), |(Answer(bytes), asked)| {
            let comparing = async { timeout(PATIENCE, compare(&bytes, &asked)).await };
            runtime.block_on(comparing).expect("hyper does not hang");
            Ok(())
        })
        .unwrap();
}
