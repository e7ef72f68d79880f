//! The credential towards Entra: exactly one, of four kinds.

use entragate::{AuthorityHost, ClientId, Credential, CredentialError, ManagedIdentity, Secret};

use super::environment::Environment;
use super::keys::{self, Key};
use super::reader::{Read, Reader, Wrong, listed};

const KINDS: [&Key; 5] = [
    &keys::CLIENT_SECRET,
    &keys::CLIENT_SECRET_FILE,
    &keys::CERTIFICATE_FILE,
    &keys::FEDERATED_TOKEN_FILE,
    &keys::MANAGED_IDENTITY,
];

/// Whether one is there, right or wrong.
pub(super) fn is_given(reader: &Reader) -> bool {
    KINDS.into_iter().any(|key| reader.is_given(key))
}

/// Reads the credential.
pub(super) fn credential(
    reader: &mut Reader,
    environment: &Environment,
    cloud: &AuthorityHost,
) -> Option<Credential> {
    let given: Vec<&Key> = KINDS.into_iter().filter(|key| reader.is_given(key)).collect();
    let key = match given.as_slice() {
        [] => {
            reader.missing(
                &keys::CLIENT_SECRET,
                "give the app registration a credential: a client secret, or without one entra.certificate_file, \
                 AZURE_FEDERATED_TOKEN_FILE or entra.managed_identity; with AZURE_MCP_CLIENT_ID instead, relay mode needs none",
            );
            return None;
        }
        [one] => *one,
        // The platform sets the workload identity's file for everybody; what the operator sets beside it is meant.
        [one, federated] if federated.path == keys::FEDERATED_TOKEN_FILE.path => {
            reader.note(
                federated,
                "is set and not used: another credential is configured",
                "leave it as your platform sets it",
            );
            *one
        }
        [federated, one] if federated.path == keys::FEDERATED_TOKEN_FILE.path => {
            reader.note(
                federated,
                "is set and not used: another credential is configured",
                "leave it as your platform sets it",
            );
            *one
        }
        [first, ..] => {
            let names: Vec<&str> = given.iter().map(|key| key.known_as()).collect();
            let what = format!("is one of several credentials: {} are set", listed(&names));
            reader.problem(first, Wrong::new(what, "keep one of them"));
            return None;
        }
    };
    let made = match key.path {
        "entra.client_secret" => match reader.secret(key) {
            Read::Given(secret) => Credential::secret(secret),
            Read::Unset | Read::Bad => return None,
        },
        "entra.managed_identity" => {
            let identity = managed_identity(reader, environment, cloud)?;
            Credential::managed_identity(identity)
        }
        _ => {
            let path = reader.parse(key, |path| Ok(path.to_owned())).given()?;
            match key.path {
                "entra.client_secret_file" => Credential::secret_file(path),
                "entra.certificate_file" => Credential::certificate_file(path),
                _ => Credential::federated_token_file(path),
            }
        }
    };
    match made {
        Ok(credential) => {
            if let Some(warning) = credential.warning() {
                reader.warn(key, warning, "look at the app registration under Certificates & secrets");
            }
            Some(credential)
        }
        Err(error) => {
            reader.problem(key, wrong(&error));
            None
        }
    }
}

fn wrong(error: &CredentialError) -> Wrong {
    Wrong::new(format!("cannot be used: {error}"), error.hint())
}

fn managed_identity(
    reader: &mut Reader,
    environment: &Environment,
    cloud: &AuthorityHost,
) -> Option<ManagedIdentity> {
    let identity = reader.parse(&keys::MANAGED_IDENTITY, |text| match text {
        "system" => Ok(ManagedIdentity::system_assigned()),
        id => ClientId::parse(id).map(ManagedIdentity::user_assigned).map_err(|_| {
            Wrong::new("is neither a GUID nor `system`", "set it to the client id of the managed identity")
        }),
    });
    let identity = identity.given()?.in_cloud(cloud);
    let platform = (environment.get("IDENTITY_ENDPOINT"), environment.get("IDENTITY_HEADER"));
    Some(match platform {
        (Some(endpoint), Some(header)) => identity.with_app_service(endpoint, Secret::new(header)),
        _ => match environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") {
            Some(host) => identity.with_imds(host),
            None => identity,
        },
    })
}
