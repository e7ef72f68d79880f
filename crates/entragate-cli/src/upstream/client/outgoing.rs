//! A request on its way to the MCP server (RFC 9112 §3, §7.1).

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Request};
use http_body::Body as _;

use super::connection::Connection;
use super::wire_error::WireError;

/// A body no longer than this goes out in one write with the head.
const TOGETHER: usize = 16 * 1024;

/// What is left to be written.
pub(super) struct Outgoing {
    pub(super) method: Method,
    /// Encoded.
    pending: Bytes,
    /// Until it has ended.
    body: Option<Body>,
    /// How much of the body is not encoded yet, if its length was told; else it goes in chunks.
    left: Option<u64>,
    /// Something was handed to the operating system: from then on the server may have seen it.
    has_begun: bool,
    /// TLS may hold some of it back until it is told not to.
    is_flushed: bool,
}

impl Outgoing {
    pub(super) fn new(request: Request<Body>) -> Self {
        let (parts, body) = request.into_parts();
        let length = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
        let pending = head(&parts, length);
        let body = Some(body).filter(|_| length != Some(0));
        Self { method: parts.method, pending, body, left: length, has_begun: false, is_flushed: false }
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(super) fn is_done(&self) -> bool {
        self.body.is_none() && self.pending.is_empty() && self.is_flushed
    }

    /// Ready when all of it was written.
    pub(super) fn poll_write(
        &mut self,
        connection: &mut Connection,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), WireError>> {
        loop {
            // A small body that is there already joins the head: one packet, one system call.
            while self.pending.len() < TOGETHER && self.body.is_some() {
                match self.poll_body(cx) {
                    Poll::Ready(taken) => taken?,
                    Poll::Pending => break,
                }
            }
            if self.pending.is_empty() {
                if !self.is_flushed {
                    ready!(connection.poll_flush(cx))?;
                    self.is_flushed = true;
                }
                return if self.body.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            let written = ready!(connection.poll_write(&self.pending, cx))?;
            self.has_begun = true;
            self.is_flushed = false;
            self.pending.advance(written);
        }
    }

    /// The next piece of the body, encoded, behind what is pending.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
        match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                let is_last = body.is_end_stream();
                match frame.into_data() {
                    Ok(data) => self.add(&data)?,
                    // The server did not ask for them, and nobody can be told.
                    Err(_trailers) => {}
                }
                if is_last || self.left == Some(0) {
                    self.end()?;
                }
            }
            Some(Err(error)) => return Poll::Ready(Err(WireError::RequestBody(error))),
            None => self.end()?,
        }
        Poll::Ready(Ok(()))
    }

    fn add(&mut self, data: &Bytes) -> Result<(), WireError> {
        let size = match &mut self.left {
            _ if data.is_empty() => return Ok(()), // a chunk of nothing would be the end
            Some(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or_else(other_length)?;
                if self.pending.is_empty() {
                    self.pending = data.clone();
                } else {
                    self.join(&[data]);
                }
                return Ok(());
            }
            None => format!("{:x}\r\n", data.len()),
        };
        self.join(&[size.as_bytes(), data, b"\r\n"]);
        Ok(())
    }

    fn end(&mut self) -> Result<(), WireError> {
        self.body = None;
        match self.left {
            None => self.join(&[b"0\r\n\r\n"]),
            Some(0) => {}
            Some(_) => return Err(other_length()),
        }
        Ok(())
    }

    fn join(&mut self, more: &[&[u8]]) {
        let length = more.iter().map(|piece| piece.len()).sum();
        // Not copied when nobody else holds it, as is nearly always so.
        let mut joined = match std::mem::take(&mut self.pending).try_into_mut() {
            Ok(pending) => pending,
            Err(shared) => BytesMut::from(shared.as_ref()),
        };
        joined.reserve(length);
        for piece in more {
            joined.extend_from_slice(piece);
        }
        self.pending = joined.freeze();
    }
}

/// What comes after such a body would be taken for a part of it, or its end for the next request.
fn other_length() -> WireError {
    WireError::RequestBody(axum::Error::new("it is not as long as it says"))
}

/// The request line and the headers. Where the body ends is said here and nowhere else: a length that disagrees with the
/// body is how requests are smuggled. That it is empty is said to a server only if it was said to us.
fn head(parts: &Parts, length: Option<u64>) -> Bytes {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let together =
        length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= TOGETHER);
    let mut head = BytesMut::with_capacity(size(&parts.headers) + target.len() + 128 + together.unwrap_or(0));
    for piece in [parts.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        head.extend_from_slice(piece.as_bytes());
    }
    for (name, value) in &parts.headers {
        if name != TRANSFER_ENCODING && name != CONTENT_LENGTH {
            for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(piece);
            }
        }
    }
    match length {
        Some(0) if !parts.headers.contains_key(CONTENT_LENGTH) => {}
        Some(length) => head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
        None => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    head.extend_from_slice(b"\r\n");
    head.freeze()
}

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}
