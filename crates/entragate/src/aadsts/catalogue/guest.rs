//! Guests, and what two tenants allow each other.

use super::source::{CODES, CROSS_TENANT, GUESTS};
use super::step::SIGN_IN_LOG_COMMAND;
use crate::aadsts::Entry;
use crate::aadsts::Remedy::{Configure, SignInAgain};
use crate::aadsts::Step::Do;
use crate::aadsts::Who::{Administrator, Person};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 50014,
        name: Some("GuestUserInPendingState"),
        meaning: "The guest has not accepted the invitation, or was never invited.",
        who: Person,
        remedy: SignInAgain,
        hint: "accept the invitation to this tenant first, or ask for one",
        portal: Do("Users → All users → the guest → Invitation state → Resend invitation"),
        command: Do(
            r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/users/<object id>?\$select=externalUserState""#,
        ),
        row: None,
        sources: &[CODES, GUESTS],
    },
    Entry {
        code: 500_212,
        name: Some("NotAllowedByOutboundPolicyTenant"),
        meaning: "The person's own organisation does not let them into this tenant.",
        who: Administrator,
        remedy: Configure,
        hint: "an administrator of the person's own tenant must allow outbound access to this one",
        portal: Do(
            "External Identities → Cross-tenant access settings → Outbound access (in the home tenant)",
        ),
        command: Do(
            r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/policies/crossTenantAccessPolicy/partners""#,
        ),
        row: None,
        sources: &[CODES, CROSS_TENANT],
    },
    Entry {
        code: 500_213,
        name: Some("NotAllowedByInboundPolicyTenant"),
        meaning: "This tenant does not let people of that organisation in.",
        who: Administrator,
        remedy: Configure,
        hint: "an administrator of this tenant must allow inbound access from the person's organisation",
        portal: Do("External Identities → Cross-tenant access settings → Inbound access"),
        command: Do(
            r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/policies/crossTenantAccessPolicy/partners""#,
        ),
        row: None,
        sources: &[CODES, CROSS_TENANT],
    },
    Entry {
        code: 1_000_104,
        name: Some("XCB2BResourceCloudNotAllowedOnIdentityTenant"),
        meaning: "The person's own tenant does not allow access to the cloud of this one.",
        who: Administrator,
        remedy: Configure,
        hint: "an administrator of the person's own tenant must allow this cloud",
        portal: Do(
            "External Identities → Cross-tenant access settings → Microsoft cloud settings (in the home tenant)",
        ),
        command: Do(
            r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/policies/crossTenantAccessPolicy""#,
        ),
        row: None,
        sources: &[CODES, "https://learn.microsoft.com/entra/external-id/cross-cloud-settings"],
    },
    Entry {
        code: 50107,
        name: Some("InvalidRealmUri"),
        meaning: "The identity provider that the account comes from is not known to this tenant.",
        who: Administrator,
        remedy: Configure,
        hint: "an administrator must correct the domain's federation settings: Entra has none for the issuer that signed",
        portal: Do("External Identities → All identity providers; Domain names"),
        command: Do(
            r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/domains/<domain>/federationConfiguration""#,
        ),
        row: None,
        sources: &[
            CODES,
            "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-aadsts50107-guest-redemption-fails",
        ],
    },
    Entry {
        code: 90123,
        name: Some("IdentityProviderAccessDenied"),
        meaning: "The identity provider behind the account refused.",
        who: Administrator,
        remedy: Configure,
        hint: "ask the administrator of the account's own identity provider why it refused; the sign-in log has the attempt by its correlation id",
        portal: Do("External Identities → All identity providers"),
        command: SIGN_IN_LOG_COMMAND,
        row: None,
        sources: &[CODES],
    },
];
