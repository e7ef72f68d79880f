//! What docs/reference/emulator.md says is true: its calls work, its lists are complete, its directory loads.

use std::collections::BTreeSet;

use entragate_emulator::{Directory, fixtures};
use serde_json::{Value, json};

use crate::checklist::covered;
use crate::fixture::{Authorize, Entra, Jwt};

const PAGE: &str = include_str!("../../../../docs/reference/emulator.md");

/// The cells of every row of every table below a heading, down to the next heading of any level.
pub(crate) fn rows(heading: &str) -> Vec<Vec<String>> {
    let (_, section) = PAGE.split_once(&format!("\n{heading}\n")).expect("the page has the heading");
    let section = section.lines().take_while(|line| !line.starts_with('#'));
    let rows = section.filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
    rows.map(cells).collect()
}

/// The first cells of a section's tables that are a name or a number.
fn first_cells(heading: &str) -> BTreeSet<String> {
    let plain = |cell: &String| cell.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    let cells = rows(heading).into_iter().filter_map(|row| row.into_iter().next());
    let titles = ["number", "member", "defect", "user", "option", "way", "method"];
    cells.filter(plain).filter(|cell| !titles.contains(&cell.as_str())).collect()
}

/// Method, path and body of every example of the control plane.
fn calls() -> Vec<(String, String, Value)> {
    let is_call = |row: &Vec<String>| ["GET", "POST", "PATCH", "DELETE"].contains(&row[0].as_str());
    let call = |row: Vec<String>| {
        let body = if row[2].is_empty() { "null" } else { row[2].as_str() };
        let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"));
        (row[0].clone(), row[1].clone(), body)
    };
    rows("## The control plane").into_iter().filter(is_call).map(call).collect()
}

#[tokio::test]
async fn every_call_of_the_page_succeeds() {
    let entra = Entra::start().await;
    let calls = calls();
    assert!(calls.len() > 20, "{calls:?}");
    for (method, path, body) in calls {
        let path = path.replace("{name}", "alice").replace("{app}", "API");
        let reply = entra.operate(&method, &path, &body).await;
        assert!((200..300).contains(&reply.status), "{method} {path} {body}: {}", reply.body);
    }
}

#[tokio::test]
async fn the_page_has_the_controls_that_exist() {
    let entra = Entra::start().await;
    let status = entra.operate("GET", "", &Value::Null).await.ok();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let listed: BTreeSet<_> = status["controls"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|control| (text(&control["method"]), text(&control["path"])))
        .collect();
    let documented: BTreeSet<_> = calls().into_iter().map(|(method, path, _)| (method, path)).collect();
    assert_eq!(documented, listed);
}

#[tokio::test]
async fn the_page_has_every_setting() {
    let entra = Entra::start().await;
    let settings = entra.operate("GET", "/settings", &Value::Null).await.ok();
    let names: BTreeSet<_> = settings.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(first_cells("### Settings"), names);
    for row in rows("### Settings").iter().filter(|row| names.contains(&row[0])) {
        let default: Value = serde_json::from_str(&row[1]).expect("a default is JSON");
        assert_eq!(settings[&row[0]], default, "{}", row[0]);
    }
}

#[tokio::test]
async fn the_page_has_every_defect() {
    let entra = Entra::start().await;
    let refusal = entra.operate("POST", "/tokens", &json!({"defect": "no such"})).await.json();
    let error = refusal["error"].as_str().expect("text");
    let (_, known) = error.split_once("expected one of").expect("it names those that exist");
    let known: BTreeSet<_> = known.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(first_cells("### Defects of minted tokens"), known);
    for defect in known {
        entra.mint(json!({"defect": defect})).await;
    }
}

#[test]
fn the_page_has_the_fixtures() {
    let directory = Directory::fixtures();
    let sections = rows("## What is in it");
    let has = |first: &str, second: Option<&str>| {
        sections.iter().any(|row| row[0] == first && second.is_none_or(|second| row[1] == second))
    };
    for app in &directory.apps {
        assert!(has(&app.name, Some(&app.id)), "{}", app.name);
    }
    for identity in &directory.managed_identities {
        assert!(has(&identity.name, Some(&identity.client_id)), "{}", identity.name);
    }
    for tenant in &directory.tenants {
        assert!(has(&tenant.name, Some(&tenant.id)), "{}", tenant.name);
    }
    for (name, _) in fixtures::USERS {
        assert!(has(name, None), "{name}");
    }
}

#[tokio::test]
async fn the_directory_of_the_page_signs_in() {
    let (_, block) = PAGE.split_once("```toml\n").expect("the page has a directory");
    let (text, _) = block.split_once("```").expect("the block ends");
    let directory = Directory::from_toml(text).expect("the directory loads");
    let (tenant, notes, desktop) =
        (directory.tenants[0].id.clone(), directory.apps[0].id.clone(), directory.apps[1].id.clone());
    let entra = Entra::with(directory).await;
    let request = Authorize::base()
        .tenant(&tenant)
        .with("client_id", &desktop)
        .scope(&format!("api://{notes}/read"))
        .with("login_hint", "ada@example.test");
    let code = entra.code(&request).await;
    let tokens = entra.redeem(&crate::fixture::Token::code(&request, &code)).await;
    let claims = Jwt::access(&tokens).claims;
    assert_eq!((&claims["aud"], &claims["roles"]), (&json!(notes), &json!(["Editor"])));
}

#[test]
fn the_page_has_the_numbers_that_have_a_test() {
    let numbers = first_cells("## Behaviours by number");
    let tested: BTreeSet<_> = covered().keys().map(u16::to_string).collect();
    assert_eq!(numbers, tested);
}
