//! From options to what is wanted. Whatever cannot be meant is refused here, before anybody is asked.

use entragate::{AuthorityHost, BaseUrl, ClientId, RedirectRule, TenantId, is_invisible};
use url::Url;

use super::arguments::Arguments;
use super::credential_wanted;
use super::existing::Adopted;
use super::files::{NotPlain, Plain};
use super::registered::{allowed_redirects, registered_redirects};
use super::slot::Slot;
use super::wanted::{
    Mode, Part, Resource, Wanted, WantedAccess, WantedApp, WantedAssignment, WantedName, WantedPermissions,
    WantedTokens, sign_in_permissions,
};
use crate::clients::{self, Client};
use crate::config::{self, Environment, keys};

/// An option that cannot be meant.
#[derive(Debug, thiserror::Error)]
#[error("{option}: {problem}")]
pub struct WrongOption {
    /// The option, as it is written on the command line.
    pub option: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub hint: String,
}

impl WrongOption {
    pub(super) fn new(option: &'static str, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { option, problem: problem.into(), hint: hint.into() }
    }
}

/// The options, checked.
#[derive(Debug)]
pub struct Request {
    /// The tenant as it was named.
    pub tenant: TenantId,
    /// The cloud.
    pub authority: AuthorityHost,
    /// The MCP server behind the gateway.
    pub upstream: McpServer,
    /// Registrations that were named to be adopted.
    pub adopted: Adopted,
    /// What is wanted.
    pub wanted: Wanted,
}

/// Checks the options.
pub async fn request(arguments: &Arguments, environment: &Environment) -> Result<Request, WrongOption> {
    let tenant = tenant(arguments, environment)?;
    let authority = authority(environment)?;
    let base_url = base_url(arguments, environment)?;
    let upstream = upstream(arguments, environment)?;
    let mcp_url = format!("{base_url}{}", upstream.path);
    let clients = clients::selected(&arguments.clients)
        .map_err(|error| WrongOption::new("--clients", error.to_string(), error.hint()))?;
    let adopted = adopted(arguments)?;
    let access =
        if arguments.assignment_required { WantedAccess::AssignedOnly } else { WantedAccess::AsItIs };
    let roles = roles(&arguments.roles)?;
    let mut wanted = Wanted {
        mode: arguments.mode(),
        base_url: base_url.to_string(),
        mcp_url: mcp_url.clone(),
        api: api_app(arguments, &base_url, &roles)?,
        client: None,
        credential: credential_wanted::credential(arguments, &authority, &tenant).await?,
        assignments: assignments(&arguments.assignments, &roles)?,
        access,
        name: if arguments.name.is_some() { WantedName::Given } else { WantedName::AsItIs },
        tokens: if arguments.v2_tokens { WantedTokens::Version2 } else { WantedTokens::AsAdopted },
        allowed_redirect_uris: Vec::new(),
        remarks: Vec::new(),
    };
    match arguments.mode() {
        Mode::Relay => add_client(&mut wanted, arguments, &clients),
        Mode::Broker => add_signing_in(&mut wanted, &adopted, &clients),
    }
    Ok(Request { tenant, authority, upstream, adopted, wanted })
}

fn variable<'a>(environment: &'a Environment, key: &keys::Key) -> Option<&'a str> {
    key.variables().find_map(|name| environment.get(name))
}

fn tenant(arguments: &Arguments, environment: &Environment) -> Result<TenantId, WrongOption> {
    let given = arguments.tenant.as_deref().or_else(|| variable(environment, &keys::TENANT_ID));
    let hint = "write the tenant's GUID or a verified domain such as contoso.onmicrosoft.com";
    let text = given
        .ok_or_else(|| WrongOption::new("--tenant", "is missing, and AZURE_TENANT_ID is not set", hint))?;
    let tenant =
        TenantId::parse(text).map_err(|error| WrongOption::new("--tenant", error.to_string(), hint))?;
    check_plain("--tenant", tenant.as_str())?;
    Ok(tenant)
}

/// What ends up in `.env` is refused before anybody is asked, not when the file is written.
fn check_plain(option: &'static str, value: &str) -> Result<(), WrongOption> {
    let wrong = |error: NotPlain| WrongOption::new(option, error.to_string(), NotPlain::HINT);
    Plain::new(value).map(drop).map_err(wrong)
}

fn authority(environment: &Environment) -> Result<AuthorityHost, WrongOption> {
    let option = "AZURE_AUTHORITY_HOST";
    let Some(text) = variable(environment, &keys::AUTHORITY_HOST) else {
        return Ok(AuthorityHost::default());
    };
    let authority = AuthorityHost::parse(text).map_err(|error| {
        WrongOption::new(option, error.to_string(), "write https://login.microsoftonline.com")
    })?;
    check_plain(option, authority.as_str())?;
    Ok(authority)
}

