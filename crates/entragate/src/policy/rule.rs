//! A rule: these tools, prompts, resources or methods are for these callers, who need one of these roles and all of these
//! scopes.

use super::callers::{Callers, Named};
use super::condition::Condition;
use super::glob::Glob;
use super::uri;
use crate::idp::entra::registration::{ClientId, Guid};
use crate::principal::Principal;

/// The methods that act on a resource.
pub(super) const USES_OF_RESOURCES: [&str; 3] =
    ["resources/read", "resources/subscribe", "resources/unsubscribe"];

/// One line of policy. Rules are read in order and the first that names the call decides; once there is a
/// rule, a tool, prompt or resource that no rule names is refused.
///
/// ```
/// use entragate::Rule;
/// // The admin guard: tools whose name begins with `admin_` are for the app role Admin, the rest for anybody signed in.
/// let rules = [Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])];
/// # let _ = rules;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    tools: Vec<Glob>,
    prompts: Vec<Glob>,
    resources: Vec<Glob>,
    methods: Vec<Glob>,
    roles: Vec<String>,
    groups: Vec<String>,
    scopes: Vec<String>,
    callers: Callers,
    condition: Option<Condition>,
}

impl Rule {
    /// A rule for tools by name (`tools/call`).
    pub fn tools<I: IntoIterator<Item = G>, G: Into<Glob>>(names: I) -> Self {
        Self::default().and_tools(names)
    }

    /// A rule for JSON-RPC methods by name, e.g. `completion/complete`.
    pub fn methods<I: IntoIterator<Item = G>, G: Into<Glob>>(names: I) -> Self {
        Self::default().and_methods(names)
    }

    /// A rule for prompts by name (`prompts/get`).
    pub fn prompts<I: IntoIterator<Item = G>, G: Into<Glob>>(names: I) -> Self {
        Self::default().and_prompts(names)
    }

    /// A rule for resources by URI (`resources/read`, `resources/subscribe`).
    pub fn resources<I: IntoIterator<Item = G>, G: Into<Glob>>(uris: I) -> Self {
        Self::default().and_resources(uris)
    }

