//! # What it checks
//!
//! Whether Microsoft Graph can be asked as whoever `--graph` names, and answers. If it does not, it is given up after a few
//! tries for all checks.
//!
//! # Why it matters
//!
//! The checks below read the app registrations. Without Graph they say "not checked", never "fine".
//!
//! # How to fix
//!
//! `az login --tenant <tenant>`, or another way: `--graph device-code`, `secret`, `certificate`, `managed-identity`, `token`. Reading
//! needs `Application.Read.All`, consents `DelegatedPermissionGrant.Read.All`; members can usually read applications anyway.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let finding = |error: &str| {
        Finding::error(format!("Microsoft Graph cannot be asked: {error}"), "--graph")
            .because("The app registrations cannot be read.")
    };
    if let Some(error) = site.graph_error().await? {
        let finding = finding(error).fix("sign in, or name another way with --graph");
        return Ok(vec![finding.command("az login")]);
    }
    let trouble = site.graph_trouble().await?;
    Ok(trouble.map(|error| finding(error).fix("try again in some minutes, or sign in again")).into_iter().collect())
}
