//! The directory as TOML: what is written is read back, and mistakes are named with their line.

use std::error::Error as _;

use entragate_emulator::Directory;
use entragate_emulator::fixtures::{API, CLI, TENANT};

use crate::fixture::{Authorize, Entra, Jwt, edited_fixtures, oid};

fn fixtures() -> String {
    Directory::fixtures().to_toml()
}

/// The 1-based line of a text.
fn line_of(text: &str, needle: &str) -> usize {
    let at = text.find(needle).expect("it is there");
    1 + text[..at].matches('\n').count()
}

/// The error with its causes, as a program prints it.
#[track_caller]
fn refusal(text: &str) -> String {
    let Err(error) = Directory::from_toml(text) else { panic!("accepted:\n{text}") };
    let mut printed = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        printed = format!("{printed}: {error}");
        cause = error.source();
    }
    printed
}

#[test]
fn fixtures_survive_a_round_trip_through_toml() {
    let text = fixtures();
    let read = Directory::from_toml(&text).expect("the fixtures parse");
    assert_eq!(read.to_toml(), text);
    assert_eq!(read, Directory::fixtures());
}

#[tokio::test]
async fn directory_from_toml_signs_in_like_the_fixtures() {
    let entra = Entra::with(edited_fixtures(&[])).await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let claims = Jwt::access(&tokens).claims;
    assert_eq!((&claims["oid"], &claims["aud"]), (&oid("alice").into(), &API.into()));
}

#[tokio::test]
async fn directory_edits_take_effect() {
    let renamed = "c1c1c1c1-0000-4000-8000-00000000beef";
    let entra = Entra::edited(&[(CLI, renamed)]).await;
    entra.authorize(&Authorize::base().user("alice")).await.page(700_016);
    let request = Authorize::base().with("client_id", renamed).user("alice");
    assert_eq!(Jwt::access(&entra.tokens(&request).await).claims["azp"], renamed);
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = fixtures().replacen("[[tenants]]\n", "[[tenants]]\nregoin = \"EU\"\n", 1);
    assert_ne!(text, fixtures(), "the fixtures list tenants");
    let error = refusal(&text);
    let line = line_of(&text, "regoin");
    assert!(error.contains("regoin"), "{error}");
    assert!(error.contains(&format!("line {line}")), "line {line}: {error}");
}

#[test]
fn an_unknown_table_is_named_with_its_line() {
    let text = format!("{}\n[[printers]]\nname = \"p\"\n", fixtures());
    let error = refusal(&text);
    let line = line_of(&text, "[[printers]]");
    assert!(error.contains("printers") && error.contains(&format!("line {line}")), "line {line}: {error}");
}

#[test]
fn a_syntax_error_is_named_with_its_line() {
    let text = format!("{}\nthis is not toml\n", fixtures());
    let error = refusal(&text);
    let line = line_of(&text, "this is not toml");
    assert!(error.contains(&format!("line {line}")), "line {line}: {error}");
}

#[test]
fn a_wrong_type_is_named_with_its_line() {
    let text = fixtures().replacen(&format!("\"{TENANT}\""), "5", 1);
    let error = refusal(&text);
    assert!(error.contains("line "), "{error}");
}

#[test]
fn a_dangling_reference_is_named() {
    let mut directory = Directory::fixtures();
    directory.apps[0].assignments[0].principal = "nobody".to_owned();
    let error = refusal(&directory.to_toml());
    assert!(error.contains("nobody"), "{error}");
}
