//! Whatever is sent, a server finds requests in it, as many as were sent, with their headers and bodies and nothing between
//! them.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use httparse::Status;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::super::hop::HopByHop;
use super::super::{Client, Connector};
use super::{HOST, outgoing};

/// Longer than any exchange takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a body does when it is asked.
#[derive(Clone)]
enum Turn {
    Data(Vec<u8>),
    Trailers,
    Waits,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(data) => write!(f, "{} bytes", data.len()),
            Self::Trailers => f.write_str("trailers"),
            Self::Waits => f.write_str("waits"),
        }
    }
}

/// What a body says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// How long it is.
    Length,
    /// That it has ended, as soon as it has.
    End,
    Both,
    Nothing,
}

#[derive(Debug, Clone)]
struct Turns {
    left: VecDeque<Turn>,
    says: Says,
}

impl Turns {
    fn data(&self) -> Vec<u8> {
        let data = self
            .left
            .iter()
            .filter_map(|turn| if let Turn::Data(data) = turn { Some(&data[..]) } else { None });
        data.collect::<Vec<_>>().concat()
    }
}

impl http_body::Body for Turns {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.left.pop_front() {
            Some(Turn::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data.into())))),
            Some(Turn::Trailers) => {
                let trailers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("5"))]);
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Some(Turn::Waits) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.says, Says::End | Says::Both) && self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.says {
            Says::Length | Says::Both => SizeHint::with_exact(self.data().len() as u64),
            Says::End | Says::Nothing => SizeHint::default(),
        }
    }
}

#[derive(Debug, Clone)]
struct Sent {
    method: Method,
    target: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Turns,
}

impl Sent {
    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.iter().cloned().collect();
        request
    }
}

fn headers() -> impl Strategy<Value = Vec<(HeaderName, HeaderValue)>> {
    let name = prop_oneof![
        3 => select(&[
            "content-length", "transfer-encoding", "connection", "te", "trailer", "expect", "host", "upgrade", "keep-alive",
        ][..]).prop_map(str::to_owned),
        3 => "[a-z0-9!#$%&'*+.^_`|~-]{1,12}",
    ];
    let byte = prop_oneof![6 => 0x20..=0x7e_u8, 1 => 0x80..=0xff_u8, 1 => Just(b'\t')];
    let value = prop_oneof![
        2 => select(&["0", "5", "5, 6", "chunked", "gzip, chunked", "close", "keep-alive", "100-continue", "", "\t"][..])
            .prop_map(|value| value.as_bytes().to_vec()),
        3 => prop::collection::vec(byte, 0..40),
        1 => (1000..20_000_usize).prop_map(|length| vec![b'y'; length]),
    ];
    let one = (name, value).prop_map(|(name, value)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(&value).unwrap())
    });
    prop::collection::vec(one, 0..8)
}

fn bodies() -> impl Strategy<Value = Turns> {
    let length = prop_oneof![
        6 => 0..40_usize,
        1 => select(vec![0x1000, 16_383, 16_384, 16_385, 40_000, 300_000]),
    ];
    // What would be a request, if somebody took the end of this one to be elsewhere.
    let smuggled = "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let data = prop_oneof![
        4 => (length, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
        1 => Just(smuggled.as_bytes().to_vec()),
    ];
    let turn = prop_oneof![6 => data.prop_map(Turn::Data), 2 => Just(Turn::Waits), 1 => Just(Turn::Trailers)];
    let says = select(vec![Says::Length, Says::End, Says::Both, Says::Nothing]);
    (prop::collection::vec(turn, 0..6), says).prop_map(|(turns, says)| Turns { left: turns.into(), says })
}

fn requests() -> impl Strategy<Value = Sent> {
    let method = select(vec!["GET", "POST", "POST", "POST", "DELETE", "HEAD", "PUT", "X-OWN"]);
    let target = "/[a-z0-9%/.~!$&'()*+,;=:@_|\"{}-]{0,30}([?][a-z0-9%/.~!$&'()*+,;=:@?-]{0,30})?"
        .prop_filter_map("no target", |target| target.parse::<Uri>().ok());
    (method, target, headers(), bodies()).prop_map(|(method, target, headers, body)| Sent {
        method: method.parse().unwrap(),
        target,
        headers,
        body,
    })
}

/// A request as the server understands it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    line: (String, String),
    /// By name, those of one name in their order, without those that frame the body.
    headers: Vec<(String, Vec<u8>)>,
    lengths: Vec<Vec<u8>>,
    codings: Vec<Vec<u8>>,
    body: Vec<u8>,
}

/// The body, if it is all there, and how long it is on the wire.
fn body(seen: &Seen, rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    match (&seen.lengths[..], &seen.codings[..]) {
        ([], []) => Some((Vec::new(), 0)),
        ([length], []) => {
            let length = std::str::from_utf8(length).unwrap().parse().unwrap();
            Some((rest.get(..length)?.to_vec(), length))
        }
        ([], [coding]) => {
            assert_eq!(coding, b"chunked");
            let (mut body, mut at) = (Vec::new(), 0);
            loop {
                let Status::Complete((line, size)) = httparse::parse_chunk_size(&rest[at..]).unwrap() else {
                    return None;
                };
                let start = at + line;
                let end = start + usize::try_from(size).unwrap();
                assert_eq!(rest.get(end..end + 2)?, b"\r\n");
                body.extend_from_slice(&rest[start..end]);
                at = end + 2;
                if size == 0 {
                    return Some((body, at));
                }
            }
        }
        framing => panic!("the body ends in more than one way: {framing:?}"),
    }
}

