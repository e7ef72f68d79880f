//! Ids of scopes and roles. Graph lets whoever makes one choose a GUID; these are computed from the names, so that a
//! plan, a script and a template of the same set-up agree, and a second run makes nothing twice.

use aws_lc_rs::digest::{SHA256, digest};

/// The id of a scope or role: a GUID of version 8 (RFC 9562 §5.8), unique within the registration.
pub(super) fn permission_id(unique_name: &str, kind: &str, value: &str) -> String {
    let hash = digest(&SHA256, format!("entragate setup\n{unique_name}\n{kind}\n{value}").as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let guid = u128::from_be_bytes(bytes);
    let hex = format!("{guid:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_guids_that_depend_on_every_name() {
        let id = permission_id("contoso-mcp-api", "scope", "access");
        assert_eq!(id.len(), 36);
        assert_eq!((&id[14..15], id.split('-').count()), ("8", 5));
        assert_eq!(id, permission_id("contoso-mcp-api", "scope", "access"));
        for (name, kind, value) in [
            ("other", "scope", "access"),
            ("contoso-mcp-api", "role", "access"),
            ("contoso-mcp-api", "scope", "admin"),
        ] {
            assert_ne!(id, permission_id(name, kind, value));
        }
    }
}
