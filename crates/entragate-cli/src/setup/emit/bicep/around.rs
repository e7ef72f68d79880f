//! What is around the registrations: service principals, consents, assignments, a federated credential.

use super::text::declare;
use super::{PRINCIPAL, label, principal as principal_name, reference, resource};
use crate::graph::GRAPH_APP_ID;
use crate::setup::emit::value::Value;
use crate::setup::planning::{CREDENTIAL_NAME, PRINCIPAL_TAGS};
use crate::setup::wanted::{
    Part, Resource, Wanted, WantedAccess, WantedApp, WantedAssignment, WantedCredential, WantedPermissions,
};

/// The registration's service principal: without it the tenant does not know the app (AADSTS650052, 7000229).
pub(super) fn principal(wanted: &Wanted, app: &WantedApp) -> Value {
    let mut members = vec![
        ("appId", Value::code(format!("{}.appId", label(app.part)))),
        ("tags", Value::texts(PRINCIPAL_TAGS)),
    ];
    if app.part == Part::Api && wanted.access == WantedAccess::AssignedOnly {
        members.push(("appRoleAssignmentRequired", Value::Flag(true)));
    }
    Value::Object(members)
}

/// Everything that needs both registrations.
pub(super) fn write(text: &mut String, wanted: &Wanted) {
    let signing_in = wanted.signing_in();
    if signing_in.permissions.iter().any(|on| on.resource == Resource::Graph) {
        // Every tenant has it.
        let graph = Value::Object(vec![("appId", Value::text(GRAPH_APP_ID))]);
        declare(text, &format!("resource graph '{PRINCIPAL}' existing"), &graph);
    }
    for permissions in &signing_in.permissions {
        write_consent(text, signing_in, permissions);
    }
    for (at, assignment) in wanted.assignments.iter().enumerate() {
        write_assignment(text, wanted, at + 1, assignment);
    }
    if let WantedCredential::Federated(federation) = &wanted.credential {
        let members = vec![
            (
                "name",
                Value::code(format!("'${{{}.uniqueName}}/{CREDENTIAL_NAME}'", label(wanted.authenticated()))),
            ),
            ("issuer", Value::text(&federation.issuer)),
            ("subject", Value::text(&federation.subject)),
            ("audiences", Value::texts([&federation.audience])),
        ];
        let kind = "Microsoft.Graph/applications/federatedIdentityCredentials@v1.0";
        declare(text, &resource("federation", kind), &Value::Object(members));
    }
}

/// An administrator's consent for everybody.
fn write_consent(text: &mut String, app: &WantedApp, permissions: &WantedPermissions) {
    let name = match permissions.resource {
        Resource::Api => "consentOnApi",
        Resource::Graph => "consentOnGraph",
    };
    let scopes: Vec<&str> = permissions.scopes.iter().map(|(value, _)| value.as_str()).collect();
    let members = vec![
        ("clientId", Value::code(format!("{}.id", principal_name(app.part)))),
        ("consentType", Value::text("AllPrincipals")),
        ("resourceId", Value::code(reference(permissions.resource.principal()))),
        ("scope", Value::text(scopes.join(" "))),
    ];
    declare(text, &resource(name, "Microsoft.Graph/oauth2PermissionGrants@v1.0"), &Value::Object(members));
}

fn write_assignment(text: &mut String, wanted: &Wanted, at: usize, assignment: &WantedAssignment) {
    let Some(role) = wanted.api.roles.iter().find(|role| role.value == assignment.role) else { return };
    let principal = if let Some(group) = assignment.who.strip_prefix("group:") {
        Value::text(group)
    } else {
        let user = Value::Object(vec![("userPrincipalName", Value::text(&assignment.who))]);
        declare(text, &format!("resource person{at} 'Microsoft.Graph/users@v1.0' existing"), &user);
        Value::code(format!("person{at}.id"))
    };
    let members = vec![
        ("principalId", principal),
        ("resourceId", Value::code(format!("{}.id", principal_name(Part::Api)))),
        ("appRoleId", Value::text(&role.id)),
    ];
    let kind = "Microsoft.Graph/appRoleAssignedTo@v1.0";
    declare(text, &resource(&format!("assignment{at}"), kind), &Value::Object(members));
}
