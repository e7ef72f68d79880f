//! `[state]`: what seals, and where it is remembered what was used.

use std::path::PathBuf;

use entragate::{SealKeyError, SealKeys, Secret};

use super::checked::{Keys, Store};
use super::keys;
use super::reader::{Read, Reader, Wrong};

/// Reads the section; `is_public`: other machines reach the gateway.
pub(super) fn state(reader: &mut Reader, is_public: bool) -> Option<(Keys, Store)> {
    let keys = match reader.secret(&keys::STATE_KEYS) {
        Read::Bad => return None,
        Read::Unset => None,
        Read::Given(list) => match ring(&list) {
            Ok(keys) => Some(keys),
            Err(wrong) => {
                reader.problem(&keys::STATE_KEYS, wrong);
                return None;
            }
        },
    };
    let directory =
        reader.parse(&keys::STATE_DIRECTORY, |path| Ok(PathBuf::from(path))).map(Some).or_default(|| None)?;
    let redis = reader.secret(&keys::REDIS_URL).map(Some).or_default(|| None)?;
    let keys = match (keys, &directory) {
        (Some(keys), _) => Keys::Given(keys),
        (None, Some(directory)) => Keys::InDirectory(directory.clone()),
        (None, None) if is_public || redis.is_some() => {
            reader.missing(
                &keys::STATE_KEYS,
                "make one with `openssl rand -base64 32`, the same for all replicas, or set state.directory \
                 (ENTRAGATE_STATE_DIRECTORY) in which the gateway keeps one of its own",
            );
            return None;
        }
        (None, None) => {
            reader.note(
                &keys::STATE_KEYS,
                "is not set: this process makes its own key, and everybody signs in again after a restart",
                "fine for development; set state.directory to keep sign-ins",
            );
            Keys::OfThisProcess
        }
    };
    let store = match (redis, directory) {
        (Some(url), _) => Store::Redis(url),
        (None, Some(directory)) => Store::Directory(directory),
        (None, None) => {
            if is_public {
                reader.warn(
                    &keys::STATE_DIRECTORY,
                    "is not set, and neither is state.redis_url: after a restart everybody signs in again, and replicas do not know of each other's sign-ins",
                    "set state.directory for one gateway, state.redis_url for replicas",
                );
            }
            Store::Memory
        }
    };
    Some((keys, store))
}

fn ring(list: &Secret) -> Result<SealKeys, Wrong> {
    let secrets = list.expose().split(',').map(str::trim).filter(|key| !key.is_empty()).map(Secret::new);
    SealKeys::new(secrets).map_err(|error| match error {
        SealKeyError::Repeated => Wrong::new("holds the same key twice", "remove one of them"),
        _ => Wrong::new("holds a key of fewer than 32 characters", "make one with `openssl rand -base64 32`"),
    })
}
