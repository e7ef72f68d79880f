//! Finds the token in what was pasted, and makes of it the header that a client would send.

use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use crate::pasted::decoded;
use crate::redaction::is_token;

/// No token response is longer.
const LONGEST: u64 = 1024 * 1024;

/// Reads standard input, a file, or the arguments themselves: `Bearer TOKEN` without quotes is two of them. `option`: what
/// they are called on the command line.
pub(crate) fn read(arguments: &[String], option: &str) -> anyhow::Result<HeaderMap> {
    let pasted = match arguments {
        [] | [_] => arguments.concat(),
        words => {
            let words = words.join(" ");
            let is_header = is_header(words.as_bytes());
            anyhow::ensure!(is_header, "one token is judged at a time: give `-`, or a file, or the token");
            words
        }
    };
    let text = match pasted.as_str() {
        "" | "-" => {
            super::prompt();
            let mut text = Vec::new();
            io::stdin().take(LONGEST).read_to_end(&mut text).context("cannot read standard input")?;
            text
        }
        path if Path::new(path).is_file() => {
            let file = std::fs::File::open(path).with_context(|| format!("cannot read {path}"))?;
            let mut text = Vec::new();
            file.take(LONGEST).read_to_end(&mut text).with_context(|| format!("cannot read {path}"))?;
            text
        }
        token => {
            let looks_like_one = token.matches('.').count() >= 2 || is_token(token);
            // Not repeated: it may be a secret that was pasted in the wrong place.
            anyhow::ensure!(looks_like_one, "{option} is neither a file nor a token");
            anstream::eprintln!(
                "warning: a token as an argument stays in the shell's history and is visible to other processes; pipe it in instead"
            );
            token.as_bytes().to_vec()
        }
    };
    headers(&text)
}

fn headers(pasted: &[u8]) -> anyhow::Result<HeaderMap> {
    let text = decoded(pasted);
    let text = text.as_bytes().trim_ascii();
    anyhow::ensure!(!text.is_empty(), "there is no token: standard input or the file is empty");
    let line = if text.starts_with(b"{") { of_response(text)? } else { of_line(text) };
    // What no header can hold is what no client can send: it is judged as unreadable.
    let printable: Vec<u8> =
        line.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }).collect();
    let mut value =
        HeaderValue::from_bytes(&printable).context("the token has characters that no header can hold")?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

const NAME: &[u8] = b"authorization:";
const SCHEME: &[u8] = b"bearer ";

fn begins(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn is_header(text: &[u8]) -> bool {
    begins(text, NAME) || begins(text, SCHEME)
}

/// `Authorization: Bearer …`, `Bearer …`, or the bare token.
fn of_line(text: &[u8]) -> Vec<u8> {
    if begins(text, NAME) {
        return text.get(NAME.len()..).unwrap_or_default().trim_ascii().to_vec();
    }
    // The scheme alone is a header without a token.
    if begins(text, SCHEME) || text.eq_ignore_ascii_case(SCHEME.trim_ascii()) {
        return text.to_vec();
    }
    [b"Bearer ", text].concat()
}

/// Whether it claims to be sealed by a gateway in broker mode.
pub(crate) fn is_sealed(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_bearer = begins(value, SCHEME);
    is_bearer && value.get(SCHEME.len()..).is_some_and(|token| token.trim_ascii().starts_with(b"ega_"))
}

/// The access token of a token response.
fn of_response(text: &[u8]) -> anyhow::Result<Vec<u8>> {
    #[derive(serde::Deserialize)]
    struct Answered {
        access_token: Option<String>,
        #[serde(rename = "accessToken")]
        of_the_cli: Option<String>,
    }
    let Ok(answered) = serde_json::from_slice::<Answered>(text) else {
        anyhow::bail!("it begins like JSON and is no token response");
    };
    let token = answered.access_token.or(answered.of_the_cli);
    let token =
        token.context("the JSON has no access_token; an error response has none, see `error` in it")?;
    Ok([b"Bearer ", token.trim().as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        let headers = headers(text.as_bytes()).expect("a header");
        headers[AUTHORIZATION].to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn a_token_is_found_in_what_people_paste() {
        for text in [
            "a.b.c\n",
            "  a.b.c",
            "Bearer a.b.c",
            "Authorization: Bearer a.b.c\r\n",
            "AUTHORIZATION:Bearer a.b.c",
            r#"{"token_type":"Bearer","access_token":"a.b.c","expires_in":1}"#,
            r#"{"accessToken":"a.b.c","tokenType":"Bearer"}"#,
        ] {
            assert_eq!(value(text), "Bearer a.b.c", "{text}");
        }
    }

    #[test]
    fn what_is_no_bearer_token_stays_none() {
        assert_eq!(value("Authorization: Basic eDp5"), "Basic eDp5");
        assert_eq!(value("a.b\n.c"), "Bearer a.b .c");
        for text in ["Bearer ", "bearer", "Authorization: Bearer\r\n"] {
            assert!(value(text).eq_ignore_ascii_case("bearer"), "{text}");
        }
        for text in ["", " \n", "{}", "{", r#"{"error":"invalid_grant"}"#] {
            assert!(headers(text.as_bytes()).is_err(), "{text}");
        }
    }
}
