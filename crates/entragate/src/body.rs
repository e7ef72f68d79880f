//! The body of a call, read as a whole before it is judged.
//!
//! Whoever has a token may send a large one, and must send it: what has arrived is held in memory until the rest is there.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// How long a caller may send nothing in the middle of a body.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a body may take altogether: 16 MiB at half a megabit a second.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("The body is larger than the {0} bytes that this server takes (max_body_bytes)")]
    TooLarge(usize),
    #[error("The body did not arrive in time: {} s without a byte, or {} s altogether", PAUSE.as_secs(), PATIENCE.as_secs())]
    TooSlow,
    #[error("The body is not complete, or not framed as HTTP asks for")]
    Broken,
}

impl BodyError {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// The whole body, if it is no longer than `most`. One frame, as nearly all calls are, is not copied.
pub(crate) async fn whole(mut body: Body, most: usize) -> Result<Bytes, BodyError> {
    let Some(first) = piece(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > most {
        return Err(BodyError::TooLarge(most));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    // In a box, so that a call of one frame does not make room for it.
    timeout(PATIENCE, Box::pin(joined(first, body, most))).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn joined(first: Bytes, mut body: Body, most: usize) -> Result<Bytes, BodyError> {
    let Some(mut next) = piece(&mut body).await? else { return Ok(first) };
    let mut all = BytesMut::from(first);
    loop {
        if next.len() > most - all.len() {
            return Err(BodyError::TooLarge(most));
        }
        all.extend_from_slice(&next);
        match piece(&mut body).await? {
            Some(piece) => next = piece,
            None => return Ok(all.freeze()),
        }
    }
}

/// The next data; trailers are nobody's.
async fn piece(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    loop {
        match timeout(PAUSE, body.frame()).await {
            Err(_) => return Err(BodyError::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(BodyError::Broken),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}
