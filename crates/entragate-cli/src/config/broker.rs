//! `[broker]`, `[client_documents]` and `[[clients]]`: the authorization server of our own.

use std::time::Duration;

use entragate::{ApiApp, AuthorityHost, ClientDocuments, ConfiguredClient, Secret, TenantId};

use super::checked::BrokerConfig;
use super::environment::Environment;
use super::identity::{API_APP, client_id};
use super::item::{Item, Member, Value};
use super::keys;
use super::nearest::nearest;
use super::problems::Place;
use super::reader::{Read, Reader, Wrong, printable};
use super::{credential, state};

const MINUTES: std::ops::RangeInclusive<i64> = 15..=90;
const DAYS: std::ops::RangeInclusive<i64> = 0..=365;
const OWN_APP: &str = "the Application (client) ID of the app registration that signs people in";

/// Reads what broker mode needs.
pub(super) fn broker(
    reader: &mut Reader,
    environment: &Environment,
    tenant: Read<TenantId>,
    api: Read<ApiApp>,
    cloud: &AuthorityHost,
    is_public: bool,
) -> Option<BrokerConfig> {
    if api.is_unset() {
        reader.missing(&keys::CLIENT_ID, format!("set it to {API_APP}"));
    }
    let client = reader.parse(&keys::BROKER_CLIENT_ID, |text| client_id(text, OWN_APP));
    let credential = credential::credential(reader, environment, cloud);
    let state = state::state(reader, is_public);
    let minutes = reader.count(&keys::ACCESS_TOKEN_MINUTES, MINUTES).or_default(|| 30);
    let days = reader.count(&keys::REMEMBER_CONSENT_DAYS, DAYS).or_default(|| 90);
    let registration = reader.flag(&keys::REGISTRATION).or_default(|| true);
    let documents = documents(reader);
    let clients = clients(reader);
    if reader.is_given(&keys::MCP_CLIENT_ID) {
        reader.note(
            &keys::MCP_CLIENT_ID,
            "is set and not used: in broker mode clients have ids of this gateway",
            "leave it out; the public client app registration is for relay mode",
        );
    }
    let (keys, store) = state?;
    Some(BrokerConfig {
        tenant: tenant.given()?,
        api: api.given()?,
        client: client.map(Some).or_default(|| None)?,
        credential: credential?,
        keys,
        store,
        registration: registration?,
        documents: documents?,
        clients,
        access_token_life: Duration::from_secs(minutes? * 60),
        remember_consent: Duration::from_secs(days? * 24 * 60 * 60),
    })
}

fn documents(reader: &mut Reader) -> Option<ClientDocuments> {
    let enabled = reader.flag(&keys::DOCUMENTS_ENABLED).or_default(|| true)?;
    let entry = |text: &str| match ClientDocuments::open().allow([text]) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Wrong::new(
            "is neither a domain nor the URL of a document",
            "write a domain such as claude.ai, or the https URL that is the client id",
        )),
    };
    let allow = reader.each(&keys::DOCUMENTS_ALLOW, entry);
    let deny = reader.each(&keys::DOCUMENTS_DENY, entry);
    if !enabled {
        return Some(ClientDocuments::off());
    }
    let open = ClientDocuments::open();
    Some(open.allow(allow).and_then(|open| open.deny(deny)).expect("every entry was accepted alone"))
}

/// What a client can consist of.
const PARTS: [&str; 4] = ["id", "name", "redirect_uris", "secret_file"];

fn clients(reader: &mut Reader) -> Vec<ConfiguredClient> {
    let Some(Item { value: Value::List(items), .. }) = reader.item(&keys::CLIENTS).cloned() else {
        return Vec::new();
    };
    let mut clients: Vec<ConfiguredClient> = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let Value::Table(members) = item.value else { continue };
        let mut read = client(members, &item.place);
        if let Ok(client) = &read
            && clients.iter().any(|other| other.id() == client.id())
        {
            let wrong =
                Wrong::new(format!("id `{}` is there twice", client.id()), "give each client its own id");
            read = Err((item.place.clone(), wrong));
        }
        match read {
            Ok(client) => clients.push(client),
            Err((place, wrong)) => {
                reader.problem_within(&keys::CLIENTS, &format!("client {}", index + 1), place, wrong);
            }
        }
    }
    clients
}

fn client(members: Vec<(Member, Item)>, place: &Place) -> Result<ConfiguredClient, (Place, Wrong)> {
    let (mut id, mut name, mut uris, mut secret) = (None, None, Vec::new(), None);
    for (member, item) in members {
        let wrong_type = |hint: &str| {
            Err((item.place.clone(), Wrong::new(format!("{} has the wrong type", member.name), hint)))
        };
        match (member.name.as_str(), &item.value) {
            ("id", Value::Text(text)) => id = Some(text.clone()),
            ("name", Value::Text(text)) => name = Some(text.clone()),
            ("secret_file", Value::Text(path)) => secret = Some(secret_in(path, &item.place)?),
            ("redirect_uris", Value::List(items)) => {
                for item in items {
                    let Value::Text(text) = &item.value else {
                        return wrong_type(r#"write redirect_uris = ["https://…"]"#);
                    };
                    uris.push(text.clone());
                }
            }
            (part, _) if PARTS.contains(&part) => {
                return wrong_type("write a string, or a list of strings for redirect_uris");
            }
            (other, _) => {
                let hint = nearest(other, PARTS).map_or_else(
                    || format!("a client has {}", PARTS.join(", ")),
                    |meant| format!("did you mean {meant}?"),
                );
                let what = format!("`{}` is not part of a client", printable(other));
                return Err((member.place.clone(), Wrong::new(what, hint)));
            }
        }
    }
    let at = |what: String| (place.clone(), Wrong::new(what, "see `entragate config reference`, clients"));
    let client =
        ConfiguredClient::new(id.unwrap_or_default(), &uris).map_err(|error| at(error.to_string()))?;
    let client = match name {
        Some(name) => client.with_name(name),
        None => client,
    };
    match secret {
        Some(secret) => client.with_secret(secret).map_err(|error| at(error.to_string())),
        None => Ok(client),
    }
}

fn secret_in(path: &str, place: &Place) -> Result<Secret, (Place, Wrong)> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Secret::new(text.trim())),
        Err(error) => {
            let what = format!("secret_file {} cannot be read: {error}", printable(path));
            Err((place.clone(), Wrong::new(what, "name a readable file with the client's secret")))
        }
    }
}
