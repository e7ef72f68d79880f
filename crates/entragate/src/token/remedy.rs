//! What to do about a refused token: advice is data, next to the checks that it is about.

use std::time::Duration;

use super::refused::{Refused, shown};
use crate::idp::entra::claims::Claims;
use crate::idp::entra::registration::{ApiApp, is_guid};

/// What advice depends on.
pub(super) struct About<'a> {
    pub(super) api: &'a ApiApp,
    /// The configured tenant: its GUID where it is known.
    pub(super) tenant: String,
    pub(super) authority: &'a str,
    /// The client and the kind of token, once the claims are read.
    pub(super) client: Option<String>,
    pub(super) idtyp: Option<String>,
}

impl<'a> About<'a> {
    pub(super) fn new(api: &'a ApiApp, tenant: String, authority: &'a str) -> Self {
        Self { api, tenant, authority, client: None, idtyp: None }
    }

    pub(super) fn claims(&mut self, claims: &Claims) {
        self.client = claims.client().map(shown);
        self.idtyp.clone_from(&claims.idtyp);
    }

    fn scope(&self) -> String {
        self.api.qualified_scopes().join(" ")
    }

    /// What is worth knowing about something that is accepted.
    pub(super) fn remark(&self, check: &str, found: &str) -> Option<String> {
        let version = "the manifest of the API app: api.requestedAccessTokenVersion = 2 makes new tokens v2";
        match check {
            "issuer" if !found.ends_with("/v2.0") => {
                Some(format!("A v1 token, accepted. To have v2 tokens, set {version}."))
            }
            "audience" if found != self.api.id().as_str() && !found.contains(' ') => Some(format!(
                "The form that v1 tokens have, accepted: it is an Application ID URI of the API app. v2 tokens have its client id. See {version}."
            )),
            _ => None,
        }
    }

    /// What to do.
    pub(super) fn remedy(&self, refused: &Refused) -> String {
        let scope = self.scope();
        let text = match refused {
            Refused::Header => {
                "Send `Authorization: Bearer` and the token, nothing else; check that the whole token was pasted, without quotes, line breaks or spaces in it."
            }
            Refused::TooLong(_) => {
                "No token of Entra is that long. Check what was pasted; if the token carries many groups, let the API app emit only groups that are assigned to it (groupMembershipClaims: ApplicationGroup)."
            }
            Refused::Encrypted => {
                "Remove tokenEncryptionKeyId from the API app registration (portal: App registrations, the API app, Token encryption), then sign in again."
            }
            Refused::Malformed(_) => {
                "Paste the whole access_token: three parts with a dot between them. Refresh tokens and codes are not for this server; a token that begins with `ega_` is opened by the gateway in broker mode that issued it."
            }
            Refused::Algorithm(_) => {
                "Entra signs with RS256. This token comes from another issuer, or somebody changed it: sign in again."
            }
            Refused::Type(_) => {
                "This token is for another purpose. Send the access_token of the token response."
            }
            Refused::Critical | Refused::AmbiguousTenant => {
                "Entra issues no such token: find out who made it."
            }
            Refused::NoKeyId => {
                "Entra's tokens name their key. This token comes from another issuer: sign in again."
            }
            Refused::Graph => {
                return format!(
                    "The client asked for Microsoft Graph, or for a scope without this API's name in front. Ask for `{scope}`, and for one resource at a time."
                );
            }
            Refused::UnknownKey(_) => {
                return format!(
                    "Another tenant's, another cloud's or a personal account's key, or one that Entra has withdrawn: sign in again with a work account of tenant {}. Against a saved key set: save the keys again, Entra may have rotated them.",
                    self.tenant
                );
            }
            Refused::KeyIssuer { .. } => {
                return format!(
                    "The key signs for somebody else, for example for personal Microsoft accounts. Sign in with a work account of tenant {}.",
                    self.tenant
                );
            }
            Refused::KeyCloud(_) => {
                return format!(
                    "The key belongs to another cloud than {}: set AZURE_AUTHORITY_HOST to the cloud of the tenant, or sign in there.",
                    self.authority
                );
            }
            Refused::Signature(_) => {
                "The token was changed or cut off, or it is for Microsoft Graph, which only Graph can verify. Copy it again, or sign in again."
            }
            Refused::Claims(_) => {
                "Entra issues no such access token: find out who made it. A claim of the wrong type is never taken for an absent one."
            }
            Refused::Issuer(issuer) => return self.wrong_issuer(issuer),
            Refused::Tenant(tid) => {
                return format!(
                    "`tid` {tid} and the configured tenant {} differ. Sign in with an account of the configured tenant, or correct AZURE_TENANT_ID.",
                    self.tenant
                );
            }
            Refused::Audience(audience) => return self.wrong_audience(audience),
            Refused::IdToken => "Send the access_token of the token response, not the id_token.",
            Refused::Expired(ago) => {
                return format!(
                    "It ended {} ago: get a new one (clients do it with their refresh token). If it is fresh, the clocks differ: correct this computer's.",
                    long(*ago)
                );
            }
            Refused::NotYet(seconds) => {
                return format!(
                    "It begins in {}: compare this computer's clock with the time, Entra's is right.",
                    long(*seconds)
                );
            }
            Refused::NoPermission => return self.no_permission(),
            Refused::NoObjectId => "Entra's access tokens have `oid`: find out who made this one.",
            Refused::NotSealedHere => {
                "It was issued by another gateway, or the seal keys were changed since (state.keys, state.directory, BASE_URL): sign in again."
            }
            Refused::Resource(_) => "It is for another MCP server of the same gateway: sign in for this one.",
            Refused::Revoked => "Its sign-in was ended, or the store lost its memory: sign in again.",
        };
        text.to_owned()
    }

