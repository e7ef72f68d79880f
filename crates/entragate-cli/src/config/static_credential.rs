//! A credential of the MCP server's own, the same for every caller.

use std::path::PathBuf;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};

/// Why a text is no credential. Nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StaticCredentialError {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// `Authorization` needs a scheme before the credential (RFC 9110 §11.6.2).
    #[error("has no scheme")]
    NoScheme,
    /// Line breaks, control characters, or beyond ASCII.
    #[error("holds characters that no header may carry")]
    Characters,
}

/// A header and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticCredential {
    /// The header that carries it.
    pub header: HeaderName,
    /// The whole value, which is never printed.
    pub value: HeaderValue,
    /// Where it is read from again.
    pub file: Option<PathBuf>,
}

impl StaticCredential {
    /// From the text of a variable or a file.
    pub fn parse(
        header: HeaderName,
        text: &str,
        file: Option<PathBuf>,
    ) -> Result<Self, StaticCredentialError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(StaticCredentialError::Empty);
        }
        if header == AUTHORIZATION && !text.contains(' ') {
            return Err(StaticCredentialError::NoScheme);
        }
        if !text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return Err(StaticCredentialError::Characters);
        }
        let mut value = HeaderValue::try_from(text).map_err(|_| StaticCredentialError::Characters)?;
        value.set_sensitive(true);
        Ok(Self { header, value, file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_one_line_with_a_scheme_and_is_not_printed() {
        let parse = |header: &'static str, text: &str| {
            StaticCredential::parse(HeaderName::from_static(header), text, None)
        };
        let good = parse("authorization", "Bearer hunter2\n").unwrap();
        assert_eq!(good.value, "Bearer hunter2");
        assert!(!format!("{good:?}").contains("hunter2"));
        assert_eq!(parse("x-api-key", "hunter2").unwrap().value, "hunter2");
        assert_eq!(parse("authorization", "hunter2"), Err(StaticCredentialError::NoScheme));
        assert_eq!(parse("x-api-key", " \n"), Err(StaticCredentialError::Empty));
        for bad in ["a\nb", "a\u{0}b", "ключ"] {
            assert_eq!(parse("x-api-key", bad), Err(StaticCredentialError::Characters));
        }
    }
}
