//! What outlives the process when it is asked to: one JSON file, written whole and put in place by a rename, or refused
//! with the reason. Sessions, codes, device codes, faults and logs are not in it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::cimd::Document;
use crate::digest::sha256;
use crate::directory::{Directories, Directory, DirectoryError};
use crate::grants::RefreshToken;
use crate::keys::SavedKeys;
use crate::settings::Settings;
use crate::state::{Shared, State};
use crate::tls::CertificateAuthority;

/// Raised when an older emulator could misread the file.
const FORMAT: u32 = 1;

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("another emulator uses it")]
    InUse,
    #[error("it is damaged, or no state of an emulator: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("it has format {0}; this emulator reads format {FORMAT}")]
    Format(u32),
    #[error("its directory does not hold together: {0}")]
    Directory(#[from] DirectoryError),
    #[error("a signing key in it is damaged")]
    Keys,
    #[error("its certificate authority is damaged: {0}")]
    Authority(#[from] crate::tls::TlsError),
    #[error("it was begun with another directory; name that one, or remove the file to start over")]
    OtherDirectory,
}

/// As much as every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The file's content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    format: u32,
    pub(crate) clock_offset: u64,
    pub(crate) drawn: u64,
    pub(crate) settings: Settings,
    /// The directory as given, and as it is, consents included.
    pub(crate) original: Directory,
    pub(crate) current: Directory,
    pub(crate) refresh_tokens: BTreeMap<String, RefreshToken>,
    pub(crate) documents: BTreeMap<String, Document>,
    pub(crate) keys: SavedKeys,
    pub(crate) authority: Option<CertificateAuthority>,
}

impl Saved {
    /// The file's content, if there is a file, and the file itself: who holds it keeps others out.
    pub(crate) fn read(path: &Path) -> Result<Option<(Self, File)>, ReadError> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        lock(&file)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let Format { format } = serde_json::from_slice(&text)?;
        if format != FORMAT {
            return Err(ReadError::Format(format));
        }
        let mut saved: Self = serde_json::from_slice(&text)?;
        saved.original = saved.original.checked()?;
        saved.current = saved.current.checked()?;
        Ok(Some((saved, file)))
    }

    fn of(state: &State, authority: Option<&CertificateAuthority>) -> Self {
        Self {
            format: FORMAT,
            clock_offset: state.clock_offset,
            drawn: state.random.drawn(),
            settings: state.settings.clone(),
            original: Directory::clone(&state.directories.original()),
            current: Directory::clone(&state.directories.current()),
            refresh_tokens: state.refresh_tokens.clone().into_iter().collect(),
            documents: state.documents.clone().into_iter().collect(),
            keys: state.keys.saved(),
            authority: authority.cloned(),
        }
    }

    pub(crate) fn directories(&self) -> Directories {
        Directories::resumed(self.original.clone(), self.current.clone())
    }
}

/// Keeps the file up to date.
#[derive(Debug)]
pub(crate) struct Saver {
    path: PathBuf,
    authority: Option<CertificateAuthority>,
    /// The lock keeps an older state from overtaking a newer one.
    written: Mutex<Written>,
}

/// What was written last.
#[derive(Debug)]
struct Written {
    digest: Option<[u8; 32]>,
    #[expect(dead_code, reason = "held for its lock, so that no other emulator takes the file")]
    file: Option<File>,
}

impl Saver {
    /// `file` is the one that is there already.
    pub(crate) fn new(path: PathBuf, authority: Option<CertificateAuthority>, file: Option<File>) -> Self {
        Self { path, authority, written: Mutex::new(Written { digest: None, file }) }
    }

    /// Writes the state if it has changed since the last time.
    pub(crate) async fn save(&self, state: &Shared) -> io::Result<()> {
        let mut written = self.written.lock().await;
        let saved = state.with(|state| Saved::of(state, self.authority.as_ref()));
        let text = serde_json::to_vec_pretty(&saved)?;
        let digest = sha256(&text);
        if written.digest == Some(digest) {
            return Ok(());
        }
        let path = self.path.clone();
        let file = tokio::task::spawn_blocking(move || replace(&path, &text)).await??;
        *written = Written { digest: Some(digest), file: Some(file) };
        Ok(())
    }
}

fn lock(file: &File) -> Result<(), ReadError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(ReadError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Old content or new, never half of it, and readable by its owner only. The file in place is locked.
fn replace(path: &Path, text: &[u8]) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    file.try_lock()?;
    fs::rename(&beside, path)?;
    Ok(file)
}
