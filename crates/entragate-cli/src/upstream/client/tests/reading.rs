//! The readers of head and body, one after the other, as the client uses them.

use bytes::BytesMut;
use http::{HeaderMap, Method, Response};

use super::super::framing::{Found, Framing};
use super::super::head;
use super::super::wire_error::WireError;

/// How the answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// All there.
    Whole,
    /// More would have come.
    Waiting,
    /// The server closed the connection before its end.
    CutOff,
    /// With the error as the log of a developer would show it.
    Refused(String),
}

/// An answer as far as it was understood.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) head: Option<Response<()>>,
    /// Whether the head lets the connection be used again.
    pub(super) is_kept: bool,
    pub(super) body: Vec<u8>,
    pub(super) trailers: HeaderMap,
    pub(super) end: End,
    /// As many bytes as belong to nobody.
    pub(super) left: usize,
}

impl Heard {
    /// The same for whoever reads the answer.
    pub(super) fn assert_same(&self, other: &Self) {
        assert_eq!(self.seen(), other.seen());
    }

    fn seen(&self) -> (String, bool, &[u8], &HeaderMap, &End, usize) {
        (format!("{:?}", self.head), self.is_kept, &self.body, &self.trailers, &self.end, self.left)
    }
}

/// What the server sends, as it comes out of the socket.
pub(super) struct Pieces<'a> {
    pub(super) pieces: &'a [&'a [u8]],
    pub(super) then: Then,
}

/// What the server does when it has sent everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Closes,
    Waits,
}

impl Pieces<'_> {
    pub(super) fn read(&self, asked: &Method) -> Heard {
        let (mut read, mut pieces) = (BytesMut::new(), self.pieces.iter());
        let mut heard = Heard {
            head: None,
            is_kept: false,
            body: Vec::new(),
            trailers: HeaderMap::new(),
            end: End::Waiting,
            left: 0,
        };
        match self.understood(&mut heard, &mut read, &mut pieces, asked) {
            Ok(end) => {
                heard.end = end;
                heard.left = read.len() + pieces.map(|piece| piece.len()).sum::<usize>();
            }
            // The connection ends here, whatever is left on it.
            Err(error) => heard.end = End::Refused(format!("{error:?}")),
        }
        heard
    }

    fn understood(
        &self,
        heard: &mut Heard,
        read: &mut BytesMut,
        pieces: &mut std::slice::Iter<'_, &[u8]>,
        asked: &Method,
    ) -> Result<End, WireError> {
        let taken = loop {
            if !read.is_empty()
                && let Some(taken) = head::take(read, asked)?
            {
                break taken;
            }
            let Some(piece) = pieces.next() else { return Ok(self.at_the_end()) };
            read.extend_from_slice(piece);
        };
        heard.head = Some(taken.response);
        heard.is_kept = taken.is_kept;
        let mut framing = taken.framing;
        loop {
            match framing.take(read)? {
                Found::Data(data) => heard.body.extend_from_slice(&data),
                Found::Trailers(trailers) => heard.trailers.extend(trailers),
                Found::End => return Ok(End::Whole),
                Found::Nothing => match pieces.next() {
                    Some(piece) => read.extend_from_slice(piece),
                    None if framing == Framing::UntilClose && self.then == Then::Closes => {
                        return Ok(End::Whole);
                    }
                    None => return Ok(self.at_the_end()),
                },
            }
        }
    }

    const fn at_the_end(&self) -> End {
        match self.then {
            Then::Closes => End::CutOff,
            Then::Waits => End::Waiting,
        }
    }
}
