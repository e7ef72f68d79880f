//! # What it checks
//!
//! Whether Entra itself advertises PKCE and client ID metadata documents in this tenant today.
//!
//! # Why it matters
//!
//! In 2026 it advertises neither, which is why clients cannot use it without a gateway; client ID metadata documents are in
//! preview. The day that changes, clients may go to Entra directly.
//!
//! # How to fix
//!
//! Nothing is wrong. It is information, read from the tenant's own discovery document.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let v2 = &site.documents().await?.v2;
    let pkce = v2["code_challenge_methods_supported"].as_array().is_some();
    let documents = v2["client_id_metadata_document_supported"] == true;
    let says = |yes: bool| if yes { "advertises" } else { "does not advertise" };
    let what = format!("Entra {} PKCE and {} client ID metadata documents in this tenant", says(pkce), says(documents));
    let why = if pkce && documents {
        "Clients may be able to use Entra without a gateway here; these features are in preview."
    } else {
        "Clients that demand them cannot use Entra directly; the gateway advertises PKCE in both modes, documents in broker mode."
    };
    Ok(vec![Finding::information(what, "the tenant").because(why).fix("nothing")])
}
