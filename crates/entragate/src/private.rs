//! Files and directories that only their owner may use. On Windows the access control lists of the parent decide.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Why a file or a directory cannot hold what nobody else may read or change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateError {
    /// Its permissions let its group or everybody in.
    #[error(
        "others than its owner may use {} (mode {mode:03o}): run `chmod {wanted:o} {}`",
        path.display(),
        path.display()
    )]
    Loose {
        /// The file or the directory.
        path: PathBuf,
        /// The permissions that it has.
        mode: u32,
        /// The permissions that it should have.
        wanted: u32,
    },
    /// It cannot be created, opened, read or written.
    #[error("{} cannot be used: {source}", path.display())]
    Failed {
        /// The file or the directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Creates the directory if it is not there, and refuses one that others may use.
pub(crate) fn directory(path: &Path) -> Result<(), PrivateError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| failed(path, source))?;
    let metadata = fs::metadata(path).map_err(|source| failed(path, source))?;
    check(path, &metadata, 0o700)
}

/// Opens a file as the options say, with permissions for its owner only if that creates it, and refuses one that
/// others may use. What is checked is what was opened, whatever happens to the path meanwhile.
pub(crate) fn file(path: &Path, options: &mut OpenOptions) -> Result<File, PrivateError> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    let file = options.open(path).map_err(|source| failed(path, source))?;
    let metadata = file.metadata().map_err(|source| failed(path, source))?;
    check(path, &metadata, 0o600)?;
    Ok(file)
}

/// Makes the names in a directory survive a power cut. Windows cannot be asked to, and need not be.
pub(crate) fn sync(directory: &Path) -> Result<(), PrivateError> {
    #[cfg(unix)]
    File::open(directory).and_then(|file| file.sync_all()).map_err(|source| failed(directory, source))?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

pub(crate) fn failed(path: &Path, source: io::Error) -> PrivateError {
    PrivateError::Failed { path: path.to_owned(), source }
}

#[cfg(unix)]
fn check(path: &Path, metadata: &Metadata, wanted: u32) -> Result<(), PrivateError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    let others = mode & 0o077;
    if others == 0 { Ok(()) } else { Err(PrivateError::Loose { path: path.to_owned(), mode, wanted }) }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as where there are permission bits")]
fn check(_: &Path, _: &Metadata, _: u32) -> Result<(), PrivateError> {
    Ok(())
}

/// Directories for tests, removed afterwards.
#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::random;

    /// A path that nobody else has; nothing is there yet.
    pub(crate) struct Scratch(pub(crate) PathBuf);

    impl Scratch {
        pub(crate) fn new() -> Self {
            Self(std::env::temp_dir().join(format!("entragate-{}", random::id().unwrap())))
        }

        #[cfg(unix)]
        pub(crate) fn chmod(&self, name: &str, mode: u32) {
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(self.0.join(name), permissions).unwrap();
        }

        #[cfg(unix)]
        pub(crate) fn mode(&self, name: &str) -> u32 {
            let metadata = fs::metadata(self.0.join(name)).unwrap();
            std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
