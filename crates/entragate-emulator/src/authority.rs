//! The first path segment: a tenant by GUID or domain, or one of the shared authorities.

use crate::directory::Directory;
use crate::errors::Refusal;
use crate::guid;

/// The tenant of personal Microsoft accounts.
pub(crate) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Whom a request addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authority {
    /// A tenant, by its id.
    Tenant(String),
    Common,
    Organizations,
    Consumers,
}

impl Authority {
    /// Reads a decoded path segment: AADSTS90002 or AADSTS900023 if it is no authority.
    pub(crate) fn parse(segment: &str, directory: &Directory) -> Result<Self, Refusal> {
        match segment.to_ascii_lowercase().as_str() {
            "common" => return Ok(Self::Common),
            "organizations" => return Ok(Self::Organizations),
            "consumers" | CONSUMERS => return Ok(Self::Consumers),
            _ => {}
        }
        let tenant = segment.to_owned();
        match directory.tenant(segment) {
            Some(known) => Ok(Self::Tenant(known.id.clone())),
            None if guid::parse(segment).is_some() || is_dns_name(segment) => {
                Err(Refusal::TenantNotFound { tenant })
            }
            None => Err(Refusal::TenantMalformed { tenant }),
        }
    }

    /// The segment as documents write it: the GUID for a tenant, however it was addressed.
    pub(crate) fn segment(&self) -> &str {
        match self {
            Self::Tenant(id) => id,
            Self::Common => "common",
            Self::Organizations => "organizations",
            Self::Consumers => "consumers",
        }
    }

    /// The tenant, if the path alone decides it.
    pub(crate) fn tenant(&self) -> Option<&str> {
        match self {
            Self::Tenant(id) => Some(id),
            Self::Common | Self::Organizations | Self::Consumers => None,
        }
    }
}

fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}
