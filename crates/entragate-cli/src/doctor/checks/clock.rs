//! # What it checks
//!
//! This machine's clock against the `Date` of Entra's answers.
//!
//! # Why it matters
//!
//! Tokens are valid between two points in time. With a clock that is minutes off, fresh tokens are "not yet valid" or
//! already expired, and Entra refuses assertions that are signed with a certificate (AADSTS700024).
//!
//! # How to fix
//!
//! Let the machine keep its time with NTP (`timedatectl set-ntp true`, or the host of the container or virtual machine).

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

/// What token checks forgive (RFC 7519 §4.1.4), and half of it.
const TOO_MUCH: u64 = 300;
const NOTABLE: u64 = 60;

pub(super) async fn run(site: &Site) -> Checked {
    let documents = site.documents().await?;
    let theirs = documents.date.as_deref().and_then(|date| httpdate::parse_http_date(date).ok());
    let Some(theirs) = theirs.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()) else {
        return Err(Skip::not_checked("Entra's answer has no Date"));
    };
    let (ours, theirs) = (site.clock.now().as_unix(), theirs.as_secs());
    let off = ours.abs_diff(theirs);
    if off < NOTABLE {
        return Ok(Vec::new());
    }
    let direction = if ours > theirs { "ahead" } else { "behind" };
    let what = format!("this machine's clock is {off} seconds {direction} of Entra's");
    let finding = if off > TOO_MUCH { Finding::error(what, "the machine") } else { Finding::warning(what, "the machine") };
    Ok(vec![
        finding
            .because("Good tokens are refused as expired or not yet valid.")
            .fix("keep the time with NTP on this machine, or on the host of the container")
            .command("timedatectl set-ntp true")
            .prevents(700_024),
    ])
}
