//! Where the body of an answer ends (RFC 9112 §6, §7.1), and what of it is there.

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use httparse::Status;

use super::hop::HopByHop;
use super::wire_error::WireError;

/// As many bytes as the size of a chunk, its extensions and the line's end may have; and the trailers.
const MOST_BYTES: usize = 16 * 1024;
const MOST_TRAILERS: usize = 32;

/// How a body says where it ends, and how far it has been read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are left.
    Length(u64),
    Chunked(Chunk),
    /// All that comes, until the server closes the connection.
    UntilClose,
}

/// What of a chunk comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    Size,
    /// So many bytes are left.
    Data(u64),
    /// The end of the line after the data.
    End,
    Trailers,
    Over,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    /// More has to be read first.
    Nothing,
}

impl Framing {
    pub(super) const fn chunked() -> Self {
        Self::Chunked(Chunk::Size)
    }

    /// Whether nothing of the body is left.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Over))
    }

    /// How much is left, where that is known.
    pub(super) const fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Chunked(Chunk::Over) => Some(0),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }

    /// Takes the next piece of the body out of what was read: all the data that is there, however it was cut into chunks.
    pub(super) fn take(&mut self, read: &mut BytesMut) -> Result<Found, WireError> {
        let found = match self {
            Self::Length(0) => Found::End,
            Self::Length(left) => some(piece(left, read)),
            Self::UntilClose => some(read.split().freeze()),
            Self::Chunked(chunk) => chunk.take(read)?,
        };
        Ok(found)
    }
}

fn some(data: Bytes) -> Found {
    if data.is_empty() { Found::Nothing } else { Found::Data(data) }
}

/// As much as is there, and no more than is left.
fn piece(left: &mut u64, read: &mut BytesMut) -> Bytes {
    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(read.len());
    *left = left.saturating_sub(length as u64);
    read.split_to(length).freeze()
}

impl Chunk {
    /// What came before a defect goes out first, as it does when they do not come together: the defect is found again.
    fn take(&mut self, read: &mut BytesMut) -> Result<Found, WireError> {
        let mut data = Joined::default();
        match self.next(read, &mut data) {
            Ok(Found::Nothing) => Ok(some(data.freeze())),
            Err(_) if !data.is_empty() => Ok(Found::Data(data.freeze())),
            found => found,
        }
    }

    fn next(&mut self, read: &mut BytesMut, data: &mut Joined) -> Result<Found, WireError> {
        loop {
            match self {
                Self::Size => match size(read)? {
                    Some(0) => *self = Self::Trailers,
                    Some(size) => *self = Self::Data(size),
                    None => return Ok(Found::Nothing),
                },
                Self::Data(left) => {
                    data.push(piece(left, read));
                    if *left > 0 {
                        return Ok(Found::Nothing);
                    }
                    *self = Self::End;
                }
                Self::End => match read.get(..2) {
                    Some(b"\r\n") => {
                        read.advance(2);
                        *self = Self::Size;
                    }
                    Some(_) => return Err(WireError::Malformed("a chunk is longer than it says")),
                    None => return Ok(Found::Nothing),
                },
                // What comes after the data is found next time.
                Self::Trailers | Self::Over if !data.is_empty() => return Ok(Found::Nothing),
                Self::Trailers => {
                    let Some(trailers) = trailers(read)? else { return Ok(Found::Nothing) };
                    *self = Self::Over;
                    if !trailers.is_empty() {
                        return Ok(Found::Trailers(trailers));
                    }
                }
                Self::Over => return Ok(Found::End),
            }
        }
    }
}

/// The size line of a chunk, if it is all there.
fn size(read: &mut BytesMut) -> Result<Option<u64>, WireError> {
    const WRONG: WireError = WireError::Malformed("the size of a chunk is no number");
    // No digit is not nothing, which would be the end.
    if read.first().is_some_and(|first| !first.is_ascii_hexdigit()) {
        return Err(WRONG);
    }
    match httparse::parse_chunk_size(read).map_err(|_| WRONG)? {
        Status::Complete((length, _)) if length > MOST_BYTES => Err(WireError::TooLarge),
        // In an extension, which ends there for some readers.
        Status::Complete((length, _)) if !ends_in_crlf(&read[..length]) => {
            Err(WireError::Malformed("the size of a chunk does not end in CR LF"))
        }
        Status::Complete((length, size)) => {
            read.advance(length);
            Ok(Some(size))
        }
        Status::Partial if read.len() >= MOST_BYTES => Err(WireError::TooLarge),
        Status::Partial => Ok(None),
    }
}

