//! Writing without overwriting.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was not there, or was to be overwritten.
    Written(PathBuf),
    /// It is there already, as it would be written.
    Same(PathBuf),
    /// It is there and differs: the other version is beside it.
    Beside {
        /// The file that was left alone.
        there: PathBuf,
        /// The one that was written.
        written: PathBuf,
    },
}

/// Whether a file that is there may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// No.
    Never,
    /// It was asked for (`--force`).
    Forced,
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

/// Who may read a new file.
#[derive(Debug, Clone, Copy)]
enum Readers {
    Owner,
    AsUsual,
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, text: &str, overwrite: Overwrite) -> Result<Fate, FileError> {
    write(path, text, overwrite, Readers::Owner)
}

/// Writes a file that anybody may read.
pub fn write_public(path: &Path, text: &str, overwrite: Overwrite) -> Result<Fate, FileError> {
    write(path, text, overwrite, Readers::AsUsual)
}

/// Writes the version beside a file, for its owner alone: the file itself cannot be whole yet.
pub fn write_beside(path: &Path, text: &str) -> Result<Fate, FileError> {
    replace_beside(path, text, Readers::Owner).map(Fate::Written)
}

/// Whether a file could be written, as far as that can be seen without writing it.
pub fn check(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(_) => {}
        // A link to nowhere is there, and nothing can be created through it safely.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {}
        Err(error) => return Err(failed(error)),
    }
    let beside = beside(path);
    if beside.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        return Err(FileError { path: beside, source: io::ErrorKind::IsADirectory.into() });
    }
    Ok(())
}

fn write(path: &Path, text: &str, overwrite: Overwrite, readers: Readers) -> Result<Fate, FileError> {
    let failed = |source| FileError { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(there) if there == text => return Ok(Fate::Same(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path, text, readers).map_err(failed)?;
            return Ok(Fate::Written(path.to_owned()));
        }
        Ok(_) => {}
        Err(error) => return Err(failed(error)),
    }
    let beside = replace_beside(path, text, readers)?;
    if overwrite == Overwrite::Forced {
        fs::rename(&beside, path).map_err(failed)?;
        return Ok(Fate::Written(path.to_owned()));
    }
    Ok(Fate::Beside { there: path.to_owned(), written: beside })
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.new"))
}

fn replace_beside(path: &Path, text: &str, readers: Readers) -> Result<PathBuf, FileError> {
    let beside = beside(path);
    let failed = |source| FileError { path: beside.clone(), source };
    // Never into a file whose readers somebody else chose.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    create(&beside, text, readers).map_err(failed)?;
    Ok(beside)
}

fn create(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Readers::Owner = readers {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = readers;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
