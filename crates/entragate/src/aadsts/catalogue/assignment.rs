//! Who is assigned to the API's enterprise application.

use super::source::{ASSIGN, CODES};
use crate::aadsts::Entry;
use crate::aadsts::Remedy::Configure;
use crate::aadsts::Step::Do;
use crate::aadsts::Who::Administrator;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 50105,
        name: Some("EntitlementGrantsNotFound"),
        meaning: "The application admits only assigned people, and this one is assigned neither directly nor through a group as a direct member.",
        who: Administrator,
        remedy: Configure,
        hint: "an administrator must assign the user (or a group they are a direct member of, which takes Entra ID P1) to the API's enterprise application",
        portal: Do("Enterprise applications → the API app → Users and groups → Add user/group"),
        command: Do(
            r#"az rest --method POST --url "https://graph.microsoft.com/v1.0/servicePrincipals/<object id of the enterprise application>/appRoleAssignedTo" --body '{"principalId":"<user or group>","resourceId":"<object id of the enterprise application>","appRoleId":"<role id>"}'"#,
        ),
        row: None,
        sources: &[
            CODES,
            ASSIGN,
            "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50105-user-not-assigned-role",
        ],
    },
    Entry {
        code: 501_051,
        name: None,
        meaning: "A program that signs in without a user holds none of the API's app roles, and the API admits only assigned callers.",
        who: Administrator,
        remedy: Configure,
        hint: "an administrator must assign one of the API app's app roles to the calling application (API permissions, Application permissions, then admin consent)",
        portal: Do(
            "App registrations → the calling app → API permissions → Add a permission → My APIs → the API app → Application permissions; then Grant admin consent",
        ),
        command: Do(
            "az ad app permission add --id '<calling app>' --api '{api}' --api-permissions '<role id>=Role'; az ad app permission admin-consent --id '<calling app>'",
        ),
        row: None,
        sources: &["https://doc.nais.io/security/auth/azure-ad/faq-troubleshooting/"],
    },
];
