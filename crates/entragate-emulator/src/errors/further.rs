//! Refusals that no endpoint reaches by itself: what they are about is not emulated, so only the control plane orders them.
//! Where Microsoft publishes no text, the words are our own.

use super::screen::Screen;
use super::screen::Screen::{AfterSignIn, Page, Redirect};

/// A refusal as data. `{client}` and its like in the text are blanks, see `about.rs`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(super) code: u32,
    /// At the token endpoint.
    pub(super) status: u16,
    pub(super) error: &'static str,
    /// At `/authorize`.
    pub(super) screen: Screen,
    pub(super) text: &'static str,
}

const fn row(code: u32, status: u16, error: &'static str, screen: Screen, text: &'static str) -> Row {
    Row { code, status, error, screen, text }
}

pub(super) const FURTHER: [Row; 28] = [
    // Registration and consent
    row(
        90008,
        400,
        "invalid_request",
        Page,
        "The user or administrator has not consented to use the application with ID '{client}'. This happened because \
         application is misconfigured: it must require access to Windows Azure Active Directory by specifying at least \
         'Sign in and read user profile' permission.",
    ),
    row(700_038, 400, "unauthorized_client", Page, "{client} is not a valid application identifier."),
    row(900_971, 400, "invalid_request", Page, "No reply address provided."),
    row(
        65002,
        400,
        "invalid_request",
        Page,
        "Consent between first party application '{client}' and first party resource '{api}' must be configured via \
         preauthorization.",
    ),
    row(
        65005,
        400,
        "invalid_resource",
        AfterSignIn,
        "The client application has requested access to resource '{api}'. This request has failed because the client has \
         not specified this resource in its requiredResourceAccess list.",
    ),
    row(
        650_056,
        400,
        "invalid_resource",
        AfterSignIn,
        "Misconfigured application. This could be due to one of the following: the client has not listed any permissions \
         for '{api_name}' in the requested permissions in the client's application registration. Or, the admin has not \
         consented in the tenant. Client app ID: {client}.",
    ),
    // Policies
    row(50074, 400, "invalid_grant", Redirect, "Strong Authentication is required."),
    row(
        50078,
        400,
        "invalid_grant",
        Redirect,
        "Presented multi-factor authentication has expired due to policies configured by your administrator, you must \
         refresh your multi-factor authentication to access '{api}'.",
    ),
    row(
        50079,
        400,
        "invalid_grant",
        Redirect,
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll \
         in multi-factor authentication to access '{api}'.",
    ),
    row(
        53000,
        400,
        "invalid_grant",
        AfterSignIn,
        "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, and the \
         device is not compliant.",
    ),
    row(
        530_032,
        400,
        "invalid_grant",
        AfterSignIn,
        "Access has been blocked by a security policy that the tenant's administrator has configured.",
    ),
    row(
        50196,
        400,
        "invalid_grant",
        Page,
        "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
    ),
    // Grants
    row(
        70002,
        400,
        "invalid_grant",
        Redirect,
        "Error validating credentials. AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a \
         new valid code or use an existing refresh token.",
    ),
    row(
        70043,
        400,
        "invalid_grant",
        Redirect,
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was \
         issued on {issued} and the maximum allowed lifetime for this request is 3600.",
    ),
    row(
        700_081,
        400,
        "invalid_grant",
        Redirect,
        "The refresh token has expired due to maximum lifetime. The token was issued on {issued} and the maximum allowed \
         lifetime for this application is 1.00:00:00.",
    ),
    row(70019, 400, "expired_token", Redirect, "Verification code expired. Have the user retry the sign-in."),
    row(
        90014,
        400,
        "invalid_request",
        Redirect,
        "The required field 'request' is missing from the credential. Ensure that you have all the necessary parameters \
         for the login request.",
    ),
    // On behalf of
    row(50013, 400, "invalid_grant", Redirect, "Assertion failed signature validation."),
    row(
        500_131,
        400,
        "invalid_grant",
        Redirect,
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was \
         '{api}' and the expected audience is '{client}' or one of the Application Uris of this application.",
    ),
    row(
        500_133,
        400,
        "invalid_grant",
        Redirect,
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for \
         user assertion, or request a new token.",
    ),
    row(
        240_002,
        400,
        "invalid_grant",
        Redirect,
        "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
    ),
    row(
        7_000_114,
        400,
        "unauthorized_client",
        Redirect,
        "Application '{client}' is not allowed to make application on-behalf-of calls.",
    ),
    // Client authentication
    row(
        700_024,
        401,
        "invalid_client",
        Redirect,
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {issued}, expiry \
         time of assertion {issued}.",
    ),
    row(
        700_030,
        401,
        "invalid_client",
        Redirect,
        "Invalid certificate - subject name in certificate is not authorized.",
    ),
    row(
        70021,
        400,
        "invalid_request",
        Redirect,
        "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion \
         Subject: '{client}'. Assertion Audience: 'api://AzureADTokenExchange'.",
    ),
    row(
        700_211,
        401,
        "invalid_client",
        Redirect,
        "No matching federated identity record found for presented assertion issuer '{issuer}'.",
    ),
    row(
        700_212,
        401,
        "invalid_client",
        Redirect,
        "No matching federated identity record found for presented assertion audience 'api://AzureADTokenExchange'.",
    ),
    row(
        700_213,
        401,
        "invalid_client",
        Redirect,
        "No matching federated identity record found for presented assertion subject '{client}'.",
    ),
];
