//! What percent-encoding hides (RFC 3986 §2.1).

use std::borrow::Cow;

/// How often a text may have been percent-encoded.
const MOST_ENCODED: usize = 8;

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
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('%');
    let (mut out, mut changed) = (parts.next().unwrap_or_default().as_bytes().to_vec(), false);
    for part in parts {
        if let Some((byte, rest)) = escaped(part).filter(|(byte, _)| *byte != b'*' && !kept(*byte)) {
            changed = true;
            out.push(byte);
            out.extend_from_slice(rest);
        } else {
            out.push(b'%');
            out.extend_from_slice(part.as_bytes());
        }
    }
    if !changed {
        return Cow::Borrowed(text);
    }
    // Bytes that are no text must not hide the others.
    Cow::Owned(
        String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// The byte that a percent sign and the beginning of this stand for, and what is behind it.
fn escaped(text: &str) -> Option<(u8, &[u8])> {
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let [high, low, rest @ ..] = text.as_bytes() else { return None };
    let byte = hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low)?;
    Some((byte, rest))
}

/// RFC 3986 §2.2: encoded they mean something else; likewise `%` itself, and controls.
pub(super) fn is_reserved(byte: u8) -> bool {
    byte.is_ascii_control() || b":/?#[]@!$&'()*+,;=%\\".contains(&byte)
}