    /// Adds tools to the rule.
    #[must_use]
    pub fn and_tools<I: IntoIterator<Item = G>, G: Into<Glob>>(mut self, names: I) -> Self {
        self.tools.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds methods to the rule.
    #[must_use]
    pub fn and_methods<I: IntoIterator<Item = G>, G: Into<Glob>>(mut self, names: I) -> Self {
        self.methods.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds prompts to the rule.
    #[must_use]
    pub fn and_prompts<I: IntoIterator<Item = G>, G: Into<Glob>>(mut self, names: I) -> Self {
        self.prompts.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds resources to the rule.
    #[must_use]
    pub fn and_resources<I: IntoIterator<Item = G>, G: Into<Glob>>(mut self, uris: I) -> Self {
        self.resources.extend(uris.into_iter().map(Into::into));
        self
    }

    /// Demands one of these app roles.
    #[must_use]
    pub fn roles<I: IntoIterator<Item = S>, S: Into<String>>(mut self, roles: I) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Demands membership in one of these groups, by object id, beside the roles if there are any. Groups are in the token
    /// if the API app emits them (`groupMembershipClaims`); of whoever is in more than 200, they are read from Microsoft
    /// Graph ([`crate::GateBuilder::graph_groups`]) or the rule refuses.
    #[must_use]
    pub fn groups<I: IntoIterator<Item = S>, S: Into<String>>(mut self, groups: I) -> Self {
        self.groups.extend(groups.into_iter().map(|group| group.into().to_ascii_lowercase()));
        self
    }

    /// Demands all of these delegated scopes, by short name.
    #[must_use]
    pub fn scopes<I: IntoIterator<Item = S>, S: Into<String>>(mut self, scopes: I) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Demands that the caller is of one of these tenants.
    #[must_use]
    pub fn tenants(mut self, tenants: impl IntoIterator<Item = Guid>) -> Self {
        self.callers.tenants.extend(tenants);
        self
    }

    /// Demands one of these users, by object id; a program only if [`Self::apps`] or [`Self::any_app`] names it.
    #[must_use]
    pub fn users(mut self, users: impl IntoIterator<Item = Guid>) -> Self {
        self.callers.users = self.callers.users.and(users);
        self
    }

    /// Demands a signed-in user, whoever it is; a program only if [`Self::apps`] or [`Self::any_app`] names it.
    #[must_use]
    pub fn any_user(mut self) -> Self {
        self.callers.users = Named::Any;
        self
    }

    /// Demands one of these programs in their own name, by application (client) id (`azp`, `appid`); a user only if
    /// [`Self::users`] or [`Self::any_user`] names it.
    #[must_use]
    pub fn apps(mut self, apps: impl IntoIterator<Item = ClientId>) -> Self {
        self.callers.apps = self.callers.apps.and(apps);
        self
    }

    /// Demands a program in its own name, whichever it is; a user only if [`Self::users`] or [`Self::any_user`] names it.
    #[must_use]
    pub fn any_app(mut self) -> Self {
        self.callers.apps = Named::Any;
        self
    }

    /// Demands one of these clients, as [`Principal::client_id`] names them: the client app's id in Entra's own tokens; in
    /// those of broker mode, the id of a configured client or the URL of a client's document. A client that registers
    /// itself gets another id each time. The client is what somebody chose to use and proves little about them: this
    /// keeps honest clients apart.
    #[must_use]
    pub fn clients<I: IntoIterator<Item = S>, S: Into<String>>(mut self, clients: I) -> Self {
        self.callers.clients.extend(clients.into_iter().map(Into::into));
        self
    }

    /// Demands that this holds for the arguments of the call. Of several conditions the last one counts.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Whether the rule names anything at all.
    pub fn is_empty(&self) -> bool {
        [&self.tools, &self.prompts, &self.resources, &self.methods].iter().all(|globs| globs.is_empty())
    }

    /// What the rule names, each with the method that uses it.
    pub fn patterns(&self) -> Vec<String> {
        let named = |(methods, globs): (&[&str], &Vec<Glob>)| {
            let method = methods.first().map(|method| format!("{method} ")).unwrap_or_default();
            globs.iter().map(|glob| format!("{method}{}", glob.as_str())).collect::<Vec<_>>()
        };
        self.globs().into_iter().flat_map(named).collect()
    }

    /// Patterns by the methods whose targets they name; methods themselves have none.
    pub(super) fn globs(&self) -> [(&'static [&'static str], &Vec<Glob>); 4] {
        [
            (&["tools/call"], &self.tools),
            (&["prompts/get"], &self.prompts),
            (&USES_OF_RESOURCES, &self.resources),
            (&[], &self.methods),
        ]
    }

    pub(super) fn resources_named(&self) -> impl Iterator<Item = &Glob> {
        self.resources.iter()
    }

    /// Resources whose pattern no URI matches that is let through: with dot segments, backslashes or control characters.
    pub fn unreachable_resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(Glob::as_str).filter(|pattern| !uri::is_plain_pattern(pattern))
    }

    /// What must hold for the arguments.
    pub const fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// A pattern of calls that have no arguments, although the rule's condition reads them: nobody could ever make one.
    pub fn without_arguments(&self) -> Option<&str> {
        self.condition.as_ref().filter(|condition| condition.reads_arguments())?;
        let has_arguments =
            |method: &&Glob| ["tools/call", "prompts/get"].iter().any(|one| method.matches(one));
        let method = self.methods.iter().find(|method| !has_arguments(method));
        self.resources.first().or(method).map(Glob::as_str)
    }

    /// The app roles of which a caller needs one.
    pub fn required_roles(&self) -> &[String] {
        &self.roles
    }

    /// The groups of which one is demanded.
    pub fn required_groups(&self) -> &[String] {
        &self.groups
    }

    /// The delegated scopes that are all demanded, by short name.
    pub fn required_scopes(&self) -> &[String] {
        &self.scopes
    }

    pub(super) const fn callers(&self) -> &Callers {
        &self.callers
    }

    pub(super) fn has_one_of_the_roles(&self, principal: &Principal) -> bool {
        self.roles.is_empty() || self.roles.iter().any(|role| principal.has_role(role))
    }
}
