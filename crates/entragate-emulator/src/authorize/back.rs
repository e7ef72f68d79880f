//! The way back to the client, once its redirect URI is known to be its own.

use super::{Step, Visit};
use crate::directory::App;
use crate::grants::Platform;
use crate::redirect_uri;

/// How parameters travel back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// Where answers go, and how.
#[derive(Debug, Clone)]
pub(super) struct Back {
    pub(super) target: String,
    pub(super) platform: Platform,
    pub(super) mode: ResponseMode,
    /// `response_mode` was sent with a value that does not exist.
    pub(super) unknown_mode: bool,
    /// Returned byte for byte.
    pub(super) state: Option<Vec<u8>>,
    /// `redirect_uri` as sent, which the token leg must repeat.
    pub(super) sent: Option<String>,
}

pub(super) fn of(visit: &Visit<'_>, client: &App) -> Step<Back> {
    let params = &visit.params;
    let sent = params.get("redirect_uri");
    let matched = redirect_uri::resolve(client, sent).map_err(|refusal| visit.page(&refusal))?;
    let asked = params.get("response_mode");
    let known = asked.and_then(ResponseMode::parse);
    // A token of either kind belongs into the fragment, and what is wrong with the wish for one too.
    let has_token = params.get("response_type").is_some_and(|kinds| kinds.contains("token"));
    let default = if has_token { ResponseMode::Fragment } else { ResponseMode::Query };
    Ok(Back {
        target: matched.target,
        platform: matched.platform,
        mode: known.unwrap_or(default),
        unknown_mode: asked.is_some() && known.is_none(),
        state: params.bytes("state").map(<[u8]>::to_vec),
        sent: sent.map(str::to_owned),
    })
}
