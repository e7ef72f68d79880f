//! Text as other programs wrote it into a file or a pipe.

/// `>` in Windows PowerShell writes UTF-16, and editors put a mark in front of UTF-8. Without its mark UTF-16 is known by
/// the zero beside its first character: nothing that is read here begins with one.
pub(crate) fn decoded(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [1..=u8::MAX, 0, ..] => utf_16(bytes, u16::from_le_bytes),
        [0, 1..=u8::MAX, ..] => utf_16(bytes, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
