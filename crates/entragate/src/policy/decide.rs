//! The decision: [`Principal`] and message in, [`Permit`] or the reason against it out.

use std::sync::Arc;

use super::call::{Arguments, Call, Message};
use super::condition::Unmet;
use super::index::Index;
use super::rule::{Rule, USES_OF_RESOURCES};
use super::uri;
use crate::idp::entra::groups::Unread;
use crate::principal::{Kind, Permit, Principal};

/// Methods that set up, end or list; they show nothing that the lists' filter does not judge, and blocking
/// one by accident would break every client (TR-26). A rule with `methods` can still restrict them.
const ALWAYS_ALLOWED: [&str; 13] = [
    "initialize",
    "ping",
    "server/discover",
    "logging/setLevel",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "subscriptions/listen",
    "tasks/get",
    "tasks/result",
    "tasks/update",
    "tasks/cancel",
];

/// The rules of one resource.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    index: Index,
    implied: Vec<(String, Vec<String>)>,
    has_conditions: bool,
}

/// Why a call may not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denial {
    /// Signing in again cannot help: another role is needed, or no rule names the call.
    Forbidden(Forbidden),
    /// Signing in again for `wanted` would help (RFC 6750 §3.1 `insufficient_scope`): what is missing, and what
    /// the caller already had, or the next token would lack that.
    /// `in_vain`: what to say to the call that lacks them, once it is known that signing in again brings nothing.
    InsufficientScope { missing: Vec<String>, wanted: Vec<String>, in_vain: Box<Forbidden> },
}

/// One call of the message that the caller may not make, whatever the client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forbidden {
    /// Empty where there is no message: the stream that a GET opens, the end of a session.
    pub(crate) method: String,
    pub(crate) target: Option<String>,
    pub(crate) reason: Reason,
    /// The rule that decided, counted from one.
    pub(crate) rule: Option<usize>,
}

/// Why nothing that a client can do would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No rule names the call.
    NoRule,
    /// One of these roles would do.
    Roles(Vec<String>),
    /// Membership in one of these groups would do.
    Groups(Vec<String>),
    /// One of some groups would do, and nobody knows whether the caller is in one.
    GroupsUnread(Unread),
    /// The rule is for users, or needs delegated scopes, which a program signing in as itself cannot have.
    UserNeeded,
    /// The rule is for programs in their own name.
    AppNeeded,
    /// The rule names callers of this kind, and this one is not among them.
    NotNamed(Kind),
    /// Callers of one of these tenants may.
    Tenants(Vec<String>),
    /// One of these clients would do.
    Clients(Vec<String>),
    /// Signing in again did not bring these scopes.
    ScopesNotGranted(Vec<String>),
    /// The arguments, or what else the rule's condition reads, are not as it says.
    Condition(Unmet),
    /// The MCP server could read another URI than the rules do.
    AmbiguousUri,
    /// A URI of so many bytes is not judged.
    LongUri(usize),
}

/// Whether a caller sees an item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Shown,
    Hidden,
    /// On groups that nobody has asked for yet.
    DependsOnGroups,
}

/// Whether there is anything that a person who signs in may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    Welcome,
    /// A scope that every call needs is missing.
    NoScope(Vec<String>),
    /// Every rule that is for them asks for one of these roles.
    NoRole(Vec<String>),
    /// Every rule is for others.
    NotNamed,
}

/// What decides about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decider {
    /// There are no rules, so that everything is allowed.
    NoRules,
    /// Nothing but the protocol: it sets up, lists, ends, or answers.
    Protocol,
    /// The rule at this place, counted from zero.
    Rule(usize),
    /// No rule names it.
    NoRule,
    /// Different ones, depending on how its URI is read.
    AmbiguousUri,
    /// None, because its URI is too long to be judged.
    LongUri,
}

impl Reason {
    /// Whether asking for the caller's groups could change it.
    pub(super) const fn depends_on_groups(&self) -> bool {
        matches!(self, Self::GroupsUnread(Unread::NotAsked))
    }
}

impl Forbidden {
    fn new(call: &Call, reason: Reason, decider: Decider) -> Self {
        let rule = if let Decider::Rule(at) = decider { Some(at + 1) } else { None };
        Self { method: call.method().to_owned(), target: call.target().map(str::to_owned), reason, rule }
    }

    /// Whether it is about this call, or about something that the call makes use of.
    pub(super) fn is_of(&self, call: &Call) -> bool {
        call.with_uses().any(|used| used.method() == self.method && used.target() == self.target.as_deref())
    }
}

