//! The directory as it was given and as it is now.

use std::sync::Arc;

use super::Directory;

/// Requests hold on to the directory they began with, so a change makes a new one.
#[derive(Debug)]
pub(crate) struct Directories {
    original: Arc<Directory>,
    current: Arc<Directory>,
}

impl Directories {
    pub(crate) fn new(original: Directory) -> Self {
        let original = Arc::new(original);
        Self { current: Arc::clone(&original), original }
    }

    /// Where another process left off.
    pub(crate) fn resumed(original: Directory, current: Directory) -> Self {
        Self { original: Arc::new(original), current: Arc::new(current) }
    }

    pub(crate) fn original(&self) -> Arc<Directory> {
        Arc::clone(&self.original)
    }

    pub(crate) fn current(&self) -> Arc<Directory> {
        Arc::clone(&self.current)
    }

    /// What `change` refuses leaves everything as it was.
    pub(crate) fn change<T, E>(
        &mut self,
        change: impl FnOnce(&mut Directory) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut next = Directory::clone(&self.current);
        let result = change(&mut next)?;
        self.current = Arc::new(next);
        Ok(result)
    }

    /// A change that cannot be refused.
    pub(crate) fn alter(&mut self, change: impl FnOnce(&mut Directory)) {
        let mut next = Directory::clone(&self.current);
        change(&mut next);
        self.current = Arc::new(next);
    }

    /// Back to the one given.
    pub(crate) fn restore(&mut self) {
        self.current = Arc::clone(&self.original);
    }
}
