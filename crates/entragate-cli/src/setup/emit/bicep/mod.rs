//! Bicep with the extension for Microsoft Graph, types 1.0.0 of v1.0.
//!
//! A registration cannot name its own `appId` there: it is known only once the registration exists. So what names one
//! is left out until the ids come in as parameters, and the template is deployed twice.

mod application;
mod around;
mod text;

use std::fmt::Write as _;

use self::text::{declare, escaped};
use super::Source;
use super::value::{Piece, Value, comment, pieces};
use crate::setup::slot::Slot;
use crate::setup::wanted::{Part, Wanted, WantedCredential};

const HEAD: &str = r#"// App registrations of an MCP gateway, printed by `entragate setup --emit bicep` as main.bicep.
//
// Beside it belongs bicepconfig.json:
//   { "extensions": { "microsoftGraphV1": "br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0" } }
//
// Deploy it twice: a registration cannot name its own client id before it exists. From then on always give the ids;
// without them what names an id is emptied again, and nobody can sign in.
"#;

const ROLES: &str = "//
// Whoever deploys it needs a resource group to deploy to, which stays empty, and in Entra the role Cloud Application
// Administrator, or as an application Application.ReadWrite.All, DelegatedPermissionGrant.ReadWrite.All and
// AppRoleAssignment.ReadWrite.All. Lists are written whole: what somebody added to these registrations by hand is
// taken away again.
";

/// The template.
pub(super) fn template(source: Source<'_>) -> String {
    let wanted = source.wanted;
    let mut text = HEAD.to_owned();
    write_commands(&mut text, wanted);
    text.push_str(ROLES);
    text.push_str("\nextension microsoftGraphV1\n\n");
    for app in wanted.apps() {
        let name = app_id_parameter(app.part);
        let _ = writeln!(
            text,
            "@description('Output {name} of the first deployment; empty in the first one.')\nparam {name} string = ''\n"
        );
    }
    // The client app is named in the API app by parameter, so either may stand first.
    for app in wanted.apps() {
        declare(&mut text, &resource(label(app.part), APPLICATION), &application::application(wanted, app));
        declare(&mut text, &resource(&principal(app.part), PRINCIPAL), &around::principal(wanted, app));
    }
    around::write(&mut text, wanted);
    write_end(&mut text, source);
    text
}

const APPLICATION: &str = "Microsoft.Graph/applications@v1.0";
const PRINCIPAL: &str = "Microsoft.Graph/servicePrincipals@v1.0";

fn write_commands(text: &mut String, wanted: &Wanted) {
    let deploy = "az deployment group create --resource-group GROUP --template-file main.bicep";
    let parameters: Vec<String> =
        wanted.apps().map(|app| format!("{}=ID", app_id_parameter(app.part))).collect();
    let parameters = parameters.join(" ");
    let _ =
        writeln!(text, "//   {deploy} --query properties.outputs\n//   {deploy} --parameters {parameters}");
}

fn write_end(text: &mut String, source: Source<'_>) {
    let wanted = source.wanted;
    if matches!(wanted.credential, WantedCredential::Secret { .. }) {
        text.push_str(
            "// The client secret is not made here: Graph's extension cannot, and a template is no place for it. After the second\n\
             // deployment, `entragate setup --apply` with the options of this run makes it and writes it into .env.\n\n",
        );
    }
    for note in &source.plan.notes {
        let _ = writeln!(text, "// Note: {}", comment(note));
    }
    if !source.plan.notes.is_empty() {
        text.push('\n');
    }
    write_outputs(text, wanted);
}

fn write_outputs(text: &mut String, wanted: &Wanted) {
    for app in wanted.apps() {
        let setting = wanted.mode.setting(app.part);
        let _ = writeln!(
            text,
            "@description('The gateway\\'s setting {setting}.')\noutput {} string = {}.appId",
            app_id_parameter(app.part),
            label(app.part)
        );
    }
}

/// What the registration of a part is called.
const fn label(part: Part) -> &'static str {
    match part {
        Part::Api => "api",
        Part::Client => "client",
    }
}

fn principal(part: Part) -> String {
    format!("{}Principal", label(part))
}

const fn app_id_parameter(part: Part) -> &'static str {
    match part {
        Part::Api => "apiAppId",
        Part::Client => "clientAppId",
    }
}

fn resource(name: &str, kind: &str) -> String {
    format!("resource {name} '{kind}'")
}

/// A list that names the client id of a part: empty in the first deployment.
fn once_known(part: Part, list: &Value, depth: usize) -> Value {
    let name = app_id_parameter(part);
    Value::code(format!("empty({name}) ? [] : {}", text::spelled(list, depth)))
}

/// A text with placeholders, which become parameters.
fn filled(text: &str) -> Value {
    let inside: String = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => escaped(text),
            Piece::Slot(slot) => format!("${{{}}}", reference(slot)),
        })
        .collect();
    Value::code(format!("'{inside}'"))
}

fn reference(slot: Slot) -> &'static str {
    match slot {
        Slot::ApiAppId => "apiAppId",
        Slot::ApiObjectId => "api.id",
        Slot::ApiPrincipalId => "apiPrincipal.id",
        Slot::ClientAppId => "clientAppId",
        Slot::ClientObjectId => "client.id",
        Slot::ClientPrincipalId => "clientPrincipal.id",
        Slot::GraphPrincipalId => "graph.id",
    }
}
