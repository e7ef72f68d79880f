//! Fetching what a stranger points at, without becoming the stranger's way into this network (CI-02, CI-08,
//! CI-10 to CI-12; S-15 to S-20). The key set at a client's `jwks_uri` is fetched by the same rules (CI-11).
//!
//! The name is resolved once, every address is judged, and the connection goes to the judged addresses and
//! nowhere else: there is no second look-up that could answer differently. Redirects are answers like any
//! other and not the expected one. Where the operator set a proxy for the host, the proxy resolves and
//! decides instead, because a network that has one usually resolves no public name itself; the proxy sees a
//! `CONNECT` for a name that [`DocumentUrl`] took for a public one, on the port of https.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::redirect;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::sync::Semaphore;

use super::address;
use super::document_url::DocumentUrl;
use super::freshness::fresh_for;
use super::resolve::{Resolve, SystemResolver};
use crate::idp::http::chain;

/// What a fetch may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Largest body, in bytes.
    pub(crate) body: usize,
    /// How many fetches run at a time.
    pub(crate) concurrent: usize,
    /// How long a fetch waits for its turn.
    pub(crate) turn: Duration,
    /// For a TCP and TLS connection.
    pub(crate) connect: Duration,
    /// From the look-up of the name to the last byte.
    pub(crate) total: Duration,
}

impl Limits {
    /// The draft recommends 5 KB. Real documents list one redirect URI per product and carry localised names
    /// and inline keys; 64 KiB is what registration accepts for the same metadata, and together with the cap
    /// on concurrency still is nothing to hold in memory.
    pub(crate) const DEFAULT: Self = Self {
        body: 64 * 1024,
        concurrent: 8,
        turn: Duration::from_secs(2),
        connect: Duration::from_secs(3),
        total: Duration::from_secs(5),
    };
}

/// Why a document could not be fetched. The text is for the log; a person outside gets
/// [`FetchError::public_text`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("too many fetches at a time")]
    Busy,
    #[error("no complete answer in time")]
    TimedOut,
    #[error("the name of the host could not be resolved: {0}")]
    Resolve(#[source] std::io::Error),
    #[error("the name of the host has no address")]
    NoAddress,
    #[error("the name of the host leads to {0}, which is not a public address")]
    Special(IpAddr),
    #[error("the proxy's scheme {0} is not supported, use http or https")]
    ProxyScheme(String),
    #[error("the client for HTTP could not be built: {}", chain(.0))]
    Setup(#[source] reqwest::Error),
    #[error("request failed: {}", chain(.0))]
    Transport(#[source] reqwest::Error),
    #[error("the answer is a redirect ({0})")]
    Redirect(StatusCode),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is not JSON but {0:?}")]
    ContentType(String),
    #[error("the answer is compressed")]
    Encoded,
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl FetchError {
    /// Whether it says nothing about the document: the host was not reached, or has a fault of its own.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Busy
            | Self::TimedOut
            | Self::Resolve(_)
            | Self::NoAddress
            | Self::ProxyScheme(_)
            | Self::Setup(_)
            | Self::Transport(_) => true,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Special(_)
            | Self::Redirect(_)
            | Self::ContentType(_)
            | Self::Encoded
            | Self::TooLarge(_) => false,
        }
    }

    /// What may be said to whoever named the URL (S-20). Everything up to the first byte of an answer is
    /// one sentence, so that nobody can tell names and ports inside this network by it.
    pub(crate) fn public_text(&self) -> &'static str {
        match self {
            Self::Busy => "the client's metadata could not be read: too many sign-ins at a time, try again",
            Self::TimedOut
            | Self::Resolve(_)
            | Self::NoAddress
            | Self::Special(_)
            | Self::ProxyScheme(_)
            | Self::Setup(_)
            | Self::Transport(_) => "the client's metadata could not be read: its host did not answer",
            Self::Redirect(_) => "the client's metadata could not be read: its URL redirects",
            Self::Status(_) => "the client's metadata could not be read: the status is not 200",
            Self::ContentType(_) => "the client's metadata could not be read: the content type is not JSON",
            Self::Encoded => "the client's metadata could not be read: it is compressed",
            Self::TooLarge(_) => "the client's metadata could not be read: it is too large",
        }
    }
}

