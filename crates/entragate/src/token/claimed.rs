//! What the claims must say, each check with its own reason ([Microsoft: access tokens, validation]).
//!
//! [Microsoft: access tokens, validation]: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens

use std::collections::HashSet;
use std::time::Duration;

use super::refused::{Refused, shown};
use super::step::Step;
use crate::clock::Timestamp;
use crate::idp::entra::claims::Claims;
use crate::idp::entra::endpoints::Endpoints;
use crate::json::without_values;
use crate::principal::{Identity, Kind, Principal};

/// Clock skew tolerated on `exp`, `nbf` and `iat`.
pub(crate) const SKEW: Duration = Duration::from_secs(60);

/// Entra dates `iat` and `nbf` back by so much, against clocks that are slow: its tokens of an hour say that they last 65
/// minutes.
const BACKDATED: Duration = Duration::from_secs(300);

/// A payload and what it is compared with.
pub(crate) struct Claimed<'a> {
    pub(crate) claims: Claims,
    endpoints: &'a Endpoints,
    audiences: &'a HashSet<String>,
    now: Timestamp,
}

impl<'a> Claimed<'a> {
    pub(crate) fn read(
        payload: &str,
        endpoints: &'a Endpoints,
        audiences: &'a HashSet<String>,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        let claims = serde_json::from_str(payload).map_err(|error| unreadable(&error))?;
        Ok(Self { claims, endpoints, audiences, now })
    }
}

/// What the claims must say, in the order in which it is asked.
pub(crate) fn steps<'a>() -> [Step<Claimed<'a>>; 9] {
    [
        Step {
            check: "tenant_ambiguous",
            found: |_| "how often `tid` is there".to_owned(),
            judge: check_single_tid,
        },
        Step { check: "issuer", found: |claimed| shown(&claimed.claims.iss), judge: check_issuer },
        Step {
            check: "tenant",
            found: |claimed| claimed.claims.tid.as_deref().map_or_else(|| "no `tid`".to_owned(), shown),
            judge: check_tenant,
        },
        Step {
            check: "audience",
            found: |claimed| {
                let all: Vec<&str> = claimed.claims.aud.iter().collect();
                if all.is_empty() { "no `aud`".to_owned() } else { shown(&all.join(" ")) }
            },
            judge: check_audience,
        },
        Step {
            check: "expired",
            found: |claimed| format!("ends {}", Timestamp::from_unix(claimed.claims.exp)),
            judge: check_expired,
        },
        Step {
            check: "not_yet_valid",
            found: |claimed| format!("begins {}", Timestamp::from_unix(claimed.claims.nbf)),
            judge: check_begun,
        },
        Step {
            check: "id_token",
            found: |claimed| match claimed.claims.client() {
                Some(client) => format!("issued to client {}", shown(client)),
                None => "issued to no client (neither `azp` nor `appid`)".to_owned(),
            },
            judge: |claimed| client(&claimed.claims).map(drop),
        },
        Step {
            check: "no_permission",
            found: |claimed| {
                let Claims { scp, roles, idtyp, .. } = &claimed.claims;
                let scp = scp.as_deref().map_or_else(|| "none".to_owned(), shown);
                let roles = if roles.is_empty() { "none".to_owned() } else { shown(&roles.join(" ")) };
                let idtyp = idtyp.as_deref().map(|idtyp| format!(", idtyp {}", shown(idtyp)));
                format!("scp {scp}, roles {roles}{}", idtyp.unwrap_or_default())
            },
            judge: |claimed| kind(&claimed.claims).map(drop),
        },
        Step {
            check: "object_id",
            found: |claimed| claimed.claims.oid.as_deref().map_or_else(|| "no `oid`".to_owned(), shown),
            judge: |claimed| object_id(&claimed.claims).map(drop),
        },
    ]
}

fn unreadable(error: &serde_json::Error) -> Refused {
    Refused::Claims(shown(&without_values(error)))
}

/// Another parser could take the one in another spelling for the tenant. `tid` itself twice is no claims at all.
fn check_single_tid(claimed: &Claimed<'_>) -> Result<(), Refused> {
    if claimed.claims.has_misspelt_tid { Err(Refused::AmbiguousTenant) } else { Ok(()) }
}

/// One of the tenant's two issuers (row 8 of docs/incompatibilities).
fn check_issuer(claimed: &Claimed<'_>) -> Result<(), Refused> {
    let Claimed { claims, endpoints, .. } = claimed;
    let is_ours = claims.iss == endpoints.issuer_v2 || Some(&claims.iss) == endpoints.issuer_v1.as_ref();
    if is_ours { Ok(()) } else { Err(Refused::Issuer(shown(&claims.iss))) }
}

/// `tid` agrees with the issuer.
fn check_tenant(claimed: &Claimed<'_>) -> Result<(), Refused> {
    match claimed.claims.tid.as_deref() {
        Some(tid) if tid == claimed.endpoints.tenant_guid => Ok(()),
        other => Err(Refused::Tenant(shown(other.unwrap_or("(none)")))),
    }
}

fn check_audience(claimed: &Claimed<'_>) -> Result<(), Refused> {
    let aud = &claimed.claims.aud;
    if aud.names_graph() {
        return Err(Refused::Graph);
    }
    if aud.iter().any(|aud| claimed.audiences.contains(aud)) {
        return Ok(());
    }
    Err(Refused::Audience(shown(aud.iter().next().unwrap_or_default())))
}

