//! # What it checks
//!
//! That the API app asks for no token encryption (`tokenEncryptionKeyId`).
//!
//! # Why it matters
//!
//! Encrypted tokens cannot be read by the gateway: every call ends with 401 after a successful sign-in.
//!
//! # How to fix
//!
//! App registrations, the API app, Manifest: `tokenEncryptionKeyId` to null; or Enterprise applications, Token encryption.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let app = site.graph().await?.api().await?;
    if app.token_encryption_key_id.is_none() {
        return Ok(Vec::new());
    }
    let uri = format!("https://graph.microsoft.com/v1.0/applications(appId='{}')", app.app_id);
    Ok(vec![
        Finding::error("the API app asks for encrypted access tokens", "App registrations, the API app, Manifest, tokenEncryptionKeyId")
            .because("The gateway cannot read them: everybody signs in and is then refused.")
            .fix("set tokenEncryptionKeyId to null")
            .command(format!("az rest --method PATCH --url \"{uri}\" --body '{{\"tokenEncryptionKeyId\":null}}'")),
    ])
}