/// What was fetched.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) body: Bytes,
    /// For how long it may be used again, once it turned out to be valid.
    pub(crate) fresh_for: Duration,
}

/// What the fetch takes from its surroundings.
struct Surroundings {
    resolver: Arc<dyn Resolve>,
    is_special: fn(IpAddr) -> bool,
    proxies: Matcher,
    tls: rustls::ClientConfig,
}

/// Fetches documents from the public internet; from this machine only for a gateway on loopback.
pub(crate) struct Fetcher {
    allow_loopback: bool,
    limits: Limits,
    turns: Semaphore,
    surroundings: Surroundings,
}

/// How the connection is made.
enum Route {
    Pinned(Vec<SocketAddr>),
    Proxy(Intercept),
}

impl Fetcher {
    /// With the system's resolver, proxy settings and trust store, as towards Entra.
    pub(crate) fn new(allow_loopback: bool) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        let resolver = Arc::new(SystemResolver);
        let proxies = Matcher::from_system();
        let surroundings = Surroundings { resolver, is_special: address::is_special, proxies, tls };
        Ok(Self::with(allow_loopback, Limits::DEFAULT, surroundings))
    }

    fn with(allow_loopback: bool, limits: Limits, surroundings: Surroundings) -> Self {
        Self { allow_loopback, limits, turns: Semaphore::new(limits.concurrent), surroundings }
    }

    /// Fetches a document. Nothing is kept: whoever finds the document valid may keep it.
    pub(crate) async fn fetch(&self, url: &DocumentUrl) -> Result<Fetched, FetchError> {
        let turn = tokio::time::timeout(self.limits.turn, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(FetchError::Busy) };
        let fetched = async {
            let route = self.route(url).await?;
            self.get(url, route).await
        };
        tokio::time::timeout(self.limits.total, fetched).await.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn route(&self, url: &DocumentUrl) -> Result<Route, FetchError> {
        if url.is_loopback() {
            // No look-up and no proxy: these names mean this machine (RFC 6761 §6.3).
            let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            return if self.allow_loopback {
                Ok(Route::Pinned(loopback.map(|address| SocketAddr::new(address, url.port())).to_vec()))
            } else {
                Err(FetchError::Special(loopback[0]))
            };
        }
        let origin = url.origin().parse::<http::Uri>();
        if let Some(proxy) = origin.ok().and_then(|origin| self.surroundings.proxies.intercept(&origin)) {
            return match proxy.uri().scheme_str() {
                Some("http" | "https") => Ok(Route::Proxy(proxy)),
                other => Err(FetchError::ProxyScheme(other.unwrap_or_default().to_owned())),
            };
        }
        let resolving = self.surroundings.resolver.resolve(url.host(), url.port());
        let addresses = resolving.await.map_err(FetchError::Resolve)?;
        // One special address among public ones is an attack or a mistake, and which one a connection would
        // take is not for us to guess.
        let special = addresses.iter().map(SocketAddr::ip).find(|&ip| (self.surroundings.is_special)(ip));
        match special {
            Some(address) => Err(FetchError::Special(address)),
            None if addresses.is_empty() => Err(FetchError::NoAddress),
            None => Ok(Route::Pinned(addresses)),
        }
    }

    /// A client for this one fetch: no connection, cookie or address outlives it.
    fn client(&self, url: &DocumentUrl, route: Route) -> Result<reqwest::Client, reqwest::Error> {
        #[expect(clippy::disallowed_methods, reason = "the one client whose addresses are given to it")]
        let builder = reqwest::Client::builder();
        // `no_proxy` first: the system's settings were asked already and must not be asked a second time.
        let builder = match route {
            Route::Pinned(addresses) => builder.no_proxy().resolve_to_addrs(url.host(), &addresses),
            Route::Proxy(intercept) => {
                let proxy = reqwest::Proxy::all(intercept.uri().to_string())?;
                builder.no_proxy().proxy(match intercept.basic_auth() {
                    Some(credentials) => proxy.custom_http_auth(credentials.clone()),
                    None => proxy,
                })
            }
        };
        builder
            .tls_backend_preconfigured(self.surroundings.tls.clone())
            .http1_only()
            .connect_timeout(self.limits.connect)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // An embedder may have compiled decompression in; 64 KiB on the wire can be 64 MiB in memory.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .user_agent(concat!("entragate/", env!("CARGO_PKG_VERSION")))
            .build()
    }

    async fn get(&self, url: &DocumentUrl, route: Route) -> Result<Fetched, FetchError> {
        let client = self.client(url, route).map_err(FetchError::Setup)?;
        let transport = |error: reqwest::Error| FetchError::Transport(error.without_url());
        let request =
            client.get(url.as_str()).header(ACCEPT, "application/json").header(ACCEPT_ENCODING, "identity");
        let mut response = request.send().await.map_err(transport)?;
        check_head(response.status(), response.headers())?;
        let most = self.limits.body;
        if response.content_length().is_some_and(|length| length > most as u64) {
            return Err(FetchError::TooLarge(most));
        }
        let fresh_for = fresh_for(response.headers());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > most {
                return Err(FetchError::TooLarge(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { body: body.freeze(), fresh_for })
    }
}

/// The status 200 (CI-02), JSON (CI-03), as it is.
fn check_head(status: StatusCode, headers: &HeaderMap) -> Result<(), FetchError> {
    if status.is_redirection() {
        return Err(FetchError::Redirect(status));
    }
    if status != StatusCode::OK {
        return Err(FetchError::Status(status));
    }
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let types: Vec<_> = headers.get_all(CONTENT_TYPE).iter().map(text).collect();
    if !matches!(types.as_slice(), [one] if is_json(one)) {
        return Err(FetchError::ContentType(types.join(", ")));
    }
    if headers.get_all(CONTENT_ENCODING).iter().any(|value| !text(value).eq_ignore_ascii_case("identity")) {
        return Err(FetchError::Encoded);
    }
    Ok(())
}

/// `application/json` or `application/<something>+json`, with or without parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some(subtype) = essence.strip_prefix("application/") else { return false };
    subtype == "json" || subtype.strip_suffix("+json").is_some_and(|kind| !kind.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::oauth::client::resolve::Resolving;

    const URL: &str = "https://client.contoso.com/oauth/client.json";
    const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

    /// The first bytes that arrive on every connection, up to the end of a head.
    type Heads = mpsc::Receiver<String>;

    /// Listens on loopback and hands every connection, after its head, to `serve`.
    fn listen(
        serve: impl Fn(TcpStream, &str) -> io::Result<()> + Send + Clone + 'static,
    ) -> (SocketAddr, Heads) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, received) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (heads, serve) = (heads.clone(), serve.clone());
                thread::spawn(move || {
                    let mut stream = stream?;
                    let head = read_head(&mut stream)?;
                    let _ = heads.send(head.clone());
                    serve(stream, &head)
                });
            }
        });
        (address, received)
    }

    fn read_head(stream: &mut impl Read) -> io::Result<String> {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }

    /// A server that always answers the same.
    fn answering(answer: impl Into<Vec<u8>>) -> (DocumentUrl, Heads) {
        let answer: Vec<u8> = answer.into();
        let (address, heads) = listen(move |mut stream, _| {
            // Who reads no further than it must closes before all is written.
            let _ = stream.write_all(&answer);
            stream.shutdown(Shutdown::Write)
        });
        (DocumentUrl::parse(&format!("http://{address}/client.json"), true).unwrap(), heads)
    }

    /// A server with a certificate for `client.contoso.com`, and what is needed to trust it.
    fn answering_over_tls(answer: String) -> (SocketAddr, mpsc::Receiver<String>, rustls::ClientConfig) {
        let made = rcgen::generate_simple_self_signed(["client.contoso.com".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![made.cert.der().clone()],
                made.signing_key.serialize_der().try_into().unwrap(),
            )
            .unwrap();
        let server = Arc::new(server);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, received) = mpsc::channel();
        thread::spawn(move || -> io::Result<()> {
            loop {
                let (stream, _) = listener.accept()?;
                let connection = rustls::ServerConnection::new(Arc::clone(&server)).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, stream);
                // A handshake that the client breaks off is what one of the tests is about.
                let Ok(head) = read_head(&mut stream) else { continue };
                let _ = heads.send(head);
                stream.write_all(answer.as_bytes())?;
                stream.conn.send_close_notify();
                stream.flush()?;
            }
        });
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        (address, received, client)
    }

    fn trusting_nobody() -> rustls::ClientConfig {
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth()
    }

    /// Answers every look-up with the next of its answers, and counts.
    #[derive(Default)]
    struct Resolver {
        answers: Vec<Vec<SocketAddr>>,
        asked: AtomicUsize,
    }

    impl Resolver {
        fn new<A: ToString>(answers: &[&[A]]) -> Arc<Self> {
            let address = |text: &A| text.to_string().parse().unwrap();
            let answers = answers.iter().map(|all| all.iter().map(address).collect()).collect();
            Arc::new(Self { answers, asked: AtomicUsize::new(0) })
        }
    }

    impl Resolve for Resolver {
        fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
            let answer = self.answers.get(self.asked.fetch_add(1, Ordering::Relaxed)).cloned();
            Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
        }
    }

    fn surroundings(resolver: &Arc<Resolver>) -> Surroundings {
        Surroundings {
            resolver: Arc::<Resolver>::clone(resolver),
            is_special: address::is_special,
            proxies: Matcher::builder().build(),
            tls: trusting_nobody(),
        }
    }

    /// For a gateway on loopback.
    fn local(limits: Limits) -> Fetcher {
        Fetcher::with(true, limits, surroundings(&Arc::default()))
    }

    async fn from_local(answer: impl Into<Vec<u8>>) -> Result<Fetched, FetchError> {
        local(Limits::DEFAULT).fetch(&answering(answer).0).await
    }

    async fn resolving_to(addresses: &[&str]) -> FetchError {
        let fetcher = Fetcher::with(false, Limits::DEFAULT, surroundings(&Resolver::new(&[addresses])));
        fetcher.fetch(&DocumentUrl::parse(URL, false).unwrap()).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_document_is_fetched_without_anything_that_identifies_us() {
        let (url, heads) = answering(format!("{JSON}cache-control: max-age=600\r\n\r\n{{}}"));
        let fetched = local(Limits::DEFAULT).fetch(&url).await.unwrap();
        assert_eq!((&*fetched.body, fetched.fresh_for), (&b"{}"[..], Duration::from_secs(600)));
        let head = heads.recv().unwrap();
        let mut lines: Vec<_> =
            head.trim_end().split("\r\n").map(|line| line.split(':').next().unwrap()).collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            ["GET /client.json HTTP/1.1", "accept", "accept-encoding", "host", "user-agent"],
            "{head}"
        );
        assert!(head.contains("accept: application/json\r\n"), "{head}");
        assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
        assert!(
            head.contains(concat!("user-agent: entragate/", env!("CARGO_PKG_VERSION"), "\r\n")),
            "{head}"
        );
    }

    #[tokio::test]
    async fn redirects_are_refused_and_not_followed() {
        let (elsewhere, visits) = answering(format!("{JSON}\r\n{{}}"));
        for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
            let answer = format!("HTTP/1.1 {status}\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
            assert!(matches!(from_local(answer).await, Err(FetchError::Redirect(_))), "{status}");
        }
        assert!(visits.try_recv().is_err());
    }

    #[tokio::test]
    async fn only_status_200_is_success() {
        for status in ["201 Created", "204 No Content", "206 Partial", "400 Bad", "404 Not Found", "500 Oops"]
        {
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n");
            assert!(matches!(from_local(answer).await, Err(FetchError::Status(_))), "{status}");
        }
    }

    #[tokio::test]
    async fn only_json_as_it_is_counts() {
        for accepted in ["application/json", "Application/JSON; charset=utf-8", "application/client+json"] {
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: {accepted}\r\n\r\n{{}}");
            assert!(from_local(answer).await.is_ok(), "{accepted}");
        }
        for refused in [
            "content-type: text/html",
            "content-type: text/json",
            "content-type: application/jsonp",
            "content-type: application/+json",
            "content-type: application/json, text/html",
            "content-type: application/json\r\ncontent-type: text/html",
            "content-type: ",
            "x: y",
        ] {
            let result = from_local(format!("HTTP/1.1 200 OK\r\n{refused}\r\n\r\n{{}}")).await;
            assert!(matches!(result, Err(FetchError::ContentType(_))), "{refused}: {result:?}");
        }
        for encoding in ["gzip", "br", "identity, gzip"] {
            let result = from_local(format!("{JSON}content-encoding: {encoding}\r\n\r\n{{}}")).await;
            assert!(matches!(result, Err(FetchError::Encoded)), "{encoding}: {result:?}");
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_declared_or_not() {
        let most = Limits::DEFAULT.body;
        let fits = "x".repeat(most);
        assert_eq!(from_local(format!("{JSON}\r\n{fits}")).await.unwrap().body.len(), most);
        let declared = format!("{JSON}content-length: {}\r\n\r\n", most + 1);
        assert!(matches!(from_local(declared).await, Err(FetchError::TooLarge(_))));
        let until_closed = format!("{JSON}\r\n{fits}x");
        assert!(matches!(from_local(until_closed).await, Err(FetchError::TooLarge(_))));
        let chunks = format!("1000\r\n{}\r\n", "x".repeat(0x1000)).repeat(17);
        let chunked = format!("{JSON}transfer-encoding: chunked\r\n\r\n{chunks}");
        assert!(matches!(from_local(chunked).await, Err(FetchError::TooLarge(_))));
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_is_not_an_answer() {
        for answer in [format!("{JSON}content-length: 10\r\n\r\n{{}}"), JSON.to_owned(), String::new()] {
            assert!(matches!(from_local(answer).await, Err(FetchError::Transport(_))));
        }
    }

    #[tokio::test]
    async fn a_slow_answer_is_given_up_and_the_next_waits_no_longer_than_its_turn() {
        let (address, heads) = listen(|mut stream, _| {
            loop {
                stream.write_all(format!("{JSON}content-length: 10\r\n\r\n").as_bytes())?;
                // Until the other side closes.
                stream.read_exact(&mut [0])?;
            }
        });
        let url = DocumentUrl::parse(&format!("http://{address}/client.json"), true).unwrap();
        let fetcher = local(Limits {
            concurrent: 1,
            turn: Duration::from_millis(100),
            total: Duration::from_millis(600),
            ..Limits::DEFAULT
        });
        let (first, second) = tokio::join!(fetcher.fetch(&url), fetcher.fetch(&url));
        assert!(matches!(first, Err(FetchError::TimedOut)), "{first:?}");
        assert!(matches!(second, Err(FetchError::Busy)), "{second:?}");
        assert_eq!(heads.try_iter().count(), 1);
        let third = fetcher.fetch(&url).await;
        assert!(matches!(third, Err(FetchError::TimedOut)), "the turn was not given back: {third:?}");
    }

    #[tokio::test]
    async fn a_host_that_leads_to_a_special_address_is_refused() {
        for addresses in [
            &["127.0.0.1:443"][..],
            &["169.254.169.254:443"],
            &["10.0.0.1:443"],
            &["[::1]:443"],
            &["[::ffff:127.0.0.1]:443"],
            &["[64:ff9b::7f00:1]:443"],
            &["8.8.8.8:443", "192.168.0.1:443"],
            &["[2606:4700::1111]:443", "1.1.1.1:443", "[fd00::1]:443"],
        ] {
            let error = resolving_to(addresses).await;
            assert!(matches!(error, FetchError::Special(_)), "{addresses:?}: {error}");
        }
        assert!(matches!(resolving_to(&[]).await, FetchError::NoAddress));
    }

    #[tokio::test]
    async fn the_connection_goes_to_the_judged_address_after_one_look_up() {
        let (judged, heads, tls) = answering_over_tls(format!("{JSON}content-length: 2\r\n\r\n{{}}"));
        let (other, visits) = listen(|_, _| Ok(()));
        // The next answer would lead elsewhere, as a rebinding name server's does.
        let resolver = Resolver::new(&[&[judged], &[other]]);
        // A test has no public address to listen on.
        let surroundings = Surroundings { is_special: |_| false, tls, ..surroundings(&resolver) };
        let fetcher = Fetcher::with(false, Limits::DEFAULT, surroundings);
        let url = DocumentUrl::parse(URL, false).unwrap();
        assert_eq!(fetcher.fetch(&url).await.unwrap().body, "{}");
        assert_eq!(resolver.asked.load(Ordering::Relaxed), 1);
        let head = heads.recv().unwrap();
        assert!(head.starts_with("GET /oauth/client.json HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("host: client.contoso.com\r\n"), "{head}");
        assert!(visits.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_vouches_for_or_for_another_host_is_refused() {
        let (server, _heads, tls) = answering_over_tls(format!("{JSON}\r\n{{}}"));
        for (url, tls) in [(URL, trusting_nobody()), ("https://other.contoso.com/client.json", tls)] {
            let resolver = Resolver::new(&[&[server]]);
            let surroundings = Surroundings { is_special: |_| false, tls, ..surroundings(&resolver) };
            let fetcher = Fetcher::with(false, Limits::DEFAULT, surroundings);
            let error = fetcher.fetch(&DocumentUrl::parse(url, false).unwrap()).await.unwrap_err();
            assert!(error.to_string().contains("certificate"), "{error}");
        }
    }

    /// A proxy that connects everything to one server.
    fn proxy_to(server: SocketAddr) -> (SocketAddr, Heads) {
        listen(move |mut client, _| {
            let mut upstream = TcpStream::connect(server)?;
            client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
            let (mut from, mut to) = (client.try_clone()?, upstream.try_clone()?);
            thread::spawn(move || io::copy(&mut from, &mut to));
            io::copy(&mut upstream, &mut client).map(drop)
        })
    }

    #[tokio::test]
    async fn the_operators_proxy_resolves_and_decides() {
        let (server, heads, tls) = answering_over_tls(format!("{JSON}content-length: 2\r\n\r\n{{}}"));
        let (proxy, connects) = proxy_to(server);
        let resolver = Resolver::new::<SocketAddr>(&[]);
        let proxies = Matcher::builder().https(format!("http://user:secret@{proxy}")).build();
        let surroundings = Surroundings { proxies, tls, ..surroundings(&resolver) };
        let fetcher = Fetcher::with(false, Limits::DEFAULT, surroundings);
        let answer = fetcher.fetch(&DocumentUrl::parse(URL, false).unwrap()).await.unwrap();
        assert_eq!(answer.body, "{}");
        assert_eq!(resolver.asked.load(Ordering::Relaxed), 0);
        let connect = connects.recv().unwrap().to_ascii_lowercase();
        assert!(connect.starts_with("connect client.contoso.com:443 http/1.1\r\n"), "{connect}");
        assert!(connect.contains("proxy-authorization: basic dxnlcjpzzwnyzxq=\r\n"), "{connect}");
        let head = heads.recv().unwrap();
        assert!(!head.to_ascii_lowercase().contains("proxy"), "{head}");
    }

    #[tokio::test]
    async fn hosts_that_the_proxy_is_not_for_are_judged_here() {
        let (proxy, connects) = listen(|_, _| Ok(()));
        let resolver = Resolver::new(&[&["10.0.0.1:443"]]);
        let proxies = Matcher::builder().all(format!("http://{proxy}")).no("contoso.com").build();
        let surroundings = Surroundings { proxies, ..surroundings(&resolver) };
        let fetcher = Fetcher::with(true, Limits::DEFAULT, surroundings);
        let error = fetcher.fetch(&DocumentUrl::parse(URL, false).unwrap()).await.unwrap_err();
        assert!(matches!(error, FetchError::Special(_)), "{error}");
        let (url, _heads) = answering(format!("{JSON}\r\n{{}}"));
        assert!(fetcher.fetch(&url).await.is_ok());
        assert!(connects.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_proxy_that_cannot_be_used_is_not_bypassed() {
        let resolver = Resolver::new(&[&["8.8.8.8:443"]]);
        let proxies = Matcher::builder().all("socks5://127.0.0.1:9").build();
        let surroundings = Surroundings { proxies, ..surroundings(&resolver) };
        let fetcher = Fetcher::with(false, Limits::DEFAULT, surroundings);
        let error = fetcher.fetch(&DocumentUrl::parse(URL, false).unwrap()).await.unwrap_err();
        assert!(matches!(error, FetchError::ProxyScheme(_)), "{error}");
        assert_eq!(resolver.asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn loopback_is_refused_by_a_gateway_that_is_elsewhere() {
        let (url, heads) = answering(format!("{JSON}\r\n{{}}"));
        let fetcher = Fetcher::with(false, Limits::DEFAULT, surroundings(&Arc::default()));
        let error = fetcher.fetch(&url).await.unwrap_err();
        assert!(matches!(error, FetchError::Special(_)), "{error}");
        assert!(heads.try_recv().is_err());
    }

    #[tokio::test]
    async fn localhost_is_this_machine_without_asking_a_resolver() {
        let (url, _heads) = answering(format!("{JSON}\r\n{{}}"));
        let url = format!("http://localhost:{}/client.json", url.port());
        let resolver = Resolver::new(&[&["8.8.8.8:80"]]);
        let fetcher = Fetcher::with(true, Limits::DEFAULT, surroundings(&resolver));
        assert!(fetcher.fetch(&DocumentUrl::parse(&url, true).unwrap()).await.is_ok());
        assert_eq!(resolver.asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_is_said_outside_tells_nothing_of_this_network() {
        let special = resolving_to(&["10.0.0.1:443"]).await;
        let unknown = Fetcher::with(false, Limits::DEFAULT, surroundings(&Arc::default()))
            .fetch(&DocumentUrl::parse(URL, false).unwrap())
            .await
            .unwrap_err();
        assert!(special.to_string().contains("10.0.0.1"));
        assert!(unknown.to_string().contains("no such name"));
        assert_eq!(special.public_text(), unknown.public_text());
    }

    #[test]
    fn the_systems_settings_make_a_fetcher_that_handlers_can_share() {
        fn shared<T: Send + Sync>(_: &T) {}
        fn sent<T: Send>(_: T) {}
        let fetcher = Fetcher::new(false).unwrap();
        shared(&fetcher);
        sent(fetcher.fetch(&DocumentUrl::parse(URL, false).unwrap()));
    }
}
