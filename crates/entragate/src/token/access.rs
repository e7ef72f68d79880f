//! What the rules would let the bearer of a token do. Where that depends on groups that are not in the token, Microsoft Graph
//! is asked as the gate asks it for a call, once for the report.

use crate::gate::{Audience, Resource};
use crate::policy::outlook::{Access, Outlook};
use crate::principal::Principal;

/// Whether the gate would go on to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    Yes,
    No,
}

/// What the rules say, and how it came about.
pub(super) struct TokenAccess {
    pub(super) outlook: Outlook,
    pub(super) note: Option<String>,
    /// The caller, with what was found out about their groups.
    pub(super) who: Principal,
}

/// The outlook, and what is worth knowing about how it came about.
pub(super) async fn access_of(
    resource: &Resource,
    audience: &Audience,
    who: &Principal,
    accepted: Accepted,
) -> TokenAccess {
    let (entra, baseline) = (&audience.entra, audience.api.required_scopes());
    let outlook = |who: &Principal| resource.policy.outlook(who, baseline);
    let unasked = outlook(who);
    let depends = unasked.rules.iter().any(|rule| rule.access == Access::AsksGraph);
    if !depends {
        return TokenAccess { outlook: unasked, note: None, who: who.clone() };
    }
    if let Some(why) = entra.groups.refuses_to_ask(who) {
        let who = who.with_groups(Err(why));
        return TokenAccess { outlook: outlook(&who), note: None, who };
    }
    if accepted == Accepted::No {
        return TokenAccess { outlook: unasked, note: None, who: who.clone() };
    }
    if entra.keyring.is_saved() {
        let note = "Microsoft Graph was not asked for the groups, because with saved keys nobody is asked. Without saved keys it is.";
        return TokenAccess { outlook: unasked, note: Some(note.to_owned()), who: who.clone() };
    }
    let found = entra.groups.look(who).await;
    let note = match &found {
        Ok(groups) => {
            let all: Vec<&str> = groups.iter().map(String::as_str).collect();
            let which = if all.is_empty() { "none".to_owned() } else { all.join(" ") };
            format!(
                "Microsoft Graph was asked, as the gateway asks it. Of the groups that rules name, the user is in: {which}."
            )
        }
        Err(unread) if unread.is_open() => format!(
            "Microsoft Graph was asked from here, as the gateway asks it, and told no groups: {unread}. While it is the same for the gateway, it refuses."
        ),
        Err(unread) => {
            format!("Microsoft Graph was asked, as the gateway asks it, and told no groups: {unread}.")
        }
    };
    let who = who.with_groups(found);
    TokenAccess { outlook: outlook(&who), note: Some(note), who }
}
