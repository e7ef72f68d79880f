//! # What it checks
//!
//! Whether members of the tenant may consent to applications by themselves.
//!
//! # Why it matters
//!
//! Where they may not, a missing admin consent is a wall for everybody (AADSTS90094), not a page to click through.
//!
//! # How to fix
//!
//! Nothing, if the check `consent` is fine. Else grant admin consent.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let policy = site.graph().await?.policy().await?;
    if !policy.forbids_consent() {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::information("people may not consent to applications in this tenant", "Enterprise applications, Consent and permissions")
            .because("Without an administrator's consent nobody gets in.")
            .fix("nothing, if an administrator has consented")
            .prevents(90094),
    ])
}
