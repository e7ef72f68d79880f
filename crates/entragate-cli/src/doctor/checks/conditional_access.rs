//! # What it checks
//!
//! Which Conditional Access policies are in force in the tenant.
//!
//! # Why it matters
//!
//! A policy that concerns the API may ask for a second factor or a managed device, or refuse a sign-in (AADSTS53003), also when a
//! token is renewed: people then sign in again in the middle of their work.
//!
//! # How to fix
//!
//! Nothing is wrong. If people are refused, the sign-in log of the Entra admin center names the policy.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let policies = site.graph().await?.conditional_access().await?;
    if policies.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!("Conditional Access policies are in force: {}", policies.join(", "));
    Ok(vec![
        Finding::information(what, "Entra admin center, Protection, Conditional Access")
            .because("They may ask for more at sign-in, or refuse it, also when a token is renewed.")
            .fix("nothing, unless people are refused: the sign-in log names the policy")
            .prevents(53003),
    ])
}
