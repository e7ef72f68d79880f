//! The rules as a table: what each names, for whom it is, and what nobody can ever do.

use serde::Serialize;

use super::callers::Named;
use super::decide::Policy;
use super::rule::Rule;
use crate::idp::entra::registration::{ClientId, Guid};

/// One rule, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleExplanation {
    /// Method and pattern, such as `tools/call admin_*`.
    pub names: Vec<String>,
    /// Whom it is for: all of these must be true.
    pub callers: Vec<String>,
    /// What must be true of the arguments and the caller, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Why nobody can ever make the call, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nobody: Option<String>,
}

impl Policy {
    /// Every rule, in the order in which they are asked. `tenant`: the one whose tokens are accepted, if it is known.
    pub fn explain(&self, tenant: Option<&str>) -> Vec<RuleExplanation> {
        let rules = self.rules();
        let explained = |(at, rule): (usize, &Rule)| {
            let earlier = rules.get(..at).unwrap_or_default();
            RuleExplanation {
                names: rule.patterns(),
                callers: callers(rule),
                when: rule.condition().map(|condition| condition.source().to_owned()),
                nobody: nobody(rule, earlier, tenant),
            }
        };
        rules.iter().enumerate().map(explained).collect()
    }
}

fn callers(rule: &Rule) -> Vec<String> {
    let stated = rule.callers();
    let users = named(&stated.users, "a signed-in user", "user", Guid::as_str);
    let apps = named(&stated.apps, "a program in its own name", "program", ClientId::as_str);
    let tenants: Vec<&str> = stated.tenants.iter().map(Guid::as_str).collect();
    let kinds: Vec<String> = users.into_iter().chain(apps).collect();
    let lists = [
        (!kinds.is_empty()).then(|| kinds.join(", or ")),
        one_of("tenant", &tenants),
        one_of("client", &stated.clients),
        one_of("app role", rule.required_roles()),
        one_of("group", rule.required_groups()),
        (!rule.required_scopes().is_empty()).then(|| format!("scope {}", rule.required_scopes().join(" "))),
    ];
    let all: Vec<String> = lists.into_iter().flatten().collect();
    if all.is_empty() { vec!["anybody signed in".to_owned()] } else { all }
}

fn named<T>(these: &Named<T>, any: &str, one: &str, id: impl Fn(&T) -> &str) -> Option<String> {
    match these {
        Named::Unstated => None,
        Named::Any => Some(any.to_owned()),
        Named::These(all) => one_of(one, &all.iter().map(id).collect::<Vec<_>>()),
    }
}

fn one_of<S: AsRef<str>>(what: &str, names: &[S]) -> Option<String> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("{what} {one}")),
        all => Some(format!("{what} {}", all.join(" or "))),
    }
}

fn nobody(rule: &Rule, earlier: &[Rule], tenant: Option<&str>) -> Option<String> {
    let stated = rule.callers();
    if rule.is_never_asked(earlier) {
        return Some("earlier rules name all that it names".to_owned());
    }
    if let Some(pattern) = rule.without_arguments() {
        return Some(format!("`{pattern}` has no arguments for its condition to read"));
    }
    // Whatever else can never be true would have to be found out; this is what somebody writes who means nobody.
    if rule.condition().is_some_and(|condition| condition.source().trim() == "false") {
        return Some("its condition is `false`".to_owned());
    }
    if stated.apps.is_stated() && !stated.users.is_stated() && !rule.required_scopes().is_empty() {
        return Some("it is for programs, and programs in their own name have no scopes".to_owned());
    }
    let tenant = tenant.filter(|_| !stated.tenants.is_empty())?;
    let is_ours = stated.tenants.iter().any(|one| one.as_str().eq_ignore_ascii_case(tenant));
    (!is_ours).then(|| format!("only tokens of tenant {tenant} are accepted"))
}
