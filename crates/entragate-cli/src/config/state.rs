//! `[state]`: what seals, and where it is remembered what was used.

use std::path::PathBuf;

use entragate::{SealKeyError, SealKeys, Secret};

use super::checked::{Keys, Store};
use super::keys;
use super::reader::{Read, Reader, Wrong};

/// Reads the section; `is_public`: other machines reach the gateway.
pub(super) fn state(reader: &mut Reader, is_public: bool) -> Option<(Keys, Store)> {
    let redis = reader.secret(&keys::REDIS_URL).map(Some).or_default(|| None)?;
    let directory = directory(reader).map(Some).or_default(|| None)?;
    let keys = match keys(reader) {
        Read::Bad => return None,
        Read::Given(keys) => keys,
        Read::Unset if is_public || redis.is_some() => {
            missing(reader);
            return None;
        }
        Read::Unset => {
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

/// The keys alone, where nothing else of the section is needed: relay mode, for assertions.
pub(super) fn signing_keys(reader: &mut Reader, is_public: bool) -> Option<Keys> {
    match keys(reader) {
        Read::Bad => None,
        Read::Given(keys) => Some(keys),
        Read::Unset if is_public => {
            missing(reader);
            None
        }
        Read::Unset => {
            reader.note(
                &keys::STATE_KEYS,
                "is not set: this process makes its own key, and signs assertions with another one after a restart",
                "fine for development; set state.directory to keep the key",
            );
            Some(Keys::OfThisProcess)
        }
    }
}

/// The keys that were given, or where they are kept.
fn keys(reader: &mut Reader) -> Read<Keys> {
    match reader.secret(&keys::STATE_KEYS) {
        Read::Bad => Read::Bad,
        Read::Unset => directory(reader).map(Keys::InDirectory),
        Read::Given(list) => match ring(&list) {
            Ok(keys) => Read::Given(Keys::Given(keys)),
            Err(wrong) => {
                reader.problem(&keys::STATE_KEYS, wrong);
                Read::Bad
            }
        },
    }
}

fn directory(reader: &mut Reader) -> Read<PathBuf> {
    reader.parse(&keys::STATE_DIRECTORY, |path| Ok(PathBuf::from(path)))
}

fn missing(reader: &mut Reader) {
    reader.missing(
        &keys::STATE_KEYS,
        "make one with `openssl rand -base64 32`, the same for all replicas, or set state.directory \
         (ENTRAGATE_STATE_DIRECTORY) in which the gateway keeps one of its own",
    );
}

fn ring(list: &Secret) -> Result<SealKeys, Wrong> {
    let secrets = list.expose().split(',').map(str::trim).filter(|key| !key.is_empty()).map(Secret::new);
    SealKeys::new(secrets).map_err(|error| match error {
        SealKeyError::Repeated => Wrong::new("holds the same key twice", "remove one of them"),
        _ => Wrong::new("holds a key of fewer than 32 characters", "make one with `openssl rand -base64 32`"),
    })
}
