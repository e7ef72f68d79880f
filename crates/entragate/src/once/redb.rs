//! The store of one file: remembers across restarts, crashes and power cuts.
//!
//! One thread owns the file. It takes all operations that wait, does them in one transaction and answers when that
//! is on the disk: a hundred callers at once wait for a few flushes, not for a hundred, and the asynchronous runtime
//! waits for none.

mod tables;

use std::fmt;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{Builder, DatabaseError};
use tokio::sync::{mpsc, oneshot};

use self::tables::{Operation, Outcome, Tables};
use super::{Once, OnceError, OnceFuture};
use crate::clock::{Clock, SystemClock};
use crate::private::{self, PrivateError};
use crate::random;

const NAME: &str = "state.redb";
/// Entries; at about 200 bytes each a full file takes 400 MiB on the disk.
const CAPACITY: u64 = 1_000_000;
/// Bytes of the file kept in memory; redb's own default is 1 GiB.
const CACHE: usize = 32 * 1024 * 1024;
/// Operations that wait before callers wait to be let in.
const QUEUE: usize = 1_024;
/// Operations in one transaction: bounds how long the first of them waits.
const BATCH: usize = 256;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedbError {
    /// Others may use the file or its directory, or we may not.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// Two that write the same file would each let a code be used once.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It is damaged, not ours, or cannot be read or written.
    #[error(
        "{} cannot be used: {reason}. Without the file everybody signs in again, and nothing else is lost",
        path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the database says.
        reason: String,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
    /// The operating system gives no thread.
    #[error("the operating system gives no thread: {0}")]
    Thread(std::io::Error),
}

/// Remembers in one file of this computer. One process uses it at a time.
pub struct Redb {
    /// `None` only while it is dropped.
    queue: Option<mpsc::Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    epoch: String,
    path: PathBuf,
}

struct Waiting {
    operation: Operation,
    answer: oneshot::Sender<Result<Outcome, OnceError>>,
}

impl Redb {
    /// The store in `state.redb` of the directory, with the computer's clock. What is not there is created, for its
    /// owner only. After a crash this takes the time of reading the whole file.
    pub fn open(directory: &Path) -> Result<Self, RedbError> {
        Self::open_with_clock(directory, SystemClock)
    }

    /// The same with another clock.
    pub fn open_with_clock(directory: &Path, clock: impl Clock) -> Result<Self, RedbError> {
        Self::shared(directory, Arc::new(clock), CAPACITY)
    }

    fn shared(directory: &Path, clock: Arc<dyn Clock>, capacity: u64) -> Result<Self, RedbError> {
        private::directory(directory)?;
        let path = directory.join(NAME);
        let file =
            private::file(&path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
        let unusable =
            |reason: redb::Error| RedbError::Unusable { path: path.clone(), reason: reason.to_string() };
        let database = FileBackend::new(file)
            .and_then(|backend| Builder::new().set_cache_size(CACHE).create_with_backend(backend))
            .map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => RedbError::InUse(path.clone()),
                other => unusable(other.into()),
            })?;
        private::sync(directory)?;
        let fresh = random::id().map_err(|_| RedbError::Randomness)?;
        let (tables, epoch) = Tables::open(database, clock, capacity, &fresh).map_err(unusable)?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("entragate-state".to_owned())
            .spawn(move || serve(&tables, waiting))
            .map_err(RedbError::Thread)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), epoch, path })
    }

    async fn ask(&self, operation: Operation) -> Result<Outcome, OnceError> {
        let gone = || OnceError::Failed("its thread has ended".to_owned());
        let (answer, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(Waiting { operation, answer }).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

/// Ends when nobody can ask any more and everybody was answered.
fn serve(tables: &Tables, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.blocking_recv_many(&mut batch, BATCH) > 0 {
        let (operations, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|Waiting { operation, answer }| (operation, answer)).unzip();
        // Who went away has no use for the answer.
        match tables.run(&operations) {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    let _ = answer.send(outcome);
                }
            }
            Err(error) => {
                tracing::error!(%error, "the state file failed");
                for answer in answers {
                    let _ = answer.send(Err(OnceError::Failed(error.to_string())));
                }
            }
        }
    }
}

impl Once for Redb {
    fn get<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.ask(Operation::Get { key: key.to_owned() }).await?.value) })
    }

    fn swap<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        new: &'a [u8],
        keep: Duration,
    ) -> OnceFuture<'a, bool> {
        Box::pin(async move {
            let expected = expected.map(<[u8]>::to_vec);
            let swap = Operation::Swap { key: key.to_owned(), expected, new: new.to_vec(), keep };
            Ok(self.ask(swap).await?.written)
        })
    }

    fn take<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.ask(Operation::Take { key: key.to_owned() }).await?.value) })
    }

    fn epoch(&self) -> OnceFuture<'_, String> {
        Box::pin(async move { Ok(self.epoch.clone()) })
    }
}

impl Drop for Redb {
    /// Waits for what was asked, so that the file can be opened again afterwards.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // That it panicked was seen by whoever asked.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Redb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redb").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