impl Policy {
    /// Rules in the order in which they are asked.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let rules: Vec<Rule> = rules.into_iter().collect();
        let has_conditions = rules.iter().any(|rule| rule.condition().is_some());
        Self { index: Index::new(&rules), rules, implied: Vec::new(), has_conditions }
    }

    /// States that `scope` includes the `narrower` ones (a server must account for scope hierarchies,
    /// MCP 2026-07-28, step-up authorization).
    #[must_use]
    pub fn scope_implies(mut self, scope: impl Into<String>, narrower: Vec<String>) -> Self {
        self.implied.push((scope.into(), narrower));
        self
    }

    /// Whether there is nothing to judge.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Judges every call of the message; one refused call refuses the whole batch.
    pub(crate) fn decide(
        &self,
        principal: &Principal,
        message: &Arc<Message>,
        baseline_scopes: &[String],
    ) -> Result<Permit, Denial> {
        match self.denial(principal, message, baseline_scopes) {
            None => Ok(Permit::new(principal.clone(), Arc::clone(message))),
            Some(denial) => Err(denial),
        }
    }

    pub(super) fn denial(
        &self,
        principal: &Principal,
        message: &Message,
        baseline_scopes: &[String],
    ) -> Option<Denial> {
        if principal.is_development() {
            return None;
        }
        // All scopes that the message needs go into one challenge, not one after the other.
        let mut missing: Vec<String> = Vec::new();
        if principal.kind() == Kind::User {
            missing.extend(self.missing_scopes(principal, baseline_scopes));
        }
        let mut lacking = message.calls().first().filter(|_| !missing.is_empty());
        let mut unsure = None;
        for call in message.calls().iter().flat_map(Call::with_uses) {
            let scopes = match self.judge(principal, call) {
                Ok(scopes) => scopes,
                // Nobody was asked because the message is refused anyway: for another call of the batch, which is named
                // then, or for a scope.
                Err(forbidden) if forbidden.reason.depends_on_groups() => {
                    unsure = unsure.or(Some(forbidden));
                    self.scopes_missing_for(principal, call)
                }
                Err(forbidden) => return Some(Denial::Forbidden(forbidden)),
            };
            if !scopes.is_empty() {
                lacking = lacking.or(Some(call));
                missing.extend(scopes);
            }
        }
        if missing.is_empty() {
            return unsure.map(Denial::Forbidden);
        }
        let missing = unique(missing);
        let known = baseline_scopes.iter().chain(principal.scopes()).cloned();
        let wanted = unique(known.chain(missing.iter().cloned()));
        let reason = Reason::ScopesNotGranted(missing.clone());
        let in_vain = match lacking {
            Some(call) => Forbidden::new(call, reason, self.decider(call)),
            None => Forbidden { method: String::new(), target: None, reason, rule: None },
        };
        Some(Denial::InsufficientScope { missing, wanted, in_vain: Box::new(in_vain) })
    }

    /// Whether a sign-in is worth anything: a person who may call nothing learns it at once, with the role that is
    /// missing, and not from an empty list of tools.
    pub(crate) fn admits(&self, principal: &Principal, baseline_scopes: &[String]) -> Admission {
        let missing = self.missing_scopes(principal, baseline_scopes);
        if !missing.is_empty() {
            return Admission::NoScope(missing);
        }
        // Not the client: the token is the gate's own, whose client comes later.
        let is_for_them = |rule: &&Rule| rule.callers().refuse_person(principal).is_none();
        let mut open = self.rules.iter().filter(is_for_them).peekable();
        if self.rules.is_empty() || open.clone().any(|rule| rule.has_one_of_the_roles(principal)) {
            return Admission::Welcome;
        }
        if open.peek().is_none() {
            return Admission::NotNamed;
        }
        Admission::NoRole(unique(open.flat_map(|rule| rule.required_roles().iter().cloned())))
    }

    /// Whether the caller sees a listed tool, prompt or resource: not what would be refused whatever scope was added.
    pub(crate) fn sight(&self, principal: &Principal, method: &str, target: &str) -> Sight {
        if principal.is_development() {
            return Sight::Shown;
        }
        match self.judge(principal, &Call::probe(method, target)) {
            Ok(_) => Sight::Shown,
            Err(forbidden) if forbidden.reason.depends_on_groups() => Sight::DependsOnGroups,
            Err(_) => Sight::Hidden,
        }
    }

    /// The scopes still missing, or why nothing would help.
    fn judge(&self, principal: &Principal, call: &Call) -> Result<Vec<String>, Forbidden> {
        let decider = self.decider(call);
        let judged = match decider {
            Decider::NoRules | Decider::Protocol => Ok(Vec::new()),
            Decider::NoRule => Err(Reason::NoRule),
            Decider::AmbiguousUri => Err(Reason::AmbiguousUri),
            Decider::LongUri => Err(Reason::LongUri(call.target().map_or(0, str::len))),
            Decider::Rule(at) => match self.rules.get(at) {
                Some(rule) => self.judge_rule(principal, rule, call.arguments()),
                None => Err(Reason::NoRule),
            },
        };
        judged.map_err(|reason| Forbidden::new(call, reason, decider))
    }

    /// What decides, whoever calls.
    pub(super) fn decider(&self, call: &Call) -> Decider {
        if self.rules.is_empty() {
            return Decider::NoRules;
        }
        if call.is_response() {
            return Decider::Protocol;
        }
        let method = call.method();
        let first = self.index.first(call);
        if USES_OF_RESOURCES.contains(&method)
            && let Some(uri) = call.target()
        {
            if uri.len() > uri::LONGEST {
                return Decider::LongUri;
            }
            if !(uri::is_plain(uri) && self.index.reads_alike(call, uri, first)) {
                return Decider::AmbiguousUri;
            }
        }
        if let Some(at) = first {
            return Decider::Rule(at);
        }
        let is_open = ALWAYS_ALLOWED.contains(&method) || method.starts_with("notifications/");
        if is_open { Decider::Protocol } else { Decider::NoRule }
    }

    fn scopes_missing_for(&self, principal: &Principal, call: &Call) -> Vec<String> {
        let rule = if let Decider::Rule(at) = self.decider(call) { self.rules.get(at) } else { None };
        self.missing_scopes(principal, rule.map(Rule::required_scopes).unwrap_or_default())
    }

    /// The scopes that a rule's calls still miss, or why nothing would help.
    pub(super) fn judge_rule(
        &self,
        principal: &Principal,
        rule: &Rule,
        arguments: &Arguments,
    ) -> Result<Vec<String>, Reason> {
        if let Some(reason) = rule.callers().refuse(principal) {
            return Err(reason);
        }
        if !rule.has_one_of_the_roles(principal) {
            return Err(Reason::Roles(rule.required_roles().to_vec()));
        }
        let missing = self.missing_scopes(principal, rule.required_scopes());
        if !missing.is_empty() && principal.kind() == Kind::Application {
            return Err(Reason::UserNeeded);
        }
        // Before groups, for which somebody may have to be asked, and before a sign-in that would be in vain.
        if let Some(condition) = rule.condition() {
            condition.judge(principal, arguments).map_err(Reason::Condition)?;
        }
        let groups = rule.required_groups();
        if !groups.is_empty() && !principal.is_in_one_of(groups).map_err(Reason::GroupsUnread)? {
            return Err(Reason::Groups(groups.to_vec()));
        }
        Ok(missing)
    }

    /// The message with those of its arguments that conditions read.
    pub(crate) fn reading(&self, message: Message, body: &[u8]) -> Message {
        if !self.has_conditions {
            return message;
        }
        let reads = |call: &Call| match self.decider(call) {
            Decider::Rule(at) => self.rules.get(at).and_then(Rule::condition).is_some(),
            _ => false,
        };
        message.reading_arguments(body, reads)
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Every group that a rule names.
    pub(crate) fn groups(&self) -> impl Iterator<Item = String> {
        self.rules.iter().flat_map(|rule| rule.required_groups().iter().cloned())
    }

    /// Whether the decision about this message depends on groups of the caller that nobody has asked for yet, and on
    /// nothing else.
    pub(crate) fn depends_on_groups(
        &self,
        principal: &Principal,
        message: &Message,
        baseline_scopes: &[String],
    ) -> bool {
        let denial = || self.denial(principal, message, baseline_scopes);
        principal.has_unasked_groups()
            && matches!(denial(), Some(Denial::Forbidden(forbidden)) if forbidden.reason.depends_on_groups())
    }

    /// Those of `scopes` that the caller lacks.
    pub(super) fn missing_scopes(&self, principal: &Principal, scopes: &[String]) -> Vec<String> {
        scopes.iter().filter(|scope| !self.grants(principal, scope)).cloned().collect()
    }

    /// Whether the scope is there or included in one that is, over as many steps as were stated.
    fn grants(&self, principal: &Principal, scope: &str) -> bool {
        if principal.has_scope(scope) {
            return true;
        }
        let mut have: Vec<&str> = principal.scopes().iter().map(String::as_str).collect();
        let mut at = 0;
        while let Some(&wide) = have.get(at) {
            at += 1;
            let included = self.implied.iter().filter(|(name, _)| name == wide).flat_map(|(_, all)| all);
            for narrower in included {
                if !have.contains(&narrower.as_str()) {
                    have.push(narrower);
                }
            }
        }
        have.contains(&scope)
    }
}

