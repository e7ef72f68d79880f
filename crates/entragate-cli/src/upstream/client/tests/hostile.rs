//! Answers as a server could send them that is broken, or wants two readers to disagree.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What parsers of HTTP/1.1 have stumbled over, to be put anywhere.
const SNIPPETS: [&[u8]; 36] = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\r\n",
    b"\n\r",
    b"\r\n\r\n",
    b"\n\n",
    b"\0",
    b" ",
    b"\t",
    b"\x0b",
    b"\x7f",
    b"\x80",
    b"\xff",
    b":",
    b";",
    b",",
    b"\"",
    b"-",
    b"+",
    b"0",
    b"1",
    b"f",
    b"g",
    b"0x",
    b"0\r\n\r\n",
    b"\r\n x",
    b"\r\nx: ",
    b"x:\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"content-length: 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"connection: close\r\n",
    b"ffffffffffffffff",
];

const LENGTHS: [&str; 22] = [
    "0",
    "1",
    "5",
    "05",
    "5 ",
    "5, 5",
    "5,5",
    "5, 6",
    ",5",
    "5,",
    "+5",
    "-5",
    "5.0",
    "0x5",
    "5 5",
    "",
    " ",
    "\"5\"",
    "5;x",
    "18446744073709551613",
    "18446744073709551615",
    "18446744073709551616",
];

const CODINGS: [&str; 16] = [
    "chunked",
    "Chunked",
    " chunked ",
    "chunked,",
    ",chunked",
    "chunked, chunked",
    "gzip, chunked",
    "chunked, gzip",
    "gzip",
    "identity",
    "\"chunked\"",
    "chunked;q=1",
    "x\tchunked",
    "\x0bchunked",
    "chunked\x00",
    "",
];

const CONNECTIONS: [&str; 8] =
    ["close", "Close", "keep-alive", "close, keep-alive", "x, close", "\"close\"", "closed", "upgrade"];

/// The line after the version.
const STATUSES: [&str; 22] = [
    "200 OK",
    "200 OK",
    "200 OK",
    "200 Fine",
    "200",
    "200 ",
    "202 Accepted",
    "204 No Content",
    "205 Reset Content",
    "304 Not Modified",
    "401 Unauthorized",
    "404 Not Found",
    "500 Caf\u{e9}",
    "101 Switching Protocols",
    "100 Continue",
    "099 Low",
    "999 High",
    "1000 Higher",
    "20 Short",
    "200OK",
    "200  OK",
    "-20 OK",
];

const ENDS: [&str; 12] =
    ["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n", "\0\r\n"];

/// As bytes, where `é` above stands for the one byte that it has in Latin-1.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).expect("Latin-1")).collect()
}

/// Usually the one, now and then the other.
fn mostly<T: std::fmt::Debug + 'static>(
    usual: impl Strategy<Value = T> + 'static,
    odd: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![15 => usual, 1 => odd]
}

fn name(name: &'static str) -> impl Strategy<Value = String> {
    let odd = [
        name.to_ascii_uppercase(),
        format!("{name} "),
        format!(" {name}"),
        format!("{name}\0"),
        format!("{name}\u{e9}"),
    ];
    mostly(Just(name.to_owned()), select(odd.to_vec()))
}

/// A header, without the end of its line.
fn field() -> impl Strategy<Value = String> {
    let one = |header, values: &'static [&str]| {
        (name(header), select(values)).prop_map(|(name, value)| format!("{name}:{value}"))
    };
    prop_oneof![
        3 => one("content-length", &LENGTHS),
        3 => one("transfer-encoding", &CODINGS),
        2 => one("connection", &CONNECTIONS),
        3 => select(&[
            "content-type: application/json", "Mcp-Session-Id: a", "x:", "x: \t ", "x: a\r\n b", "x: a\r\n\tb", "x: \u{e9}",
            "x: a\rb", "x: a\0b", "no colon", ": no name", "x\u{b}: a", "trailer: x-sum", "x: \x7f",
        ][..]).prop_map(str::to_owned),
        1 => (1..300_usize).prop_map(|length| format!("x-long: {}", "y".repeat(length))),
        1 => (30..120_usize).prop_map(|many| vec!["x:"; many].join("\r\n")),
    ]
}

/// How the size of a chunk is written.
fn size(size: usize) -> impl Strategy<Value = String> {
    let fair = [
        format!("{size:x}"),
        format!("{size:X}"),
        format!("00{size:x}"),
        format!("{size:x};a=\"b\""),
        format!("{size:x} ;a"),
    ];
    let odd = [
        String::new(),
        format!("{size:x} "),
        format!(" {size:x}"),
        format!("0x{size:x}"),
        format!("+{size:x}"),
        format!("-{size:x}"),
        format!("{size:x}g"),
        format!("{size:x};a\nb"),
        format!("{size:x};\r"),
        format!("{size:x};\0"),
        format!("{size:x} 1"),
        format!("{size:016x}"),
        format!("{size:017x}"),
        format!("1{size:016x}"),
        format!("{:x}", size + 1),
        ";".to_owned(),
        format!("{size:x}\t\t"),
        format!("{size:x};;"),
        format!("{size:x};{}", "e".repeat(700)),
    ];
    mostly(select(fair.to_vec()), select(odd.to_vec()))
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => prop::collection::vec(any::<u8>(), 1..20), 1 => prop::collection::vec(any::<u8>(), 200..400)]
}