    /// Without the optional claim `idtyp` nobody can tell whether a program or a person came without permission.
    fn no_permission(&self) -> String {
        let user = format!(
            "The token of a user needs a scope: expose one on the API app (Expose an API), grant it to the client app, and let the client ask for `{}`.",
            self.scope()
        );
        let program = "The token of a program needs an app role: create one on the API app with allowedMemberTypes Application, add it to the client app (API permissions, Application permissions) and grant admin consent. `scp` \"/\" of an agent identity is not a scope.";
        match self.idtyp.as_deref() {
            Some("app") => program.to_owned(),
            Some("user") => user,
            _ => format!("{user} {program}"),
        }
    }

    fn wrong_issuer(&self, issuer: &str) -> String {
        let tenant = issuer.split('/').map(str::to_ascii_lowercase).find(|part| is_guid(part));
        match tenant {
            Some(other) if other != self.tenant => format!(
                "Issued by tenant {other}, and the configured tenant is {}. Sign in with an account of the configured tenant, or correct AZURE_TENANT_ID.",
                self.tenant
            ),
            Some(_) => format!(
                "The tenant is right, and this is not one of its issuers at {}: a token of another cloud (then correct AZURE_AUTHORITY_HOST), or somebody made it up.",
                self.authority
            ),
            None => format!(
                "Not an issuer of Entra for one tenant. Sign in with a work account of tenant {}.",
                self.tenant
            ),
        }
    }

    fn wrong_audience(&self, audience: &str) -> String {
        let (id, scope) = (self.api.id(), self.scope());
        if self.client.as_deref() == Some(audience) || (self.client.is_none() && is_guid(audience)) {
            return format!(
                "For the client itself or another app: probably the id_token, or a token that was asked for without a scope of this API. Send the access_token, and ask for `{scope}`."
            );
        }
        if audience.contains("://") {
            return format!(
                "If `{audience}` is an Application ID URI of the API app {id}, name it in ENTRAGATE_ENTRA_IDENTIFIER_URIS; a v1 token has such an audience. Else the token is for another API: ask for `{scope}`."
            );
        }
        format!(
            "The token is for another API. Ask for `{scope}`, or correct AZURE_CLIENT_ID (`client_id` of a route with an API app of its own), which is {id}."
        )
    }
}

/// A time for people: at most two units.
fn long(seconds: u64) -> String {
    let seconds = Duration::from_secs(seconds).as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in units {
        if rest >= size && parts.len() < 2 {
            parts.push(format!("{} {name}", rest / size));
        }
        rest %= size;
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_at_most_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (3600, "1 h"),
            (3661, "1 h 1 min"),
            (90_061, "1 d 1 h"),
            (86_401, "1 d 1 s"),
        ] {
            assert_eq!(long(seconds), text);
        }
    }
}
