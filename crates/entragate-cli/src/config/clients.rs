//! `allowed_redirect_uris`: callbacks of MCP clients beside the ones everybody needs.

use entragate::RedirectRule;

use super::keys;
use super::reader::{Reader, Wrong};

/// Reads the list.
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
