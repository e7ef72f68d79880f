//! The server closes the connection when it is open and nothing has been written yet: between the two the client asks
//! the body of the request, which is where these bodies do it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::super::{Client, Connector, SendError};
use super::outgoing;

/// Longer than any exchange takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client of the server at this address.
fn client(address: SocketAddr) -> Client {
    Client::new(format!("http://{address}").parse().unwrap(), Connector::new(false, PATIENCE).unwrap())
}

/// Resets the connection on which it is about to be sent.
struct Resets<F>(Option<F>);

impl<F: FnOnce() -> TcpStream + Unpin> http_body::Body for Resets<F> {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(wire) = self.0.take() else { return Poll::Ready(None) };
        wire().set_zero_linger().unwrap();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"once")))))
    }
}

fn post(wire: impl FnOnce() -> TcpStream + Unpin + Send + 'static) -> Request<Body> {
    Request::post("/").body(Body::new(Resets(Some(wire)))).unwrap()
}

/// Reads a request that ends like this, and answers it.
async fn answer(wire: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut request = Vec::new();
    while !request.ends_with(end) {
        assert!(wire.read_buf(&mut request).await.unwrap() > 0);
    }
    wire.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    request
}

#[tokio::test]
async fn a_new_connection_that_closes_before_anything_is_written_lets_another_server_be_asked() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client(listener.local_addr().unwrap());
    // It is open already: nobody waits.
    let accept = move || {
        let wire = listener.accept().unwrap().0;
        wire.set_nonblocking(true).unwrap();
        TcpStream::from_std(wire).unwrap()
    };
    let error = client.send(outgoing(post(accept))).await.map(drop).unwrap_err();
    assert!(matches!(error, SendError::Unsent(_)), "{error:?}");
    assert!(error.is_unsent() && !error.is_connect());
}

#[tokio::test]
async fn a_kept_connection_that_closes_before_anything_is_written_is_replaced_and_the_request_is_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(listener.local_addr().unwrap());
    let asking = async { client.send(outgoing(Request::new(Body::empty()))).await.map(drop).unwrap() };
    let answering = async {
        let mut wire = listener.accept().await.unwrap().0;
        answer(&mut wire, b"\r\n\r\n").await;
        wire
    };
    let ((), wire) = timeout(PATIENCE, async { tokio::join!(asking, answering) }).await.unwrap();

    let asking = async { client.send(outgoing(post(move || wire))).await.map(drop).unwrap() };
    let answering = async { answer(&mut listener.accept().await.unwrap().0, b"\r\n0\r\n\r\n").await };
    let ((), request) = timeout(PATIENCE, async { tokio::join!(asking, answering) }).await.unwrap();
    assert!(request.ends_with(b"\r\n\r\n4\r\nonce\r\n0\r\n\r\n"), "{}", request.escape_ascii());
}
