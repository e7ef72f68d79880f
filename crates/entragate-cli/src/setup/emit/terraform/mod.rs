//! Terraform for the provider `azuread` 3: every part of a registration is a resource of its own, so that a list has
//! as many owners as it has entries. The provider forbids mixing these with `azuread_application`.
//!
//! Written from what is wanted, not from the plan: Terraform finds out itself what is there.

mod application;
mod around;
mod hcl;

use std::fmt::Write as _;

use self::hcl::{Block, escaped, quoted};
use super::Source;
use super::tenant_id;
use super::value::{Piece, Value, comment, pieces};
use crate::setup::slot::Slot;
use crate::setup::wanted::{Part, WantedApp, WantedCredential};

const HEAD: &str = r"# App registrations of an MCP gateway, printed by `entragate setup --emit terraform`.
#
#   az login --tenant TENANT --allow-no-subscriptions
#   terraform init && terraform apply
#
# Whoever applies it needs the role Cloud Application Administrator for everything but the consents, for which the
# provider's documentation asks for Global Administrator; as an application Application.ReadWrite.All,
# AppRoleAssignment.ReadWrite.All and Directory.ReadWrite.All.
# Do not manage these registrations with azuread_application as well: the two undo each other's work.
";

/// The configuration.
pub(super) fn configuration(source: Source<'_>) -> String {
    let mut text = HEAD.to_owned();
    write_standing(&mut text, source);
    text.push('\n');
    write_provider(&mut text, source);
    let mut blocks = Vec::new();
    for app in source.wanted.apps() {
        blocks.extend(application::blocks(app));
        blocks.push(around::principal(source.wanted, app));
    }
    blocks.extend(around::blocks(source.wanted));
    for block in &blocks {
        block.write(&mut text);
    }
    write_end(&mut text, source);
    text
}

/// A registration that is there already would be made a second time.
fn write_standing(text: &mut String, source: Source<'_>) {
    for (part, slot) in [(Part::Api, Slot::ApiObjectId), (Part::Client, Slot::ClientObjectId)] {
        if let Some(id) = source.plan.ids.get(slot) {
            let _ = writeln!(
                text,
                "#\n# The {name} is there already, and Terraform would make a second one. Take it over, and then each of its\n\
                 # other resources in the way that the provider's documentation says:\n\
                 #   terraform import {registration} /applications/{id}",
                name = part.name(),
                registration = registration(part),
            );
        }
    }
}

fn write_provider(text: &mut String, source: Source<'_>) {
    let azuread = Value::Object(vec![
        ("source", Value::text("hashicorp/azuread")),
        // The first with every resource that is used here in its present shape.
        ("version", Value::text("~> 3.7")),
    ]);
    Block::new("terraform")
        .set("required_version", Value::text(">= 1.5"))
        .with(Block::new("required_providers").set("azuread", azuread))
        .write(text);
    let provider = Block::labelled("provider", &["azuread"]);
    match tenant_id(source.plan) {
        Some(id) => provider.set("tenant_id", Value::text(id)),
        None => provider
            .note(format!("the tenant is the one you are signed in to; meant is {}", source.plan.tenant)),
    }
    .write(text);
}

fn write_end(text: &mut String, source: Source<'_>) {
    if matches!(source.wanted.credential, WantedCredential::Secret { .. }) {
        text.push_str(
            "# The client secret is not made here: it would stand in the state in clear. After `terraform apply`,\n\
             # this makes it and writes it into .env:\n\
             #   entragate setup --apply --adopt \"$(terraform output -raw AZURE_CLIENT_ID)\" and the options of this run\n\n",
        );
    }
    for note in &source.plan.notes {
        let _ = writeln!(text, "# Note: {}", comment(note));
    }
    if !source.plan.notes.is_empty() {
        text.push('\n');
    }
    for app in source.wanted.apps() {
        let name = source.wanted.mode.setting(app.part);
        Block::labelled("output", &[name]).set("value", client_id(app.part)).write(text);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
}

/// What resources of a part are called.
const fn label(part: Part) -> &'static str {
    match part {
        Part::Api => "api",
        Part::Client => "client",
    }
}

fn registration(part: Part) -> String {
    format!("azuread_application_registration.{}", label(part))
}

fn client_id(part: Part) -> Value {
    Value::code(format!("{}.client_id", registration(part)))
}

fn principal_id(part: Part) -> Value {
    Value::code(format!("azuread_service_principal.{}.object_id", label(part)))
}

/// A resource that belongs to a registration.
fn of_application(kind: &str, name: &str, part: Part) -> Block {
    Block::labelled("resource", &[kind, name])
        .set("application_id", Value::code(format!("{}.id", registration(part))))
}

/// A text with placeholders, which become references.
fn template(text: &str) -> Value {
    let inside: String = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => escaped(text),
            Piece::Slot(slot) => format!("${{{}}}", reference(slot)),
        })
        .collect();
    Value::code(format!("\"{inside}\""))
}

fn reference(slot: Slot) -> String {
    match slot {
        Slot::ApiAppId => format!("{}.client_id", registration(Part::Api)),
        Slot::ApiObjectId => format!("{}.object_id", registration(Part::Api)),
        Slot::ApiPrincipalId => "azuread_service_principal.api.object_id".to_owned(),
        Slot::ClientAppId => format!("{}.client_id", registration(Part::Client)),
        Slot::ClientObjectId => format!("{}.object_id", registration(Part::Client)),
        Slot::ClientPrincipalId => "azuread_service_principal.client.object_id".to_owned(),
        Slot::GraphPrincipalId => "data.azuread_service_principal.graph.object_id".to_owned(),
    }
}

/// The resource of a scope or role: named after its value, which may hold what a name may not.
fn named(kind: &str, app: &WantedApp, value: &str, id: &str) -> String {
    let plain: String = value.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let values = app.scopes.iter().map(|scope| &scope.value).chain(app.roles.iter().map(|role| &role.value));
    let is_plain = values.filter(|other| *other != value).all(|other| {
        let other: String = other.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        !other.eq_ignore_ascii_case(&plain)
    });
    let tail =
        if is_plain { String::new() } else { format!("_{}", id.split('-').next().unwrap_or_default()) };
    format!("{}_{kind}_{plain}{tail}", label(app.part))
}

/// A reference to the id of one of our scopes, so that it is made first.
fn scope_id(app: &WantedApp, value: &str) -> Option<Value> {
    let scope = app.scopes.iter().find(|scope| scope.value == value)?;
    let name = named("scope", app, value, &scope.id);
    Some(Value::code(format!("azuread_application_permission_scope.{name}.scope_id")))
}

/// The same for roles.
fn role_id(app: &WantedApp, value: &str) -> Option<Value> {
    let role = app.roles.iter().find(|role| role.value == value)?;
    let name = named("role", app, value, &role.id);
    Some(Value::code(format!("azuread_application_app_role.{name}.role_id")))
}

/// A reference to a resource or data source by its address.
fn address(kind: &str, name: &str, member: &str) -> Value {
    debug_assert_eq!(quoted(name).len(), name.len() + 2, "names of resources are plain");
    Value::code(format!("{kind}.{name}.{member}"))
}
