//! What survives a restart, and the files that are refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entragate_emulator::fixtures::{API, CLI, CLI2};
use entragate_emulator::{Builder, Directory, Emulator, KeySource, StartError};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, Token, oid, scope};
use crate::graph::Caller;

/// A file in a folder of its own, both gone with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("entragate-state-{name}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.json")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn builder(file: &Path) -> Builder {
    Emulator::builder().keys(KeySource::Embedded).state_file(file)
}

async fn start(file: &Path) -> Entra {
    Entra::of(builder(file).start().await.expect("the emulator starts"))
}

async fn refused(builder: Builder) -> String {
    match builder.start().await {
        Err(error @ StartError::State { .. }) => error.to_string(),
        other => panic!("it should be refused: {other:?}"),
    }
}

#[tokio::test]
async fn directory_consents_settings_refresh_tokens_time_and_keys_survive() {
    let place = Place::new("all");
    let entra = start(&place.file()).await;
    entra.operate("POST", "/apps/API/assign", &json!({"principal": "carol", "role": "User"})).await.ok();
    entra.settings(json!({"access_token_seconds": 1234})).await;
    let consented = Authorize::base().with("client_id", CLI2).user("bob");
    entra.code(&consented).await;
    entra.operate("POST", "/keys/rotate", &Value::Null).await.ok();
    entra.advance(7200);
    let tokens = entra.tokens(&Authorize::base().user("carol")).await;
    let (now, base) = (entra.control().now(), entra.b().to_owned());
    let keys = kids(&entra).await;
    let address = entra.emulator.addr();
    entra.emulator.shutdown().await;

    let again = Entra::of(builder(&place.file()).bind(address).start().await.expect("it starts again"));
    assert_eq!(again.b(), base);
    assert!(again.control().now() >= now, "time goes on");
    assert_eq!(kids(&again).await, keys);
    assert_eq!(again.control().settings().access_token_seconds, Some(1234));
    let claims = again.verified(tokens["access_token"].as_str().expect("a token")).await;
    assert_eq!(claims["roles"], json!(["User"]));
    let fresh = again.redeem(&Token::refresh(CLI, &tokens).with("scope", &scope(API, "access"))).await;
    let claims = again.verified(fresh["access_token"].as_str().expect("a token")).await;
    assert_eq!((&claims["oid"], &claims["roles"]), (&json!(oid("carol")), &json!(["User"])));
    again.authorize(&consented).await.location().code();
}

async fn kids(entra: &Entra) -> Vec<String> {
    let keys = entra.keys("/common/discovery/v2.0/keys").await;
    let mut kids: Vec<String> =
        keys.iter().map(|key| key["kid"].as_str().expect("text").to_owned()).collect();
    kids.sort();
    kids
}

#[tokio::test]
async fn what_graph_changed_survives() {
    let place = Place::new("graph");
    let entra = start(&place.file()).await;
    let made = Caller::admin(&entra).await.register("survivor").await;
    Caller::user(&entra, "alice", "User.Read").await;
    entra.emulator.shutdown().await;
    let again = start(&place.file()).await;
    let admin = Caller::admin(&again).await;
    let found = admin.get(&format!("/applications(appId='{}')", made["appId"].as_str().expect("text"))).await;
    assert_eq!((&found["id"], &found["displayName"]), (&made["id"], &made["displayName"]));
    let grants = admin.list("/oauth2PermissionGrants").await;
    assert!(grants.iter().any(|grant| grant["scope"].as_str().is_some_and(|s| s.contains("User.Read"))));
}

#[tokio::test]
async fn it_is_written_before_the_answer() {
    let place = Place::new("kill");
    let entra = start(&place.file()).await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    // What a kill would leave at this moment.
    let left = place.0.join("left.json");
    fs::copy(place.file(), &left).expect("a copy");
    let again = start(&left).await;
    again.redeem(&Token::refresh(CLI, &tokens).with("scope", &scope(API, "access"))).await;
}