fn base_url(arguments: &Arguments, environment: &Environment) -> Result<BaseUrl, WrongOption> {
    let option = if arguments.base_url.is_some() { "--base-url" } else { "BASE_URL" };
    let given = arguments.base_url.as_deref().or_else(|| variable(environment, &keys::BASE_URL));
    let base_url = BaseUrl::parse(given.unwrap_or("http://localhost:3002")).map_err(|error| {
        WrongOption::new(
            option,
            error.to_string(),
            "write what clients will call, such as https://mcp.contoso.com",
        )
    })?;
    check_plain(option, base_url.as_str())?;
    Ok(base_url)
}

/// The MCP server that the gateway will stand in front of.
#[derive(Debug)]
pub struct McpServer {
    /// As the setting says it.
    pub setting: String,
    /// Where clients find it.
    pub path: String,
}

fn upstream(arguments: &Arguments, environment: &Environment) -> Result<McpServer, WrongOption> {
    if arguments.upstream.is_none() && variable(environment, &keys::ROUTES).is_some() {
        return Err(WrongOption::new(
            "--upstream",
            "is not given, and ENTRAGATE_ROUTES lists several MCP servers: setup prepares one API app",
            "name one server, and with --scope and --roles what all routes with this API app ask for",
        ));
    }
    let given = arguments.upstream.as_deref().or_else(|| variable(environment, &keys::UPSTREAM));
    let given = given.unwrap_or("http://127.0.0.1:3000/mcp");
    let default_path = "/mcp";
    if given.trim_start().starts_with(config::STDIO) {
        let setting = given.trim().to_owned();
        // Where it will run, it may be found; here it need not be.
        config::check_command(&setting).map_err(|(what, hint)| WrongOption::new("--upstream", what, hint))?;
        return Ok(McpServer { setting, path: default_path.to_owned() });
    }
    let url = Url::parse(given)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty())
        .ok_or_else(|| {
            WrongOption::new(
                "--upstream",
                "is not an http URL",
                "write the MCP server's URL, such as http://127.0.0.1:3000/mcp, or `stdio:` and the command that starts it",
            )
        })?;
    let path = Some(url.path().trim_end_matches('/')).filter(|path| !path.is_empty()).unwrap_or(default_path);
    Ok(McpServer { setting: url.to_string(), path: path.to_owned() })
}

fn adopted(arguments: &Arguments) -> Result<Adopted, WrongOption> {
    let id = |option, text: &Option<String>| {
        let parsed = text.as_deref().map(ClientId::parse).transpose();
        let hint = "copy the Application (client) ID from App registrations";
        parsed
            .map(|id| id.map(|id| id.to_string()))
            .map_err(|error| WrongOption::new(option, error.to_string(), hint))
    };
    let adopted = Adopted {
        api: id("--adopt", &arguments.adopt)?,
        client: id("--adopt-client", &arguments.adopt_client)?,
    };
    if adopted.api.is_some() && adopted.api == adopted.client {
        let hint = match arguments.mode() {
            Mode::Broker => "leave it out: the API app signs people in itself then",
            Mode::Relay => "name two registrations: Entra refuses a token \"for itself\" (AADSTS90009)",
        };
        return Err(WrongOption::new("--adopt-client", "is the API app", hint));
    }
    Ok(adopted)
}

fn roles(names: &[String]) -> Result<Vec<String>, WrongOption> {
    let mut roles: Vec<String> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        check_value("--roles", name)?;
        if !roles.iter().any(|known| known == name) {
            roles.push(name.to_owned());
        }
    }
    Ok(roles)
}

fn scopes(arguments: &Arguments) -> Result<Vec<&str>, WrongOption> {
    let mut scopes: Vec<&str> = Vec::new();
    for name in arguments.scopes.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        check_value("--scope", name)?;
        if !scopes.contains(&name) {
            scopes.push(name);
        }
    }
    if scopes.is_empty() && arguments.adopt.is_none() {
        let hint = "name at least one; only a registration that is named with --adopt has its own already";
        return Err(WrongOption::new("--scope", "names no scope", hint));
    }
    Ok(scopes)
}

/// What Graph takes as the value of a role or scope: up to 120 characters, no spaces, no dot in front.
fn check_value(option: &'static str, value: &str) -> Result<(), WrongOption> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
    if value.is_empty() || value.len() > 120 || value.starts_with('.') || !value.chars().all(fits) {
        let value: String = value.chars().filter(|c| !is_invisible(*c)).take(120).collect();
        let hint = "write up to 120 letters, digits, dots, dashes and underscores, without a dot in front";
        return Err(WrongOption::new(option, format!("`{value}` cannot be a value"), hint));
    }
    Ok(())
}

fn assignments(given: &[String], roles: &[String]) -> Result<Vec<WantedAssignment>, WrongOption> {
    let mut all: Vec<WantedAssignment> = Vec::new();
    for text in given {
        let wrong = |problem: String| {
            WrongOption::new("--assign", problem, "write alice@contoso.com=Admin or group:OBJECT-ID=User")
        };
        let (who, role) = text.rsplit_once('=').ok_or_else(|| wrong("is not WHO=ROLE".to_owned()))?;
        let (who, role) = (who.trim(), role.trim());
        if who.is_empty() || who == "group:" || who.chars().any(char::is_control) {
            return Err(wrong("names nobody".to_owned()));
        }
        if !roles.iter().any(|known| known == role) {
            let role: String = role.chars().filter(|c| !is_invisible(*c)).collect();
            return Err(wrong(format!("`{role}` is none of the roles ({})", roles.join(", "))));
        }
        let assignment = WantedAssignment { who: who.to_owned(), role: role.to_owned() };
        if !all.contains(&assignment) {
            all.push(assignment);
        }
    }
    Ok(all)
}

