//! The seal key of a gateway that was given none: made up at the first start, and kept in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::private::{self, PrivateError};
use crate::random;
use crate::seal::{SealKeyError, SealKeys};
use crate::secret::Secret;

const NAME: &str = "seal.key";

/// Why there is no seal key from a file. Never says what is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealFileError {
    /// Others may use the file or its directory, or we may not.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// What is in the file protects nothing, so it is not used.
    #[error("{} holds no usable key: {reason}. Without the file, the next start makes a new key up", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with the key in it.
        reason: SealKeyError,
    },
    /// No key can be made up.
    #[error("no seal key can be made up: {0}")]
    Generate(SealKeyError),
}

/// The key in `seal.key` of the directory. What is not there is created, for its owner only; of processes that start
/// at once, all get the same key.
pub fn seal_key_file(directory: &Path) -> Result<Secret, SealFileError> {
    private::directory(directory)?;
    let path = directory.join(NAME);
    let file = match private::file(&path, OpenOptions::new().read(true)) {
        Err(PrivateError::Failed { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(directory, &path)?;
            // Read back also what we wrote: somebody else's may have been first.
            private::file(&path, OpenOptions::new().read(true))?
        }
        found => found?,
    };
    key(&path, file)
}

fn key(path: &Path, mut file: File) -> Result<Secret, SealFileError> {
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(|source| private::failed(path, source))?;
    let secret = Secret::new(text.trim());
    let unusable = |reason| SealFileError::Key { path: path.to_owned(), reason };
    if secret.expose().is_empty() {
        return Err(unusable(SealKeyError::Empty));
    }
    SealKeys::new([secret.clone()]).map_err(unusable)?;
    Ok(secret)
}

/// Writes a new key under another name and links it to its own once all of it is on the disk: nobody ever reads half
/// a key, and no key is overwritten.
fn create(directory: &Path, path: &Path) -> Result<(), SealFileError> {
    let secret = SealKeys::generate().map_err(SealFileError::Generate)?;
    let id = random::id().map_err(|_| SealFileError::Generate(SealKeyError::Randomness))?;
    let draft = directory.join(format!("{NAME}.{id}"));
    let written = write(&draft, &secret);
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // A file system without links. The first writer wins here too, but can be read before it is done.
            write(path, &secret)
        }
        _ => Ok(()),
    });
    // Whatever happened, the draft has no use any more; that it cannot be removed changes nothing.
    let _ = fs::remove_file(&draft);
    match linked {
        Err(PrivateError::Failed { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    private::sync(directory)?;
    Ok(())
}

fn write(path: &Path, secret: &Secret) -> Result<(), PrivateError> {
    let mut file = private::file(path, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(secret.expose().as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| private::failed(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::tests::Scratch;

    #[test]
    fn a_key_is_made_up_once() {
        let scratch = Scratch::new();
        let first = seal_key_file(&scratch.0).unwrap();
        assert_eq!(first.expose(), seal_key_file(&scratch.0).unwrap().expose());
        assert!(SealKeys::new([first]).is_ok());
        let names: Vec<_> =
            fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [NAME]);
        #[cfg(unix)]
        assert_eq!((scratch.mode(""), scratch.mode(NAME)), (0o700, 0o600));
    }

    #[test]
    fn who_starts_at_once_gets_the_same_key() {
        let scratch = Scratch::new();
        let start = || seal_key_file(&scratch.0).unwrap().expose().to_owned();
        let keys: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_key_that_protects_nothing_is_refused_and_not_told() {
        let scratch = Scratch::new();
        seal_key_file(&scratch.0).unwrap();
        for (text, reason) in [("", SealKeyError::Empty), ("hunter2\n", SealKeyError::Short(32))] {
            fs::write(scratch.0.join(NAME), text).unwrap();
            let error = seal_key_file(&scratch.0).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
            assert!(matches!(error, SealFileError::Key { reason: found, .. } if found == reason));
        }
        fs::write(scratch.0.join(NAME), [0xff; 40]).unwrap();
        let error = seal_key_file(&scratch.0).unwrap_err();
        assert!(matches!(error, SealFileError::Private(PrivateError::Failed { .. })), "{error}");
        fs::write(scratch.0.join(NAME), format!("{}\n", "k".repeat(32))).unwrap();
        assert_eq!(seal_key_file(&scratch.0).unwrap().expose(), "k".repeat(32));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let scratch = Scratch::new();
        seal_key_file(&scratch.0).unwrap();
        scratch.chmod(NAME, 0o640);
        let error = seal_key_file(&scratch.0).unwrap_err().to_string();
        assert!(error.contains("(mode 640): run `chmod 600 ") && error.ends_with("seal.key`"), "{error}");
        scratch.chmod(NAME, 0o600);
        scratch.chmod("", 0o701);
        let error = seal_key_file(&scratch.0).unwrap_err().to_string();
        assert!(error.contains("(mode 701): run `chmod 700 "), "{error}");
    }
}
