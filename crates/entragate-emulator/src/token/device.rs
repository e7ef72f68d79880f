//! `grant_type=urn:ietf:params:oauth:grant-type:device_code`: the polling leg.

use super::{Call, client_auth, origin, user};
use crate::device::LIFETIME;
use crate::errors::Refusal;
use crate::exchange::Answer;
use crate::grants::{ClaimsRequest, Device, DeviceState, Grant, Platform, Session};

pub(super) fn redeem(call: &Call<'_>) -> Result<Answer, Refusal> {
    let entra = call.entra;
    let key = call.form.get("device_code").ok_or(Refusal::Missing("device_code"))?;
    let device = entra.state.with(|state| state.devices.get(key).cloned());
    let device = device.filter(|device| device.client == call.client.id).ok_or(Refusal::DeviceCodeInvalid)?;
    // No redirect URI decides the class here, so the app's fallback does.
    let platform = if call.client.fallback_public_client { Platform::Public } else { Platform::Web };
    client_auth::check(call, platform)?;
    origin::check(call, platform)?;
    let expired = entra.now() >= device.issued_at + LIFETIME;
    let session = match &device.state {
        DeviceState::Redeemed => return Err(Refusal::CodeRedeemed),
        _ if expired => return Err(Refusal::DeviceExpired),
        DeviceState::Pending => return Err(Refusal::DevicePending),
        DeviceState::Declined => return Err(Refusal::DeviceDeclined),
        DeviceState::Approved(session) => session,
    };
    let grant = grant(call, &device, session, platform)?;
    let ready = user::check(call, &grant, &device.scope)?;
    entra.state.with(|state| {
        if let Some(device) = state.devices.get_mut(key) {
            device.state = DeviceState::Redeemed;
        }
    });
    Ok(ready.issue(call, None))
}

fn grant(call: &Call<'_>, device: &Device, session: &Session, platform: Platform) -> Result<Grant, Refusal> {
    let directory = &call.entra.directory;
    let gone = || Refusal::UnknownUser { tenant: directory.tenant_name(call.authority.segment()).to_owned() };
    let home = directory.user_by_oid(&session.oid).ok_or_else(gone)?;
    Ok(Grant {
        tenant: device.authority.tenant().unwrap_or(&home.tenant).to_owned(),
        client: device.client.clone(),
        platform,
        oid: session.oid.clone(),
        scope: device.scope.clone(),
        nonce: None,
        claims: ClaimsRequest::default(),
        mfa: session.mfa,
        session: session.id.clone(),
        signed_in_at: session.started_at,
        revoked: false,
    })
}
