//! Identifiers of the fixture directory, which [`Directory::fixtures`](crate::Directory::fixtures) returns.

/// The directory itself, also an example of the format.
pub(crate) const TOML: &str = include_str!("fixtures.toml");

/// Contoso, the tenant of everything below.
pub const TENANT: &str = "11111111-1111-1111-1111-111111111111";
/// Fabrikam, another tenant.
pub const TENANT2: &str = "22222222-2222-2222-2222-222222222222";

/// An API with v2 tokens, scopes `access` and `admin`, roles Admin, User and Tools.All.
pub const API: &str = "a0000000-0000-4000-8000-000000000001";
/// The same with v1 tokens.
pub const API1: &str = "a0000000-0000-4000-8000-000000000002";
/// An API that only assigned users may reach.
pub const GATE: &str = "a0000000-0000-4000-8000-000000000003";
/// Another API, for tokens with the wrong audience.
pub const SIBLING: &str = "a0000000-0000-4000-8000-000000000004";
/// An API whose tokens carry group claims.
pub const GROUPED: &str = "a0000000-0000-4000-8000-000000000005";
/// A public client with loopback redirect URIs.
pub const CLI: &str = "c0000000-0000-4000-8000-000000000001";
/// The same without any consent.
pub const CLI2: &str = "c0000000-0000-4000-8000-000000000002";
/// A public client with the redirect URIs of the known MCP clients.
pub const MCP: &str = "c0000000-0000-4000-8000-000000000003";
/// A confidential client; secret `s3cret`, expired secret `old`.
pub const WEB: &str = "e0000000-0000-4000-8000-000000000001";
/// A single-page application.
pub const SPA: &str = "5a000000-0000-4000-8000-000000000001";
/// Client and API in one registration.
pub const SELF: &str = "5e1f0000-0000-4000-8000-000000000001";
/// A daemon with the app role Tools.All on API; secret `d3mon`.
pub const DMN: &str = "d0000000-0000-4000-8000-000000000001";
/// A daemon that may do everything with registrations through Microsoft Graph; secret [`ADM_SECRET`], also the certificate
/// and the managed identity.
pub const ADM: &str = "d0000000-0000-4000-8000-000000000002";
/// A daemon with Microsoft Graph's application permission Application.Read.All; secret [`READER_SECRET`].
pub const READER: &str = "d0000000-0000-4000-8000-000000000003";
/// An app without redirect URIs.
pub const NOURI: &str = "f0000000-0000-4000-8000-000000000001";
/// Microsoft Graph Command Line Tools, Microsoft's public client that every tenant has.
pub const GRAPH_CLI: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/// Microsoft Graph.
pub const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// The unexpired secret of [`API`], [`API1`] and [`GATE`].
pub const API_SECRET: &str = "api-s3cret";
/// The secret of [`ADM`].
pub const ADM_SECRET: &str = "adm-s3cret";
/// The secret of [`READER`].
pub const READER_SECRET: &str = "reader-s3cret";
/// A certificate in PEM, registered on [`API`], [`WEB`] and [`ADM`].
pub const CLIENT_CERTIFICATE: &str = include_str!("../keys/client-certificate.pem");
/// Its private key in PEM, PKCS#8: public test material.
pub const CLIENT_KEY: &str = include_str!("../keys/client-key.pem");
/// Client id of the managed identity `gateway-identity`, which [`API`], [`WEB`] and [`ADM`] trust.
pub const IDENTITY: &str = "1de00000-0000-4000-8000-000000000001";
/// Its object id: the subject of its tokens.
pub const IDENTITY_OID: &str = "1de00000-0000-4000-8000-000000000002";

/// Every fixture user with the object id. All live in [`TENANT`], except mallory.
pub const USERS: [(&str, &str); 12] = [
    ("alice", "00000000-aaaa-4000-8000-000000000001"),
    ("bob", "00000000-aaaa-4000-8000-000000000002"),
    ("carol", "00000000-aaaa-4000-8000-000000000003"),
    ("dave", "00000000-aaaa-4000-8000-000000000004"),
    ("eve", "00000000-aaaa-4000-8000-000000000005"),
    ("frank", "00000000-aaaa-4000-8000-000000000006"),
    ("gina", "00000000-aaaa-4000-8000-000000000007"),
    ("greta", "00000000-aaaa-4000-8000-000000000008"),
    ("mia", "00000000-aaaa-4000-8000-000000000009"),
    ("nina", "00000000-aaaa-4000-8000-000000000010"),
    ("cora", "00000000-aaaa-4000-8000-000000000011"),
    ("mallory", "00000000-aaaa-4000-8000-000000000012"),
];

/// The object id of a fixture user; for any other name, a GUID that no user has.
pub fn user_oid(name: &str) -> &'static str {
    USERS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or("00000000-0000-4000-8000-000000000000", |(_, oid)| oid)
}

#[cfg(test)]
mod tests {
    use super::{TENANT, USERS};
    use crate::Directory;

    #[test]
    fn the_constants_are_in_the_directory() {
        let directory = Directory::fixtures();
        for id in [super::API, super::API1, super::GATE, super::SIBLING, super::GROUPED, super::GRAPH] {
            assert!(directory.api(id, Some(TENANT)).is_some(), "{id}");
        }
        for id in [
            super::CLI,
            super::CLI2,
            super::MCP,
            super::WEB,
            super::SPA,
            super::SELF,
            super::DMN,
            super::ADM,
            super::READER,
            super::GRAPH_CLI,
            super::NOURI,
        ] {
            assert!(directory.client(id, Some(TENANT)).is_some(), "{id}");
        }
        for (name, oid) in USERS {
            assert_eq!(directory.user(name).map(|user| user.oid.as_str()), Some(oid), "{name}");
        }
        assert_eq!(directory.users.len(), USERS.len());
        assert_eq!(directory.apps.len(), 17);
    }

    #[test]
    fn the_credentials_are_in_the_directory() {
        let directory = Directory::fixtures();
        let identity = &directory.managed_identities[0];
        assert_eq!(
            (identity.client_id.as_str(), identity.object_id.as_str()),
            (super::IDENTITY, super::IDENTITY_OID)
        );
        for id in [super::API, super::WEB, super::ADM] {
            let app = directory.client(id, Some(TENANT)).expect("an app");
            assert_eq!(app.certificates, [super::CLIENT_CERTIFICATE.into()]);
            assert_eq!(app.federated_credentials[0].subject, super::IDENTITY_OID);
        }
        let api = directory.client(super::API, Some(TENANT)).expect("an app");
        assert_eq!(api.secrets[0].value, super::API_SECRET);
    }

    #[test]
    fn the_toml_form_reads_back() {
        let directory = Directory::fixtures();
        assert_eq!(Directory::from_toml(&directory.to_toml()).expect("it parses"), directory);
    }
}
