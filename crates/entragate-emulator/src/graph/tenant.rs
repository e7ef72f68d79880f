//! The tenant: `/domains`, `/organization`, `/policies` and `/identity/conditionalAccess/policies`. Read only.

use http::Method;
use serde_json::{Value, json};

use super::call::{Call, Called};
use super::error::GraphError;
use super::key::Path;
use crate::directory::Tenant;
use crate::guid;
use crate::settings::IdentifierUriPolicy;

const DIRECTORY: [&str; 3] = ["Directory.Read.All", "Directory.ReadWrite.All", "Directory.AccessAsUser.All"];

pub(super) fn answer(call: &Call<'_>, path: &Path) -> Called {
    if call.method() != Method::GET {
        return Err(GraphError::no_method());
    }
    let key = path.key.as_ref().map(super::key::Key::text);
    let tenant = call.directory().tenant(&call.caller.tenant);
    let tenant = tenant.ok_or_else(|| GraphError::not_found(&call.caller.tenant))?;
    match (path.collection.as_str(), key) {
        ("domains", key) => {
            may(call, &["Domain.Read.All", "Domain.ReadWrite.All"])?;
            let items = domains(tenant);
            match key {
                None => call.page("domains", items, &["id", "isVerified"]),
                Some(id) => {
                    let found = items.into_iter().find(|item| item["id"] == id);
                    call.entity("domains", &found.ok_or_else(|| GraphError::not_found(id))?)
                }
            }
        }
        ("organization", None) => {
            may(call, &["Organization.Read.All", "User.Read", "User.Read.All"])?;
            call.page("organization", vec![organization(tenant)], &["id"])
        }
        ("organization", Some(id)) if id.eq_ignore_ascii_case(&tenant.id) => {
            may(call, &["Organization.Read.All", "User.Read", "User.Read.All"])?;
            call.entity("organization", &organization(tenant))
        }
        ("policies", Some("authorizationPolicy")) => {
            may_read_policies(call)?;
            call.entity("policies/authorizationPolicy", &authorization(call))
        }
        ("policies", Some("defaultAppManagementPolicy")) => {
            may_read_policies(call)?;
            call.entity("policies/defaultAppManagementPolicy", &app_management(call))
        }
        ("identity", Some("conditionalAccess")) if path.rest == ["policies"] => {
            may_read_policies(call)?;
            let filterable = ["id", "displayName", "state"];
            call.page("identity/conditionalAccess/policies", conditional_access(call), &filterable)
        }
        (collection, _) => Err(GraphError::no_segment(collection)),
    }
}

fn may(call: &Call<'_>, permissions: &[&str]) -> Result<(), GraphError> {
    call.caller.may_read(permissions).or_else(|_| call.caller.may_read(&DIRECTORY))
}

/// Directory.Read.All is not enough here.
fn may_read_policies(call: &Call<'_>) -> Result<(), GraphError> {
    call.caller.may_read(&["Policy.Read.All"])
}

fn domains(tenant: &Tenant) -> Vec<Value> {
    let custom = tenant.domains.iter().enumerate().map(|(at, domain)| (domain, at == 0, false));
    let initial = [(&tenant.initial_domain, tenant.domains.is_empty(), true)];
    let json = |(domain, default, initial): (&String, bool, bool)| {
        json!({
            "id": domain,
            "authenticationType": "Managed",
            "availabilityStatus": null,
            "isAdminManaged": true,
            "isDefault": default,
            "isInitial": initial,
            "isRoot": true,
            "isVerified": true,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            "passwordValidityPeriodInDays": null,
            "passwordNotificationWindowInDays": null,
            "state": null,
        })
    };
    custom.chain(initial).map(json).collect()
}

fn organization(tenant: &Tenant) -> Value {
    let domain = |domain: Value| {
        json!({
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": domain["isDefault"],
            "isInitial": domain["isInitial"],
            "name": domain["id"],
            "type": "Managed",
        })
    };
    json!({
        "id": tenant.id,
        "deletedDateTime": null,
        "displayName": tenant.name,
        "tenantType": "AAD",
        "countryLetterCode": null,
        "verifiedDomains": domains(tenant).into_iter().map(domain).collect::<Vec<_>>(),
        "assignedPlans": [],
    })
}

