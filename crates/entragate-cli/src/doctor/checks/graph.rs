//! # What it checks
//!
//! Whether Microsoft Graph can be asked as whoever `--graph` names.
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
    let Some(error) = site.graph_error().await? else { return Ok(Vec::new()) };
    Ok(vec![
        Finding::error(format!("Microsoft Graph cannot be asked: {error}"), "--graph")
            .because("The app registrations cannot be read.")
            .fix("sign in, or name another way with --graph")
            .command("az login"),
    ])
}
