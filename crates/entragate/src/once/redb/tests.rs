use futures_util::future::{FutureExt as _, join_all};

use super::*;
use crate::clock::{ManualClock, Timestamp};
use crate::private::tests::Scratch;

const MINUTE: Duration = Duration::from_secs(60);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_unix(1_000)))
}

fn open(scratch: &Scratch) -> Redb {
    Redb::open(&scratch.0).unwrap()
}

fn counts(scratch: &Scratch) -> (u64, u64) {
    let database = Builder::new().create(scratch.0.join(NAME)).unwrap();
    Tables::open(database, clock(), CAPACITY, "").unwrap().0.len()
}

#[tokio::test]
async fn entries_are_swapped_taken_and_expire() {
    let (scratch, clock) = (Scratch::new(), clock());
    let store = Redb::shared(&scratch.0, clock.clone(), CAPACITY).unwrap();
    assert!(store.swap("a", None, b"1", MINUTE).await.unwrap());
    assert!(!store.swap("a", None, b"2", MINUTE).await.unwrap());
    assert!(!store.swap("a", Some(b"2"), b"3", MINUTE).await.unwrap());
    assert!(!store.swap("b", Some(b"2"), b"3", MINUTE).await.unwrap());
    assert!(store.swap("a", Some(b"1"), b"2", MINUTE).await.unwrap());
    assert_eq!(store.get("a").await.unwrap().as_deref(), Some(b"2".as_slice()));
    clock.advance(MINUTE);
    assert_eq!(store.get("a").await.unwrap(), None);
    assert_eq!(store.take("a").await.unwrap(), None);
    assert!(store.swap("a", None, b"", MINUTE).await.unwrap());
    assert_eq!(store.take("a").await.unwrap().as_deref(), Some(b"".as_slice()));
    assert_eq!(store.take("a").await.unwrap(), None);
    drop(store);
    assert_eq!(counts(&scratch), (0, 0));
}

#[tokio::test]
async fn of_a_hundred_at_once_one_wins() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let values: Vec<String> = (0..100).map(|number| format!("{number}")).collect();
    let swaps = values.iter().map(|value| store.swap("a", None, value.as_bytes(), MINUTE));
    let won: Vec<bool> = join_all(swaps).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let winner = won.iter().position(|won| *won).unwrap();
    let taken = join_all((0..100).map(|_| store.take("a"))).await;
    let taken: Vec<Vec<u8>> = taken.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken, [values[winner].as_bytes()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_tasks_one_wins() {
    let scratch = Scratch::new();
    let store = Arc::new(open(&scratch));
    for _ in 0..5 {
        let swaps = (0..100).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.swap("a", None, b"x", MINUTE).await.unwrap() })
        });
        assert_eq!(join_all(swaps).await.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
        let takes = (0..100).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.take("a").await.unwrap() })
        });
        assert_eq!(
            join_all(takes).await.into_iter().filter(|got| got.as_ref().unwrap().is_some()).count(),
            1
        );
    }
}

#[tokio::test]
async fn entries_and_the_epoch_outlive_the_process() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let store = open(&scratch);
    let epoch = store.epoch().await.unwrap();
    assert!(store.swap("a", None, b"1", MINUTE).await.unwrap());
    drop(store);
    let store = open(&scratch);
    assert_eq!(store.epoch().await.unwrap(), epoch);
    assert_eq!(store.get("a").await.unwrap().as_deref(), Some(b"1".as_slice()));
    assert_ne!(open(&other).epoch().await.unwrap(), epoch);
}

#[tokio::test]
async fn what_is_dropped_does_what_it_was_asked() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    // Asked, and nobody waits for the answer.
    assert!(store.swap("a", None, b"1", MINUTE).now_or_never().is_none());
    drop(store);
    assert_eq!(open(&scratch).get("a").await.unwrap().as_deref(), Some(b"1".as_slice()));
}

#[tokio::test]
async fn a_full_store_refuses_and_makes_room_when_entries_expire() {
    let (scratch, clock) = (Scratch::new(), clock());
    let store = Redb::shared(&scratch.0, clock.clone(), 100).unwrap();
    let keys: Vec<String> = (0..101).map(|number| format!("{number}")).collect();
    let written = join_all(keys.iter().map(|key| store.swap(key, None, b"1", MINUTE))).await;
    assert_eq!(written.iter().filter(|written| matches!(written, Ok(true))).count(), 100);
    assert!(matches!(written[100], Err(OnceError::Full)));
    assert!(store.swap("0", Some(b"1"), b"2", MINUTE * 2).await.unwrap(), "replacing needs no room");
    clock.advance(MINUTE);
    assert!(store.swap("more", None, b"", MINUTE).await.unwrap());
    assert_eq!(store.get("0").await.unwrap().as_deref(), Some(b"2".as_slice()), "it was kept for longer");
    drop(store);
    assert_eq!(counts(&scratch), (85, 85), "one write sweeps sixteen");
    let store = Redb::shared(&scratch.0, clock, 100).unwrap();
    for key in &keys[1..7] {
        assert!(store.swap(key, None, b"", MINUTE).await.unwrap());
    }
    drop(store);
    assert_eq!(counts(&scratch), (8, 8), "nothing expired is left");
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let error = Redb::open(&scratch.0).unwrap_err();
    assert!(matches!(error, RedbError::InUse(_)), "{error:?}");
    assert!(error.to_string().ends_with("state.redb is in use by another process"));
    drop(store);
    open(&scratch);
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    drop(open(&scratch));
    let path = scratch.0.join(NAME);
    std::fs::write(&path, "not a database").unwrap();
    assert!(matches!(Redb::open(&scratch.0), Err(RedbError::Unusable { .. })));
    assert_eq!(std::fs::read(path).unwrap(), b"not a database");
}

#[cfg(unix)]
#[test]
fn what_others_may_use_is_refused() {
    let scratch = Scratch::new();
    drop(open(&scratch));
    assert_eq!((scratch.mode(""), scratch.mode(NAME)), (0o700, 0o600));
    for (name, mode, wanted) in [(NAME, 0o660, 0o600), (NAME, 0o604, 0o600), ("", 0o750, 0o700)] {
        scratch.chmod(name, mode);
        let error = Redb::open(&scratch.0).unwrap_err();
        assert!(matches!(error, RedbError::Private(PrivateError::Loose { .. })), "{error:?}");
        let path = if name.is_empty() { scratch.0.clone() } else { scratch.0.join(name) };
        let text = error.to_string();
        assert!(
            text.ends_with(&format!("(mode {mode:o}): run `chmod {wanted:o} {}`", path.display())),
            "{text}"
        );
        scratch.chmod(name, wanted);
    }
    open(&scratch);
}
