//! What Entra's errors mean to a client and to the person who must act.
//!
//! Microsoft may change codes and texts at any time, so nothing here decides what is allowed: an unknown
//! code simply passes through. Known codes get a hint that names the row of `docs/incompatibilities/` and
//! the setting to change.

use serde::Deserialize;

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

    fn code(&self) -> Option<u64> {
        self.error_codes.first().copied().or_else(|| {
            let digits = self.error_description.split("AADSTS").nth(1)?;
            digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
    }

    /// What is known about the error's codes; with several, the first that is known.
    pub(crate) fn explanation(&self) -> Option<&'static Explanation> {
        let codes = self.error_codes.iter().copied().chain(self.code());
        codes.into_iter().find_map(|code| CATALOGUE.iter().find(|entry| entry.code == code))
    }

    /// Entra's sentence without the trace tail, which changes on every request.
    pub(crate) fn sentence(&self) -> &str {
        let text = self.error_description.as_str();
        let end =
            [" Trace ID:", "\r\nTrace ID:", "\nTrace ID:"].iter().filter_map(|tail| text.find(tail)).min();
        text[..end.unwrap_or(text.len())].trim()
    }
}

/// Who can repair it, and therefore what a client should be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The person signs in again: `invalid_grant` makes every measured client start over
    /// (docs/clients.md K44).
    SignInAgain,
    /// An administrator of the tenant changes a setting in Entra; starting over changes nothing.
    Configure,
    /// The operator of the gateway changes its settings, its credential or its app registration.
    Operate,
    /// The client's request is wrong; Entra's own code fits.
    Client,
}

/// One entry of the catalogue.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) code: u64,
    pub(crate) remedy: Remedy,
    /// The row in `docs/incompatibilities/`, 0 when it is none of the ten.
    pub(crate) row: u8,
    pub(crate) hint: &'static str,
}

const fn entry(code: u64, remedy: Remedy, row: u8, hint: &'static str) -> Explanation {
    Explanation { code, remedy, row, hint }
}

use Remedy::{Client, Configure, Operate, SignInAgain};

