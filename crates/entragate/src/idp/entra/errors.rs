//! Entra's errors on the wire; what their codes mean is in [`crate::aadsts`].

use serde::Deserialize;

use crate::aadsts::{self, Entry};

/// The body of an Entra error answer ([Microsoft: error codes]).
///
/// [Microsoft: error codes]: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EntraError {
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) error_description: String,
    #[serde(default)]
    pub(crate) error_codes: Vec<u64>,
    #[serde(default)]
    pub(crate) suberror: Option<String>,
    #[serde(default)]
    pub(crate) correlation_id: Option<String>,
    #[serde(default)]
    pub(crate) error_uri: Option<String>,
    /// A claims challenge: JSON in a string, to be sent with the next authorization request.
    #[serde(default)]
    pub(crate) claims: Option<String>,
}

impl EntraError {
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// An error that came back with the browser.
    pub(crate) fn from_redirect(
        error: &str,
        description: &str,
        subcode: Option<&str>,
        claims: Option<&str>,
    ) -> Self {
        Self {
            error: error.to_owned(),
            error_description: description.to_owned(),
            error_codes: Vec::new(),
            suberror: subcode.map(str::to_owned),
            correlation_id: None,
            error_uri: None,
            claims: claims.map(str::to_owned),
        }
    }

    /// Whether this is one of the error's codes.
    pub(crate) fn has_code(&self, code: u64) -> bool {
        self.error_codes.contains(&code) || self.code() == Some(code)
    }

    /// The correlation id at the end of the text, where there is no member for it.
    pub(crate) fn correlation_id_in_text(&self) -> Option<String> {
        let rest = self.error_description.split("Correlation ID:").nth(1)?.trim_start();
        let id = rest.split_whitespace().next()?;
        super::registration::is_guid(id).then(|| id.to_owned())
    }

    /// The first code, as people search for it.
    pub(crate) fn aadsts(&self) -> Option<String> {
        self.code().map(|code| format!("AADSTS{code}"))
    }

    /// The first code and what to do about it, for a log line.
    pub(crate) fn in_short(&self) -> Option<String> {
        let code = self.aadsts()?;
        Some(self.explanation().map_or_else(|| code.clone(), |known| format!("{code}: {}", known.hint)))
    }

    /// The first code, known or not.
    pub(crate) fn code(&self) -> Option<u64> {
        self.error_codes.first().copied().or_else(|| {
            let digits = self.error_description.split("AADSTS").nth(1)?;
            digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
    }

    /// What is known about the error's codes; with several, the first that is known. AADSTS70002 only stands in front of
    /// another, which is the one to explain.
    pub(crate) fn explanation(&self) -> Option<&'static Entry> {
        let known = || self.error_codes.iter().copied().chain(self.code()).filter_map(aadsts::find);
        known().find(|entry| entry.code != 70002).or_else(|| known().next())
    }

    /// Entra's sentence without the trace tail, which changes on every request.
    pub(crate) fn sentence(&self) -> &str {
        let text = self.error_description.as_str();
        let end =
            [" Trace ID:", "\r\nTrace ID:", "\nTrace ID:"].iter().filter_map(|tail| text.find(tail)).min();
        text[..end.unwrap_or(text.len())].trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aadsts::Remedy;

    fn error(json: &str) -> EntraError {
        EntraError::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn the_code_is_found_with_or_without_error_codes() {
        let with =
            error(r#"{"error":"invalid_grant","error_description":"AADSTS70008: x","error_codes":[70008]}"#);
        let without = error(r#"{"error":"invalid_grant","error_description":"AADSTS70008: x"}"#);
        for error in [with, without] {
            assert_eq!(error.aadsts().as_deref(), Some("AADSTS70008"));
            assert_eq!(error.explanation().map(|e| e.remedy), Some(Remedy::SignInAgain));
        }
        let old = error(r#"{"error":"invalid_grant","error_description":"x","error_codes":[70002,54005]}"#);
        assert_eq!(old.explanation().map(|e| e.code), Some(54005));
    }

    #[test]
    fn a_log_line_names_the_code_and_what_to_do() {
        let known =
            error(r#"{"error":"invalid_tenant","error_description":"AADSTS90002: x","error_codes":[90002]}"#);
        assert!(known.in_short().is_some_and(|text| text.starts_with("AADSTS90002: check AZURE_TENANT_ID")));
        let unknown =
            error(r#"{"error":"x","error_description":"AADSTS1234567: secret","error_codes":[1234567]}"#);
        assert_eq!(unknown.in_short().as_deref(), Some("AADSTS1234567"));
    }

    #[test]
    fn the_trace_tail_is_cut() {
        let text = "AADSTS70008: Expired. Trace ID: a Correlation ID: b Timestamp: c";
        let error =
            error(&serde_json::json!({ "error": "invalid_grant", "error_description": text }).to_string());
        assert_eq!(error.sentence(), "AADSTS70008: Expired.");
    }
}