fn check_expired(claimed: &Claimed<'_>) -> Result<(), Refused> {
    let exp = Timestamp::from_unix(claimed.claims.exp);
    if claimed.now >= exp.plus(SKEW) {
        return Err(Refused::Expired(claimed.now.since(exp).as_secs()));
    }
    Ok(())
}

fn check_begun(claimed: &Claimed<'_>) -> Result<(), Refused> {
    let Claimed { claims, now, .. } = claimed;
    for not_before in [Some(claims.nbf), claims.iat].into_iter().flatten() {
        let not_before = Timestamp::from_unix(not_before);
        if now.plus(SKEW) < not_before {
            return Err(Refused::NotYet(not_before.since(*now).as_secs()));
        }
    }
    Ok(())
}

/// An ID token may name our app in `aud` and carry its roles, but no client it was issued to.
fn client(claims: &Claims) -> Result<&str, Refused> {
    claims.client().filter(|_| !claims.looks_like_id_token()).ok_or(Refused::IdToken)
}

fn scopes(claims: &Claims) -> Vec<String> {
    if claims.idtyp.as_deref() == Some("app") { Vec::new() } else { claims.scopes() }
}

fn kind(claims: &Claims) -> Result<Kind, Refused> {
    match (scopes(claims).is_empty(), claims.roles.is_empty(), claims.idtyp.as_deref()) {
        (false, _, _) => Ok(Kind::User),
        // No delegated permission: a program, and then only with an app role of its own.
        (true, false, Some("app") | None) => Ok(Kind::Application),
        _ => Err(Refused::NoPermission),
    }
}

fn object_id(claims: &Claims) -> Result<&str, Refused> {
    claims.oid.as_deref().filter(|oid| !oid.is_empty()).ok_or(Refused::NoObjectId)
}

/// The caller that these claims describe. Whether they may be believed is for the steps to say.
pub(crate) fn principal(claims: &Claims) -> Result<Principal, Refused> {
    let client_id = client(claims)?.to_owned();
    let kind = kind(claims)?;
    Ok(Principal::new(Identity {
        kind,
        object_id: object_id(claims)?.to_owned(),
        tenant_id: claims.tid.clone().unwrap_or_default(),
        client_id,
        username: claims.username().map(str::to_owned),
        email: claims.email.clone(),
        roles: claims.roles.clone(),
        scopes: scopes(claims),
        groups: claims.groups.clone(),
        groups_overage: claims.has_group_overage(),
        agent_blueprint: claims.agent_blueprint().map(shown),
        token_id: claims.uti.clone(),
        issued_at: Some(Timestamp::from_unix(claims.iat.unwrap_or(claims.nbf)).plus(BACKDATED)),
        ends_at: Timestamp::from_unix(claims.exp),
        expires_at: Timestamp::from_unix(claims.exp).plus(SKEW),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_tenant_is_found_however_it_is_spelt() {
        let claims = |more: &str| {
            serde_json::from_str::<Claims>(&format!(r#"{{"iss":"i","aud":"a","exp":2,"nbf":1,{more}}}"#))
        };
        for (more, is_misspelt) in [
            (r#""tid":"a","oid":"{\"TID\":1}","xms_sub_fct":{"TID":"b"}"#, false),
            (r#""\u0074id":"a","tids":["TID"]"#, false),
            (r#""tid":"a","TID":"b""#, true),
            (r#""tid":"a","Tid":null"#, true),
            (r#""tId":["b"],"tid":"a""#, true),
            (r#""tid":"a","tiD":1"#, true),
            (r#""tid":"a","TId":{}"#, true),
            (r#""tid":"a","TiD":true"#, true),
            (r#""tid":"a","\u0074\u0049D":"b""#, true),
        ] {
            assert_eq!(claims(more).unwrap().has_misspelt_tid, is_misspelt, "{more}");
        }
        for more in [r#""tid":"a","tid":"a""#, r#""tid":"a","\u0074id":"b""#, r#""TID":"a","Tid":"a""#] {
            let error = claims(more).unwrap_err().to_string();
            assert!(error.starts_with("duplicate field"), "{more}: {error}");
        }
    }

    #[test]
    fn a_claim_of_the_wrong_type_is_named_by_place_and_never_repeated() {
        for (payload, says) in [
            (r#"{"exp":"alice@contoso.com"}"#, "claims: expected u64 at line 1 column"),
            (r#"{"exp":"alice@contoso.com, expected alice@contoso.com"}"#, "claims: expected u64 at line 1"),
            (r#"{"roles":[{"alice@contoso.com":1}]}"#, "claims: expected a string at line 1 column"),
            (r#"{"roles":"alice@contoso.com"}"#, "claims: expected a sequence at line 1 column"),
            (r#"{"aud":{"alice@contoso.com":1}}"#, "claims: data did not match any variant of untagged enum"),
            (r#"{"upn":"alice@contoso.com"}"#, "claims: missing field `iss` at line 1 column"),
            (r#"{"upn":"alice@contoso.com"#, "claims: EOF while parsing a string at line 1 column"),
            (r#"{"upn":"alice@contoso.com" x"#, "claims: expected `,` or `}` at line 1 column"),
        ] {
            let error = serde_json::from_str::<Claims>(payload).expect_err("claims that Entra never issues");
            let line = unreadable(&error).to_string();
            assert!(line.starts_with(says), "{payload}: {line}");
            assert!(!line.contains("alice"), "{line}");
        }
    }
}