/// Every scope once, in the order in which it came.
pub(super) fn unique(scopes: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for scope in scopes {
        if !unique.contains(&scope) {
            unique.push(scope);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::principal::Identity;

    fn principal(kind: Kind, roles: &[&str], scopes: &[&str]) -> Principal {
        Principal::new(identity(kind, roles, scopes))
    }

    fn identity(kind: Kind, roles: &[&str], scopes: &[&str]) -> Identity {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        Identity {
            kind,
            object_id: "o".into(),
            tenant_id: "t".into(),
            client_id: "c".into(),
            username: None,
            email: None,
            roles: owned(roles),
            scopes: owned(scopes),
            groups: Vec::new(),
            groups_overage: false,
            agent_blueprint: None,
            token_id: None,
            issued_at: None,
            ends_at: Timestamp::from_unix(u64::MAX),
            expires_at: Timestamp::from_unix(u64::MAX),
        }
    }

    fn in_too_many_groups(roles: &[&str]) -> Principal {
        Principal::new(Identity { groups_overage: true, ..identity(Kind::User, roles, &["access"]) })
    }

    fn call(method: &str, params: &str) -> Message {
        Message::parse(
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#).as_bytes(),
        )
        .unwrap()
    }

    fn tool(name: &str) -> Message {
        call("tools/call", &format!(r#"{{"name":"{name}"}}"#))
    }

    fn admin_guard() -> Policy {
        Policy::new([Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])])
    }

    fn allowed(policy: &Policy, who: &Principal, message: Message) -> bool {
        policy.decide(who, &Arc::new(message), &[]).is_ok()
    }

    #[test]
    fn the_first_rule_that_names_the_call_decides() {
        let (admin, user) =
            (principal(Kind::User, &["Admin"], &["access"]), principal(Kind::User, &["User"], &["access"]));
        assert!(allowed(&admin_guard(), &admin, tool("admin_delete")));
        assert!(!allowed(&admin_guard(), &user, tool("admin_delete")));
        assert!(allowed(&admin_guard(), &user, tool("whoami")));
    }

    #[test]
    fn once_there_is_a_rule_everything_unnamed_is_refused() {
        let policy = Policy::new([Rule::tools(["whoami"])]);
        let user = principal(Kind::User, &["User"], &["access"]);
        for refused in [
            tool("other"),
            call("prompts/get", r#"{"name":"p"}"#),
            call("resources/read", r#"{"uri":"u"}"#),
            call("x/new", "{}"),
            call("tools/call", "{}"),
        ] {
            assert!(!allowed(&policy, &user, refused));
        }
        for open in ["initialize", "ping", "tools/list", "server/discover", "notifications/cancelled"] {
            assert!(allowed(&policy, &user, call(open, "{}")), "{open}");
        }
        assert!(allowed(&Policy::default(), &user, call("x/new", "{}")));
    }

    #[test]
    fn a_batch_with_one_forbidden_call_is_refused_whole() {
        let body = br#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"admin_delete"}}]"#;
        let user = principal(Kind::User, &["User"], &["access"]);
        assert!(admin_guard().decide(&user, &Arc::new(Message::parse(body).unwrap()), &[]).is_err());
    }

    #[test]
    fn missing_scopes_are_challenged_together_and_a_wider_scope_is_enough() {
        let policy = Policy::new([Rule::tools(["*"]).scopes(["write", "audit"])]);
        let baseline = ["access".to_owned()];
        let user = principal(Kind::User, &[], &["access"]);
        let denial = policy.decide(&user, &Arc::new(tool("x")), &baseline).unwrap_err();
        let Denial::InsufficientScope { missing, wanted, in_vain } = denial else { panic!("{denial:?}") };
        assert_eq!(
            (missing, wanted.join(" ")),
            (vec!["write".into(), "audit".into()], "access write audit".into())
        );
        assert_eq!((in_vain.target, in_vain.rule), (Some("x".into()), Some(1)));
        let wide = policy.scope_implies("admin", vec!["access".into(), "write".into(), "audit".into()]);
        assert!(
            wide.decide(&principal(Kind::User, &[], &["admin"]), &Arc::new(tool("x")), &baseline).is_ok()
        );
    }

    #[test]
    fn groups_are_asked_for_only_where_they_decide() {
        let policy = Policy::new([
            Rule::tools(["admin_*"]).roles(["Admin"]).groups(["g"]),
            Rule::tools(["deploy_*"]).and_resources(["file:///*"]).groups(["g"]),
            Rule::tools(["*"]).and_methods(["x/open"]),
            Rule::tools(["late"]).groups(["g"]),
        ]);
        let overage = in_too_many_groups(&["User"]);
        let batch = |methods: [&str; 2]| {
            let call = |method: &str| {
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"deploy_x"}}}}"#)
            };
            Message::parse(format!("[{},{}]", call(methods[0]), call(methods[1])).as_bytes()).unwrap()
        };
        for (message, depends) in [
            (tool("deploy_x"), true),
            (tool("whoami"), false),
            (tool("admin_x"), false),
            // An earlier rule decides.
            (tool("late"), false),
            (call("tools/list", "{}"), false),
            (call("resources/read", r#"{"uri":"file:///x"}"#), true),
            (call("resources/read", r#"{"uri":"file:///../x"}"#), false),
            (call("prompts/get", r#"{"name":"deploy_x"}"#), false),
            (batch(["tools/call", "x/open"]), true),
            (batch(["tools/call", "x/unnamed"]), false),
            (Message::Empty, false),
        ] {
            assert_eq!(policy.depends_on_groups(&overage, &message, &[]), depends, "{message:?}");
            assert!(!policy.depends_on_groups(&principal(Kind::User, &[], &[]), &message, &[]));
        }
        // Of a batch that is refused without asking, the call is named that is refused.
        let denial = policy.decide(&overage, &Arc::new(batch(["tools/call", "x/unnamed"])), &[]).unwrap_err();
        assert!(matches!(denial, Denial::Forbidden(Forbidden { reason: Reason::NoRule, .. })), "{denial:?}");
        assert_eq!(policy.sight(&overage, "tools/call", "deploy_x"), Sight::DependsOnGroups);
        assert_eq!(policy.sight(&overage, "tools/call", "admin_x"), Sight::Hidden);
        assert_eq!(policy.sight(&overage, "tools/call", "late"), Sight::Shown);
    }

    #[test]
    fn a_missing_scope_comes_before_groups_that_nobody_has_asked_for() {
        let policy = Policy::new([Rule::tools(["*"]).groups(["g"]).scopes(["write"])]);
        let overage = in_too_many_groups(&[]);
        for (baseline, missing) in [(&[][..], &["write"][..]), (&["read".to_owned()], &["read", "write"])] {
            assert!(!policy.depends_on_groups(&overage, &tool("x"), baseline));
            let denial = policy.decide(&overage, &Arc::new(tool("x")), baseline).unwrap_err();
            assert!(
                matches!(&denial, Denial::InsufficientScope { missing: all, .. } if all == missing),
                "{denial:?}"
            );
        }
        // A list shows no name because of a scope that is missing: whether the caller may see it is for the groups to say.
        assert_eq!(policy.sight(&overage, "tools/call", "x"), Sight::DependsOnGroups);
        // Whoever is known not to be a member is not sent to sign in in vain.
        let outsider = overage.with_groups(Ok(Arc::new([])));
        let denial = policy.decide(&outsider, &Arc::new(tool("x")), &[]).unwrap_err();
        assert!(
            matches!(denial, Denial::Forbidden(Forbidden { reason: Reason::Groups(_), .. })),
            "{denial:?}"
        );
        // A program cannot get the scope, whatever its groups are.
        let program =
            Principal::new(Identity { groups_overage: true, ..identity(Kind::Application, &[], &[]) });
        assert!(!policy.depends_on_groups(&program, &tool("x"), &[]));
    }

    #[test]
    fn a_program_is_not_sent_to_sign_in_for_delegated_scopes() {
        let policy = Policy::new([Rule::tools(["*"]).scopes(["write"])]);
        let program = principal(Kind::Application, &["Tools.All"], &[]);
        let denial = policy.decide(&program, &Arc::new(tool("x")), &["access".to_owned()]).unwrap_err();
        assert!(matches!(denial, Denial::Forbidden(Forbidden { reason: Reason::UserNeeded, .. })));
    }
}
