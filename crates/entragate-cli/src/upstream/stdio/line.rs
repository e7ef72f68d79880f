//! Lines of a bounded length, from a process that may send none.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end; at the end of the stream also one that has none.
    Whole(Bytes),
    /// The beginning of a line that is longer than allowed; the rest of it was read and dropped, or is still to come.
    Begun(Bytes),
    /// Nothing comes any more.
    End,
}

/// What happens to the rest of a line that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It is read and dropped.
    Skip,
    /// It is not read: whoever asked goes no further.
    Leave,
}

/// Reads up to the next line feed, and keeps `longest` bytes of it at the most.
pub(super) async fn next(
    stream: &mut (impl AsyncBufRead + Unpin),
    longest: usize,
    rest: Rest,
) -> io::Result<Line> {
    let mut line = BytesMut::new();
    let mut is_longer = false;
    loop {
        let chunk = stream.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(match line.is_empty() {
                true => Line::End,
                false if is_longer => Line::Begun(line.freeze()),
                false => Line::Whole(line.freeze()),
            });
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = end.and_then(|end| chunk.get(..end)).unwrap_or(chunk);
        let room = longest - line.len();
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        is_longer |= part.len() > room;
        let read = end.map_or(chunk.len(), |end| end + 1);
        stream.consume(read);
        if is_longer && rest == Rest::Leave {
            return Ok(Line::Begun(line.freeze()));
        }
        if end.is_some() {
            return Ok(if is_longer { Line::Begun(line.freeze()) } else { Line::Whole(line.freeze()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn all(text: &[u8], longest: usize, rest: Rest) -> Vec<Line> {
        let mut stream = BufReader::with_capacity(3, text);
        let mut lines = Vec::new();
        loop {
            match next(&mut stream, longest, rest).await.unwrap() {
                Line::End => return lines,
                line => lines.push(line),
            }
        }
    }

    #[tokio::test]
    async fn lines_are_kept_up_to_their_limit_and_the_next_one_begins_after_the_line_feed() {
        let whole = |text: &'static str| Line::Whole(Bytes::from_static(text.as_bytes()));
        let begun = |text: &'static str| Line::Begun(Bytes::from_static(text.as_bytes()));
        assert_eq!(
            all(b"ab\n\ncdefgh\nij", 4, Rest::Skip).await,
            [whole("ab"), whole(""), begun("cdef"), whole("ij")]
        );
        assert_eq!(all(b"abcd\nabcde", 4, Rest::Skip).await, [whole("abcd"), begun("abcd")]);
        assert_eq!(all(b"", 4, Rest::Skip).await, []);
    }

    #[tokio::test]
    async fn line_without_an_end_is_not_read_on() {
        let mut endless = BufReader::new(tokio::io::repeat(b'x'));
        assert_eq!(
            next(&mut endless, 4, Rest::Leave).await.unwrap(),
            Line::Begun(Bytes::from_static(b"xxxx"))
        );
    }
}
