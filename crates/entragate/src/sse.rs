//! Server-sent events as their bytes arrive (WHATWG HTML §9.2.6): where a stream may be cut, and what an event says.

/// Finds the places between events, whatever the chunks: after the blank line that ends an event, and after each line that
/// belongs to none, as a comment between two events does. A line ends in LF, CR LF or CR.
///
/// ```
/// use entragate::sse::Cuts;
///
/// let mut cuts = Cuts::default();
/// assert_eq!(cuts.next(b": hello\nevent: message\nda"), Some(8));
/// assert_eq!(cuts.next(b"event: message\nda"), None);
/// assert!(!cuts.is_between());
/// assert_eq!(cuts.next(b"ta: {}\n\n"), Some(8));
/// assert!(cuts.is_between());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Cuts {
    at: At,
    has_begun: bool,
}

/// In which part of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    Text,
    /// After a CR: the LF of a CR LF may still be on its way.
    Cr,
}

impl Cuts {
    /// How far the next cut is in these bytes, which follow those that have been read. Without one, all of them have been
    /// read. A CR at their end is no cut yet, since a LF may belong to it: it is one, at 0, once something else follows.
    pub fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut read = 0;
        loop {
            let byte = *bytes.get(read)?;
            match (self.at, byte) {
                (At::Cr, _) => {
                    read += usize::from(byte == b'\n');
                    self.at = At::Start;
                    if !self.has_begun {
                        return Some(read);
                    }
                }
                (_, b'\n' | b'\r') => {
                    read += 1;
                    if self.at == At::Start {
                        self.has_begun = false;
                    }
                    self.at = if byte == b'\r' { At::Cr } else { At::Start };
                    if self.at == At::Start && !self.has_begun {
                        return Some(read);
                    }
                }
                (At::Start, _) => {
                    self.has_begun |= byte != b':';
                    self.at = At::Text;
                }
                (At::Text, _) => {
                    let rest = bytes.get(read..)?;
                    read += rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
                }
            }
        }
    }

    /// Where the last cut in these bytes is.
    pub fn last(&mut self, bytes: &[u8]) -> Option<usize> {
        let (mut read, mut last) = (0, None);
        while let Some(length) = self.next(bytes.get(read..).unwrap_or_default()) {
            read += length;
            last = Some(read);
        }
        last
    }

    /// Whether no event has begun after what has been read, so that another one may be put in here. A LF that belongs to
    /// what was read is a blank line after it then, which means nothing.
    pub const fn is_between(&self) -> bool {
        !self.has_begun && !matches!(self.at, At::Text)
    }
}

/// The lines of an event, without their ends; its blank line is an empty one.
pub fn lines(event: &str) -> impl Iterator<Item = &str> {
    event.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// Name and value of a line; `None` for comments and blank lines.
pub fn field(line: &str) -> Option<(&str, &str)> {
    // A byte order mark may stand at the beginning of a stream, and readers skip it.
    let line = line.trim_start_matches('\u{feff}');
    if line.is_empty() || line.starts_with(':') {
        return None;
    }
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    Some((name, value.strip_prefix(' ').unwrap_or(value)))
}

/// Names and values of an event.
pub fn fields(event: &str) -> impl Iterator<Item = (&str, &str)> {
    lines(event).filter_map(field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is between the cuts, and whether another event may follow.
    fn pieces(text: &str, size: usize) -> (Vec<String>, bool) {
        let (mut cuts, mut pieces, mut piece) = (Cuts::default(), Vec::new(), Vec::new());
        for chunk in text.as_bytes().chunks(size) {
            let mut rest = chunk;
            while let Some(length) = cuts.next(rest) {
                let (before, after) = rest.split_at(length);
                piece.extend_from_slice(before);
                pieces.push(String::from_utf8(std::mem::take(&mut piece)).unwrap());
                rest = after;
            }
            piece.extend_from_slice(rest);
        }
        pieces.push(String::from_utf8(piece).unwrap());
        (pieces, cuts.is_between())
    }

    #[test]
    fn a_stream_is_cut_after_events_and_after_lines_that_belong_to_none() {
        for end in ["\n", "\r\n", "\r"] {
            let lines = |text: &str| text.replace('|', end);
            let text = lines(": hi|||retry: 10||id: 7|: inside|data: x||:|data: unfinished|");
            let expected =
                [": hi|", "|", "|", "retry: 10||", "id: 7|: inside|data: x||", ":|", "data: unfinished|"];
            for size in [1, 2, 5, 4096] {
                assert_eq!(pieces(&text, size), (expected.map(lines).to_vec(), false), "{end:?} {size}");
            }
        }
        for (text, is_between) in [
            ("", true),
            ("data: x", false),
            ("data: x\n", false),
            ("data: x\r", false),
            ("data: x\r\n", false),
            ("data: x\r\n\r", true),
            ("data: x\r\n\r\n", true),
            ("data: x\n\n:", false),
            ("data: x\n\n: ping\n", true),
            ("data: x\n\n: ping\r", true),
        ] {
            assert_eq!(pieces(text, 1).1, is_between, "{text:?}");
        }
    }

    #[test]
    fn the_last_cut_of_a_chunk_is_where_another_event_fits() {
        let mut cuts = Cuts::default();
        assert_eq!(cuts.last(b"data: 1\n\ndata: 2\n\nda"), Some(18));
        assert_eq!(cuts.last(b"ta: 3\n"), None);
        assert_eq!(cuts.last(b"\r"), None);
        assert_eq!(cuts.last(b"data: 4"), Some(0));
    }

    #[test]
    fn fields_are_read_as_clients_read_them() {
        let event = "\u{feff}event:message\r\n: comment\r\ndata:  x: y\rid\n\n";
        let all: Vec<_> = fields(event).collect();
        assert_eq!(all, [("event", "message"), ("data", " x: y"), ("id", "")]);
    }

    proptest! {
        #[test]
        fn cuts_are_the_same_whatever_the_chunks(text in "[d:\r\n]{0,40}", size in 1usize..8) {
            let (whole, cut) = (pieces(&text, 4096), pieces(&text, size));
            prop_assert_eq!(whole.0.concat(), text);
            prop_assert_eq!(whole, cut);
        }
    }
}
