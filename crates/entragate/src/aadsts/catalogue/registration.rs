//! The app that asks, and whether the tenant knows it.

use super::source::CODES;
use crate::aadsts::Entry;
use crate::aadsts::Remedy::{Configure, Operate};
use crate::aadsts::Step::Do;
use crate::aadsts::Who::{Administrator, Operator};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 700_016,
        name: Some("UnauthorizedClient_DoesNotMatchRequest"),
        meaning: "The tenant knows no app with this client id.",
        who: Operator,
        remedy: Operate,
        hint: "the app that signs people in is not in this tenant: check AZURE_TENANT_ID, and its client id: AZURE_CLIENT_ID (broker mode), ENTRAGATE_BROKER_CLIENT_ID where it has an app of its own, AZURE_MCP_CLIENT_ID (relay mode)",
        portal: Do(
            "App registrations → All applications: compare the Application (client) ID; Overview → Tenant ID",
        ),
        command: Do(
            "az ad sp create --id '{client}' # where the app exists and only its enterprise application is missing",
        ),
        row: Some(2),
        sources: &[CODES],
    },
    Entry {
        code: 700_011,
        name: Some("UnauthorizedClientAppNotFoundInOrgIdTenant"),
        meaning: "The tenant whose account signs in knows no app with this client id.",
        who: Operator,
        remedy: Operate,
        hint: "check the client id and AZURE_TENANT_ID: this tenant has no such app",
        portal: Do("App registrations → All applications: compare the Application (client) ID"),
        command: Do("az ad app show --id '{client}' --query appId"),
        row: Some(2),
        sources: &[CODES],
    },
    Entry {
        code: 700_038,
        name: None,
        meaning: "The client id of the request cannot be that of an app, for example because it is a placeholder of zeros.",
        who: Operator,
        remedy: Operate,
        hint: "the client id is none: check AZURE_CLIENT_ID (broker mode), ENTRAGATE_BROKER_CLIENT_ID where the gateway has an app of its own, AZURE_MCP_CLIENT_ID (relay mode)",
        portal: Do("App registrations → the app that signs people in → Overview → Application (client) ID"),
        command: Do(r#"az ad app list --display-name '<its name>' --query "[].appId""#),
        row: None,
        sources: &["https://github.com/Azure/Commercial-Marketplace-SaaS-Accelerator/issues/748"],
    },
    Entry {
        code: 70001,
        name: Some("UnauthorizedClient"),
        meaning: "The app is disabled, or the tenant does not know it.",
        who: Administrator,
        remedy: Configure,
        hint: "enable the enterprise application of the app that signs people in, or create it in this tenant",
        portal: Do(
            "Enterprise applications → the app that signs people in → Properties → Enabled for users to sign-in",
        ),
        command: Do("az ad sp update --id '{client}' --set accountEnabled=true"),
        row: None,
        sources: &[
            CODES,
            "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts70001-app-not-found-in-directory",
        ],
    },
    Entry {
        code: 7_000_112,
        name: Some("UnauthorizedClientApplicationDisabled"),
        meaning: "The app, or its enterprise application in this tenant, is disabled.",
        who: Administrator,
        remedy: Configure,
        hint: "enable the enterprise application: Properties, Enabled for users to sign-in",
        portal: Do(
            "Enterprise applications → the app named in the message → Properties → Enabled for users to sign-in",
        ),
        command: Do("az ad sp update --id '{client}' --set accountEnabled=true"),
        row: None,
        sources: &[
            CODES,
            "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts7000112-application-is-disabled",
        ],
    },
    Entry {
        code: 7_000_229,
        name: None,
        meaning: "The app registration exists, but the tenant has no enterprise application (service principal) for it.",
        who: Administrator,
        remedy: Configure,
        hint: "the app that signs people in has no enterprise application in this tenant: az ad sp create --id <its client id>",
        portal: Do("App registrations → the app that signs people in → Overview → Create Service Principal"),
        command: Do("az ad sp create --id '{client}'"),
        row: None,
        sources: &[
            "https://github.com/SidU/openclaw-teams-setup/pull/3",
            "https://github.com/Azure/Commercial-Marketplace-SaaS-Accelerator/issues/830",
        ],
    },
    Entry {
        code: 1_000_031,
        name: None,
        meaning: "The app cannot be used in this tenant at the moment.",
        who: Administrator,
        remedy: Configure,
        hint: "an administrator must look at the enterprise application, and enable or approve it: it may be disabled or awaiting approval",
        portal: Do("Enterprise applications → the app named in the message → Properties, and Permissions"),
        command: Do(
            r#"az ad sp show --id '{client}' --query "{enabled:accountEnabled,disabledByMicrosoft:disabledByMicrosoftStatus}""#,
        ),
        row: None,
        sources: &[CODES],
    },
];
