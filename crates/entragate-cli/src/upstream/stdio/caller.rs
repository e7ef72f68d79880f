//! Who a session is for, and how its process is told.
//!
//! A process has no headers, so it is told once, in its environment. That is sound because a session belongs to
//! one caller, and because one whose caller is told differently later (another client, other roles) is over.

use entragate::Principal;

/// A caller as a process knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    tenant_id: String,
    object_id: String,
    told: Vec<(&'static str, String)>,
}

/// Who shares a limit: the caller, whatever client they use.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Person(String, String);

impl Person {
    /// Development mode, in which nobody is told apart.
    pub(super) fn is_nobody(&self) -> bool {
        self.1.is_empty()
    }

    #[cfg(test)]
    pub(super) fn named(object_id: &str) -> Self {
        Self("t".to_owned(), object_id.to_owned())
    }
}

/// Every variable that a stdio server can be told by.
pub const CALLER_VARIABLES: [&str; 6] = [
    "ENTRAGATE_CALLER_OBJECT_ID",
    "ENTRAGATE_CALLER_TENANT_ID",
    "ENTRAGATE_CALLER_CLIENT_ID",
    "ENTRAGATE_CALLER_USERNAME",
    "ENTRAGATE_CALLER_EMAIL",
    "ENTRAGATE_CALLER_ROLES",
];

impl Caller {
    /// What is known of the caller. Groups are left out: they may not be in the token, and a list of them may be
    /// longer than an environment takes.
    pub(super) fn of(principal: &Principal) -> Self {
        let (tenant_id, object_id) = (principal.tenant_id().to_owned(), principal.object_id().to_owned());
        let values = [
            object_id.clone(),
            tenant_id.clone(),
            principal.client_id().to_owned(),
            principal.username().unwrap_or_default().to_owned(),
            principal.email().unwrap_or_default().to_owned(),
            list(principal.roles()),
        ];
        // Absent information is an absent variable, and no variable can hold a NUL.
        let told = CALLER_VARIABLES.into_iter().zip(values);
        let told = told.filter(|(_, value)| !value.is_empty() && !value.contains(char::is_control)).collect();
        Self { tenant_id, object_id, told }
    }

    #[cfg(test)]
    pub(super) fn nobody() -> Self {
        Self { tenant_id: String::new(), object_id: String::new(), told: Vec::new() }
    }

    pub(super) fn person(&self) -> Person {
        Person(self.tenant_id.clone(), self.object_id.clone())
    }

    pub(super) fn object_id(&self) -> &str {
        &self.object_id
    }

    /// The variables of the process.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.told.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// Sorted, because Entra promises no order; comma-separated; `%` and `,` within a member are percent-encoded, as in the identity headers.
fn list(members: &[String]) -> String {
    let members = members.iter().filter(|member| !member.is_empty());
    let mut encoded: Vec<String> =
        members.map(|member| member.replace('%', "%25").replace(',', "%2C")).collect();
    encoded.sort_unstable();
    encoded.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_list_survive_splitting_at_commas_and_have_one_order() {
        let members = ["a,b".to_owned(), "Admin".to_owned(), String::new(), "100%".to_owned()];
        assert_eq!(list(&members), "100%25,Admin,a%2Cb");
    }
}
