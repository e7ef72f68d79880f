//! What Conditional Access demands of somebody waits here and goes along with their next sign-in: a refresh met with it,
//! or a call that was to go on behalf of the person.

use std::time::Duration;

use super::Broker;
use crate::once::OnceError;

/// Claims wait as long as a person may need to come back to the application.
const WAIT: Duration = Duration::from_secs(60 * 60);

/// Under which key a refresh leaves claims.
pub(crate) fn of_refresh(person: &str) -> String {
    format!("claims/{person}")
}

/// Under which key a call leaves claims. Until they are met no refresh helps, because Entra demands them of another
/// token than the one it refreshes.
pub(crate) fn of_call(person: &str) -> String {
    format!("claims/call/{person}")
}

/// Keeps claims; the newest demand counts. If it cannot be kept, Entra demands it again.
pub(crate) async fn keep(broker: &Broker, key: &str, claims: &str) {
    let kept = async {
        broker.once.take(key).await?;
        broker.once.swap(key, None, claims.as_bytes(), WAIT).await
    };
    if let Err(error) = kept.await {
        tracing::warn!(target: "entragate::once", reason = %error, "a claims challenge could not be kept");
    }
}

/// Whether a call met with claims that nobody has signed in for yet.
pub(super) async fn is_due(broker: &Broker, person: &str) -> Result<bool, OnceError> {
    broker.once.get(&of_call(person)).await.map(|claims| claims.is_some())
}

/// What is demanded of the person who signs in, once.
pub(super) async fn demanded(broker: &Broker, person: &str) -> Result<Option<String>, OnceError> {
    let mut demanded = None;
    for key in [of_call(person), of_refresh(person)] {
        if let Some(claims) = broker.once.take(&key).await? {
            demanded.get_or_insert(String::from_utf8_lossy(&claims).into_owned());
        }
    }
    Ok(demanded)
}
