//! `/me`, `/users` and `/groups`: read only, with the memberships that resolve a group overage.

use http::Method;
use serde_json::{Value, json};

use super::call::{Call, Called, check_id};
use super::error::GraphError;
use super::key::{Key, Path};
use super::{assignment, body, query};
use crate::directory::{Group, Principal, PrincipalKind, User};

const READ_USERS: [&str; 5] = [
    "User.Read.All",
    "User.ReadBasic.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Directory.AccessAsUser.All",
];
const READ_GROUPS: [&str; 5] = [
    "GroupMember.Read.All",
    "Group.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Directory.AccessAsUser.All",
];
/// Enough for one's own object.
const READ_ME: [&str; 6] = [
    "User.Read",
    "User.Read.All",
    "User.ReadBasic.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Directory.AccessAsUser.All",
];

pub(super) fn answer(call: &Call<'_>, path: &Path) -> Called {
    match (path.collection.as_str(), &path.key) {
        ("me", key) => {
            let user = call.caller.user.clone().ok_or_else(GraphError::not_delegated)?;
            let key = key.iter().map(|key| key.text().to_owned());
            let rest: Vec<String> = key.chain(path.rest.iter().cloned()).collect();
            of_user(call, &user, &rest, &READ_ME)
        }
        ("users", None) => {
            check_get(call)?;
            call.caller.may_read(&READ_USERS)?;
            let items = users(call).map(user_json).collect();
            call.page(
                "users",
                items,
                &["id", "userPrincipalName", "displayName", "mail", "givenName", "surname"],
            )
        }
        ("users", Some(key)) => {
            let user = user(call, key);
            let own =
                call.caller.user.as_ref().zip(user).is_some_and(|(caller, user)| caller.oid == user.oid);
            let permissions: &[&str] = if own { &READ_ME } else { &READ_USERS };
            let enough = call.caller.has(permissions) || own && call.caller.has(&READ_GROUPS);
            if !enough {
                return Err(GraphError::denied());
            }
            let user = user.ok_or_else(|| GraphError::not_found(key.text()))?;
            of_user(call, user, &path.rest, permissions)
        }
        (_, key) => groups(call, key.as_ref(), &path.rest),
    }
}

fn check_get(call: &Call<'_>) -> Result<(), GraphError> {
    if call.method() == Method::GET { Ok(()) } else { Err(GraphError::no_method()) }
}

fn users<'a>(call: &'a Call<'_>) -> impl Iterator<Item = &'a User> {
    call.directory().users.iter().filter(|user| user.tenant == call.caller.tenant)
}

fn user<'a>(call: &'a Call<'_>, key: &Key) -> Option<&'a User> {
    let text = key.text();
    users(call).find(|user| user.oid.eq_ignore_ascii_case(text) || user.upn.eq_ignore_ascii_case(text))
}

fn of_user(call: &Call<'_>, user: &User, rest: &[String], permissions: &[&str]) -> Called {
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (call.method(), rest.as_slice()) {
        (&Method::GET, []) => {
            may(call, permissions)?;
            call.entity("users", &user_json(user))
        }
        (&Method::POST, ["getMemberObjects" | "getMemberGroups"]) => {
            may_resolve(call, permissions)?;
            member_ids(call, user)
        }
        (&Method::GET, ["memberOf"]) => {
            may_resolve(call, permissions)?;
            let direct = call.directory().groups.iter().filter(|group| group.members.contains(&user.name));
            let unlisted = call.directory().unlisted_group_ids(user).into_iter().map(|id| unlisted_json(&id));
            let items = direct.map(|group| typed(group_json(group))).chain(unlisted).collect();
            call.page("directoryObjects", items, &["id", "displayName"])
        }
        (&Method::GET, ["transitiveMemberOf"]) => {
            may_resolve(call, permissions)?;
            let ids = call.directory().group_ids(user);
            let item = |id: &String| {
                let group = call.directory().groups.iter().find(|group| group.id == *id);
                group.map_or_else(|| unlisted_json(id), |group| typed(group_json(group)))
            };
            call.page("directoryObjects", ids.iter().map(item).collect(), &["id", "displayName"])
        }
        (_, ["appRoleAssignments", rest @ ..]) => {
            call.caller.may_read_apps().or_else(|_| call.caller.may_read(&READ_USERS))?;
            assignment::of_principal(call, &user.oid, rest)
        }
        (_, [segment, ..]) => Err(GraphError::no_segment(segment)),
        (_, []) => Err(GraphError::no_method()),
    }
}

