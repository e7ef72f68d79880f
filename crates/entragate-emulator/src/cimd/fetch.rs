//! The one outbound call of the emulator: a client's metadata document.

use std::time::Duration;

use http::StatusCode;
use http::header::ACCEPT;

use super::location::Location;

/// The draft recommends 5 KiB; what Entra reads is not known.
const LIMIT: usize = 16 * 1024;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("nobody answers there")]
    Transport(#[from] reqwest::Error),
    #[error("the answer has status {}", .0.as_u16())]
    Status(StatusCode),
    #[error("the document is larger than {LIMIT} bytes")]
    TooLarge,
}

pub(super) async fn get(location: Location) -> Result<Vec<u8>, FetchError> {
    let request = client(&location)?.get(location.url).header(ACCEPT, "application/json");
    let mut response = request.send().await?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LIMIT {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Made anew for every document: they are rare, and most emulators never fetch one.
#[expect(clippy::disallowed_methods, reason = "the emulator's only outbound client")]
fn client(location: &Location) -> Result<reqwest::Client, reqwest::Error> {
    // The embedder may have installed one already; then theirs is used.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
    // A proxy cannot reach this machine's loopback.
    let builder = if location.loopback { builder.no_proxy() } else { builder };
    // Reading the system's roots takes time, and a container may have none.
    let builder = if location.url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    builder.build()
}
