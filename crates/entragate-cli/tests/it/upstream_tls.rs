//! An MCP server behind TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::upstream_fixture::{Gateway, Message, Wire, config};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// A server with a certificate of its own making for `localhost`, which says which protocol was agreed on.
struct TlsServer {
    port: u16,
    certificate: String,
}

impl TlsServer {
    #[expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]
    fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(config);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let mut stream =
                    StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
                // A handshake that the client breaks off is what one of the tests is about.
                drop(answer(&mut stream));
            }
        });
        Self { port, certificate: made.cert.pem() }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/mcp", self.port)
    }
}

fn answer(stream: &mut StreamOwned<ServerConnection, std::net::TcpStream>) -> std::io::Result<()> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.ends_with(PING.as_bytes()) {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
    }
    let protocol = String::from_utf8_lossy(stream.conn.alpn_protocol().unwrap_or_default()).into_owned();
    let length = protocol.len();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{protocol}")?;
    stream.conn.send_close_notify();
    stream.flush()
}

#[tokio::test]
async fn certificate_that_nobody_vouches_for_is_refused() {
    let server = TlsServer::start();
    let mut config = config(SocketAddr::from(([127, 0, 0, 1], server.port)));
    config.url = server.url().parse().unwrap();
    let gateway = Gateway::with(config).await;
    let response = gateway.post(PING).await.message().await;
    assert_eq!(response.status(), 502);
    assert!(response.text().contains("-31502"), "{}", response.text());
}

/// Ends with the test, also when that fails.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]
async fn post_through_process(server: &TlsServer, trusted: &str) -> Message {
    // Taken for a moment: the process needs a port that is in its base URL from the start.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _process = Process(
        Command::new(env!("CARGO_BIN_EXE_entragate"))
            .arg("serve")
            .env_clear()
            .env("SSL_CERT_FILE", trusted)
            .env("ENTRAGATE_UPSTREAM", server.url())
            .env("ENTRAGATE_LISTEN", address.to_string())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut client = Wire::connect(address).await;
    let length = PING.len();
    client
        .send(format!(
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\ncontent-length: {length}\r\n\r\n{PING}"
        ))
        .await;
    client.message().await
}

#[tokio::test]
async fn certificate_in_the_trust_store_is_accepted() {
    let server = TlsServer::start();
    let file = std::env::temp_dir().join(format!("entragate-{}-{}.pem", std::process::id(), server.port));
    std::fs::write(&file, &server.certificate).unwrap();
    let response = post_through_process(&server, file.to_str().unwrap()).await;
    std::fs::remove_file(&file).unwrap();
    assert_eq!((response.status(), response.text()), (200, "http/1.1"));
}
