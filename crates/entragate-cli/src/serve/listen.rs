//! The accept loop, shared by the public and the admin listener.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::drain::cut_at_shutdown;
use super::front::Front;
use super::lingering::{Lingering, Noted, Unread};

/// How long a client may take for the head of a request, and how long an idle connection is kept.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in flight may take after the signal to stop, where nothing else is configured.
const DRAIN: Duration = Duration::from_secs(10);
/// How long an end that they were given may take to leave.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long to wait before accepting again when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// How often HTTP/2 clients are asked whether they are still there.
const H2_PING: Duration = Duration::from_secs(30);

/// Serves HTTP/1.1 and HTTP/2 without TLS until `shutdown` completes, then lets requests in flight end.
/// Handlers find the client's address as [`entragate::ClientAddress`] in the request's extensions.
pub async fn listen(
    listener: TcpListener,
    front: impl Into<Front>,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    listen_and_drain(listener, front.into(), shutdown, DRAIN, || {}).await
}

/// The same; `cut` is called when requests are in flight that have had their time, and may give them an end.
pub(super) async fn listen_and_drain(
    listener: TcpListener,
    front: Front,
    shutdown: impl Future<Output = ()> + Send,
    drain: Duration,
    cut: impl FnOnce() + Send,
) -> io::Result<()> {
    let (stop, stopped) = watch::channel(());
    let graceful = GracefulShutdown::new();
    let servers = Arc::new(Servers::new());
    // A task per connection: a panic in one ends that connection and nothing else.
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    // Kept while connections end: a pause after an error must not be cut short by each of them.
    let mut accepting = Box::pin(accept(&listener));
    loop {
        let (stream, address) = tokio::select! {
            accepted = &mut accepting => accepted?,
            Some(ended) = connections.join_next() => {
                if let Err(panic) = ended {
                    tracing::error!(%panic, "a connection was lost to a defect in the gateway");
                }
                continue;
            }
            () = &mut shutdown => break,
        };
        accepting.set(accept(&listener));
        let connection = Connection {
            servers: Arc::clone(&servers),
            front: front.clone(),
            address,
            stopped: stopped.clone(),
        };
        connections.spawn(connection.serve(stream, graceful.watcher()));
    }
    drop(accepting);
    drop((listener, stop)); // refuses new connections, cuts event streams
    let mut ended = std::pin::pin!(graceful.shutdown());
    if tokio::time::timeout(drain, &mut ended).await.is_err() {
        tracing::warn!(after = ?drain, "requests still in flight are cut off: see drain_seconds");
        cut();
        // Who is still there afterwards is cut off without a word.
        drop(tokio::time::timeout(LAST_WORDS, ended).await);
    }
    connections.shutdown().await;
    Ok(())
}

/// One for each way in which a connection can begin.
struct Servers {
    http1: auto::Builder<TokioExecutor>,
    /// Looks for the version itself.
    either: auto::Builder<TokioExecutor>,
}

impl Servers {
    fn new() -> Self {
        let mut either = auto::Builder::new(TokioExecutor::new());
        either.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT);
        either.http2().timer(TokioTimer::new()).keep_alive_interval(H2_PING);
        Self { http1: either.clone().http1_only(), either }
    }

    /// For a client that has begun. Looking for the version consumes the first bytes, for which the buffer of an HTTP/1.1
    /// connection grows to twice its size and stays so; a look without consuming them is enough for nearly all.
    async fn for_client(&self, stream: &TcpStream) -> &auto::Builder<TokioExecutor> {
        let mut first = [0; 4];
        match stream.peek(&mut first).await {
            Ok(length) if !b"PRI ".starts_with(first.get(..length).unwrap_or_default()) => &self.http1,
            _ => &self.either,
        }
    }
}

/// The next connection. Errors of one connection are skipped; when the process has no file descriptors left,
/// accepting again at once would spin.
async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, std::net::SocketAddr)> {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput};
    loop {
        match listener.accept().await {
            Ok(accepted) => return Ok(accepted),
            Err(error) => match error.kind() {
                ConnectionAborted | ConnectionRefused | ConnectionReset => {}
                InvalidInput => return Err(error), // not a listening socket, no pause will cure it
                _ => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

struct Connection {
    servers: Arc<Servers>,
    front: Front,
    address: std::net::SocketAddr,
    stopped: watch::Receiver<()>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        let Self { servers, front, address, mut stopped } = self;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %address, "cannot set TCP_NODELAY"); // slower, not wrong
        }
        let (spoke, unread) = (AtomicBool::new(false), Unread::default());
        let mut silent = std::pin::pin!(silence(&spoke));
        let server = tokio::select! {
            server = servers.for_client(&stream) => server,
            () = &mut silent => return tracing::debug!(%address, "connection without a byte closed"),
            _ = stopped.changed() => return,
        };
        let service = service_fn(|request| {
            spoke.store(true, Ordering::Relaxed);
            let request = request.map(|body| Noted::new(body, unread.clone()));
            respond(front.clone(), request, address, stopped.clone())
        });
        let stream = TokioIo::new(Lingering::new(stream, unread.clone()));
        let connection = watcher.watch(server.serve_connection(stream, service));
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, %address, "connection ended early");
            },
            () = silent => tracing::debug!(%address, "connection without a request closed"),
        }
    }
}

/// Completes when a new connection has brought no request in time. hyper's own time-out starts only once it
/// knows the HTTP version, which a client can keep from it for ever.
async fn silence(spoke: &AtomicBool) {
    tokio::time::sleep(HEADER_READ_TIMEOUT).await;
    if spoke.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

async fn respond(
    front: Front,
    mut request: Request<Noted>,
    address: std::net::SocketAddr,
    stopped: watch::Receiver<()>,
) -> Result<Response<Body>, std::convert::Infallible> {
    request.extensions_mut().insert(entragate::ClientAddress(address));
    let response = front.answer(request.map(Body::new)).await;
    Ok(cut_at_shutdown(response, &stopped))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn get_from(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer).await); // a reset is an answer, too: none
        answer
    }

    #[tokio::test]
    async fn stopping_waits_for_nobody_longer_than_the_drain() {
        let (arrived, mut arrivals) = tokio::sync::mpsc::channel(1);
        let router = Router::new().route(
            "/",
            get(async move || {
                arrived.send(()).await.unwrap();
                std::future::pending::<()>().await;
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = tokio::spawn(async move { get_from(address, "/").await });
        let shutdown = async { arrivals.recv().await.unwrap() };
        listen_and_drain(listener, router.into(), shutdown, Duration::from_millis(50), || {}).await.unwrap();
        assert_eq!(client.await.unwrap(), "");
    }

    #[tokio::test]
    async fn panic_ends_its_connection_and_nothing_else() {
        async fn defect() {
            panic!("a defect");
        }
        let router = Router::new().route("/panic", get(defect)).route("/fine", get(|| async { "fine" }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let clients = async {
            assert_eq!(get_from(address, "/panic").await, "");
            assert!(get_from(address, "/fine").await.ends_with("fine"));
        };
        listen(listener, router, clients).await.unwrap();
    }

    #[tokio::test]
    async fn handlers_see_the_clients_address() {
        async fn address(request: Request<Body>) -> String {
            request.extensions().get::<entragate::ClientAddress>().unwrap().0.ip().to_string()
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let client = async { assert!(get_from(server, "/").await.ends_with("127.0.0.1")) };
        listen(listener, Router::new().route("/", get(address)), client).await.unwrap();
    }
}
