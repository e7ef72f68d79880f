//! Steps, and reasons for there being none, that several entries share.

use crate::aadsts::Step::{self, Do, Impossible};

/// The request itself is wrong.
pub(super) const NO_SETTING: Step = Impossible("the fault is in the request, no setting changes it");
/// The same for the command line.
pub(super) const NO_COMMAND: Step = Impossible("the client builds the request, no command changes it");

/// A new sign-in is all it takes.
pub(super) const NOTHING_TO_SET: Step = Impossible("nothing has to be set");
/// Only the person can sign in.
pub(super) const ONLY_THE_PERSON: Step = Impossible("a sign-in takes the person and a browser");

/// It passes.
pub(super) const HEALTH: Step = Do("Monitoring & health → Health; Microsoft's status pages");
/// It passes by itself.
pub(super) const NO_COMMAND_FOR_AN_OUTAGE: Step = Impossible("only Microsoft can end an outage");

/// Which policy it was.
pub(super) const SIGN_IN_LOG: Step =
    Do("Monitoring & health → Sign-in logs → the attempt, by its correlation id → Conditional Access");
/// The same; it takes `AuditLog.Read.All` and Entra ID P1.
pub(super) const SIGN_IN_LOG_COMMAND: Step = Do(
    r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/auditLogs/signIns?\$filter=correlationId eq '<correlation id>'""#,
);

/// The platform and list of a redirect URI.
pub(super) const AUTHENTICATION: Step =
    Do("App registrations → the app that signs people in → Authentication → Redirect URI configuration");
/// Adds one: setup knows the platform of each mode, and leaves what is there. The options of `az ad app update` replace the
/// whole list.
pub(super) const ADD_REDIRECT_URI: Step = Do(
    "entragate doctor --graph az --fix # shows what it would add, and removes nothing; --apply does it; relay mode: --clients <names of the clients>",
);
/// The same for one that is on the wrong platform, from which only the portal takes it without writing the whole list.
pub(super) const MOVE_REDIRECT_URI: Step = Do(
    "entragate doctor --graph az --fix # after it was deleted there: shows where it would add it, and removes nothing; --apply does it; relay mode: --clients <names of the clients>",
);
/// Where a client's permissions are.
pub(super) const API_PERMISSIONS: Step = Do(
    "App registrations → the app that signs people in → API permissions → Add a permission → My APIs → the API app",
);
/// Adds a permission of the API app.
pub(super) const ADD_PERMISSION: Step =
    Do("az ad app permission add --id '{client}' --api '{api}' --api-permissions '<scope id>=Scope'");
/// Where an administrator consents for everybody.
pub(super) const GRANT_CONSENT: Step =
    Do("App registrations → the app that signs people in → API permissions → Grant admin consent");
/// The same as a command.
pub(super) const GRANT_CONSENT_COMMAND: Step = Do("az ad app permission admin-consent --id '{client}'");

/// Where secrets and certificates are.
pub(super) const SECRETS: Step =
    Do("App registrations → the app that signs people in → Certificates & secrets");
/// Federated credentials of the app.
pub(super) const FEDERATED: Step =
    Do("App registrations → the app that signs people in → Certificates & secrets → Federated credentials");
/// Adds one, where none fits: one that is there may be another workload's.
pub(super) const ADD_FEDERATED: Step = Do(
    r#"az ad app federated-credential create --id '{client}' --parameters '{"name":"<a new name>","issuer":"<iss of the token>","subject":"<sub of the token>","audiences":["<aud of the token>"]}'"#,
);
/// Corrects the subject of one, and nothing else of it.
pub(super) const FEDERATED_SUBJECT: Step = Do(
    r#"az ad app federated-credential update --id '{client}' --federated-credential-id '<its name>' --parameters '{"subject":"<sub of the token>"}'"#,
);

/// Who the tenant is.
pub(super) const TENANT_OVERVIEW: Step = Do("Overview → Tenant ID and primary domain");
/// Whether the cloud has the tenant.
pub(super) const DISCOVER: Step = Do("curl '{authority}/{tenant}/v2.0/.well-known/openid-configuration'");