// Not 70002: it only stands in front of a second code, which is the one to explain.
#[rustfmt::skip]
static CATALOGUE: [Explanation; 86] = [
    entry(9_010_010, Client, 3, "send sign-in through the gateway, which drops `resource`; this request reached Entra with one"),
    entry(901_002, Client, 3, "send sign-in through the gateway, which drops `resource`; this request reached Entra with one"),
    entry(90009, Operate, 4, "the app asks for a token for itself by name: use the gateway's broker mode, which names it by its GUID, or in relay mode two app registrations (AZURE_CLIENT_ID for the API, AZURE_MCP_CLIENT_ID for MCP clients); always send `scope` on refresh"),
    entry(90008, Configure, 4, "add the delegated Microsoft Graph permission User.Read to the app registration that signs people in (API permissions)"),
    entry(50011, Operate, 6, "add the redirect URI to the app registration that signs people in, under Authentication; the path must match exactly. Broker mode: {base_url}/auth/callback on platform Web. Relay mode: the client's own on Mobile and desktop applications"),
    entry(500_112, Client, 6, "the redirect_uri of the token request must equal the one of the authorize request; in broker mode both are {base_url}/auth/callback, so every replica needs the same BASE_URL"),
    entry(500_113, Operate, 6, "the app registration that signs people in has no redirect URI: add one under Authentication. Broker mode: {base_url}/auth/callback on platform Web. Relay mode: http://localhost/callback on Mobile and desktop applications"),
    entry(900_971, Operate, 6, "no redirect URI came along and the app registration has none to fall back on: add one under Authentication. Broker mode: {base_url}/auth/callback on platform Web. Relay mode: http://localhost/callback on Mobile and desktop applications"),
    entry(90102, Client, 6, "the redirect_uri is no absolute URI; in broker mode it is made from BASE_URL"),
    entry(700_016, Operate, 2, "the app that signs people in is not in this tenant: check AZURE_TENANT_ID, and its client id: AZURE_CLIENT_ID (broker mode), ENTRAGATE_BROKER_CLIENT_ID where it has an app of its own, AZURE_MCP_CLIENT_ID (relay mode)"),
    entry(90002, Operate, 0, "check AZURE_TENANT_ID and AZURE_AUTHORITY_HOST: this cloud has no such tenant"),
    entry(900_023, Operate, 0, "check AZURE_TENANT_ID: it is neither a GUID nor a domain"),
    entry(50194, Operate, 0, "name the tenant in AZURE_TENANT_ID: a single-tenant app cannot be used through /common"),
    entry(9_001_023, Operate, 0, "name the tenant in AZURE_TENANT_ID: this grant does not work through /common or /consumers"),
    entry(50020, Configure, 0, "sign in with an account of this tenant; another account must first be invited as a guest (Entra admin center, Users, Invite external user)"),
    entry(50105, Configure, 0, "an administrator must assign the user (or a group they are a direct member of) to the API's enterprise application"),
    entry(501_051, Configure, 0, "an administrator must assign one of the API app's app roles to the calling application (API permissions, Application permissions, then admin consent)"),
    entry(65001, SignInAgain, 5, "grant admin consent for the client app's permission on the API app, or let the user consent by signing in again"),
    entry(65004, Client, 5, "the user declined consent"),
    entry(65002, Operate, 0, "a Microsoft first-party API cannot be consented to by this client: set AZURE_CLIENT_ID to an API app registration of your own"),
    entry(90094, Configure, 5, "an administrator must grant consent to the client app"),
    entry(90095, Configure, 5, "an administrator must grant consent to the client app, or answer the request for approval (Enterprise applications, Admin consent requests)"),
    entry(650_052, Configure, 5, "create the enterprise application of the API app in this tenant: az ad sp create --id <AZURE_CLIENT_ID>"),
    entry(650_053, Configure, 5, "expose the scope on the API app (Expose an API) or correct ENTRAGATE_ENTRA_SCOPES"),
    entry(650_056, Configure, 5, "add the API app's scope to the app registration that signs people in, under API permissions"),
    entry(650_057, Configure, 5, "add the API app's scope to the app registration that signs people in, under API permissions"),
    entry(65005, Configure, 5, "add the API app's scope to the app registration that signs people in, under API permissions"),
    entry(500_011, Configure, 9, "the API app is unknown in this tenant under that name: it needs an enterprise application, AZURE_CLIENT_ID must be its client id, and ENTRAGATE_ENTRA_IDENTIFIER_URIS its Application ID URI"),
    entry(70011, Client, 9, "the scope is malformed or mixes .default with named scopes"),
    entry(28000, Client, 9, "a token is for one resource: ask for the scopes of one API"),
    entry(28003, Client, 9, "the scope was empty"),
    entry(1_002_012, Client, 9, "a program without a user asks for one scope, the Application ID URI with /.default"),
    entry(900_144, Client, 0, "a required parameter is missing"),
    entry(90014, Client, 0, "a required field of the request is missing"),
    entry(900_561, Client, 0, "the token endpoint takes POST only"),
    entry(90023, Client, 0, "a parameter has a value that Entra does not take; `prompt` is one of login, none, consent, select_account"),
    entry(90015, Client, 0, "the request is too long: a client should keep `state` below 1 kB"),
    entry(9_002_313, SignInAgain, 0, "the code or refresh token is truncated or not Entra's"),
    entry(70000, SignInAgain, 0, "the grant is not valid for this client"),
    entry(70003, Client, 0, "this grant type is not supported: use authorization_code or refresh_token"),
    entry(70005, Client, 0, "this response type is not supported: use response_type=code"),
    entry(700_038, Client, 0, "this response type is not supported: use response_type=code"),
    entry(700_054, Client, 0, "this response type is not enabled for the app: use response_type=code"),
    entry(70008, SignInAgain, 0, "the code or refresh token expired"),
    entry(54005, SignInAgain, 0, "the code was redeemed before: the client posted it twice"),
    entry(501_481, SignInAgain, 7, "the code_verifier does not belong to the code_challenge: two sign-ins were mixed up"),
    entry(501_491, Client, 7, "a code_challenge has 43 to 128 characters: the base64url SHA-256 of the verifier"),
    entry(700_005, Operate, 0, "the code belongs to another tenant: AZURE_TENANT_ID and AZURE_AUTHORITY_HOST must be the same for every replica"),
    entry(700_081, SignInAgain, 0, "the refresh token reached its greatest age"),
    entry(700_082, SignInAgain, 0, "the refresh token was not used for too long"),
    entry(700_084, Operate, 6, "the redirect URI is registered as single-page application, which limits refresh to 24 hours: move it to platform Web (broker mode) or Mobile and desktop applications (relay mode)"),
    entry(50173, SignInAgain, 0, "the session was revoked"),
    entry(50132, SignInAgain, 0, "the session was ended, for example by a new password"),
    entry(70043, SignInAgain, 0, "the sign-in frequency policy asks for a new sign-in"),
    entry(50058, SignInAgain, 0, "there is no session at Entra that could be used without asking: sign in without prompt=none"),
    entry(50076, SignInAgain, 0, "multi-factor authentication is needed"),
    entry(50079, SignInAgain, 0, "multi-factor authentication must be set up"),
    entry(50074, SignInAgain, 0, "multi-factor authentication is needed"),
    entry(50078, SignInAgain, 0, "multi-factor authentication expired"),
    entry(53000, SignInAgain, 0, "a Conditional Access policy asks for a compliant device: sign in from a managed one, or see the sign-in log by correlation id"),
    entry(53003, SignInAgain, 0, "a Conditional Access policy blocks this sign-in: see the sign-in log by correlation id"),
    entry(530_032, SignInAgain, 0, "a security policy of the tenant blocks this sign-in: see the sign-in log by correlation id"),
    entry(50057, SignInAgain, 0, "the user account is disabled: sign in with another one, or ask an administrator to enable it"),
    entry(50034, SignInAgain, 0, "the user account does not exist in this tenant"),
    entry(50196, Client, 0, "the same request came again and again: stop the client, wait some minutes and sign in once"),
    entry(7_000_215, Operate, 0, "the client secret is wrong: the gateway needs the value of a secret of the app registration, not the secret's ID (entra.client_secret, AZURE_CLIENT_SECRET)"),
    entry(7_000_222, Operate, 0, "the client secret expired: create another one on the app registration and give the gateway its value (entra.client_secret, AZURE_CLIENT_SECRET)"),
    entry(7_000_218, Operate, 6, "broker mode: give the gateway a credential (AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or AZURE_FEDERATED_TOKEN_FILE). Relay mode: move the redirect URI to Mobile and desktop applications and allow public client flows on the client app"),
    entry(700_025, Operate, 6, "a secret was sent for a redirect URI of a public client: register {base_url}/auth/callback on platform Web (broker mode); relay mode sends none"),
    entry(7_000_229, Configure, 0, "the app that signs people in has no enterprise application in this tenant: az ad sp create --id <its client id>"),
    entry(700_024, Operate, 0, "the credential's assertion is not valid at this time: set the gateway's clock, or look why its token file is not renewed (AZURE_FEDERATED_TOKEN_FILE)"),
    entry(700_027, Operate, 0, "the certificate is not the app registration's: upload the one in AZURE_CLIENT_CERTIFICATE_PATH under Certificates and secrets"),
    entry(700_030, Operate, 0, "the certificate's subject is not one that the app registration trusts: upload the one in AZURE_CLIENT_CERTIFICATE_PATH under Certificates and secrets"),
    entry(70021, Operate, 0, "no federated credential of the app registration fits: under Certificates and secrets, Federated credentials, issuer, subject and audience must be those of the gateway's workload identity"),
    entry(700_211, Operate, 0, "no federated credential of the app registration has this issuer: use the one of the cluster or identity that issues the gateway's token"),
    entry(700_212, Operate, 0, "no federated credential of the app registration has this audience: it is api://AzureADTokenExchange unless the cloud has its own"),
    entry(700_213, Operate, 0, "no federated credential of the app registration has this subject: on Kubernetes it is system:serviceaccount:<namespace>:<service account>, letter by letter"),
    entry(50013, Client, 0, "an assertion that stands for a user was not issued for this app or not by Entra"),
    entry(500_131, Client, 0, "an assertion that stands for a user needs the audience of the app that presents it"),
    entry(500_133, SignInAgain, 0, "an assertion that stands for a user expired"),
    entry(9_002_325, Client, 7, "the redirect URI is registered as single-page application, where the code needs a code_verifier"),
    entry(9_002_326, Client, 6, "a browser redeemed the code directly: go through the gateway, which sends no Origin"),
    entry(9_002_327, Operate, 6, "the redirect URI is registered as single-page application: move it to platform Web (broker mode) or Mobile and desktop applications (relay mode)"),
    entry(70016, Client, 0, "the sign-in on the other device is not finished: keep asking"),
    entry(70019, SignInAgain, 0, "the code for the other device expired"),
    entry(70020, SignInAgain, 0, "the code for the other device expired"),
];

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_trace_tail_is_cut() {
        let text = "AADSTS70008: Expired. Trace ID: a Correlation ID: b Timestamp: c";
        let error =
            error(&serde_json::json!({ "error": "invalid_grant", "error_description": text }).to_string());
        assert_eq!(error.sentence(), "AADSTS70008: Expired.");
    }

    #[test]
    fn every_code_is_explained_once_and_every_hint_fits_an_oauth_error() {
        for (at, entry) in CATALOGUE.iter().enumerate() {
            assert!(!CATALOGUE[..at].iter().any(|other| other.code == entry.code), "{} twice", entry.code);
            assert!(entry.row <= 10 && !entry.hint.is_empty());
            assert!(
                entry.hint.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\'),
                "{}",
                entry.code
            );
        }
    }
}
