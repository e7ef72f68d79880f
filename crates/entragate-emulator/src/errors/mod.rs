//! Entra's refusals: one variant per cause with Entra's text, and one table from cause to code, status and OAuth error.

mod about;
mod by_code;
mod facts;
mod further;
mod render;
mod screen;
mod trace;

pub(crate) use about::About;
pub(crate) use by_code::codes;
pub(crate) use render::{json, json_with_claims, page};
pub(crate) use screen::Screen;
pub(crate) use trace::Trace;

/// A refusal. The text is what stands between `AADSTSnnnn: ` and the trace suffix; where neither Microsoft's page of error
/// codes nor a published answer gives one, the words are our own, and docs/reference/emulator.md says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    // The request as such
    #[error(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct \
         cloud."
    )]
    TenantNotFound { tenant: String },
    #[error(
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
    )]
    TenantMalformed { tenant: String },
    #[error("The endpoint only accepts {accepts} requests. Received a {method} request.")]
    Verb { accepts: &'static str, method: String },
    #[error("Requested query string is too long.")]
    QueryTooLong,
    #[error("The request body must contain the following parameter: '{0}'.")]
    Missing(&'static str),
    #[error("The request is not properly formatted. The parameter '{0}' is duplicated.")]
    Duplicated(&'static str),
    #[error("Unsupported '{0}' value.")]
    Unsupported(&'static str),
    #[error("Malformed JSON.")]
    ClaimsMalformed,
    #[error("Unknown or invalid instance.")]
    UnknownInstance,

    // The client
    #[error(
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the \
         application has not been installed by the administrator of the tenant or consented to by any user in the tenant. \
         You may have sent your authentication request to the wrong tenant."
    )]
    UnknownClient { client: String, tenant: String },
    #[error(
        "Application '{id}'({name}) is not configured as a multi-tenant application. Usage of the /common endpoint is not \
         supported for such applications created after '10/15/2018'. Use a tenant-specific endpoint or configure the \
         application to be multi-tenant."
    )]
    SingleTenant { id: String, name: String },
    #[error(
        "Application '{id}'({name}) is configured for use by Microsoft Entra users only. Please do not use the /consumers \
         endpoint to serve this request."
    )]
    NotForConsumers { id: String, name: String },
    #[error("Application '{id}'({name}) is disabled.")]
    ClientDisabled { id: String, name: String },
    #[error("The client application {client} is missing service principal in the tenant {tenant}.")]
    ClientNotInTenant { client: String, tenant: String },
    #[error("The client metadata document '{client}' cannot be used: {reason}.")]
    ClientDocument { client: String, reason: String },
    #[error("'redirect_uri' value must be a valid absolute URI.")]
    RedirectMalformed,
    #[error("No reply address is registered for the application.")]
    NoReplyAddress,
    #[error(
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application \
         '{client}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure \
         portal."
    )]
    RedirectMismatch { uri: String, client: String },

    // What is asked for
    #[error("response_type 'token' is not enabled for the application.")]
    ResponseTypeToken,
    #[error("The 'response_type' is not supported.")]
    ResponseTypeUnknown,
    #[error("response_type 'id_token' is not enabled for the application.")]
    ImplicitDisabled,
    #[error("Invalid size of Code_Challenge parameter.")]
    ChallengeSize,
    #[error(
        "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
    )]
    ScopeInvalid { scope: String },
    #[error(
        "The resource principal named {api} was not found in the tenant named {tenant}. This can happen if the application \
         has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might \
         have sent your authentication request to the wrong tenant."
    )]
    UnknownApi { api: String, tenant: String },
    #[error(
        "The service principal for resource '{api}' is disabled. This indicate that a subscription within the tenant has \
         lapsed, or that the administrator for this tenant has disabled the application, preventing tokens from being \
         issued for it."
    )]
    ApiDisabled { api: String },
    #[error(
        "The app needs access to a service ('{name}') that your organization '{tenant}' has not subscribed to or enabled."
    )]
    ApiNotInTenant { name: String, tenant: String },
    #[error("The resource parameter provided in the request doesn't match with the requested scopes.")]
    ResourceMismatch,
    #[error("The 'resource' request parameter is not supported.")]
    ResourceUnsupported,
    #[error(
        "Application '{id}'({name}) is requesting a token for itself. This scenario is supported only if resource is \
         specified using the GUID based App Identifier."
    )]
    TokenForItself { id: String, name: String },
    #[error(
        "The application '{client}' asked for scope '{scope}' that doesn't exist on the resource '{api}'. Contact the app \
         vendor."
    )]
    UnknownScope { client: String, scope: String, api: String },
    #[error(
        "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions \
         in the client's application registration. Client app ID: {client}. Resource value from request: {value}. Resource \
         app ID: {api}. List of valid resources from app registration: {listed}."
    )]
    ApiNotListed { client: String, value: String, api: String, listed: String },

    // The user
    #[error("Session information is not sufficient for single-sign-on.")]
    NoSession,
    #[error(
        "The user account {{EmailHidden}} does not exist in the {tenant} directory. To sign into this application, the \
         account must be added to the directory."
    )]
    UnknownUser { tenant: String },
    #[error("The user account is disabled.")]
    UserDisabled,
    #[error(
        "User account '{user}' from identity provider '{idp}' does not exist in tenant '{tenant}' and cannot access the \
         application '{id}'({name}) in that tenant. The account needs to be added as an external user in the tenant first."
    )]
    ForeignUser { user: String, idp: String, tenant: String, id: String, name: String },
    #[error(
        "Your administrator has configured the application {name} ('{id}') to block users unless they are specifically \
         granted ('assigned') access to the application. The signed in user '{{EmailHidden}}' is blocked because they are \
         not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact \
         your administrator."
    )]
    NotAssigned { id: String, name: String },
    #[error(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use \
         multi-factor authentication to access '{api}'."
    )]
    MfaRequired { api: String },
    #[error(
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."
    )]
    Blocked,
    #[error(
        "The user or administrator has not consented to use the application with ID '{id}' named '{name}'. Send an \
         interactive authorization request for this user and resource."
    )]
    NoConsent { id: String, name: String },
    #[error("User declined to consent to access the app.")]
    ConsentDeclined,
    #[error("Admin consent is required for the permissions requested by this application.")]
    AdminConsent,
    #[error("Admin consent is required for the permissions requested by this application.")]
    UserConsentRestricted,

    // The token endpoint
    #[error("The app requested an unsupported grant type '{0}'.")]
    UnknownGrantType(String),
    #[error("Invalid request. Request is malformed or invalid.")]
    Malformed,
    #[error("The provided value for the 'code' parameter is not valid.")]
    CodeInvalid,
    #[error("The provided value for the input parameter 'refresh_token' or 'assertion' is not valid.")]
    RefreshTokenInvalid,
    #[error(
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
         authorization request for this user and resource."
    )]
    CodeExpired,
    #[error(
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh \
         token."
    )]
    CodeRedeemed,
    #[error(
        "Provided Authorization Code is intended to use against other tenant, thus rejected. OAuth2 Authorization Code \
         must be redeemed against same tenant it was acquired for."
    )]
    CodeOfOtherTenant,
    #[error(
        "The reply address '{sent}' does not match the reply address '{expected}' provided when requesting Authorization code."
    )]
    ReplyMismatch { sent: String, expected: String },
    #[error("The Code_Verifier does not match the code_challenge supplied in the authorization request.")]
    VerifierMismatch,
    #[error("Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")]
    ClientIsPublic,
    #[error("The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")]
    CredentialMissing,
    #[error(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the \
         client secret ID, for a secret added to app '{client}'."
    )]
    SecretWrong { client: String },
    #[error("The provided client secret keys for app '{client}' are expired.")]
    SecretExpired { client: String },
    #[error("JWT token is invalid or malformed.")]
    AssertionMalformed,
    #[error("Client assertion contains an invalid signature.")]
    AssertionInvalid,
    #[error(
        "Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint of key used by \
         client: '{thumbprint}']"
    )]
    AssertionKeyUnknown { thumbprint: String },
    #[error(
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {from}, expiry \
         time of assertion {until}."
    )]
    AssertionTime { now: String, from: String, until: String },
    #[error("Client assertion application identifier doesn't match 'client_id' parameter.")]
    AssertionClient,
    #[error("Client assertion audience claim does not match Realm issuer.")]
    AssertionAudience,
    #[error("No matching federated identity record found for presented assertion.")]
    NoFederatedCredential,
    #[error(
        "No matching federated identity record found for presented assertion issuer '{issuer}'. Check your federated \
         identity credential Subject, Audience and Issuer against the presented assertion."
    )]
    FederatedIssuer { issuer: String },
    #[error(
        "No matching federated identity record found for presented assertion audience '{audience}'. Check your federated \
         identity credential Subject, Audience and Issuer against the presented assertion."
    )]
    FederatedAudience { audience: String },
    #[error(
        "No matching federated identity record found for presented assertion subject '{subject}'. Check your federated \
         identity credential Subject, Audience and Issuer against the presented assertion."
    )]
    FederatedSubject { subject: String },
    #[error(
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: \
         '{origin}'."
    )]
    CrossOrigin { origin: String },
    #[error(
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests."
    )]
    SpaNeedsOrigin,
    #[error("Proof Key for Code Exchange is required for cross-origin authorization code redemption.")]
    SpaNeedsPkce,
    #[error(
        "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope \
         {scope} is not valid."
    )]
    TwoApis { scope: String },
    #[error(
        "Provided value for the input parameter scope cannot be empty when requesting an access token using the provided \
         authorization code. Please specify a valid scope."
    )]
    ScopeEmpty,
    #[error(
        "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for \
         90.00:00:00."
    )]
    RefreshTokenIdle { issued: String },
    #[error(
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of \
         1.00:00:00. The token was issued on {issued}."
    )]
    RefreshTokenOfSpaEnded { issued: String },
    #[error("The provided grant has expired due to it being revoked, a fresh auth token is needed.")]
    Revoked,
    #[error(
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default \
         suffixed to the resource identifier (application ID URI)."
    )]
    NotDefaultScope { scope: String },
    #[error(
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or \
         tenant-specific endpoint."
    )]
    NotOnCommon,
    #[error(
        "Application '{client}'({client_name}) is not assigned to a role for the application '{api}'({api_name})."
    )]
    AppNotAssigned { client: String, client_name: String, api: String, api_name: String },

    // On behalf of
    #[error(
        "Assertion failed signature validation. [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']"
    )]
    UserAssertionSignature { reason: &'static str, thumbprint: String },
    #[error("Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.")]
    UserAssertionIsIdToken,
    #[error(
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was \
         '{audience}' and the expected audience is '{client}' or one of the Application Uris of this application."
    )]
    UserAssertionAudience { audience: String, client: String },
    #[error(
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for \
         user assertion, or request a new token."
    )]
    UserAssertionTime,
    #[error("Application '{client}' is not allowed to make application on-behalf-of calls.")]
    UserAssertionAppOnly { client: String },
    /// A demand for more proof where Entra calls it by its OAuth name: on the v1 endpoint, and on behalf of.
    #[error("{0}")]
    Interaction(Box<Refusal>),

    // Device code
    #[error("OAuth 2.0 device flow error. Authorization is pending. Continue polling.")]
    DevicePending,
    #[error("The person at the device page declined.")]
    DeviceDeclined,
    #[error("The device code has expired.")]
    DeviceExpired,
    #[error("The device code is not valid.")]
    DeviceCodeInvalid,

    // Ordered by the control plane
    #[error("{text}")]
    Further { row: &'static further::Row, text: String },
    #[error("Too many requests, by order of the control plane.")]
    Throttled,
    #[error("The service is temporarily unavailable, by order of the control plane.")]
    Unavailable,
}
