//! An API that asks for a token in the name of its caller.

use super::source::{CODES, ON_BEHALF_OF};
use super::step::{NO_COMMAND, NO_SETTING, NOTHING_TO_SET, ONLY_THE_PERSON};
use crate::aadsts::Entry;
use crate::aadsts::Remedy::{Client, Configure, SignInAgain};
use crate::aadsts::Step::Do;
use crate::aadsts::Who::{Administrator, Developer, Person};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 50013,
        name: Some("InvalidAssertion"),
        meaning: "The token that stands for a user is not one of Entra's for this app, or has expired.",
        who: Developer,
        remedy: Client,
        hint: "an assertion that stands for a user was not issued for this app or not by Entra. The client must present a token that Entra issued for the API app",
        portal: NO_SETTING,
        command: NO_COMMAND,
        row: None,
        sources: &[CODES, ON_BEHALF_OF],
    },
    Entry {
        code: 500_131,
        name: None,
        meaning: "The token that stands for a user was issued for another app than the one that presents it.",
        who: Developer,
        remedy: Client,
        hint: "an assertion that stands for a user needs the audience of the app that presents it. The client must get a token for that app and present it",
        portal: NO_SETTING,
        command: Do(
            r#"az ad app show --id '{api}' --query "{id:appId,uris:identifierUris}" # one of them must be the token's audience"#,
        ),
        row: None,
        sources: &[
            ON_BEHALF_OF,
            "https://github.com/OfficeDev/microsoft-teams-apps-company-communicator/issues/214",
        ],
    },
    Entry {
        code: 500_133,
        name: None,
        meaning: "The token that stands for a user expired.",
        who: Person,
        remedy: SignInAgain,
        hint: "an assertion that stands for a user expired. Sign in again in the application, which then presents a new token",
        portal: NOTHING_TO_SET,
        command: ONLY_THE_PERSON,
        row: None,
        sources: &[CODES, ON_BEHALF_OF],
    },
    Entry {
        code: 7_000_114,
        name: None,
        meaning: "The app may not ask on behalf of users.",
        who: Administrator,
        remedy: Configure,
        hint: "this app may not ask on behalf of users: use the API app's registration for it",
        portal: Do(
            "App registrations → the API app (on behalf of takes an app of your own with a credential)",
        ),
        command: Do("az ad app show --id '{api}' --query signInAudience"),
        row: None,
        sources: &[CODES, ON_BEHALF_OF],
    },
    Entry {
        code: 240_002,
        name: Some("RequiredClaimIsMissing"),
        meaning: "An ID token was presented where an access token belongs.",
        who: Developer,
        remedy: Client,
        hint: "present the access token on behalf of the user, not the ID token",
        portal: NO_SETTING,
        command: NO_COMMAND,
        row: None,
        sources: &[CODES, ON_BEHALF_OF],
    },
    Entry {
        code: 90016,
        name: Some("MissingRequiredClaim"),
        meaning: "The token that was presented lacks a claim that is needed.",
        who: Developer,
        remedy: Client,
        hint: "the token that was presented lacks a required claim: get one with a sign-in of the user",
        portal: NO_SETTING,
        command: NO_COMMAND,
        row: None,
        sources: &[CODES],
    },
];
