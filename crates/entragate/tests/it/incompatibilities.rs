//! Executes `docs/incompatibilities/*.md`: every `http` block is replayed against emulator and gate.
//!
//! Lines that begin with `>` are requests (request line, headers, empty line, body), `<` what must come
//! back (status, headers, then parts of the body), `<?` part of a decoded query parameter of `Location`, `<!`
//! what the body must not contain, `=` a claim of a token. `…` stands for anything; `{name}` is a known value
//! or, in an answer, is learned from it. `docs/incompatibilities/README.md` explains this to readers.

mod naive;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate::{ApiApp, ClientId, Rule};
use entragate_emulator::fixtures;
use serde_json::Value;

use crate::world::{CHALLENGE, REDIRECT, VERIFIER, World, param};

macro_rules! pages {
    ($($test:ident: $file:literal),* $(,)?) => {
        const PAGES: &[&str] = &[$($file),*];
        $(
            #[tokio::test]
            async fn $test() {
                run($file, include_str!(concat!("../../../../docs/incompatibilities/", $file))).await;
            }
        )*
    };
}

pages! {
    row_01_no_rfc_8414_metadata: "01-no-rfc-8414-metadata.md",
    row_02_no_dynamic_client_registration: "02-no-dynamic-client-registration.md",
    row_03_resource_parameter_aadsts9010010: "03-resource-parameter-aadsts9010010.md",
    row_04_token_for_itself_aadsts90009: "04-token-for-itself-aadsts90009.md",
    row_05_permission_not_exposed_aadsts650053: "05-permission-not-exposed.md",
    row_06_redirect_uri_aadsts50011: "06-redirect-uri-aadsts50011.md",
    row_07_pkce_not_advertised: "07-pkce-not-advertised.md",
    row_08_issuer_v1_or_v2: "08-issuer-v1-or-v2.md",
    row_09_audience_spellings: "09-audience-spellings.md",
    row_10_guard_without_framework_glue: "10-guard-without-framework-glue.md",
    row_11_prompt_consent_aadsts90095: "11-prompt-consent-aadsts90095.md",
    row_12_web_pages_and_platforms_aadsts9002326: "12-web-pages-and-platforms-aadsts9002326.md",
    row_13_credentials_by_platform_aadsts7000218: "13-credentials-by-platform-aadsts7000218.md",
    row_14_no_refresh_token_without_offline_access: "14-no-refresh-token-without-offline-access.md",
}

#[test]
fn every_page_is_executed_and_says_what_a_reader_needs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/incompatibilities");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.as_bytes()[0].is_ascii_digit())
        .collect();
    found.sort();
    assert_eq!(found, PAGES);
    for name in PAGES {
        let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        for heading in [
            "## Symptom",
            "## Cause",
            "## What Entragate does",
            "## What to set in Entra",
            "## Without Entragate",
            "## With Entragate",
        ] {
            assert!(text.contains(&format!("\n{heading}\n")), "{name} lacks `{heading}`");
        }
    }
}

#[test]
fn page_6_lists_exactly_the_redirect_uris_of_the_emulated_client_app() {
    let page = include_str!("../../../../docs/incompatibilities/06-redirect-uri-aadsts50011.md");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let listed: BTreeSet<&str> =
        rows.flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|code| code.contains("://")).collect();

    let fixture = include_str!("../../../entragate-emulator/src/fixtures.toml");
    let (_, app) = fixture.split_once("name = \"MCP\"\n").unwrap();
    let (_, uris) = app.split_once("\npublic_redirect_uris = [").unwrap();
    let (uris, _) = uris.split_once(']').unwrap();
    let registered: BTreeSet<&str> = uris.split('"').skip(1).step_by(2).collect();
    assert_eq!(listed, registered);
}

/// What the page's `<!-- gateway: …, naive: … -->` comment asks for.
fn settings(page: &str) -> &str {
    page.split_once("<!-- gateway:").and_then(|(_, rest)| rest.split_once("-->")).map_or("", |(s, _)| s)
}

