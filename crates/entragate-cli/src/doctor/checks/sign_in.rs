//! # What it checks
//!
//! That Entra's sign-in endpoint answers the gateway's request as expected: sign in first, and nothing else to complain about
//! before that. What Entra says only after sign-in is `api-app`'s, `scope`'s and `consent`'s to find, with Graph.
//!
//! # Why it matters
//!
//! It is the very request that people's browsers make. Whatever is wrong with it that no other check knows is reported here.
//!
//! # How to fix
//!
//! The finding names the code; `entragate explain <code>` says more.

use super::aadsts;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Probe, Site, Stage};

pub(super) async fn run(site: &Site) -> Checked {
    let main = site.probes().await?.main();
    let strange = |what: String| {
        vec![
            Finding::error(format!("Entra's sign-in endpoint answered unexpectedly: {what}"), "AZURE_AUTHORITY_HOST")
                .because("People's browsers make this request.")
                .fix("see whether something stands between this machine and Entra; try again in a minute"),
        ]
    };
    Ok(match main {
        Probe::Healthy => Vec::new(),
        Probe::Refused(code) => match main.stage() {
            Some((Stage::Other, _)) => {
                let what = "Entra refuses the request that signs people in".to_owned();
                vec![aadsts::error(site, *code, what, site.signer_setting())]
            }
            _ => Vec::new(),
        },
        Probe::Strange(what) => strange(what.clone()),
        Probe::Unreachable(error) => strange(error.to_string()),
    })
}