/// The first request in these bytes, if it is all there, and where it ends.
fn first(bytes: &[u8]) -> Option<(Seen, usize)> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut fields);
    let Status::Complete(length) = head.parse(bytes).unwrap() else { return None };
    assert_eq!(head.version, Some(1));
    let named = |name: &'static str, is: bool| {
        head.headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name) == is)
    };
    let values = |name| named(name, true).map(|field| field.value.to_vec()).collect();
    let mut headers: Vec<_> = named("content-length", false)
        .filter(|field| !field.name.eq_ignore_ascii_case("transfer-encoding"))
        .map(|field| (field.name.to_owned(), field.value.to_vec()))
        .collect();
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut seen = Seen {
        line: (head.method.unwrap().to_owned(), head.path.unwrap().to_owned()),
        headers,
        lengths: values("content-length"),
        codings: values("transfer-encoding"),
        body: Vec::new(),
    };
    let (body, more) = body(&seen, &bytes[length..])?;
    seen.body = body;
    Some((seen, length + more))
}

/// Answers this many requests, and returns them with what follows the last.
async fn serve(wire: &mut TcpStream, many: usize) -> (Vec<Seen>, Vec<u8>) {
    let (mut bytes, mut all) = (Vec::new(), Vec::new());
    while all.len() < many {
        if let Some((seen, end)) = first(&bytes) {
            bytes.drain(..end);
            all.push(seen);
            assert!(
                bytes.is_empty() || all.len() == many,
                "more than one request before the answer: {}",
                bytes.escape_ascii()
            );
            let close = if all.len() == many { "connection: close\r\n" } else { "" };
            let answer = format!("HTTP/1.1 200 OK\r\n{close}content-length: 0\r\n\r\n");
            wire.write_all(answer.as_bytes()).await.unwrap();
        } else {
            assert!(wire.read_buf(&mut bytes).await.unwrap() > 0, "cut off: {}", bytes.escape_ascii());
        }
    }
    wire.read_to_end(&mut bytes).await.unwrap();
    (all, bytes)
}

fn assert_arrived(sent: &Sent, seen: &Seen) {
    let target = sent.target.path_and_query().unwrap().as_str();
    assert_eq!(seen.line, (sent.method.to_string(), target.to_owned()));
    let connection = sent.headers.iter().filter(|(name, _)| name == "connection");
    let hop = HopByHop::named_by(connection.map(|(_, value)| value.as_bytes()));
    let mut headers: Vec<(String, Vec<u8>)> = sent
        .headers
        .iter()
        .filter(|(name, _)| name != CONTENT_LENGTH && name != "host" && !hop.has(name.as_str()))
        .map(|(name, value)| (name.to_string(), value.as_bytes().trim_ascii().to_vec()))
        .collect();
    headers.push(("host".to_owned(), HOST.as_bytes().to_vec()));
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(seen.headers, headers);
    assert!(seen.body == sent.body.data(), "the body changed");
}

/// A client, and where it connects to.
async fn client() -> (Client, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    (Client::new(server, Connector::new(false, PATIENCE).unwrap()), listener)
}

async fn run(sent: &[Sent]) {
    let (client, listener) = client().await;
    let asking = async {
        for sent in sent {
            client.send(outgoing(sent.request())).await.unwrap().into_body().collect().await.unwrap();
        }
    };
    // All on one connection.
    let answering = async { serve(&mut listener.accept().await.unwrap().0, sent.len()).await };
    let ((), (seen, rest)) = tokio::join!(asking, answering);
    assert_eq!(rest.escape_ascii().to_string(), "");
    sent.iter().zip(&seen).for_each(|(sent, seen)| assert_arrived(sent, seen));
}

#[test]
fn any_request_arrives_as_the_one_that_it_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(requests(), 1..4), |sent| {
            runtime
                .block_on(async { timeout(PATIENCE, run(&sent)).await.expect("the client does not hang") });
            Ok(())
        })
        .unwrap();
}

/// What comes when it is read, once; and what it says before of its length.
struct Odd(Option<Result<Frame<Bytes>, &'static str>>, SizeHint);

impl http_body::Body for Odd {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take())
    }

    fn size_hint(&self) -> SizeHint {
        self.1
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_it_says_never_makes_a_request() {
    let bodies = || {
        // They say that they have five bytes.
        let lies = |data: Option<&'static str>| {
            let frame = data.map(|data| Ok(Frame::data(Bytes::from_static(data.as_bytes()))));
            Body::new(Odd(frame, SizeHint::with_exact(5)))
        };
        let fails = Body::new(Odd(Some(Err("the client left")), SizeHint::default()));
        [lies(Some("four")), lies(Some("sixsix")), lies(Some("")), lies(None), fails]
    };
    for body in bodies() {
        let (client, listener) = client().await;
        let asking = async {
            client
                .send(outgoing(Request::new(Body::empty())))
                .await
                .unwrap()
                .into_body()
                .collect()
                .await
                .unwrap();
            let failed = client.send(outgoing(Request::post("/").body(body).unwrap())).await;
            drop(client);
            failed.map(drop).unwrap_err()
        };
        let answering = async {
            let mut wire = listener.accept().await.unwrap().0;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                wire.read_buf(&mut head).await.unwrap();
            }
            wire.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            let mut rest = Vec::new();
            wire.read_to_end(&mut rest).await.unwrap();
            rest
        };
        let (error, rest) = timeout(PATIENCE, async { tokio::join!(asking, answering) }).await.unwrap();
        assert!(!error.is_unsent(), "{error:?}: another server must not be asked with what is left");
        assert!(first(&rest).is_none(), "{}", rest.escape_ascii());
        // Nor did it come on another connection.
        let other = listener.into_std().unwrap().accept();
        assert!(other.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock));
    }
}