/// The trailers and the empty line after them, if they are all there.
fn trailers(read: &mut BytesMut) -> Result<Option<HeaderMap>, WireError> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_TRAILERS];
    let mut map = HeaderMap::new();
    let length = match httparse::parse_headers(read, &mut fields)? {
        Status::Complete((length, _)) if length > MOST_BYTES => return Err(WireError::TooLarge),
        Status::Complete((length, _)) if !ends_in_crlf(&read[..length]) => {
            return Err(WireError::Malformed("a trailer does not end in CR LF"));
        }
        Status::Complete((length, found)) => {
            for field in found.iter().filter(|field| may_come_late(field.name)) {
                let name = HeaderName::from_bytes(field.name.as_bytes());
                let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) else {
                    return Err(WireError::Malformed("a trailer holds characters that none may hold"));
                };
                map.append(name, value);
            }
            length
        }
        Status::Partial if read.len() >= MOST_BYTES => return Err(WireError::TooLarge),
        Status::Partial => return Ok(None),
    };
    read.advance(length);
    Ok(Some(map))
}

/// What says how a message is framed, to whom a connection belongs, whose session it is or where to sign in, counts in the
/// head only (RFC 9110 §6.5.1), where it is looked at.
pub(super) fn may_come_late(name: &str) -> bool {
    const HEAD_ONLY: [&str; 8] = [
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "mcp-session-id",
        "set-cookie",
        "trailer",
        "www-authenticate",
    ];
    !HopByHop::named_by(std::iter::empty()).has(name)
        && !HEAD_ONLY.iter().any(|head_only| head_only.eq_ignore_ascii_case(name))
}

/// Whether every line does.
fn ends_in_crlf(lines: &[u8]) -> bool {
    lines.split_inclusive(|byte| *byte == b'\n').all(|line| line.ends_with(b"\r\n"))
}

/// Data that is copied only when there is more than one piece of it.
#[derive(Default)]
struct Joined {
    first: Bytes,
    all: BytesMut,
}

impl Joined {
    fn is_empty(&self) -> bool {
        self.first.is_empty() && self.all.is_empty()
    }

    fn push(&mut self, piece: Bytes) {
        if self.is_empty() {
            self.first = piece;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&piece);
    }

