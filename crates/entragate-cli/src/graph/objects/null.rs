//! Graph writes `null` for what is not set, also where a list or an object is meant.

use serde::{Deserialize, Deserializer};

/// The value, or the default for `null`.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}
