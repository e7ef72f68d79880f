//! The whole client against a server that answers anything: it never hangs, it reads what its readers read, and it uses a
//! connection again only when it is known that nothing of the answer is left on it.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::ext::ReasonPhrase;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::super::{Client, Connector, SendError};
use super::hostile::{Answer, answer, cut, cuts};
use super::outgoing;
use super::reading::{End, Heard, Pieces, Then};

/// Longer than any exchange takes.
const PATIENCE: Duration = Duration::from_secs(10);
const SECOND: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecond";

/// When the caller stops reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    ToTheEnd,
    TheHead,
}

#[derive(Debug, Clone)]
struct Case {
    answer: Answer,
    /// None: byte by byte.
    cuts: Option<Vec<Index>>,
    asked: Method,
    then: Then,
    reads: Reads,
}

fn cases() -> impl Strategy<Value = Case> {
    let asked = select(vec![Method::POST, Method::GET, Method::HEAD]);
    let then = select(vec![Then::Closes, Then::Waits]);
    let reads = prop_oneof![4 => Just(Reads::ToTheEnd), 1 => Just(Reads::TheHead)];
    (answer(), prop::option::of(cuts()), asked, then, reads)
        .prop_map(|(answer, cuts, asked, then, reads)| Case { answer, cuts, asked, then, reads })
}

/// What the caller got.
struct Got {
    head: Response<()>,
    body: Vec<u8>,
    trailers: HeaderMap,
    is_whole: bool,
}

async fn ask(client: &Client, asked: &Method, reads: Reads) -> Result<Got, SendError> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = asked.clone();
    let (parts, mut body) = client.send(outgoing(request)).await?.into_parts();
    let head = Response::from_parts(parts, ());
    let mut got = Got { head, body: Vec::new(), trailers: HeaderMap::new(), is_whole: true };
    while reads == Reads::ToTheEnd
        && got.is_whole
        && let Some(frame) = body.frame().await
    {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => got.body.extend_from_slice(&data),
            Ok(Err(frame)) => got.trailers.extend(frame.into_trailers().expect("the other kind of frame")),
            Err(_) => got.is_whole = false,
        }
    }
    Ok(got)
}

/// Whether a request came, which has no body; else the client has closed the connection.
async fn is_asked(wire: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match wire.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return false,
        }
    }
    true
}

/// Sends the pieces one after the other, as far as the client wants them.
async fn send(wire: &mut TcpStream, pieces: &[&[u8]], then: Then) -> io::Result<()> {
    for piece in pieces {
        wire.write_all(piece).await?;
        // The client's turn, which has seen the piece then.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
    if then == Then::Closes {
        wire.shutdown().await?;
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn assert_same(ours: &Heard, got: &Result<Got, SendError>, reads: Reads) {
    let (Some(head), Ok(got)) = (&ours.head, got) else {
        return assert!(
            ours.head.is_none() && got.is_err(),
            "the client and its readers disagree on the head"
        );
    };
    let reason = |head: &Response<()>| head.extensions().get::<ReasonPhrase>().cloned();
    assert_eq!((got.head.status(), got.head.headers()), (head.status(), head.headers()));
    assert_eq!(reason(&got.head), reason(head));
    if reads == Reads::ToTheEnd {
        assert_eq!((&got.body, &got.trailers), (&ours.body, &ours.trailers));
        assert_eq!(got.is_whole, ours.end == End::Whole);
    }
}

async fn run(case: &Case) {
    let bytes = case.answer.0.as_slice();
    let pieces = case.cuts.as_ref().map_or_else(|| bytes.chunks(1).collect(), |cuts| cut(bytes, cuts));
    let heard = |then| Pieces { pieces: &pieces, then }.read(&case.asked);
    let then = if heard(case.then).end == End::Waiting { Then::Closes } else { case.then };
    let heard = heard(then);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let client = Client::new(server, Connector::new(false, PATIENCE).unwrap());
    let answering = async {
        let mut wire = listener.accept().await.unwrap().0;
        wire.set_nodelay(true).unwrap();
        assert!(is_asked(&mut wire).await);
        drop(send(&mut wire, &pieces, then).await); // it may have heard enough
        wire
    };
    let (got, mut wire) = tokio::join!(ask(&client, &case.asked, case.reads), answering);
    assert_same(&heard, &got, case.reads);

    let again = async {
        let is_used_again = is_asked(&mut wire).await;
        if !is_used_again {
            wire = listener.accept().await.unwrap().0;
            assert!(is_asked(&mut wire).await);
        }
        wire.write_all(SECOND.as_bytes()).await.unwrap();
        is_used_again
    };
    let (second, is_used_again) = tokio::join!(ask(&client, &Method::GET, Reads::ToTheEnd), again);
    assert_eq!(second.unwrap().body, b"second");
    let can_be = heard.end == End::Whole && heard.is_kept && heard.left == 0 && then == Then::Waits;
    match case.reads {
        Reads::ToTheEnd => assert_eq!(is_used_again, can_be),
        Reads::TheHead => assert!(!is_used_again || (can_be && heard.body.is_empty())),
    }
}

#[test]
fn any_answer_has_an_end_and_a_connection_is_used_again_only_with_nothing_on_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&cases(), |case| {
            runtime
                .block_on(async { timeout(PATIENCE, run(&case)).await.expect("the client does not hang") });
            Ok(())
        })
        .unwrap();
}

/// Has no more to say, and does not end.
struct Unfinished(Option<Frame<Bytes>>);

impl http_body::Body for Unfinished {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |frame| Poll::Ready(Some(Ok(frame))))
    }
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_is_whole_and_ends_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let client = Client::new(server, Connector::new(false, PATIENCE).unwrap());
    let asking = async {
        let body = Body::new(Unfinished(Some(Frame::data(Bytes::from_static(b"half")))));
        let answer = client.send(outgoing(Request::post("/").body(body).unwrap())).await.unwrap();
        answer.into_body().collect().await.unwrap().to_bytes()
    };
    let answering = async {
        let mut wire = listener.accept().await.unwrap().0;
        let mut request = Vec::new();
        while !request.ends_with(b"4\r\nhalf\r\n") {
            wire.read_buf(&mut request).await.unwrap();
        }
        wire.write_all(SECOND.as_bytes()).await.unwrap();
        wire
    };
    let (body, mut wire) = timeout(PATIENCE, async { tokio::join!(asking, answering) }).await.unwrap();
    assert_eq!(&body[..], b"second");

    let asking = ask(&client, &Method::GET, Reads::ToTheEnd);
    let answering = async {
        assert!(!is_asked(&mut wire).await, "the server takes it for the rest of the first");
        let mut wire = listener.accept().await.unwrap().0;
        assert!(is_asked(&mut wire).await);
        wire.write_all(SECOND.as_bytes()).await.unwrap();
    };
    let (got, ()) = timeout(PATIENCE, async { tokio::join!(asking, answering) }).await.unwrap();
    assert!(got.unwrap().is_whole);
}
