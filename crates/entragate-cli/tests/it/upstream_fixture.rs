//! A gateway between two ends that the test plays by hand, byte for byte.
//!
//! The test writes as the client, accepts and answers as the MCP server, and reads as the client again: no
//! HTTP library on either side repairs what the gateway gets wrong.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use entragate::{BaseUrl, Gate, GateBuilder};
use entragate_cli::config::{UpstreamConfig, UpstreamIdentity};
use entragate_cli::serve;
use entragate_cli::upstream::Upstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything in a test takes, shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Configuration of a proxy to a server on this machine.
pub(crate) fn config(server: SocketAddr) -> UpstreamConfig {
    UpstreamConfig {
        url: format!("http://{server}/mcp").parse().unwrap(),
        replicas: Vec::new(),
        path: "/mcp".to_owned(),
        also: Vec::new(),
        connect_timeout: Duration::from_secs(5),
        response_header_timeout: None,
        identity: UpstreamIdentity::Headers,
    }
}

/// A running gateway without authentication.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Gateway {
    /// A gateway and the server behind it.
    pub(crate) async fn start() -> (Self, Backend) {
        let backend = Backend::start().await;
        (Self::with(config(backend.address)).await, backend)
    }

    pub(crate) async fn with(config: UpstreamConfig) -> Self {
        Self::guarded(config, Gate::development).await
    }

    pub(crate) async fn guarded(config: UpstreamConfig, gate: impl FnOnce(BaseUrl) -> GateBuilder) -> Self {
        Self::below("", config, gate).await
    }

    /// A gateway whose base URL has a path.
    pub(crate) async fn below(
        path: &str,
        config: UpstreamConfig,
        gate: impl FnOnce(BaseUrl) -> GateBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base_url = BaseUrl::parse(&format!("http://localhost:{}{path}", address.port())).unwrap();
        let mut gate = gate(base_url).resource_path(&config.path).listen_addresses([address]);
        for path in &config.also {
            gate = gate.also_protect(&path.public);
        }
        let gate = gate.build().unwrap();
        let upstream = Upstream::new(&config, &gate).unwrap();
        let router = gate.protect(upstream);
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let task = tokio::spawn(serve::listen(listener, router, shutdown));
        Self { address, stop: Some(stop), task }
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire::connect(self.address).await
    }

    /// Connects and sends a request: `line` is method and target, `headers` complete lines.
    pub(crate) async fn send(&self, line: &str, headers: &str, body: &[u8]) -> Wire {
        let mut wire = self.connect().await;
        wire.send(&self.request(line, headers, body)).await;
        wire
    }

    pub(crate) fn request(&self, line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let mut request = format!("{line} HTTP/1.1\r\nhost: localhost:{}\r\n{headers}", self.address.port());
        if line.starts_with("POST") {
            request += "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
            write!(request, "content-length: {}\r\n", body.len()).unwrap();
        }
        request += "\r\n";
        [request.as_bytes(), body].concat()
    }

    /// Sends a JSON-RPC message.
    pub(crate) async fn post(&self, message: &str) -> Wire {
        self.send("POST /mcp", "", message.as_bytes()).await
    }

    /// Asks the gateway to stop, as a signal would.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(mut self) {
        timeout(PATIENCE * 2, &mut self.task).await.expect("the gateway stops").unwrap().unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The MCP server, played by the test.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { address: listener.local_addr().unwrap(), listener }
    }

    /// The gateway's next connection.
    pub(crate) async fn accept(&self) -> Wire {
        Wire::new(timeout(PATIENCE, self.listener.accept()).await.expect("the gateway connects").unwrap().0)
    }

    /// The gateway's next connection with the request on it.
    pub(crate) async fn request(&self) -> (Wire, Message) {
        let mut wire = self.accept().await;
        let message = wire.message().await;
        (wire, message)
    }

    /// Whether the gateway connects within a little while.
    pub(crate) async fn is_bothered(&self) -> bool {
        timeout(Duration::from_millis(300), self.listener.accept()).await.is_ok()
    }
}

/// A request or response as it was on the wire.
#[derive(Debug)]
pub(crate) struct Message {
    /// Request line or status line.
    pub(crate) line: String,
    /// Names as sent, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} came more than once: {values:?}");
        values.first().copied()
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let same = |have: &&(String, String)| have.0.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn status(&self) -> u16 {
        self.line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }
}

/// One end of a connection.
pub(crate) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).await.unwrap())
    }

    fn new(stream: TcpStream) -> Self {
        Self { stream, unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await.expect("the peer reads").unwrap();
    }

    /// Sends a response with a length.
    pub(crate) async fn answer(&mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        self.send(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")).await;
    }

    /// Starts an event stream.
    pub(crate) async fn answer_events(&mut self) {
        self.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
    }

    pub(crate) async fn send_chunk(&mut self, data: &str) {
        self.send(format!("{:x}\r\n{data}\r\n", data.len())).await;
    }

    /// The next message with its whole body.
    pub(crate) async fn message(&mut self) -> Message {
        let mut message = self.head().await;
        if message.is_chunked() {
            while let Some(chunk) = self.chunk().await {
                message.body.extend(chunk);
            }
        } else if let Some(length) = message.header("content-length") {
            message.body = self.take(length.parse().unwrap()).await;
        }
        message
    }

    /// The next message's head.
    pub(crate) async fn head(&mut self) -> Message {
        let head = self.until(b"\r\n\r\n").await;
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let headers = lines.map(|line| line.split_once(':').unwrap());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        Message { line, headers, body: Vec::new() }
    }

    /// The next chunk of a chunked body; `None` at its proper end.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = String::from_utf8(self.until(b"\r\n").await).unwrap();
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let mut data = self.take(size + 2).await;
        assert_eq!(data.split_off(size), b"\r\n", "trailers are not expected here");
        (size > 0).then_some(data)
    }

    /// The next chunk as text.
    pub(crate) async fn event(&mut self) -> Option<String> {
        self.chunk().await.map(|chunk| String::from_utf8(chunk).unwrap())
    }

    /// Whether the peer closes or resets the connection within `limit`, whatever it sends before.
    pub(crate) async fn is_closed_within(&mut self, limit: Duration) -> bool {
        let mut rest = Vec::new();
        timeout(limit, self.stream.read_to_end(&mut rest)).await.is_ok()
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.unread);
        // A reset is an end, too.
        drop(timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.expect("the peer closes"));
        rest
    }

    async fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|window| window == end) {
                return self.unread.drain(..at + end.len()).collect();
            }
            self.fill().await;
        }
    }

    pub(crate) async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            self.fill().await;
        }
        self.unread.drain(..length).collect()
    }

    async fn fill(&mut self) {
        let mut buffer = vec![0; 64 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("the peer writes").unwrap();
        assert!(read > 0, "the connection ended after {:?}", String::from_utf8_lossy(&self.unread));
        self.unread.extend_from_slice(&buffer[..read]);
    }
}