fn api_app(arguments: &Arguments, base_url: &BaseUrl, roles: &[String]) -> Result<WantedApp, WrongOption> {
    let scopes = scopes(arguments)?;
    let name = name(arguments, base_url)?;
    let (unique_name, display_name) = match arguments.mode() {
        Mode::Broker => (slug(&name), name),
        Mode::Relay => (format!("{}-api", slug(&name)), format!("{name} API")),
    };
    let mut app = WantedApp::new(Part::Api, unique_name, display_name);
    app.identifier_uris = identifier_uris(&arguments.identifier_uris)?;
    app.scopes = scopes.into_iter().map(|scope| app.scope(scope)).collect();
    app.roles = roles.iter().map(|role| app.role(role)).collect();
    app.web_redirect_uris = vec![format!("{base_url}/auth/callback")];
    app.optional_claims = vec!["idtyp", "acct", "xms_cc"];
    Ok(app)
}

fn name(arguments: &Arguments, base_url: &BaseUrl) -> Result<String, WrongOption> {
    let name = if let Some(name) = &arguments.name {
        name.trim().to_owned()
    } else {
        let url = Url::parse(&base_url.to_string()).ok();
        format!("MCP gateway {}", url.as_ref().and_then(Url::host_str).unwrap_or("local"))
    };
    let is_wrong = name.chars().any(|c| c.is_control() || "<>;&%".contains(c)) || name.len() > 90;
    if is_wrong || slug(&name).is_empty() {
        let hint = "write up to 90 characters, letters and digits among them, without < > ; & %";
        return Err(WrongOption::new("--name", "cannot be the name of a registration", hint));
    }
    Ok(name)
}

fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// Entra's own rules (entra/identity-platform/identifier-uri-restrictions): no slash at the end, a host of the tenant's.
fn identifier_uris(given: &[String]) -> Result<Vec<String>, WrongOption> {
    let mut uris = vec![format!("api://{}", Slot::ApiAppId.placeholder())];
    for uri in given {
        let parsed =
            Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "https" | "api") && url.has_host());
        let is_plain = uri.len() <= 255 && uri.is_ascii() && !uri.contains(['?', '#', ' ', '*', '$']);
        if parsed.is_none() || !is_plain || uri.ends_with('/') {
            let hint = "write api://{tenant id}/name or https:// with a verified domain of the tenant, without a slash at the end";
            return Err(WrongOption::new("--identifier-uri", "is not an Application ID URI", hint));
        }
        if !uris.contains(uri) {
            uris.push(uri.clone());
        }
    }
    Ok(uris)
}

/// Relay mode: the public client app.
fn add_client(wanted: &mut Wanted, arguments: &Arguments, clients: &[&'static Client]) {
    let mut app = client_app(&wanted.api, "clients");
    let redirects = registered_redirects(clients, &wanted.mcp_url);
    app.public_redirect_uris = redirects.uris;
    app.fallback_public_client = true;
    app.permissions = permissions(&wanted.api);
    wanted.client = Some(app);
    wanted.remarks.extend(redirects.remarks);
    if arguments.credential.kind.is_none() {
        wanted.remarks.push(
            "Relay mode needs no client secret; --credential secret makes the one of the API app that your server may want"
                .to_owned(),
        );
    }
}

fn client_app(api: &WantedApp, what: &str) -> WantedApp {
    let name = api.display_name.trim_end_matches(" API");
    WantedApp::new(Part::Client, format!("{}-client", slug(name)), format!("{name} {what}"))
}

/// Broker mode: the API app signs people in itself, or a confidential client of the gateway's that was named.
fn add_signing_in(wanted: &mut Wanted, adopted: &Adopted, clients: &[&'static Client]) {
    let permissions = permissions(&wanted.api);
    if adopted.client.is_some() {
        let mut app = client_app(&wanted.api, "sign-in");
        app.permissions = permissions;
        app.web_redirect_uris = std::mem::take(&mut wanted.api.web_redirect_uris);
        wanted.client = Some(app);
    } else {
        wanted.api.permissions = permissions;
    }
    let redirects = allowed_redirects(clients);
    wanted.allowed_redirect_uris =
        redirects.uris.into_iter().filter(|uri| RedirectRule::parse(uri).is_ok()).collect();
    wanted.remarks.extend(redirects.remarks);
}

/// On the API, as far as scopes of it are named, and on Graph.
fn permissions(api: &WantedApp) -> Vec<WantedPermissions> {
    let scopes: Vec<_> = api.scopes.iter().map(|scope| (scope.value.clone(), scope.id.clone())).collect();
    let own = (!scopes.is_empty()).then_some(WantedPermissions { resource: Resource::Api, scopes });
    own.into_iter().chain([sign_in_permissions()]).collect()
}
