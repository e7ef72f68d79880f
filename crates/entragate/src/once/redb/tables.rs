//! What is in the file, and the operations on it.

use std::sync::Arc;
use std::time::Duration;

use redb::{
    Database, Durability, Error, ReadableDatabase as _, ReadableTable, ReadableTableMetadata as _, Table,
    TableDefinition, WriteTransaction,
};

use crate::clock::{Clock, Timestamp};
use crate::once::{OnceError, share};

/// Key to expiry and value. Stored as the eight bytes of the expiry, little-endian, and then the value.
const ENTRIES: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("entries");
/// The same keys in the order of their expiry.
const EXPIRIES: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("expiries");
/// What is said once about the file.
const FILE: TableDefinition<'_, &str, &str> = TableDefinition::new("file");
const EPOCH: &str = "epoch";

/// Expired entries that each written one removes: more than one, so that they become fewer, and few, so that nobody
/// waits for a store that slept over a weekend.
const SWEEP: usize = 16;

/// What is asked of the file.
pub(super) enum Operation {
    Get { key: String },
    Swap { key: String, expected: Option<Vec<u8>>, new: Vec<u8>, keep: Duration },
    Take { key: String },
}

/// The answer: of a get or a take the value, of a swap whether it was written.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) value: Option<Vec<u8>>,
    pub(super) written: bool,
}

/// The open file.
pub(super) struct Tables {
    database: Database,
    clock: Arc<dyn Clock>,
    capacity: u64,
}

impl Tables {
    /// Creates what is missing. The second is the epoch: `fresh`, if the file has none yet.
    pub(super) fn open(
        database: Database,
        clock: Arc<dyn Clock>,
        capacity: u64,
        fresh: &str,
    ) -> Result<(Self, String), Error> {
        let tables = Self { database, clock, capacity };
        let transaction = tables.write()?;
        transaction.open_table(ENTRIES)?;
        transaction.open_table(EXPIRIES)?;
        let mut file = transaction.open_table(FILE)?;
        let found = file.get(EPOCH)?.map(|epoch| epoch.value().to_owned());
        let epoch = if let Some(epoch) = found {
            epoch
        } else {
            file.insert(EPOCH, fresh)?;
            fresh.to_owned()
        };
        drop(file);
        transaction.commit()?;
        Ok((tables, epoch))
    }

    /// Does all of them, in their order, in one transaction: on the disk when this returns, or none of them done.
    pub(super) fn run(&self, operations: &[Operation]) -> Result<Vec<Result<Outcome, OnceError>>, Error> {
        let now = self.clock.now();
        if operations.iter().all(|operation| matches!(operation, Operation::Get { .. })) {
            let entries = self.database.begin_read()?.open_table(ENTRIES)?;
            let read = |operation: &Operation| Ok(Ok(live(&entries, operation.key(), now)?.into()));
            return operations.iter().map(read).collect();
        }
        let transaction = self.write()?;
        let mut open = Open {
            entries: transaction.open_table(ENTRIES)?,
            expiries: transaction.open_table(EXPIRIES)?,
            capacity: self.capacity,
            now,
        };
        let outcomes: Result<Vec<_>, Error> =
            operations.iter().map(|operation| open.run(operation)).collect();
        drop(open);
        // An error aborts: a transaction that is dropped is not committed.
        let outcomes = outcomes?;
        transaction.commit()?;
        Ok(outcomes)
    }

    fn write(&self) -> Result<WriteTransaction, Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        Ok(transaction)
    }

    /// Entries, the expired that were not swept included.
    #[cfg(test)]
    pub(super) fn len(&self) -> (u64, u64) {
        let transaction = self.database.begin_read().unwrap();
        let expiries = transaction.open_table(EXPIRIES).unwrap().len().unwrap();
        (transaction.open_table(ENTRIES).unwrap().len().unwrap(), expiries)
    }
}

impl Operation {
    fn key(&self) -> &str {
        match self {
            Self::Get { key } | Self::Swap { key, .. } | Self::Take { key } => key,
        }
    }
}

impl From<Option<Vec<u8>>> for Outcome {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self { value, written: false }
    }
}

/// The value, unless it has expired.
fn live(
    entries: &impl ReadableTable<&'static str, (u64, &'static [u8])>,
    key: &str,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Error> {
    let entry = entries.get(key)?;
    Ok(entry.and_then(|entry| {
        let (expires, value) = entry.value();
        (now.as_unix() < expires).then(|| value.to_vec())
    }))
}

/// The tables of a transaction that writes.
struct Open<'a> {
    entries: Table<'a, &'static str, (u64, &'static [u8])>,
    expiries: Table<'a, (u64, &'static str), ()>,
    capacity: u64,
    now: Timestamp,
}

impl Open<'_> {
    /// The outer error is of the file, the inner one of this operation.
    fn run(&mut self, operation: &Operation) -> Result<Result<Outcome, OnceError>, Error> {
        let found = live(&self.entries, operation.key(), self.now)?;
        match operation {
            Operation::Get { .. } => Ok(Ok(found.into())),
            Operation::Take { key } => {
                self.remove(key)?;
                Ok(Ok(found.into()))
            }
            Operation::Swap { key, expected, new, keep } => {
                if found != *expected {
                    return Ok(Ok(Outcome::default()));
                }
                self.remove(key)?;
                self.sweep()?;
                // Only where nothing was expected: what is replaced has its room already.
                let room = self.capacity / u64::from(share(key));
                if expected.is_none() && self.entries.len()? >= room {
                    return Ok(Err(OnceError::Full));
                }
                let expires = self.now.plus(*keep).as_unix();
                self.entries.insert(key.as_str(), (expires, new.as_slice()))?;
                self.expiries.insert((expires, key.as_str()), ())?;
                Ok(Ok(Outcome { value: None, written: true }))
            }
        }
    }

    fn remove(&mut self, key: &str) -> Result<(), Error> {
        let expires = self.entries.remove(key)?.map(|entry| entry.value().0);
        if let Some(expires) = expires {
            self.expiries.remove((expires, key))?;
        }
        Ok(())
    }

    fn sweep(&mut self) -> Result<(), Error> {
        for _ in 0..SWEEP {
            let first = self.expiries.first()?.map(|(first, _)| {
                let (expires, key) = first.value();
                (expires, key.to_owned())
            });
            match first {
                Some((expires, key)) if expires <= self.now.as_unix() => {
                    self.entries.remove(key.as_str())?;
                    self.expiries.remove((expires, key.as_str()))?;
                }
                _ => break,
            }
        }
        Ok(())
    }
}