fn chunk() -> impl Strategy<Value = Vec<u8>> {
    let framed = |data: Vec<u8>| {
        (size(data.len()), mostly(Just("\r\n"), select(&ENDS[..])), mostly(Just("\r\n"), select(&ENDS[..])))
            .prop_map(move |(size, first, second)| {
                [&latin(&size), first.as_bytes(), &data, second.as_bytes()].concat()
            })
    };
    data().prop_flat_map(framed)
}

fn chunks() -> impl Strategy<Value = Vec<u8>> {
    let end = || mostly(Just("\r\n"), select(&ENDS[..]));
    let trailers = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec((field(), end()), 1..3)];
    (prop::collection::vec(chunk(), 0..5), size(0), end(), trailers, end()).prop_map(
        |(chunks, last, end, trailers, over)| {
            let mut bytes = chunks.concat();
            bytes.extend(latin(&last));
            bytes.extend(end.as_bytes());
            for (field, end) in trailers {
                bytes.extend(latin(&field));
                bytes.extend(end.as_bytes());
            }
            bytes.extend(over.as_bytes());
            bytes
        },
    )
}

/// A body with the header that frames it.
fn framed() -> impl Strategy<Value = (String, Vec<u8>)> {
    prop_oneof![
        3 => data().prop_map(|data| (format!("content-length: {}\r\n", data.len()), data)),
        6 => chunks().prop_map(|chunks| ("transfer-encoding: chunked\r\n".to_owned(), chunks)),
        1 => data().prop_map(|data| (String::new(), data)),
        1 => Just(("content-length: 0\r\n".to_owned(), Vec::new())),
    ]
}

fn head() -> impl Strategy<Value = (&'static str, Vec<(String, &'static str)>)> {
    let fields = prop_oneof![
        6 => Just(Vec::new()),
        3 => prop::collection::vec((field(), Just("\r\n")), 1..3),
        1 => prop::collection::vec((field(), select(&ENDS[..])), 1..5),
    ];
    (mostly(Just("200 OK"), select(&STATUSES[..])), fields)
}

fn whole() -> impl Strategy<Value = Vec<u8>> {
    let interim = prop_oneof![
        9 => Just(""),
        1 => select(&[
            "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", "\r\n", "\n\r\n",
            "HTTP/1.1 102 Processing\r\ncontent-length: 5\r\n\r\n", "HTTP/1.0 100 Continue\n\n",
        ][..]),
    ];
    let version = mostly(
        Just("HTTP/1.1"),
        select(&["HTTP/1.0", "HTTP/1.0", "HTTP/1.2", "HTTP/2", "http/1.1", "HTTP/1.1 "][..]),
    );
    let after = prop_oneof![6 => Just(""), 1 => Just("x"), 1 => Just("\r\n"), 1 => Just("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")];
    (interim, version, head(), framed(), after).prop_map(
        |(interim, version, (status, fields), (framing, body), after)| {
            let mut bytes =
                [interim.as_bytes(), version.as_bytes(), b" ", &latin(status), b"\r\n", framing.as_bytes()]
                    .concat();
            for (field, end) in fields {
                bytes.extend(latin(&field));
                bytes.extend(end.as_bytes());
            }
            bytes.extend(b"\r\n");
            bytes.extend(body);
            bytes.extend(after.as_bytes());
            bytes
        },
    )
}

#[derive(Debug, Clone)]
enum Bend {
    Insert(&'static [u8]),
    Replace(u8),
    Remove(usize),
    Repeat(usize),
    End,
}

fn bent(mut bytes: Vec<u8>, bends: Vec<(Index, Bend)>) -> Vec<u8> {
    for (at, bend) in bends {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        let piece = |length: usize| at..(at + length).min(bytes.len());
        match bend {
            Bend::Insert(snippet) => drop(bytes.splice(at..at, snippet.iter().copied())),
            Bend::Replace(byte) => bytes[at] = byte,
            Bend::Remove(length) => drop(bytes.drain(piece(length))),
            Bend::Repeat(length) => {
                let again = bytes[piece(length)].to_vec();
                drop(bytes.splice(at..at, again));
            }
            Bend::End => bytes.truncate(at),
        }
    }
    bytes
}

/// The bytes of an answer.
#[derive(Clone)]
pub(super) struct Answer(pub(super) Vec<u8>);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Some as a server could send them, most with something wrong.
pub(super) fn answer() -> impl Strategy<Value = Answer> {
    let bend = prop_oneof![
        4 => select(&SNIPPETS[..]).prop_map(Bend::Insert),
        1 => any::<u8>().prop_map(Bend::Replace),
        1 => (1..6_usize).prop_map(Bend::Remove),
        1 => (1..40_usize).prop_map(Bend::Repeat),
        1 => Just(Bend::End),
    ];
    let bends = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec((any::<Index>(), bend), 1..4)];
    prop_oneof![
        20 => (whole(), bends).prop_map(|(bytes, bends)| bent(bytes, bends)),
        1 => prop::collection::vec(select(&SNIPPETS[..]), 0..30).prop_map(|snippets| snippets.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..100),
    ]
    .prop_map(Answer)
}

/// Where the bytes are cut into reads; the same place twice is one cut.
pub(super) fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..6)
}

/// The bytes in pieces.
pub(super) fn cut<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> =
        cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([bytes.len()]).collect();
    ends.sort_unstable();
    let mut start = 0;
    let pieces = ends.into_iter().map(|end| &bytes[std::mem::replace(&mut start, end)..end]);
    pieces.filter(|piece| !piece.is_empty()).collect()
}
