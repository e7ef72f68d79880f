//! The store in Redis, against a server of each test's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod redis_server;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entragate::Secret;
use entragate::once::{Once, OnceError, Redis, RedisUrlError};
use futures_util::future::join_all;

use redis_server::Server;

const MINUTE: Duration = Duration::from_secs(60);

fn store(server: &Server) -> Redis {
    Redis::new(&server.url(), "entragate:").unwrap()
}

fn reason<T: std::fmt::Debug>(answer: Result<T, OnceError>) -> String {
    match answer {
        Err(OnceError::Failed(reason)) => reason,
        other => panic!("not a failure: {other:?}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "measures")]
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let answer = work.await;
    assert!(start.elapsed() < limit, "took {:?}", start.elapsed());
    answer
}

/// The first success of a store that may still be finding its way back.
async fn recovered(store: &Redis) -> String {
    for _ in 0..50 {
        if let Ok(epoch) = store.epoch().await {
            return epoch;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the store did not recover")
}

#[tokio::test]
async fn entries_are_swapped_taken_and_expire() {
    let server = Server::start();
    let store = store(&server);
    assert_eq!(store.get("a").await.unwrap(), None);
    assert!(!store.swap("a", Some(b"1"), b"2", MINUTE).await.unwrap());
    assert!(store.swap("a", None, b"1", MINUTE).await.unwrap());
    assert!(!store.swap("a", None, b"2", MINUTE).await.unwrap());
    assert!(!store.swap("a", Some(b"2"), b"3", MINUTE).await.unwrap());
    assert!(store.swap("a", Some(b"1"), b"\r\n\0\xff", MINUTE).await.unwrap());
    assert_eq!(store.get("a").await.unwrap().as_deref(), Some(b"\r\n\0\xff".as_slice()));
    assert_eq!(store.take("a").await.unwrap().as_deref(), Some(b"\r\n\0\xff".as_slice()));
    assert_eq!(store.take("a").await.unwrap(), None);
    assert_eq!(server.cli(&["DBSIZE"]), "0");

    // Empty is not the same as none.
    assert!(store.swap("b", None, b"", MINUTE).await.unwrap());
    assert!(!store.swap("b", None, b"1", MINUTE).await.unwrap());
    assert_eq!(store.get("b").await.unwrap().as_deref(), Some(b"".as_slice()));
    assert!(store.swap("b", Some(b""), b"", MINUTE).await.unwrap());
    assert_eq!(store.take("b").await.unwrap().as_deref(), Some(b"".as_slice()));

    let short = Duration::from_millis(300);
    assert!(store.swap("c", None, b"1", MINUTE).await.unwrap());
    assert!(store.swap("c", Some(b"1"), b"2", short).await.unwrap());
    assert!(store.swap("d", None, b"1", short).await.unwrap());
    assert!(store.swap("e", None, b"1", Duration::ZERO).await.unwrap());
    tokio::time::sleep(short * 2).await;
    for key in ["c", "d", "e"] {
        assert_eq!(store.get(key).await.unwrap(), None, "{key}");
        assert_eq!(store.take(key).await.unwrap(), None, "{key}");
        assert!(store.swap(key, None, b"1", Duration::MAX).await.unwrap(), "{key}");
    }
    assert_eq!(server.cli(&["EXISTS", "entragate:c"]), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_swaps_at_once_one_wins() {
    let server = Server::start();
    let stores = [Arc::new(store(&server)), Arc::new(store(&server))];
    for expected in [None, Some(b"start".as_slice())] {
        if let Some(expected) = expected {
            assert!(stores[0].swap("k", None, expected, MINUTE).await.unwrap());
        }
        let swaps = (0..100).map(|number| {
            let store = Arc::clone(&stores[number % 2]);
            tokio::spawn(async move {
                store.swap("k", expected, number.to_string().as_bytes(), MINUTE).await.unwrap()
            })
        });
        let won = join_all(swaps).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        let winner = won.iter().position(|won| *won).unwrap().to_string();
        assert_eq!(stores[1].take("k").await.unwrap().as_deref(), Some(winner.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_takes_at_once_one_wins() {
    let server = Server::start();
    let stores = [Arc::new(store(&server)), Arc::new(store(&server))];
    assert!(stores[0].swap("k", None, b"1", MINUTE).await.unwrap());
    let takes = (0..100).map(|number| {
        let store = Arc::clone(&stores[number % 2]);
        tokio::spawn(async move { store.take("k").await.unwrap() })
    });
    let values = join_all(takes).await.into_iter().filter_map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(values, [b"1"]);
}

#[tokio::test]
async fn two_gateways_see_the_same_and_another_prefix_sees_nothing() {
    let server = Server::start();
    let (one, two) = (store(&server), store(&server));
    let other = Redis::new(&server.url(), "other:").unwrap();
    assert!(one.swap("a", None, b"1", MINUTE).await.unwrap());
    assert_eq!(two.get("a").await.unwrap().as_deref(), Some(b"1".as_slice()));
    assert_eq!(other.get("a").await.unwrap(), None);
    let epoch = one.epoch().await.unwrap();
    assert_eq!(epoch.len(), 22);
    assert_eq!(two.epoch().await.unwrap(), epoch);
    assert_ne!(other.epoch().await.unwrap(), epoch);
}

#[tokio::test]
async fn a_flushed_server_has_another_epoch() {
    let server = Server::start();
    let store = store(&server);
    let before = store.epoch().await.unwrap();
    assert_eq!(store.epoch().await.unwrap(), before);
    assert_eq!(server.cli(&["FLUSHALL"]), "OK");
    assert_ne!(store.epoch().await.unwrap(), before);
    assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
    assert!(store.swap("a", None, b"1", MINUTE).await.unwrap());
    assert!(store.swap("a", Some(b"1"), b"2", MINUTE).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_down_fails_requests_until_it_is_back() {
    let mut server = Server::start();
    let store = store(&server);
    let limit = Duration::from_secs(3);
    let before = store.epoch().await.unwrap();
    server.stop();
    reason(within(limit, store.get("a")).await);
    assert!(reason(within(limit, store.epoch()).await).contains("refused"));
    server.restart();
    assert_ne!(recovered(&store).await, before);

    // Reachable but silent: as when a machine is gone.
    server.pause();
    let answers = within(limit, join_all((0..20).map(|_| store.get("a")))).await;
    for answer in answers {
        assert!(reason(answer).ends_with("no answer in time"));
    }
    server.resume();
    recovered(&store).await;
}

#[tokio::test]
async fn the_server_may_start_after_the_gateway() {
    let mut server = Server::start();
    server.stop();
    let store = store(&server);
    reason(within(Duration::from_secs(3), store.take("a")).await);
    server.restart();
    assert_eq!(store.take("a").await.unwrap(), None);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_noticed_before_it_is_used() {
    let server = Server::start();
    let store = store(&server);
    store.epoch().await.unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    server.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert!(store.swap("a", None, b"1", MINUTE).await.unwrap());
}

#[tokio::test]
async fn a_wrong_password_fails_without_being_shown_and_the_right_one_works_later() {
    let server = Server::start();
    server.cli(&["CONFIG", "SET", "requirepass", "correct"]);
    let url = Secret::new(server.url().expose().replace("//", "//:hunter2@"));
    let store = Redis::new(&url, "entragate:").unwrap();
    let reason = reason(store.get("a").await);
    assert!(reason.ends_with("the user or the password is refused"), "{reason}");
    assert!(!format!("{reason} {store:?}").contains("hunter2"));
    server.cli(&["-a", "correct", "--no-auth-warning", "CONFIG", "SET", "requirepass", "hunter2"]);
    assert_eq!(store.get("a").await.unwrap(), None);
}

#[tokio::test]
async fn what_the_server_answers_is_cut_to_its_code() {
    let server = Server::start();
    let anonymous = store(&server);
    server.cli(&["CONFIG", "SET", "requirepass", "correct"]);
    let reason = reason(anonymous.swap("a", None, b"value", MINUTE).await);
    assert!(reason.ends_with("the server answers NOAUTH"), "{reason}");
}

#[tokio::test]
async fn a_full_server_says_so() {
    let server = Server::start();
    let store = store(&server);
    assert!(store.swap("a", None, b"1", MINUTE).await.unwrap());
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(matches!(store.swap("b", None, b"1", MINUTE).await, Err(OnceError::Full)));
    assert!(matches!(store.swap("a", Some(b"1"), b"2", MINUTE).await, Err(OnceError::Full)));
    assert_eq!(store.get("a").await.unwrap().as_deref(), Some(b"1".as_slice()));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = Server::start_tls();
    let reason = reason(within(Duration::from_secs(3), store(&server).get("a")).await);
    assert!(reason.contains("certificate"), "{reason}");
}

/// Runs the test below again, with the server's certificate as the trust store.
#[test]
fn a_certificate_of_the_trust_store_is_accepted() {
    let server = Server::start_tls();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "with_the_trust_store", "--ignored"])
        .env("SSL_CERT_FILE", server.certificate())
        .env("ENTRAGATE_TEST_REDIS", server.url().expose())
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
#[ignore = "run by a_certificate_of_the_trust_store_is_accepted"]
#[expect(clippy::disallowed_methods, reason = "handed over by the test that runs this one")]
async fn with_the_trust_store() {
    let url = Secret::new(std::env::var("ENTRAGATE_TEST_REDIS").unwrap());
    let store = Redis::new(&url, "entragate:").unwrap();
    assert!(store.swap("a", None, b"1", MINUTE).await.unwrap());
}

#[test]
fn a_malformed_url_is_refused_outside_of_a_runtime() {
    let refused = |url: &str| Redis::new(&Secret::new(url), "entragate:").unwrap_err();
    assert_eq!(refused("127.0.0.1:6379"), RedisUrlError::Malformed);
    assert_eq!(refused("http://127.0.0.1:6379"), RedisUrlError::Scheme);
    assert!(Redis::new(&Secret::new("redis://127.0.0.1:6379"), "entragate:").is_ok());
}
