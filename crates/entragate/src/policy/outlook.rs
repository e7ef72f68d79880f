//! What the rules would let a caller do, rule by rule: the same judgement as a call gets, without a call.

use serde::Serialize;

use super::decide::{Policy, Reason};
use crate::principal::{Kind, Principal};

/// What a caller may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outlook {
    /// Scopes that every call needs and the caller lacks: each call is answered 403 `insufficient_scope`.
    pub missing_scopes: Vec<String>,
    /// The rules in the order in which they are asked; without rules everything is allowed.
    pub rules: Vec<RuleOutlook>,
}

/// What one rule says about the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleOutlook {
    /// Method and pattern, such as `tools/call admin_*`.
    pub names: Vec<String>,
    /// Whether the caller may.
    pub allowed: bool,
    /// What is missing, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
}

impl Policy {
    /// What the rules would let this caller do.
    pub(crate) fn outlook(&self, who: &Principal, baseline_scopes: &[String]) -> Outlook {
        let missing_scopes = match who.kind() {
            Kind::User => self.missing_scopes(who, baseline_scopes),
            _ => Vec::new(),
        };
        let rules = self.rules().iter().map(|rule| {
            let needs = match self.judge_rule(who, rule) {
                Ok(missing) if missing.is_empty() => None,
                Ok(missing) => Some(format!("needs scope {}", missing.join(" "))),
                Err(reason) => Some(words(&reason)),
            };
            RuleOutlook { names: rule.patterns(), allowed: needs.is_none(), needs }
        });
        Outlook { missing_scopes, rules: rules.collect() }
    }
}

fn words(reason: &Reason) -> String {
    match reason {
        Reason::NoRule => "named by no rule".to_owned(),
        Reason::Roles(roles) => match roles.as_slice() {
            [role] => format!("needs app role {role}"),
            roles => format!("needs one of the app roles {}", roles.join(", ")),
        },
        Reason::Groups(groups) => match groups.as_slice() {
            [group] => format!("needs membership in group {group}"),
            groups => format!("needs membership in one of the groups {}", groups.join(", ")),
        },
        Reason::GroupsUnread(_) => {
            "depends on groups, which are too many for the token: the gateway reads them from Microsoft Graph, or refuses".to_owned()
        }
        Reason::UserNeeded => "needs a signed-in user".to_owned(),
        Reason::ScopesNotGranted(scopes) => format!("needs scope {}", scopes.join(" ")),
    }
}