/// Follows the settings that let users register apps and consent.
fn authorization(call: &Call<'_>) -> Value {
    let consent = if call.settings.restrict_user_consent {
        json!([])
    } else {
        json!(["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"])
    };
    json!({
        "id": "authorizationPolicy",
        "displayName": "Authorization Policy",
        "description": "Used to manage authorization related settings across the company.",
        "allowInvitesFrom": "everyone",
        "allowedToSignUpEmailBasedSubscriptions": true,
        "allowedToUseSSPR": true,
        "allowEmailVerifiedUsersToJoinOrganization": false,
        "allowUserConsentForRiskyApps": null,
        "blockMsolPowerShell": false,
        "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "defaultUserRolePermissions": {
            "allowedToCreateApps": call.settings.users_may_register_apps,
            "allowedToCreateSecurityGroups": true,
            "allowedToCreateTenants": true,
            "allowedToReadBitlockerKeysForOwnedDevice": true,
            "allowedToReadOtherUsers": true,
            "permissionGrantPoliciesAssigned": consent,
        },
    })
}

/// Follows the setting of identifier URIs.
fn app_management(call: &Call<'_>) -> Value {
    let state = |policies: &[IdentifierUriPolicy]| {
        if policies.contains(&call.settings.identifier_uri_policy) { "enabled" } else { "disabled" }
    };
    let restriction = |state: &str| {
        json!({
            "state": state,
            "restrictForAppsCreatedAfterDateTime": null,
            "excludeAppsReceivingV2Tokens": true,
            "excludeSaml": true,
        })
    };
    json!({
        "id": "00000000-0000-0000-0000-000000000000",
        "displayName": "Default app management tenant policy",
        "description": "Default tenant policy that enforces app management restrictions on applications and service principals.",
        "isEnabled": call.settings.identifier_uri_policy != IdentifierUriPolicy::Off,
        "applicationRestrictions": {
            "passwordCredentials": [],
            "keyCredentials": [],
            "identifierUris": {
                "nonDefaultUriAddition": restriction(state(&[IdentifierUriPolicy::Strict])),
                "uriAdditionWithoutUniqueTenantIdentifier":
                    restriction(state(&[IdentifierUriPolicy::Standard, IdentifierUriPolicy::Strict])),
            },
        },
        "servicePrincipalRestrictions": { "passwordCredentials": [], "keyCredentials": [] },
    })
}

/// One policy for those who need a second factor, one for those who are blocked: where there are such users.
fn conditional_access(call: &Call<'_>) -> Vec<Value> {
    let (directory, settings) = (call.directory(), &call.settings);
    let of = |marked: &dyn Fn(&crate::directory::User) -> bool, named: &[String]| -> Vec<String> {
        let own = directory.users.iter().filter(|user| user.tenant == call.caller.tenant);
        let meant = own.filter(|user| marked(user) || named.iter().any(|name| user.is_called(name)));
        meant.map(|user| user.oid.clone()).collect()
    };
    let mfa = of(&|user| user.mfa_required, &settings.mfa_required_users);
    let blocked = of(&|user| user.ca_blocked, &settings.ca_blocked_users);
    let policy = |name: &str, users: &[String], control: &str| {
        json!({
            "id": guid::derived(&format!("conditional access {name} of {}", call.caller.tenant)),
            "displayName": name,
            "createdDateTime": "2026-01-01T00:00:00Z",
            "modifiedDateTime": null,
            "state": "enabled",
            "conditions": {
                "applications": { "includeApplications": ["All"], "excludeApplications": [] },
                "users": { "includeUsers": users, "excludeUsers": [], "includeGroups": [], "excludeGroups": [] },
                "clientAppTypes": ["all"],
            },
            "grantControls": { "operator": "OR", "builtInControls": [control] },
            "sessionControls": null,
        })
    };
    let all = [("Require multi-factor authentication", mfa, "mfa"), ("Block access", blocked, "block")];
    let some = all.iter().filter(|(_, users, _)| !users.is_empty());
    some.map(|(name, users, control)| policy(name, users, control)).collect()
}
