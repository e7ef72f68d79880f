//! Public pages that several entries rest on.

pub(super) const CODES: &str =
    "https://learn.microsoft.com/entra/identity-platform/reference-error-codes#aadsts-error-codes";
pub(super) const REPLY_URL: &str = "https://learn.microsoft.com/entra/identity-platform/reply-url";
pub(super) const AUTH_CODE: &str =
    "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow";
pub(super) const SCOPES: &str = "https://learn.microsoft.com/entra/identity-platform/scopes-oidc";
pub(super) const CLIENT_CREDENTIALS: &str =
    "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow";
pub(super) const CERTIFICATES: &str =
    "https://learn.microsoft.com/entra/identity-platform/certificate-credentials";
pub(super) const ADD_CREDENTIALS: &str =
    "https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials";
pub(super) const SDK_ERRORS: &str =
    "https://learn.microsoft.com/azure/developer/java/sdk/troubleshooting-authentication-service-principal";
pub(super) const FEDERATION: &str =
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation";
pub(super) const DEVICE_CODE: &str =
    "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code";
pub(super) const ON_BEHALF_OF: &str =
    "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow";
pub(super) const REFRESH_TOKENS: &str = "https://learn.microsoft.com/entra/identity-platform/refresh-tokens";
pub(super) const CLOUDS: &str =
    "https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud";
pub(super) const ADMIN_CONSENT: &str =
    "https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent";
pub(super) const ASSIGN: &str =
    "https://learn.microsoft.com/entra/identity/enterprise-apps/assign-user-or-group-access-portal";
pub(super) const CONDITIONAL_ACCESS: &str =
    "https://learn.microsoft.com/entra/identity/conditional-access/troubleshoot-conditional-access";
pub(super) const GUESTS: &str = "https://learn.microsoft.com/entra/external-id/add-users-administrator";
pub(super) const CROSS_TENANT: &str =
    "https://learn.microsoft.com/entra/external-id/cross-tenant-access-overview";
pub(super) const TENANT_RESTRICTIONS: &str =
    "https://learn.microsoft.com/entra/identity/enterprise-apps/tenant-restrictions";
