//! The options that say who asks Graph, the same for every command that does.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use entragate::{AuthorityHost, ClientId, Credential, ManagedIdentity, Secret};

use super::{GRAPH_CLI, SignIn, SignInError};
use crate::config::Environment;
use crate::graph::{GRAPH_APP_ID, GraphUrl};

/// The variable that a token is taken from. Not one of `ENTRAGATE_`: those are the gateway's settings.
const TOKEN: &str = "GRAPH_TOKEN";
/// The variable that a secret is taken from.
const SECRET: &str = "GRAPH_CLIENT_SECRET";

const FILE_HELP: &str = "File with the secret, the certificate (PEM, with its key) or the token; - is standard input. \
    Without it the variables GRAPH_CLIENT_SECRET and GRAPH_TOKEN are read";

/// How to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Way {
    /// Whoever is signed in to the Azure CLI
    #[default]
    Az,
    /// A person, in a browser
    DeviceCode,
    /// An application with a client secret
    Secret,
    /// An application with a certificate
    Certificate,
    /// The managed identity of this machine
    ManagedIdentity,
    /// A token that somebody else got
    Token,
}

/// Options about Microsoft Graph.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Microsoft Graph")]
#[group(skip)]
pub struct Arguments {
    /// Who asks Microsoft Graph
    #[arg(long = "graph-as", value_enum, value_name = "WAY", default_value_t)]
    pub way: Way,
    /// The application that asks; for managed-identity the user-assigned one, for device-code another public client
    #[arg(long = "graph-client-id", value_name = "ID")]
    pub client: Option<String>,
    /// File with the secret, the certificate or the token.
    #[arg(long = "graph-file", value_name = "FILE", help = FILE_HELP)]
    pub file: Option<PathBuf>,
    /// Where Microsoft Graph is [default: what the tenant's discovery document says]
    #[arg(long = "graph-url", value_name = "URL")]
    pub url: Option<GraphUrl>,
}

impl Arguments {
    /// What the options amount to; half of a way is an error.
    pub fn sign_in(
        &self,
        environment: &Environment,
        authority: &AuthorityHost,
    ) -> Result<SignIn, SignInError> {
        match self.way {
            Way::Az => self.nothing_else("az").map(|()| SignIn::AzureCli),
            Way::DeviceCode => {
                self.no_file("device-code")?;
                let client = self.client()?.map_or_else(|| client_id(GRAPH_CLI), Ok)?;
                Ok(SignIn::DeviceCode { client, permissions: Vec::new() })
            }
            Way::Secret => {
                let secret = self.secret(environment, SECRET, "secret")?;
                Ok(SignIn::App {
                    client: self.needed_client("secret")?,
                    credential: Credential::secret(secret)?,
                })
            }
            Way::Certificate => {
                let file = self.file.as_ref().ok_or_else(|| needs("certificate", "--graph-file"))?;
                let client = self.needed_client("certificate")?;
                Ok(SignIn::App { client, credential: Credential::certificate_file(file)? })
            }
            Way::ManagedIdentity => {
                self.no_file("managed-identity")?;
                Ok(SignIn::ManagedIdentity(managed_identity(self.client()?, environment, authority)))
            }
            Way::Token => {
                if self.client.is_some() {
                    return Err(unused("token", "--graph-client-id"));
                }
                self.secret(environment, TOKEN, "token").map(SignIn::Given)
            }
        }
    }

    fn client(&self) -> Result<Option<ClientId>, SignInError> {
        self.client.as_deref().map(client_id).transpose()
    }

    fn needed_client(&self, way: &str) -> Result<ClientId, SignInError> {
        self.client()?.ok_or_else(|| needs(way, "--graph-client-id"))
    }

    fn secret(&self, environment: &Environment, variable: &str, way: &str) -> Result<Secret, SignInError> {
        match (&self.file, environment.get(variable)) {
            (Some(file), _) => read(file),
            (None, Some(value)) => Ok(Secret::new(value)),
            (None, None) => Err(needs(way, &format!("--graph-file, or the variable {variable}"))),
        }
    }

    fn no_file(&self, way: &str) -> Result<(), SignInError> {
        if self.file.is_some() { Err(unused(way, "--graph-file")) } else { Ok(()) }
    }

    fn nothing_else(&self, way: &str) -> Result<(), SignInError> {
        self.no_file(way)?;
        // Somebody who names an application means to ask as that one.
        if self.client.is_some() { Err(unused(way, "--graph-client-id")) } else { Ok(()) }
    }
}

fn managed_identity(
    client: Option<ClientId>,
    environment: &Environment,
    authority: &AuthorityHost,
) -> ManagedIdentity {
    let identity = client.map_or_else(ManagedIdentity::system_assigned, ManagedIdentity::user_assigned);
    let identity = identity.in_cloud(authority).with_audience(GRAPH_APP_ID);
    match (environment.get("IDENTITY_ENDPOINT"), environment.get("IDENTITY_HEADER")) {
        (Some(endpoint), Some(header)) => identity.with_app_service(endpoint, Secret::new(header)),
        _ => match environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") {
            Some(host) => identity.with_imds(host),
            None => identity,
        },
    }
}

/// The value is not repeated: what ends up here by mistake is often the secret.
fn client_id(text: &str) -> Result<ClientId, SignInError> {
    ClientId::parse(text).map_err(|_| SignInError::Settings("--graph-client-id is not a GUID".to_owned()))
}

fn needs(way: &str, what: &str) -> SignInError {
    SignInError::Settings(format!("--graph-as {way} needs {what}"))
}

fn unused(way: &str, what: &str) -> SignInError {
    SignInError::Settings(format!("{what} is not used by --graph-as {way}"))
}

/// One word from a file or from standard input.
fn read(file: &Path) -> Result<Secret, SignInError> {
    let mut text = String::new();
    let unreadable = |error| SignInError::Unreadable(file.display().to_string(), error);
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
    } else {
        text = std::fs::read_to_string(file).map_err(unreadable)?;
    }
    let word = Secret::new(text.trim());
    zeroize::Zeroize::zeroize(&mut text);
    if word.expose().is_empty() {
        return Err(SignInError::Settings(format!("{} is empty", file.display())));
    }
    Ok(word)
}
