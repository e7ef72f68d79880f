//! Where Entra may send people back to, and from which platform.

use super::source::{AUTH_CODE, CODES, REPLY_URL};
use super::step::{ADD_REDIRECT_URI, AUTHENTICATION, MOVE_REDIRECT_URI, NO_COMMAND, NO_SETTING};
use crate::aadsts::Entry;
use crate::aadsts::Remedy::{Client, Operate};
use crate::aadsts::Step::{Do, Impossible};
use crate::aadsts::Who::{Developer, Operator};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 50011,
        name: Some("InvalidReplyTo"),
        meaning: "The redirect URI of the request is not registered on the app, letter by letter.",
        who: Operator,
        remedy: Operate,
        hint: "add the redirect URI to the app registration that signs people in, under Authentication; the path must match exactly. Broker mode: {base_url}/auth/callback on platform Web. Relay mode: the client's own on Mobile and desktop applications",
        portal: AUTHENTICATION,
        command: ADD_REDIRECT_URI,
        row: Some(6),
        sources: &[
            CODES,
            "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50011-redirect-uri-mismatch",
        ],
    },
    Entry {
        code: 500_112,
        name: None,
        meaning: "The redirect URI of the token request differs from the one of the authorization request.",
        who: Developer,
        remedy: Client,
        hint: "the redirect_uri of the token request must equal the one of the authorize request; in broker mode both are {base_url}/auth/callback, so every replica needs the same BASE_URL",
        portal: NO_SETTING,
        command: Do("entragate config check # on every replica: BASE_URL must be the same"),
        row: Some(6),
        sources: &[AUTH_CODE, "https://github.com/PartnerCenterSamples/Reseller-Web-Application/issues/73"],
    },
    Entry {
        code: 500_113,
        name: None,
        meaning: "The app has no redirect URI at all.",
        who: Operator,
        remedy: Operate,
        hint: "the app registration that signs people in has no redirect URI: add one under Authentication. Broker mode: {base_url}/auth/callback on platform Web. Relay mode: http://localhost/callback on Mobile and desktop applications",
        portal: AUTHENTICATION,
        command: ADD_REDIRECT_URI,
        row: Some(6),
        sources: &[REPLY_URL, "https://github.com/KoenZomers/OneDriveAPI/issues/33"],
    },
    Entry {
        code: 900_971,
        name: None,
        meaning: "The request named no redirect URI, and the app has none that could be used instead.",
        who: Operator,
        remedy: Operate,
        hint: "no redirect URI came along and the app registration has none to fall back on: add one under Authentication. Broker mode: {base_url}/auth/callback on platform Web. Relay mode: http://localhost/callback on Mobile and desktop applications",
        portal: AUTHENTICATION,
        command: ADD_REDIRECT_URI,
        row: Some(6),
        sources: &[CODES],
    },
    Entry {
        code: 90102,
        name: Some("InvalidUriParameter"),
        meaning: "A parameter that must be an absolute URI, as a rule redirect_uri, is none.",
        who: Developer,
        remedy: Client,
        hint: "the redirect_uri is no absolute URI; in broker mode it is made from BASE_URL",
        portal: NO_SETTING,
        command: Do("entragate config check # broker mode: shows BASE_URL"),
        row: Some(6),
        sources: &[CODES],
    },
    Entry {
        code: 70004,
        name: Some("InvalidRedirectUri"),
        meaning: "The redirect URI is neither registered on the app nor one that Entra allows for it.",
        who: Operator,
        remedy: Operate,
        hint: "add the redirect URI to the app registration that signs people in, under Authentication, on the platform that fits: Web in broker mode, Mobile and desktop applications in relay mode",
        portal: AUTHENTICATION,
        command: ADD_REDIRECT_URI,
        row: Some(6),
        sources: &[CODES],
    },
    Entry {
        code: 9_002_325,
        name: None,
        meaning: "The redirect URI belongs to a single-page application, and the code was redeemed without PKCE.",
        who: Developer,
        remedy: Client,
        hint: "the redirect URI is registered as single-page application, where the code needs a code_verifier",
        portal: Do(
            "App registrations → the app that signs people in → Authentication: move the redirect URI from Single-page application to Web (broker mode) or Mobile and desktop applications (relay mode)",
        ),
        command: Impossible(
            "a list of redirect URIs is always written as a whole, so no command takes out one",
        ),
        row: Some(12),
        sources: &[
            "https://github.com/atinux/nuxt-auth-utils/issues/319",
            "https://github.com/thobach/MMM-MicrosoftToDo/issues/27",
        ],
    },
    Entry {
        code: 9_002_326,
        name: None,
        meaning: "A browser redeemed the code from a web page (the request has an Origin), but the redirect URI is not one of a single-page application.",
        who: Developer,
        remedy: Client,
        hint: "a browser redeemed the code directly: go through the gateway, which sends no Origin",
        portal: Impossible("a client that signs in through the gateway never redeems at Entra from a page"),
        command: NO_COMMAND,
        row: Some(12),
        sources: &[
            REPLY_URL,
            "https://github.com/Azure-Samples/ms-identity-javascript-angular-tutorial/issues/37",
            "https://github.com/umijs/umi-request/issues/299",
        ],
    },
    Entry {
        code: 9_002_327,
        name: None,
        meaning: "The redirect URI is one of a single-page application, but a server redeemed the code (the request has no Origin).",
        who: Operator,
        remedy: Operate,
        hint: "the redirect URI is registered as single-page application: move it to platform Web (broker mode) or Mobile and desktop applications (relay mode)",
        portal: Do(
            "App registrations → the app that signs people in → Authentication: delete the redirect URI under Single-page application, add it under Web (broker mode) or Mobile and desktop applications (relay mode)",
        ),
        command: MOVE_REDIRECT_URI,
        row: Some(12),
        sources: &[
            REPLY_URL,
            "https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/2482",
        ],
    },
];
