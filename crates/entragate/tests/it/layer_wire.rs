//! A client that writes HTTP/1.1 by hand, for what no client library would send.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::world::World;

pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
    host: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Wire {
    pub(crate) async fn to(world: &World) -> Self {
        let stream = TcpStream::connect(world.addr).await.unwrap();
        Self { stream: BufReader::new(stream), host: format!("localhost:{}", world.addr.port()) }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// A request line and headers, which end with a line break each; `Host` is added unless it is there.
    pub(crate) async fn head(&mut self, line: &str, headers: &str) {
        let host = if headers.to_ascii_lowercase().contains("host:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.host)
        };
        self.send(format!("{line} HTTP/1.1\r\n{host}{headers}\r\n").as_bytes()).await;
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let line = format!("POST {path}");
        self.head(&line, &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}"))
            .await;
        self.send(body).await;
        self.answer().await
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &str) -> Answer {
        self.head(&format!("GET {path}"), headers).await;
        self.answer().await
    }

    /// The next answer, or a failed test after twenty seconds.
    pub(crate) async fn answer(&mut self) -> Answer {
        let read = self.read();
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("an answer comes")
    }

    async fn read(&mut self) -> Answer {
        let status_line = self.line().await;
        let status = status_line.split(' ').nth(1).expect("a status line").parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: String::new() };
        let body = if answer.header("transfer-encoding") == Some("chunked") {
            self.chunks().await
        } else {
            let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            self.exactly(length).await
        };
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line().await, 16).unwrap();
            body.extend(self.exactly(size).await);
            self.line().await;
            if size == 0 {
                return body;
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.stream.read_line(&mut line).await.unwrap(), 0, "the connection ended");
        line.trim_end().to_owned()
    }
}
