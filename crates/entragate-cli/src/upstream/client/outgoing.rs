//! A request on its way to the MCP server (RFC 9112 §6, §7.1).

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http::Method;
use http_body::Body as _;

use super::connection::Connection;
use super::request_head::RequestHead;
use super::wire_error::WireError;

/// A body no longer than this goes out in one write with the head.
const TOGETHER: usize = 16 * 1024;

/// What is left to be written.
pub(in super::super) struct Outgoing {
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
    /// Where the body ends is taken from the body that is really there: a length that disagrees with it is how requests are
    /// smuggled. That it is empty is said to a server only if it was said to us.
    pub(in super::super) fn new(head: RequestHead, body: Body) -> Self {
        let RequestHead { method, mut written, had_length } = head;
        let left = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
        match left {
            Some(0) if !had_length => {}
            Some(length) => written.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
            None => written.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        }
        written.extend_from_slice(b"\r\n");
        let body = Some(body).filter(|_| left != Some(0));
        Self { method, pending: written.freeze(), body, left, has_begun: false, is_flushed: false }
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
