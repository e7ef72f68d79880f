//! Ids of grants and assignments, which Entra makes of the GUIDs they join: base64url of their bytes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::digest::{base64url, sha256};
use crate::guid;

/// The id that joins these GUIDs.
pub(super) fn joined(guids: &[&str]) -> String {
    base64url(&guids.iter().flat_map(|guid| bytes(guid)).collect::<Vec<u8>>())
}

/// The GUIDs that an id joins.
pub(super) fn parts(id: &str) -> Option<Vec<String>> {
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    let (chunks, rest) = bytes.as_chunks::<16>();
    (rest.is_empty() && !chunks.is_empty()).then(|| chunks.iter().map(text).collect())
}

/// The id of an assignment: the principal's GUID, and 16 bytes that differ for every role of every app.
pub(super) fn of_assignment(principal: &str, app: &str, role: &str) -> String {
    let mut id = bytes(principal).to_vec();
    id.extend_from_slice(&sha256(format!("assignment of {principal} to {role} of {app}").as_bytes())[..16]);
    base64url(&id)
}

/// As Windows lays a GUID out: the first three groups have their bytes reversed.
fn bytes(guid: &str) -> [u8; 16] {
    let mut out = [0; 16];
    let digits = guid.bytes().filter_map(|byte| char::from(byte).to_digit(16));
    for (at, digit) in digits.take(32).enumerate() {
        let digit = u8::try_from(digit).unwrap_or_default();
        out[at / 2] = out[at / 2] << 4 | digit;
    }
    swap(&mut out);
    out
}

fn swap(bytes: &mut [u8; 16]) {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
}

fn text(bytes: &[u8; 16]) -> String {
    let mut bytes = *bytes;
    swap(&mut bytes);
    guid::text(&bytes)
}

#[cfg(test)]
mod tests {
    use super::{joined, parts};

    #[test]
    fn a_published_id_is_made_of_its_guids() {
        let client = "b25985a8-9d2b-4fde-9fa7-6c4e43a8ddec";
        let api = "a3efc889-f1b7-4532-9e01-91e32d1039f4";
        let user = "182c8534-f413-487c-91a3-7addc80e35d5";
        assert_eq!(joined(&[client, api]), "qIVZsiud3k-fp2xOQ6jd7InI76O38TJFngGR4y0QOfQ");
        let id = "qIVZsiud3k-fp2xOQ6jd7InI76O38TJFngGR4y0QOfQ0hSwYE_R8SJGjet3IDjXV";
        assert_eq!(joined(&[client, api, user]), id);
        assert_eq!(parts(id), Some(vec![client.to_owned(), api.to_owned(), user.to_owned()]));
        assert_eq!(parts("x"), None);
    }
}
