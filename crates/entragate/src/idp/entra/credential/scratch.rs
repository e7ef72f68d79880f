//! Files for the tests of this folder.

use std::path::PathBuf;

use crate::random;
use crate::secret::Secret;

/// A directory that is gone when the test is.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("entragate-{}", random::id().unwrap()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Parameters as text that can be compared.
pub(super) fn exposed(parameters: Vec<(&'static str, Secret)>) -> Vec<(&'static str, String)> {
    parameters.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
}
