//! What is around the registrations: service principals, consents, assignments, the credential.

use super::hcl::Block;
use super::{
    address, application, client_id, label, of_application, principal_id, reference, role_id, scope_id,
};
use crate::graph::GRAPH_APP_ID;
use crate::setup::emit::value::Value;
use crate::setup::planning::{CREDENTIAL_NAME, PRINCIPAL_TAGS};
use crate::setup::wanted::{
    Part, Resource, Wanted, WantedAccess, WantedApp, WantedAssignment, WantedCredential, WantedPermissions,
};

/// The registration's service principal: without it the tenant does not know the app (AADSTS650052, 7000229).
pub(super) fn principal(wanted: &Wanted, app: &WantedApp) -> Block {
    let is_closed = app.part == Part::Api && wanted.access == WantedAccess::AssignedOnly;
    Block::labelled("resource", &["azuread_service_principal", label(app.part)])
        .set("client_id", client_id(app.part))
        .set_some("app_role_assignment_required", is_closed.then_some(Value::Flag(true)))
        .set("tags", Value::texts(PRINCIPAL_TAGS))
}

/// Everything that needs both registrations.
pub(super) fn blocks(wanted: &Wanted) -> Vec<Block> {
    let mut blocks = Vec::new();
    let signing_in = wanted.signing_in();
    if signing_in.permissions.iter().any(|on| on.resource == Resource::Graph) {
        // Every tenant has it.
        let graph = Block::labelled("data", &["azuread_service_principal", "graph"]);
        blocks.push(graph.set("client_id", Value::text(GRAPH_APP_ID)));
    }
    for app in wanted.apps() {
        blocks.extend(app.permissions.iter().map(|on| application::access(app, on, &wanted.api)));
    }
    blocks.extend(pre_authorization(wanted));
    blocks.extend(signing_in.permissions.iter().map(|on| consent(signing_in, on)));
    for (at, assignment) in wanted.assignments.iter().enumerate() {
        blocks.extend(self::assignment(wanted, at + 1, assignment));
    }
    blocks.extend(credential(wanted));
    blocks
}

/// The client app needs no consent of people for the API's scopes.
fn pre_authorization(wanted: &Wanted) -> Option<Block> {
    let client = wanted.client.as_ref()?;
    let scopes = wanted.api.scopes.iter().filter_map(|scope| scope_id(&wanted.api, &scope.value));
    Some(
        of_application("azuread_application_pre_authorized", label(client.part), Part::Api)
            .set("authorized_client_id", client_id(client.part))
            .set("permission_ids", Value::List(scopes.collect())),
    )
}

/// An administrator's consent for everybody.
fn consent(app: &WantedApp, permissions: &WantedPermissions) -> Block {
    let name = match permissions.resource {
        Resource::Api => format!("{}_on_api", label(app.part)),
        Resource::Graph => format!("{}_on_graph", label(app.part)),
    };
    let block = Block::labelled("resource", &["azuread_service_principal_delegated_permission_grant", &name])
        .set("service_principal_object_id", principal_id(app.part))
        .set("resource_service_principal_object_id", Value::code(reference(permissions.resource.principal())))
        .set("claim_values", Value::texts(permissions.scopes.iter().map(|(value, _)| value)));
    // The scope must be there before anybody can consent to it.
    let access = Value::code(format!("azuread_application_api_access.{name}"));
    block.set("depends_on", Value::List(vec![access]))
}

fn assignment(wanted: &Wanted, at: usize, assignment: &WantedAssignment) -> Vec<Block> {
    let name = format!("assignment_{at}");
    let mut blocks = Vec::new();
    let principal = if let Some(group) = assignment.who.strip_prefix("group:") {
        Value::text(group)
    } else {
        let user = Block::labelled("data", &["azuread_user", &name]);
        blocks.push(user.set("user_principal_name", Value::text(&assignment.who)));
        address("data.azuread_user", &name, "object_id")
    };
    let Some(role) = role_id(&wanted.api, &assignment.role) else { return blocks };
    blocks.push(
        Block::labelled("resource", &["azuread_app_role_assignment", &name])
            .set("app_role_id", role)
            .set("principal_object_id", principal)
            .set("resource_object_id", principal_id(Part::Api)),
    );
    blocks
}

/// A secret is not among them: it would stand in the state.
fn credential(wanted: &Wanted) -> Option<Block> {
    let part = wanted.authenticated();
    match &wanted.credential {
        WantedCredential::None | WantedCredential::Secret { .. } => None,
        WantedCredential::Certificate { certificate, .. } => Some(
            of_application("azuread_application_certificate", label(part), part)
                .set("type", Value::text("AsymmetricX509Cert"))
                .set("encoding", Value::text("base64"))
                .set("value", Value::text(certificate)),
        ),
        WantedCredential::Federated(federation) => Some(
            of_application("azuread_application_federated_identity_credential", label(part), part)
                .set("display_name", Value::text(CREDENTIAL_NAME))
                .set("issuer", Value::text(&federation.issuer))
                .set("subject", Value::text(&federation.subject))
                .set("audiences", Value::texts([&federation.audience])),
        ),
    }
}