async fn world_for(page: &str) -> (World, &'static str) {
    let settings = settings(page);
    let api = if settings.contains("api=API1") { fixtures::API1 } else { fixtures::API };
    let app = ApiApp::new(ClientId::parse(api).unwrap()).with_scopes(["access"]).unwrap();
    let builder = World::builder().api(app);
    let world = if settings.contains("rules=admin") {
        let rules = [Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])];
        builder.gate(move |gate| gate.rules(rules)).start().await
    } else {
        builder.start().await
    };
    (world, api)
}

async fn run(name: &str, page: &str) {
    let (world, api) = world_for(page).await;
    let version = if settings(page).contains("issuer=v1") { "" } else { "/v2.0" };
    let discovery =
        format!("{}/{}{version}/.well-known/openid-configuration", world.entra.url(), fixtures::TENANT);
    let naive = naive::start(&world.http, &discovery, api).await;
    let mut values: BTreeMap<String, String> = [
        ("entra", world.entra.url()),
        ("emulator", world.entra.url()),
        ("naive", naive.as_str()),
        ("gateway", world.base()),
        ("tenant", fixtures::TENANT),
        ("api", api),
        ("client", fixtures::MCP),
        ("self", fixtures::SELF),
        ("spa", fixtures::SPA),
        ("web", fixtures::WEB),
        ("redirect", REDIRECT),
        ("challenge", CHALLENGE),
        ("verifier", VERIFIER),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let exchanges = exchanges(page);
    assert!(!exchanges.is_empty(), "{name} shows nothing");
    let mut said = Vec::new();
    for exchange in exchanges {
        said.extend(exchange.replay(&world, &mut values, name).await);
    }
    for sentence in entra_errors_of_symptom(page) {
        let found = said.iter().any(|text| learn(sentence, text, &mut BTreeMap::new(), true));
        assert!(found, "{name}: nobody answered `{sentence}`");
    }
}

/// The `AADSTSnnn: …` lines of the Symptom section.
fn entra_errors_of_symptom(page: &str) -> impl Iterator<Item = &str> {
    let (_, symptom) = page.split_once("## Symptom\n").unwrap();
    let (symptom, _) = symptom.split_once("\n## ").unwrap();
    symptom.lines().filter(|line| line.starts_with("AADSTS"))
}

/// One request and what must come back.
#[derive(Default)]
struct Exchange<'a> {
    request: Vec<&'a str>,
    answer: Vec<&'a str>,
    /// Decoded query parameters of `Location`.
    parameters: Vec<&'a str>,
    absent: Vec<&'a str>,
    claims: Vec<&'a str>,
}

fn exchanges(page: &str) -> Vec<Exchange<'_>> {
    let mut all: Vec<Exchange<'_>> = Vec::new();
    for block in page.split("```http\n").skip(1) {
        let (block, _) = block.split_once("\n```").unwrap();
        let mut in_request = false;
        for line in block.lines() {
            let (mark, rest) = line.split_at(line.find(' ').map_or(line.len(), |at| at + 1));
            match mark.trim_end() {
                ">" => {
                    if !in_request {
                        all.push(Exchange::default());
                    }
                    in_request = true;
                    all.last_mut().unwrap().request.push(rest);
                }
                other => {
                    in_request = false;
                    let exchange = all.last_mut().unwrap();
                    match other {
                        "<" => exchange.answer.push(rest),
                        "<?" => exchange.parameters.push(rest),
                        "<!" => exchange.absent.push(rest),
                        "=" => exchange.claims.push(rest),
                        "" => {}
                        unknown => panic!("line begins with `{unknown}`: {line}"),
                    }
                }
            }
        }
    }
    all
}

