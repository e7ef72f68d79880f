//! How many processes there may be, in all and of one caller. A slot is given back when its process is gone, not
//! when somebody asked it to go.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::caller::Person;

/// The slots of one route.
#[derive(Debug)]
pub(super) struct Slots {
    total: usize,
    per_person: usize,
    taken: Mutex<HashMap<Person, usize>>,
    given_back: Notify,
}

/// The right to one process.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    person: Person,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Others have them all.
    Total,
    /// The caller has as many as one may have.
    Person,
}

impl Slots {
    pub(super) fn new(total: usize, per_person: usize) -> Arc<Self> {
        Arc::new(Self { total, per_person, taken: Mutex::default(), given_back: Notify::new() })
    }

    pub(super) fn take(self: &Arc<Self>, person: &Person) -> Result<Slot, Full> {
        let mut taken = self.taken.lock();
        let all: usize = taken.values().sum();
        let theirs = taken.get(person).copied().unwrap_or_default();
        if theirs >= self.per_person {
            return Err(Full::Person);
        }
        if all >= self.total {
            return Err(Full::Total);
        }
        taken.insert(person.clone(), theirs + 1);
        Ok(Slot { slots: Arc::clone(self), person: person.clone() })
    }

    /// Waits until one is given back.
    pub(super) async fn given_back(&self) {
        self.given_back.notified().await;
    }

    /// Waits until all are.
    pub(super) async fn all_given_back(&self) {
        loop {
            let given_back = self.given_back.notified();
            if self.taken.lock().is_empty() {
                return;
            }
            given_back.await;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock();
        if let Some(theirs) = taken.get_mut(&self.person) {
            *theirs -= 1;
            if *theirs == 0 {
                taken.remove(&self.person);
            }
        }
        drop(taken);
        self.slots.given_back.notify_waiters();
    }
}
