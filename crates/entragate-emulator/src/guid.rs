//! GUIDs, which Entra compares without regard to case and always writes in lower case.

use crate::digest::sha256;

/// The lower-case form, if the text is a GUID.
pub(crate) fn parse(text: &str) -> Option<String> {
    let hyphens = [8, 13, 18, 23];
    let fits = text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if hyphens.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    fits.then(|| text.to_ascii_lowercase())
}

/// A version 4 GUID of these bytes.
pub(crate) fn from_bytes(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    text(&bytes)
}

/// The text of these bytes, whatever their version.
pub(crate) fn text(bytes: &[u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            out.push('-');
        }
        for nibble in [byte >> 4, byte & 0x0f] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    out
}

/// A GUID that always belongs to the same text: object ids of service principals, generated groups.
pub(crate) fn derived(text: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256(text.as_bytes())[..16]);
    from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::{derived, parse};

    #[test]
    fn only_whole_guids_are_guids() {
        let guid = "9188040D-6C67-4C5B-B112-36A304B66DAD";
        assert_eq!(parse(guid), Some(guid.to_lowercase()));
        for other in
            ["", "9188040d6c674c5bb11236a304b66dad", &guid[1..], "9188040g-6c67-4c5b-b112-36a304b66dad"]
        {
            assert_eq!(parse(other), None, "{other}");
        }
        let made = derived("x");
        assert_eq!(parse(&made), Some(made));
    }
}
