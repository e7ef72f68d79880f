//! Tenants, users and groups.

use serde::{Deserialize, Serialize};

use super::app::is_default;

/// A tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Tenant id, a GUID.
    pub id: String,
    /// Display name.
    pub name: String,
    /// The `….onmicrosoft.com` domain.
    pub initial_domain: String,
    /// Further verified domains.
    #[serde(default, skip_serializing_if = "is_default")]
    pub domains: Vec<String>,
    /// `tenant_region_scope` of discovery.
    #[serde(default = "region")]
    pub region: String,
}

fn region() -> String {
    "NA".to_owned()
}

/// A user object in one tenant. A guest is a user object whose home is another tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a directory object, named in TOML")]
pub struct User {
    /// Short unique name: what pages, headers and the control plane call the user.
    pub name: String,
    /// User principal name, what is typed at sign-in.
    pub upn: String,
    /// Object id, a GUID.
    pub oid: String,
    /// The tenant that holds the object.
    pub tenant: String,
    /// Full name.
    pub display_name: String,
    /// First name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub given_name: String,
    /// Last name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub family_name: String,
    /// For a guest, the tenant the account comes from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub home_tenant: Option<String>,
    /// Sign-in is blocked: AADSTS50057.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// May consent for the organisation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admin: bool,
    /// A policy demands multi-factor authentication: AADSTS50076.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mfa_required: bool,
    /// A Conditional Access policy blocks the user: AADSTS53003.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ca_blocked: bool,
    /// So many memberships in groups that are not listed; they make the overage claim reachable.
    #[serde(default, skip_serializing_if = "is_default")]
    pub further_groups: u32,
}

impl User {
    /// Whether `text` means this user: the name or the user principal name, in any case.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        self.name.eq_ignore_ascii_case(text) || self.upn.eq_ignore_ascii_case(text)
    }

    /// The tenant whose credentials the user has.
    pub(crate) fn home(&self) -> &str {
        self.home_tenant.as_deref().unwrap_or(&self.tenant)
    }
}

/// A security group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Object id, a GUID.
    pub id: String,
    /// Display name, unique.
    pub name: String,
    /// Direct members, users by name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub members: Vec<String>,
    /// Nested groups by name: their members are in `groups`, but hold no assignment of this group.
    #[serde(default, skip_serializing_if = "is_default")]
    pub groups: Vec<String>,
}
