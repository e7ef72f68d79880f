//! All checks, one file each, in the order of the report. A file begins with the three parts of its documentation.

use super::aadsts;
use super::check::{Check, Group};
use super::documentation::{Documentation, head, head_length, text};

/// A module each, and their table.
macro_rules! checks {
    ($([$group:ident] $($module:ident $name:literal,)*)*) => {
        $($(pub(in crate::doctor) mod $module;)*)*

        /// All checks.
        pub static ALL: &[Check] = &[$($(Check {
            name: $name,
            group: Group::$group,
            documentation: {
                const SOURCE: &str = include_str!(concat!(stringify!($module), ".rs"));
                const HEAD: [u8; head_length(SOURCE)] = head(SOURCE);
                Documentation::of(text(&HEAD))
            },
            run: |site| Box::pin($module::run(site)),
        },)*)*];
    };
}

checks! {
    [Surroundings]
        configuration "configuration",
        authority "authority",
        clock "clock",
        upstream "upstream",
        base_url "base-url",
    [Gateway]
        gateway "gateway",
        redirects "redirects",
        configuration_served "configuration-served",
        issuer "issuer",
        resource "resource",
        capabilities_told "capabilities-told",
        documents "documents",
        challenge "challenge",
        cors "cors",
    [Entra]
        tenant "tenant",
        discovery "discovery",
        keys "keys",
        client_app "client-app",
        redirect_uris "redirect-uris",
        api_app "api-app",
        scope "scope",
        sign_in "sign-in",
        credential "credential",
        token_version "token-version",
        public_client_flows "public-client-flows",
        direct_clients "direct-clients",
        capabilities "entra-capabilities",
    [Registrations]
        graph "graph",
        service_principal "service-principal",
        identifier_uris "identifier-uris",
        token_encryption "token-encryption",
        roles "roles",
        role_assignments "role-assignments",
        groups "groups",
        assignment_required "assignment-required",
        required_access "required-access",
        consent "consent",
        on_behalf_of "on-behalf-of",
        secret_expiry "secret-expiry",
        federated_credentials "federated-credentials",
        verified_domain "verified-domain",
        user_consent "user-consent",
        conditional_access "conditional-access",
}