fn may(call: &Call<'_>, permissions: &[&str]) -> Result<(), GraphError> {
    if call.caller.has(permissions) { Ok(()) } else { Err(GraphError::denied()) }
}

/// An app needs to read users and their memberships; somebody signed in may look at the own ones.
fn may_resolve(call: &Call<'_>, permissions: &[&str]) -> Result<(), GraphError> {
    let directory = ["Directory.Read.All", "Directory.ReadWrite.All", "Directory.AccessAsUser.All"];
    if call.caller.has(&directory) || permissions == READ_ME && call.caller.has(&READ_ME) {
        return Ok(());
    }
    may(call, permissions)?;
    may(call, &READ_GROUPS)
}

/// Transitive, and all of them at once: this is what replaces the claim that did not fit the token.
fn member_ids(call: &Call<'_>, user: &User) -> Called {
    let body = body::object(call.exchange)?;
    let only = body.get("securityEnabledOnly").ok_or_else(|| GraphError::missing("securityEnabledOnly"))?;
    body::flag("securityEnabledOnly", only)?;
    Ok(query::values(call, "Edm.String", &call.directory().group_ids(user)))
}

fn groups(call: &Call<'_>, key: Option<&Key>, rest: &[String]) -> Called {
    let filterable = ["id", "displayName", "securityEnabled", "mailEnabled"];
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let Some(key) = key else {
        check_get(call)?;
        call.caller.may_read(&READ_GROUPS)?;
        let items = call.directory().groups.iter().map(group_json).collect();
        return call.page("groups", items, &filterable);
    };
    check_id(key.text())?;
    let find = || {
        let found = call.directory().groups.iter().find(|group| group.id.eq_ignore_ascii_case(key.text()));
        found.ok_or_else(|| GraphError::not_found(key.text()))
    };
    match (call.method(), rest.as_slice()) {
        (&Method::GET, []) => {
            call.caller.may_read(&READ_GROUPS)?;
            call.entity("groups", &group_json(find()?))
        }
        (&Method::GET, ["members"]) => {
            call.caller.may_read(&READ_GROUPS)?;
            let group = find()?;
            let named = group.members.iter().chain(&group.groups);
            let members = named.filter_map(|name| call.directory().principal_called(name));
            call.page("directoryObjects", members.map(|member| principal_json(&member)).collect(), &["id"])
        }
        (_, ["appRoleAssignments", rest @ ..]) => {
            call.caller.may_read_apps().or_else(|_| call.caller.may_read(&READ_GROUPS))?;
            assignment::of_principal(call, &find()?.id, rest)
        }
        (_, [segment, ..]) => Err(GraphError::no_segment(segment)),
        (_, []) => Err(GraphError::no_method()),
    }
}

fn user_json(user: &User) -> Value {
    json!({
        "businessPhones": [],
        "displayName": user.display_name,
        "givenName": user.given_name,
        "jobTitle": null,
        "mail": user.upn,
        "mobilePhone": null,
        "officeLocation": null,
        "preferredLanguage": null,
        "surname": user.family_name,
        "userPrincipalName": user.upn,
        "id": user.oid,
        "accountEnabled": !user.disabled,
        "userType": if user.home_tenant.is_some() { "Guest" } else { "Member" },
    })
}

fn group_json(group: &Group) -> Value {
    named_group(&group.id, &group.name)
}

fn named_group(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "deletedDateTime": null,
        "description": null,
        "displayName": name,
        "groupTypes": [],
        "mail": null,
        "mailEnabled": false,
        "securityEnabled": true,
    })
}

/// One of the groups that only make a user have many.
fn unlisted_json(id: &str) -> Value {
    typed(named_group(id, &format!("Group {}", &id[..8])))
}

fn typed(mut group: Value) -> Value {
    group["@odata.type"] = "#microsoft.graph.group".into();
    group
}

/// A user, group or app in a list of all kinds.
pub(super) fn principal_json(principal: &Principal) -> Value {
    let kind = match principal.kind {
        PrincipalKind::User => "user",
        PrincipalKind::Group => "group",
        PrincipalKind::ServicePrincipal => "servicePrincipal",
    };
    json!({
        "@odata.type": format!("#microsoft.graph.{kind}"),
        "id": principal.id,
        "displayName": principal.display_name,
    })
}
