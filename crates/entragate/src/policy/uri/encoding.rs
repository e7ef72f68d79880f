//! What percent-encoding hides (RFC 3986 §2.1).

use std::borrow::Cow;

/// How often a text may have been percent-encoded: a URL in the query of another one, and that once more, is encoded twice.
const MOST_ENCODED: usize = 4;

/// The text, and what it is each time it is decoded, until that changes nothing.
pub(super) fn levels(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let once = |text: &Cow<'_, str>| match decoded(text, |_| false) {
        Cow::Owned(once) => Some(Cow::Owned(once)),
        Cow::Borrowed(_) => None,
    };
    std::iter::successors(Some(Cow::Borrowed(text)), once).take(MOST_ENCODED + 1)
}

/// The text as it is when it has been decoded as often.
pub(super) fn fully_decoded(text: &str) -> Cow<'_, str> {
    levels(text).last().unwrap_or(Cow::Borrowed(text))
}

/// Percent-decoded, except for what is to be `kept` and for stars, which patterns would take for theirs. Borrowed if nothing
/// changes.
pub(super) fn decoded(text: &str, kept: impl Fn(u8) -> bool) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let (mut out, mut copied, mut at) = (Vec::new(), 0, 0);
    while let Some([first, high, low, ..]) = bytes.get(at..) {
        let byte = if *first == b'%' { escaped(*high, *low) } else { None };
        if let Some(byte) = byte.filter(|byte| *byte != b'*' && !kept(*byte)) {
            out.extend_from_slice(&bytes[copied..at]);
            out.push(byte);
            at += 3;
            copied = at;
        } else {
            at += 1;
        }
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(&bytes[copied..]);
    // Bytes that are no text must not hide the others.
    Cow::Owned(
        String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// The byte that a percent sign and these digits stand for.
fn escaped(high: u8, low: u8) -> Option<u8> {
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(hex(high)? << 4 | hex(low)?)
}

/// RFC 3986 §2.2: encoded they mean something else; likewise `%` itself, and controls.
pub(super) fn is_reserved(byte: u8) -> bool {
    byte.is_ascii_control() || b":/?#[]@!$&'()*+,;=%\\".contains(&byte)
}