impl Exchange<'_> {
    /// Returns what the answer said: its body, and the decoded query of `Location`.
    async fn replay(&self, world: &World, values: &mut BTreeMap<String, String>, page: &str) -> Vec<String> {
        let filled: Vec<String> = self.request.iter().map(|line| fill(line, values)).collect();
        let (method, url) = filled[0].split_once(' ').unwrap();
        let mut request = world.http.request(method.parse().unwrap(), url);
        let mut lines = filled[1..].iter();
        for header in lines.by_ref().take_while(|line| !line.is_empty()) {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let body: Vec<&str> = lines.map(String::as_str).collect();
        if !body.is_empty() {
            request = request.body(body.concat());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let context = format!("{page}: {}\n{status} {headers:?}\n{text}", filled[0]);

        let mut expected = self.answer.iter();
        assert_eq!(expected.next().map(|line| line.trim()), Some(status.to_string().as_str()), "{context}");
        for line in expected {
            let is_header = |name: &str| {
                name.starts_with(char::is_uppercase)
                    && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
            };
            let header = line.split_once(": ").filter(|(name, _)| is_header(name));
            let matched = match header {
                Some((name, pattern)) => {
                    let value = headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
                    learn(pattern, value, values, false)
                }
                None => learn(line, &text, values, true),
            };
            assert!(matched, "expected `{}`\n{context}", fill(line, values));
        }
        let location = headers.get("location").map(|value| url::Url::parse(value.to_str().unwrap()).unwrap());
        for line in &self.parameters {
            let (name, pattern) = line.split_once(' ').unwrap();
            let value = location.as_ref().and_then(|location| param(location, name)).unwrap_or_default();
            assert!(learn(pattern, &value, values, true), "expected `{line}`, got `{value}`\n{context}");
        }
        for line in &self.absent {
            assert!(!text.contains(&fill(line, values)), "must not contain `{line}`\n{context}");
        }
        for line in &self.claims {
            let parts: Vec<String> = line.splitn(3, ' ').map(|part| fill(part, values)).collect();
            let payload = parts[0].split('.').nth(1).unwrap();
            let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
            assert_eq!(claims[&parts[1]], Value::String(parts[2].clone()), "{context}\n{claims}");
        }
        let query =
            location.iter().flat_map(|location| location.query_pairs().map(|(_, value)| value.into_owned()));
        query.chain([text]).collect()
    }
}

fn fill(text: &str, values: &BTreeMap<String, String>) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Matches `actual` against the pattern and learns the values of unknown names.
fn learn(pattern: &str, actual: &str, values: &mut BTreeMap<String, String>, anywhere: bool) -> bool {
    let filled = fill(pattern, values);
    let mut pieces: Vec<Piece> = Vec::new();
    if anywhere {
        pieces.push(Piece::Anything);
    }
    let mut rest = filled.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix('…') {
            pieces.push(Piece::Anything);
            rest = after;
        } else if let Some((name, after)) =
            rest.strip_prefix('{').and_then(|r| r.split_once('}')).filter(|(n, _)| is_name(n))
        {
            pieces.push(Piece::Name(name.to_owned()));
            rest = after;
        } else {
            match pieces.last_mut() {
                Some(Piece::Text(text)) => text.push(c),
                _ => pieces.push(Piece::Text(c.to_string())),
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    if anywhere {
        pieces.push(Piece::Anything);
    }
    let mut learned = Vec::new();
    let matched = fits(&pieces, actual, &mut learned);
    if matched {
        values.extend(learned);
    }
    matched
}

enum Piece {
    Text(String),
    Name(String),
    Anything,
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn fits(pieces: &[Piece], text: &str, learned: &mut Vec<(String, String)>) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    match first {
        Piece::Text(expected) => {
            text.strip_prefix(expected.as_str()).is_some_and(|after| fits(rest, after, learned))
        }
        Piece::Name(_) | Piece::Anything => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            for end in ends {
                let before = learned.len();
                if let Piece::Name(name) = first {
                    learned.push((name.clone(), text[..end].to_owned()));
                }
                if fits(rest, &text[end..], learned) {
                    return true;
                }
                learned.truncate(before);
            }
            false
        }
    }
}
