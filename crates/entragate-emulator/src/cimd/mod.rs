//! Client ID metadata documents, a preview of which little is known: the client id is the URL of a document, the client
//! becomes an agent identity of the tenant, and an administrator has to approve it. Only with `advertise_cimd`.

mod document;
mod fetch;
mod location;

use http::Method;

use crate::directory::App;
use crate::entra::Entra;
use crate::errors::Refusal;
use crate::exchange::Exchange;
use crate::guid;
use crate::route::Route;

pub(crate) use document::Document;

/// The client of a URL, if that is what the request names. The document is fetched at every `/authorize`; `/token` works
/// with what the last one said.
pub(crate) async fn client(
    entra: &Entra,
    route: &Route,
    exchange: &Exchange,
) -> Option<Result<App, Refusal>> {
    if !entra.settings().advertise_cimd {
        return None;
    }
    let posted = || exchange.form.get("client_id").filter(|_| exchange.method == Method::POST);
    match route {
        Route::Authorize { .. } => {
            let id = exchange.query.get("client_id").or_else(posted).filter(|id| is_url(id))?;
            Some(fetched(entra, id).await)
        }
        Route::Token { .. } => {
            let id = posted()?;
            let document = entra.state.with(|state| state.documents.get(id).cloned());
            document.map(|document| Ok(document.client(entra)))
        }
        _ => None,
    }
}

async fn fetched(entra: &Entra, id: &str) -> Result<App, Refusal> {
    let refuse = |reason: String| Refusal::ClientDocument { client: id.to_owned(), reason };
    let location = location::check(id).map_err(|reason| refuse(reason.to_owned()))?;
    let text = fetch::get(location).await.map_err(|error| refuse(error.to_string()))?;
    let document = Document::read(id, &text).map_err(|reason| refuse(reason.to_owned()))?;
    entra.state.with(|state| state.documents.insert(id.to_owned(), document.clone()));
    Ok(document.client(entra))
}

fn is_url(id: &str) -> bool {
    id.starts_with("https://") || id.starts_with("http://")
}

/// The app id of the agent identity that stands for the URL.
fn agent_id(url: &str) -> String {
    guid::derived(&format!("agent identity {url}"))
}

/// The app id of the blueprint that the agent identity was made from.
pub(crate) fn blueprint_id(url: &str) -> String {
    guid::derived(&format!("agent identity blueprint {url}"))
}

/// The URL, if this app is made from a document. Its name is the URL, and the id follows from that.
pub(crate) fn url_of(client: &App) -> Option<&str> {
    (client.id == agent_id(&client.name)).then_some(client.name.as_str())
}

/// AADSTS90094 for a client that no administrator has approved.
pub(crate) fn check_approved(entra: &Entra, client: &App) -> Result<(), Refusal> {
    let approved = |url: &str| entra.settings().approved_cimd_clients.iter().any(|known| known == url);
    if url_of(client).is_none_or(approved) { Ok(()) } else { Err(Refusal::AdminConsent) }
}
