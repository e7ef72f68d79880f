//! The `Origin` header: only single-page applications may redeem from a browser, and they must.

use super::Call;
use crate::errors::Refusal;
use crate::grants::Platform;

/// AADSTS9002326, 9002327.
pub(super) fn check(call: &Call<'_>, platform: Platform) -> Result<(), Refusal> {
    match (platform, call.origin) {
        (Platform::Spa, None) => Err(Refusal::SpaNeedsOrigin),
        (Platform::Web | Platform::Public, Some(origin)) => Err(refuse(origin)),
        _ => Ok(()),
    }
}

pub(super) fn refuse(origin: &str) -> Refusal {
    Refusal::CrossOrigin { origin: origin.to_owned() }
}