    fn freeze(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when the bytes come in pieces of this length.
    fn decoded(mut framing: Framing, bytes: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), WireError> {
        let (mut read, mut data, mut trailers) = (BytesMut::new(), Vec::new(), 0);
        let mut pieces = bytes.chunks(step);
        loop {
            match framing.take(&mut read)? {
                Found::Data(more) => data.extend_from_slice(&more),
                Found::Trailers(map) => trailers += map.len(),
                Found::End => return Ok((data, trailers, read.is_empty() && pieces.next().is_none())),
                Found::Nothing => match pieces.next() {
                    Some(piece) => read.extend_from_slice(piece),
                    None => return Ok((data, trailers, false)),
                },
            }
        }
    }

    #[test]
    fn chunks_are_read_wherever_they_are_cut() {
        let chunks = b"3\r\nabc\r\nA;name=\"v\"\r\n0123456789\r\n000\r\nx-check: 1\r\n\r\n";
        for step in 1..=chunks.len() {
            let decoded = decoded(Framing::chunked(), chunks, step).unwrap();
            assert_eq!(decoded, (b"abc0123456789".to_vec(), 1, true), "{step}");
        }
    }

    #[test]
    fn trailers_that_belong_into_a_head_are_left_out() {
        let mut read = BytesMut::from(
            &b"0\r\nx-sum: 7\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: x\r\nMcp-Session-Id: 7\r\n\
               Set-Cookie: a=1\r\nWWW-Authenticate: Basic\r\n\r\n"[..],
        );
        let Ok(Found::Trailers(trailers)) = Framing::chunked().take(&mut read) else {
            panic!("there is one")
        };
        assert_eq!(trailers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-sum"]);
        let mut read = BytesMut::from(&b"0\r\nset-cookie: a=1\r\n\r\n"[..]);
        assert!(matches!(Framing::chunked().take(&mut read), Ok(Found::End)));
    }

    #[test]
    fn chunks_that_are_there_together_leave_together() {
        let mut read = BytesMut::from(&b"1\r\na\r\n1\r\nb\r\n5\r\ncd"[..]);
        let Found::Data(data) = Framing::chunked().take(&mut read).unwrap() else { panic!("no data") };
        assert_eq!(data, "abcd");
    }

    #[test]
    fn what_follows_the_body_stays() {
        let mut read = BytesMut::from(&b"abHTTP"[..]);
        let mut framing = Framing::Length(2);
        assert!(matches!(framing.take(&mut read), Ok(Found::Data(data)) if data == "ab"));
        assert!(framing.is_over());
        assert!(matches!(framing.take(&mut read), Ok(Found::End)));
        assert_eq!(&read[..], b"HTTP");
    }

    #[test]
    fn chunks_that_two_readers_could_cut_differently_are_refused() {
        for bytes in [
            &b"3\r\nabcd\r\n0\r\n\r\n"[..],
            b"3\r\nab\r\n0\r\n\r\n",
            b"\r\nabc\r\n",
            b"\r\n\r\n",
            b";a\r\n\r\n",
            b" 0\r\n\r\n",
            b"0;a\n\r\n\r\n",
            b"1;a\nb\r\na\r\n0\r\n\r\n",
            b"0\r\n\n",
            b"0\r\nx: a\n\r\n",
            b"0\r\nx: a\r\n\n",
            b"-1\r\na\r\n",
            b"+1\r\na\r\n",
            b"0x1\r\na\r\n",
            b"1 1\r\na\r\n",
            b"G\r\na\r\n",
            b"1\na\r\n0\r\n\r\n",
            b"10000000000000000\r\na\r\n",
            b"1\r\na\n0\r\n\r\n",
            b"0\r\nno colon\r\n\r\n",
        ] {
            for step in [1, bytes.len()] {
                assert!(decoded(Framing::chunked(), bytes, step).is_err(), "{}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn framing_without_an_end_is_not_kept_for_ever() {
        for start in [&b"1;"[..], b"0\r\nx: "] {
            let endless = [start, &vec![b'y'; 2 * MOST_BYTES]].concat();
            assert!(matches!(decoded(Framing::chunked(), &endless, 1000), Err(WireError::TooLarge)));
        }
    }

    #[test]
    fn the_limits_are_the_same_however_it_is_cut() {
        let line = |length: usize| format!("0;{}\r\n\r\n", "y".repeat(length - 4));
        let trailer = |length: usize| format!("0\r\nx:{}\r\n\r\n", "y".repeat(length - 6));
        for (length, is_fine) in [(MOST_BYTES, true), (MOST_BYTES + 1, false)] {
            for bytes in [line(length), trailer(length)] {
                for step in [bytes.len(), 1000, bytes.len() - 1] {
                    let decoded = decoded(Framing::chunked(), bytes.as_bytes(), step);
                    assert_eq!(decoded.is_ok_and(|(_, _, is_over)| is_over), is_fine, "{length} by {step}");
                }
            }
        }
    }

    #[test]
    fn what_came_before_a_defect_is_not_lost() {
        let mut read = BytesMut::from(&b"1\r\na\r\n1\r\nb\r\nx\r\n"[..]);
        let mut framing = Framing::chunked();
        assert!(matches!(framing.take(&mut read), Ok(Found::Data(data)) if data == "ab"));
        assert!(framing.take(&mut read).is_err());
    }

    #[test]
    fn a_body_that_was_cut_off_is_not_over() {
        for end in 0..b"3\r\nabc\r\n0\r\n\r\n".len() {
            let (_, _, is_over) = decoded(Framing::chunked(), &b"3\r\nabc\r\n0\r\n\r\n"[..end], 4).unwrap();
            assert!(!is_over, "{end}");
        }
    }
}
