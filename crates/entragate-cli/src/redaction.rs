//! What is pasted in the wrong place comes back in error texts, clap's included; a token must not.

use std::borrow::Cow;

/// Longer than names and paths between two slashes are, shorter than any token of Entra's.
const LONGEST_WORD: usize = 100;
/// What tokens of gateways begin with: access tokens and refresh tokens.
const SEALED: [&str; 2] = ["ega_", "egr_"];

/// The text with every word that looks like a token replaced by its length.
pub(crate) fn without_tokens(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut written = 0;
    for (start, word) in words(text) {
        if is_token(word) {
            out.push_str(text.get(written..start).unwrap_or_default());
            out.push_str("<token, ");
            out.push_str(&word.len().to_string());
            out.push_str(" characters>");
            written = start + word.len();
        }
    }
    if written == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(written..).unwrap_or_default());
    Cow::Owned(out)
}

/// Whether a word looks like a token: a JWS (three parts), a JWE (five), one of a gateway's, or just too long.
pub(crate) fn is_token(word: &str) -> bool {
    let is_jwt =
        || word.find("eyJ").and_then(|at| word.get(at..)).is_some_and(|jwt| jwt.matches('.').count() >= 2);
    word.len() >= LONGEST_WORD || SEALED.iter().any(|prefix| word.contains(prefix)) || is_jwt()
}

/// Runs of base64url characters and dots, with where they begin. A colour (`ESC [ … m`) is between words, or its `m`
/// would be taken for the beginning of one.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let start = at;
            if length > 0 {
                at += length;
                return Some((start, rest.get(..length)?));
            }
            let colour = rest.strip_prefix("\u{1b}[").and_then(|codes| codes.find(|c| !is_code(c)));
            at += match colour {
                Some(codes) => {
                    "\u{1b}[".len() + codes + usize::from(rest.as_bytes().get(2 + codes) == Some(&b'm'))
                }
                None => rest.chars().next().map_or(1, char::len_utf8),
            };
        }
    })
}

const fn is_code(c: char) -> bool {
    c.is_ascii_digit() || c == ';'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_looks_like_a_token_is_replaced_by_its_length() {
        let long = "a".repeat(LONGEST_WORD);
        for (text, redacted) in [
            ("argument 'eyJh.eyJp.c2ln' found", "argument '<token, 14 characters>' found"),
            ("--at=eyJh.eyJp.c2ln", "--at=<token, 14 characters>"),
            ("eyJh..aXY.Y3Q.dGFn", "<token, 18 characters>"),
            ("\u{1b}[33meyJh.eyJp.c2ln\u{1b}[0m", "\u{1b}[33m<token, 14 characters>\u{1b}[0m"),
            ("\u{1b}[1;33mega_AAAA\u{1b}[0m: é", "\u{1b}[1;33m<token, 8 characters>\u{1b}[0m: é"),
            ("egr_AAAA and ega_AAAA", "<token, 8 characters> and <token, 8 characters>"),
            (long.as_str(), "<token, 100 characters>"),
        ] {
            assert_eq!(without_tokens(text), redacted, "{text:?}");
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "",
            "cannot read /var/lib/entragate/tokens/a-file-with-a-long-name-of-sixty-characters-or-more.json",
            "eyJ is how a token begins",
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
            "\u{1b}[31merror\u{1b}[0m: \u{1b}",
            "\u{1b}[",
        ] {
            assert_eq!(without_tokens(text), text);
        }
    }
}
