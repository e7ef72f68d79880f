//! Credentials of an application: client secrets, certificates, federated identity credentials.

pub(super) mod certificate;
pub(super) mod federated;
pub(super) mod password;
