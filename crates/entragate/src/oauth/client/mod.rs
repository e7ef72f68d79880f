//! Who the client is: an identifier that is the URL of a metadata document (Client ID Metadata Document).

pub(crate) mod address;
pub(crate) mod document;
pub(crate) mod document_url;
pub(crate) mod fetch;
pub(crate) mod freshness;
pub(crate) mod name;
pub(crate) mod resolve;
