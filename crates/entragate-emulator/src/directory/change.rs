//! What an administrator may do to the directory while the emulator runs.

use super::{App, Assignment, Directory, Secret, User, UserConsent};

/// Why a change of the directory was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The directory has no such user.
    #[error("no user is called `{0}`")]
    UnknownUser(String),
    /// The directory has no such group.
    #[error("no group is called `{0}`")]
    UnknownGroup(String),
    /// The directory has no such app.
    #[error("no app is called `{0}`")]
    UnknownApp(String),
    /// Neither a user nor a group nor an app.
    #[error("no user, group or app is called `{0}`")]
    UnknownPrincipal(String),
    /// The app has no such role.
    #[error("app `{app}` has no role `{role}`")]
    UnknownRole {
        /// The app.
        app: String,
        /// The role asked for.
        role: String,
    },
    /// There is nothing to take away; what comes by way of a group is the group's.
    #[error("`{principal}` itself has no such assignment on app `{app}`")]
    NotAssigned {
        /// The app.
        app: String,
        /// Who should have had it.
        principal: String,
    },
}

impl Directory {
    pub(crate) fn disable_user(&mut self, user: &str, disabled: bool) -> Result<(), ChangeError> {
        self.user_mut(user)?.disabled = disabled;
        Ok(())
    }

    /// A second time changes nothing.
    pub(crate) fn assign(
        &mut self,
        app: &str,
        principal: &str,
        role: Option<&str>,
    ) -> Result<(), ChangeError> {
        let assignment = self.assignment(app, principal, role)?;
        let assignments = &mut self.app_mut(app)?.assignments;
        if !assignments.contains(&assignment) {
            assignments.push(assignment);
        }
        Ok(())
    }

    pub(crate) fn unassign(
        &mut self,
        app: &str,
        principal: &str,
        role: Option<&str>,
    ) -> Result<(), ChangeError> {
        let gone = self.assignment(app, principal, role)?;
        // An app may hold its assignment by id.
        let id = self.app(principal).map(|app| app.id.clone());
        let app = self.app_mut(app)?;
        let before = app.assignments.len();
        app.assignments.retain(|held| {
            let same = held.principal == gone.principal || Some(&held.principal) == id.as_ref();
            !(same && held.role == gone.role)
        });
        if app.assignments.len() == before {
            return Err(ChangeError::NotAssigned { app: app.name.clone(), principal: gone.principal });
        }
        Ok(())
    }

    /// Of the administrator and of users.
    pub(crate) fn revoke_consent(&mut self, app: &str) -> Result<(), ChangeError> {
        let app = self.app_mut(app)?;
        app.admin_consent.clear();
        let client = app.id.clone();
        self.consents.retain(|consent| consent.client != client);
        Ok(())
    }

    /// A user's consent, beside what the user consented to before. With it comes the client's service principal.
    pub(crate) fn consent(&mut self, user: &str, client: &str, api: &str, scope: &str) {
        for app in self.apps.iter_mut().filter(|app| app.id == client) {
            app.service_principal.absent = false;
        }
        let fits = |held: &&mut UserConsent| held.user == user && held.client == client && held.app == api;
        match self.consents.iter_mut().find(fits) {
            Some(held) if held.scopes.iter().any(|known| known == scope) => {}
            Some(held) => held.scopes.push(scope.to_owned()),
            None => self.consents.push(UserConsent {
                user: user.to_owned(),
                client: client.to_owned(),
                app: api.to_owned(),
                scopes: vec![scope.to_owned()],
            }),
        }
    }

    /// Replaces the users that are direct members.
    pub(crate) fn set_group_members(&mut self, group: &str, members: &[&str]) -> Result<(), ChangeError> {
        let name = |called: &&str| self.user_mut(called).map(|user| user.name.clone());
        let members = members.iter().map(name).collect::<Result<Vec<String>, ChangeError>>()?;
        let found = self.groups.iter_mut().find(|known| known.name == group);
        found.ok_or_else(|| ChangeError::UnknownGroup(group.to_owned()))?.members = members;
        Ok(())
    }

    pub(crate) fn set_secrets(&mut self, app: &str, secrets: &[&str]) -> Result<(), ChangeError> {
        let fresh = |value: &&str| Secret { value: (*value).to_owned(), ..Secret::default() };
        self.app_mut(app)?.secrets = secrets.iter().map(fresh).collect();
        Ok(())
    }

    /// The assignment in the form that [`Directory::user_assignments`] looks for.
    fn assignment(&self, app: &str, principal: &str, role: Option<&str>) -> Result<Assignment, ChangeError> {
        let found = self.app(app).ok_or_else(|| ChangeError::UnknownApp(app.to_owned()))?;
        if let Some(role) = role
            && !found.roles.iter().any(|known| known.value == role)
        {
            return Err(ChangeError::UnknownRole { app: found.name.clone(), role: role.to_owned() });
        }
        let unknown = || ChangeError::UnknownPrincipal(principal.to_owned());
        let principal = self.canonical(principal).ok_or_else(unknown)?;
        Ok(Assignment { principal, role: role.map(str::to_owned) })
    }

    /// The `name` of a user, group or app.
    fn canonical(&self, principal: &str) -> Option<String> {
        let user = self.user(principal).map(|user| &user.name);
        let group = || self.groups.iter().map(|group| &group.name).find(|name| *name == principal);
        let app = || self.app(principal).map(|app| &app.name);
        user.or_else(group).or_else(app).cloned()
    }

    fn user_mut(&mut self, called: &str) -> Result<&mut User, ChangeError> {
        let found = self.users.iter_mut().find(|user| user.is_called(called));
        found.ok_or_else(|| ChangeError::UnknownUser(called.to_owned()))
    }

    fn app_mut(&mut self, called: &str) -> Result<&mut App, ChangeError> {
        let unknown = || ChangeError::UnknownApp(called.to_owned());
        let id = self.app(called).map(|app| app.id.clone()).ok_or_else(unknown)?;
        self.apps.iter_mut().find(|app| app.id == id).ok_or_else(unknown)
    }
}
