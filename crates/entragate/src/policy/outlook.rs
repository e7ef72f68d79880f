//! What the rules would let a caller do, rule by rule: the same judgement as a call gets, without a call.

use serde::Serialize;

use super::call::Arguments;
use super::decide::{Policy, Reason, unique};
use super::rule::Rule;
use crate::principal::{Kind, Principal};

/// What a caller may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outlook {
    /// Whether there is anything that the caller may do, besides what sets up, lists and ends.
    pub overall: Access,
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
    pub access: Access,
    /// What is missing, or what the arguments must be, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
}

/// Whether a caller may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// They may.
    Allowed,
    /// They may not.
    Refused,
    /// The gate asks Microsoft Graph for their groups, which are too many for the token, and then decides.
    AsksGraph,
    /// The rule is never asked: earlier ones name all that it names.
    NeverAsked,
}

impl Policy {
    /// What the rules would let this caller do.
    pub(crate) fn outlook(&self, who: &Principal, baseline_scopes: &[String]) -> Outlook {
        let missing_scopes = match who.kind() {
            Kind::User => self.missing_scopes(who, baseline_scopes),
            _ => Vec::new(),
        };
        let rules: Vec<RuleOutlook> =
            (0..self.rules().len()).filter_map(|at| self.rule_outlook(who, at, &missing_scopes)).collect();
        let has = |access| rules.iter().any(|rule| rule.access == access);
        let overall = if !missing_scopes.is_empty() {
            Access::Refused
        } else if rules.is_empty() || has(Access::Allowed) {
            Access::Allowed
        } else if has(Access::AsksGraph) {
            Access::AsksGraph
        } else {
            Access::Refused
        };
        Outlook { overall, missing_scopes, rules }
    }

    /// `everywhere`: the scopes that each call lacks, whichever rule names it.
    fn rule_outlook(&self, who: &Principal, at: usize, everywhere: &[String]) -> Option<RuleOutlook> {
        let (earlier, rest) = self.rules().split_at_checked(at)?;
        let rule = rest.first()?;
        let (access, needs) = if rule.is_never_asked(earlier) {
            (Access::NeverAsked, Some("never asked: an earlier rule names it".to_owned()))
        } else {
            self.access(who, rule, everywhere)
        };
        Some(RuleOutlook { names: rule.patterns(), access, needs })
    }

    fn access(&self, who: &Principal, rule: &Rule, everywhere: &[String]) -> (Access, Option<String>) {
        let missing = self.missing_scopes(who, rule.required_scopes());
        let missing = unique(everywhere.iter().cloned().chain(missing));
        match self.judge_rule(who, rule, &Arguments::Unknown) {
            Ok(_) if missing.is_empty() => (Access::Allowed, only_when(rule)),
            Ok(_) => (Access::Refused, Some(words(&Reason::ScopesNotGranted(missing)))),
            Err(Reason::GroupsUnread(unread)) => {
                let needs = words(&Reason::Groups(rule.required_groups().to_vec()));
                if !unread.is_open() {
                    (Access::Refused, Some(format!("{needs}, which is not known: {unread}")))
                } else if missing.is_empty() {
                    (
                        Access::AsksGraph,
                        Some(format!("{needs}, for which the gateway would ask Microsoft Graph")),
                    )
                } else {
                    let scopes = words(&Reason::ScopesNotGranted(missing));
                    (Access::Refused, Some(format!("{scopes}, and {needs}")))
                }
            }
            Err(reason) => (Access::Refused, Some(words(&reason))),
        }
    }
}

/// What the arguments must be, when the caller is right.
fn only_when(rule: &Rule) -> Option<String> {
    let condition = rule.condition().filter(|condition| condition.reads_arguments())?;
    Some(format!("when {}", condition.source()))
}

fn words(reason: &Reason) -> String {
    match reason {
        Reason::NoRule => "named by no rule".to_owned(),
        Reason::AmbiguousUri => "needs a URI that reads in one way".to_owned(),
        Reason::LongUri(_) => "needs a shorter URI".to_owned(),
        Reason::Roles(roles) => match roles.as_slice() {
            [role] => format!("needs app role {role}"),
            roles => format!("needs one of the app roles {}", roles.join(", ")),
        },
        Reason::Groups(groups) => match groups.as_slice() {
            [group] => format!("needs membership in group {group}"),
            groups => format!("needs membership in one of the groups {}", groups.join(", ")),
        },
        Reason::GroupsUnread(unread) => format!("depends on groups, which are not known: {unread}"),
        Reason::UserNeeded => "needs a signed-in user".to_owned(),
        Reason::AppNeeded => "needs a program in its own name".to_owned(),
        Reason::NotNamed(Kind::Application) => "is for other programs".to_owned(),
        Reason::NotNamed(_) => "is for other users".to_owned(),
        Reason::Tenants(tenants) => format!("is for callers of tenant {}", tenants.join(", ")),
        Reason::Condition(unmet) => format!("needs {}", unmet.condition),
        Reason::Clients(clients) => format!("needs the client {}", clients.join(", ")),
        Reason::ScopesNotGranted(scopes) => format!("needs scope {}", scopes.join(" ")),
    }
}
