//! `allowed_redirect_uris` and `denied_redirect_uris`: callbacks of MCP clients beside the ones everybody needs,
//! and those that nobody may use.

use entragate::{DeniedRedirect, RedirectRule};

use super::keys;
use super::reader::{Reader, Wrong};

/// Reads what is allowed.
pub(super) fn redirect_rules(reader: &mut Reader) -> Vec<RedirectRule> {
    reader.each(&keys::ALLOWED_REDIRECT_URIS, |text| {
        RedirectRule::parse(text).map_err(|_| {
            Wrong::new(
                "is no callback that can be allowed",
                "write https://host/callback, https://host/prefix/* or a private scheme such as cursor: \
                 (loopback callbacks are always allowed)",
            )
        })
    })
}

/// Reads what is denied.
pub(super) fn denied_redirects(reader: &mut Reader) -> Vec<DeniedRedirect> {
    reader.each(&keys::DENIED_REDIRECT_URIS, |text| {
        DeniedRedirect::parse(text).map_err(|_| {
            Wrong::new(
                "is no callback that can be denied",
                "write https://host/callback, https://host/* or a private scheme such as cursor: \
                 (loopback callbacks are always allowed)",
            )
        })
    })
}