#[tokio::test]
async fn a_reset_goes_back_to_the_directory_as_given() {
    let place = Place::new("reset");
    let entra = start(&place.file()).await;
    entra.operate("PATCH", "/users/alice", &json!({"disabled": true})).await.ok();
    entra.emulator.shutdown().await;
    let again = start(&place.file()).await;
    assert!(again.control().directory().users[0].disabled);
    again.operate("POST", "/reset", &Value::Null).await.ok();
    again.emulator.shutdown().await;
    let third = start(&place.file()).await;
    assert_eq!(*third.control().directory(), Directory::fixtures());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_it_and_nothing_lies_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("mode");
    let entra = start(&place.file()).await;
    entra.tokens(&Authorize::base().user("alice")).await;
    let mode = fs::metadata(place.file()).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(&place.0).expect("a folder").count(), 1);
}

#[tokio::test]
async fn what_is_damaged_is_refused_and_left_alone() {
    let place = Place::new("damaged");
    let entra = start(&place.file()).await;
    entra.emulator.shutdown().await;
    let good = fs::read_to_string(place.file()).expect("the file is there");
    let cut = good[..good.len() / 2].to_owned();
    let edited = |from: &str, to: &str| {
        assert!(good.contains(from), "`{from}` in {good}");
        good.replacen(from, to, 1)
    };
    for (bad, reason) in [
        (String::new(), "it is damaged, or no state of an emulator"),
        ("[]".to_owned(), "it is damaged, or no state of an emulator"),
        (cut, "it is damaged, or no state of an emulator"),
        (edited("\"format\": 1", "\"format\": 2"), "it has format 2; this emulator reads format 1"),
        (edited("\"settings\": {", "\"settings\": { \"nonsense\": 1,"), "unknown field `nonsense`"),
        (edited("\"active\": \"", "\"active\": \"x"), "a signing key in it is damaged"),
        (
            edited("\"principal\": \"alice\"", "\"principal\": \"nobody\""),
            "its directory does not hold together",
        ),
    ] {
        fs::write(place.file(), &bad).expect("it is written");
        let error = refused(builder(&place.file())).await;
        assert!(error.contains(reason), "{error}");
        assert!(error.contains("state.json"), "{error}");
        assert_eq!(fs::read_to_string(place.file()).expect("still there"), bad);
    }
}

#[tokio::test]
async fn a_file_that_another_emulator_uses_is_refused() {
    let place = Place::new("in-use");
    let first = start(&place.file()).await;
    // Written anew in between: the lock moves along.
    first.tokens(&Authorize::base().user("alice")).await;
    let error = refused(builder(&place.file())).await;
    assert!(error.contains("another emulator uses it"), "{error}");
    first.emulator.shutdown().await;
    start(&place.file()).await;
}

#[tokio::test]
async fn another_directory_than_the_file_s_is_refused() {
    let place = Place::new("directory");
    start(&place.file()).await.emulator.shutdown().await;
    let mut other = Directory::fixtures();
    other.users.retain(|user| user.name != "mallory");
    let error = refused(builder(&place.file()).directory(other)).await;
    assert!(error.contains("it was begun with another directory"), "{error}");
    let same = builder(&place.file()).directory(Directory::fixtures()).start().await;
    same.expect("the same directory is fine");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_refused_at_the_start() {
    let place = Place::new("nowhere");
    let error = refused(builder(&place.0.join("missing").join("state.json"))).await;
    assert!(error.contains("it cannot be written"), "{error}");
}

#[tokio::test]
async fn the_certificate_authority_survives_too() {
    let place = Place::new("authority");
    let first = builder(&place.file()).https().start().await.expect("it starts");
    let certificate = first.ca_certificate().map(str::to_owned);
    assert!(certificate.is_some());
    first.shutdown().await;
    // A start without TLS in between does not lose it.
    builder(&place.file()).start().await.expect("it starts").shutdown().await;
    let again = builder(&place.file()).https().start().await.expect("it starts");
    assert_eq!(again.ca_certificate().map(str::to_owned), certificate);
}

#[tokio::test]
async fn without_the_option_nothing_is_written() {
    let place = Place::new("none");
    let entra = Entra::start().await;
    entra.tokens(&Authorize::base().user("alice")).await;
    entra.advance(Duration::from_secs(1).as_secs());
    entra.emulator.shutdown().await;
    assert_eq!(fs::read_dir(&place.0).expect("a folder").count(), 0);
}
