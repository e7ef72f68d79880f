//! Files that hold a credential: read with a limit, and kept as they last were when they break.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use super::error::{CredentialError, FileProblem};
use crate::secret::Secret;

/// Largest file that is read; a certificate with its chain and key is about 10 KiB.
const MAX_FILE: u64 = 64 * 1024;

/// The whole file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileProblem> {
    let mut content = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content))
        .map_err(FileProblem::Unreadable)?;
    if content.len() as u64 > MAX_FILE {
        return Err(FileProblem::TooLarge(MAX_FILE));
    }
    if content.iter().all(u8::is_ascii_whitespace) {
        return Err(FileProblem::Empty);
    }
    Ok(content)
}

/// Runs what reads files where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, CredentialError> + Send + 'static,
) -> Result<T, CredentialError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(FileProblem::Unreadable(io::Error::other(error)).at(path)))
}

/// The newest good content, and whether the log knows already that newer content is broken.
pub(super) struct LastGood<T> {
    value: ArcSwap<T>,
    complained: AtomicBool,
}

impl<T> LastGood<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value: ArcSwap::from_pointee(value), complained: AtomicBool::new(false) }
    }

    pub(super) fn get(&self) -> Arc<T> {
        self.value.load_full()
    }

    /// Takes what was read, if anything new was, and hands out what counts.
    pub(super) fn update(&self, read: Result<Option<T>, CredentialError>) -> Arc<T> {
        match read {
            Ok(newer) => {
                if let Some(newer) = newer {
                    self.value.store(Arc::new(newer));
                }
                self.complained.store(false, Ordering::Relaxed);
            }
            // Once, not with every request until somebody repairs the file.
            Err(error) => {
                if !self.complained.swap(true, Ordering::Relaxed) {
                    tracing::warn!(target: "entragate::credential", reason = %error, hint = error.hint(), "the last good credential stays in use");
                }
            }
        }
        self.get()
    }
}

/// A file with one word: a secret, or a token.
pub(super) struct LineFile {
    path: PathBuf,
    check: Check,
    last: LastGood<Secret>,
}

/// What the word must be.
type Check = fn(&str) -> Result<(), FileProblem>;

/// Any word is good.
#[expect(clippy::unnecessary_wraps, reason = "a check that never refuses")]
pub(super) fn any_line(_: &str) -> Result<(), FileProblem> {
    Ok(())
}

/// Three parts of base64url (RFC 7515 §7.1): whether the token is any good, only Entra can tell.
pub(super) fn jwt(text: &str) -> Result<(), FileProblem> {
    if is_jwt(text) { Ok(()) } else { Err(FileProblem::NotJwt) }
}

pub(super) fn is_jwt(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.split('.').count() == 3 && text.split('.').all(part)
}

impl LineFile {
    pub(super) fn open(path: PathBuf, check: Check) -> Result<Self, CredentialError> {
        let last = LastGood::new(read_line(&path, check)?);
        Ok(Self { path, check, last })
    }

    /// What the file holds now, or held when it was last good.
    pub(super) async fn text(&self) -> Secret {
        let (path, check) = (self.path.clone(), self.check);
        let line = blocking(&self.path, move || read_line(&path, check)).await;
        Secret::clone(&self.last.update(line.map(Some)))
    }

    /// What it held when it was last good.
    pub(super) fn last(&self) -> Arc<Secret> {
        self.last.get()
    }
}

fn read_line(path: &Path, check: Check) -> Result<Secret, CredentialError> {
    let content = read(path).map_err(|problem| problem.at(path))?;
    let text = str::from_utf8(&content).map_err(|_| FileProblem::NotText.at(path))?;
    // Editors on Windows like to begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    let problem = match text {
        "" => Some(FileProblem::Empty),
        text if text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            Some(FileProblem::SeveralWords)
        }
        text => check(text).err(),
    };
    problem.map_or_else(|| Ok(Secret::new(text)), |problem| Err(problem.at(path)))
}

#[cfg(test)]
mod tests {
    use super::super::scratch::Scratch;
    use super::*;

    fn problem(content: impl AsRef<[u8]>, check: Check) -> FileProblem {
        let scratch = Scratch::new();
        let path = scratch.file("file", content);
        match LineFile::open(path.clone(), check).err().expect("it was accepted") {
            CredentialError::File { path: named, problem } => {
                assert_eq!(named, path);
                problem
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_at_once() {
        assert!(matches!(problem("", any_line), FileProblem::Empty));
        assert!(matches!(problem(" \r\n\n", any_line), FileProblem::Empty));
        assert!(matches!(problem("\u{feff}\n", any_line), FileProblem::Empty));
        assert!(matches!(problem("one\ntwo", any_line), FileProblem::SeveralWords));
        assert!(matches!(problem("secret = x", any_line), FileProblem::SeveralWords));
        assert!(matches!(problem([0xff, 0xfe], any_line), FileProblem::NotText));
        assert!(matches!(problem("x".repeat(70_000), any_line), FileProblem::TooLarge(_)));
    }

    #[test]
    fn what_is_not_a_jwt_is_refused_at_once() {
        for bad in ["word", "e30.e30", "e30.e30.", "e30..e30", "e30.e30.e30.e30", "e30.e30.a+b"] {
            assert!(matches!(problem(bad, jwt), FileProblem::NotJwt), "{bad}");
        }
    }

    #[test]
    fn a_missing_file_is_refused_with_its_name_and_a_way_out() {
        let scratch = Scratch::new();
        let path = scratch.path("nowhere");
        let error = LineFile::open(path.clone(), any_line).err().expect("it was accepted");
        assert!(error.to_string().starts_with(path.to_str().unwrap()));
        assert!(error.to_string().contains("cannot be read"));
        assert!(error.hint().contains("may read it"));
    }

    #[test]
    fn no_message_tells_what_is_in_the_file() {
        let scratch = Scratch::new();
        let path = scratch.file("file", "hunter2 hunter3");
        let error = LineFile::open(path, any_line).err().expect("it was accepted");
        assert!(!format!("{error} {error:?}").contains("hunter"));
    }

    #[tokio::test]
    async fn a_broken_file_is_complained_about_once_until_it_is_good_again() {
        let scratch = Scratch::new();
        let path = scratch.file("file", "\u{feff}good\r\n");
        let file = LineFile::open(path, any_line).unwrap();
        let complained = || file.last.complained.load(Ordering::Relaxed);
        assert_eq!(file.text().await.expose(), "good");
        assert!(!complained());
        scratch.file("file", "");
        for _ in 0..2 {
            assert_eq!(file.text().await.expose(), "good");
            assert!(complained());
        }
        scratch.file("file", "better");
        assert_eq!(file.text().await.expose(), "better");
        assert!(!complained());
    }
}
