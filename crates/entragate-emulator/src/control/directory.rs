//! The directory, and changes of it while the emulator runs. Apps are called by name or id, users by name or user
//! principal name.

use std::sync::Arc;

use super::Control;
use crate::directory::{ChangeError, Directory};

impl Control {
    /// The directory as it is now; changes make a new one.
    pub fn directory(&self) -> Arc<Directory> {
        self.cloud.state.with(|state| state.directories.current())
    }

    /// Blocks a user's sign-in, or allows it again: AADSTS50057 at `/authorize` and at the next refresh. Sessions and
    /// refresh tokens stay, and work again once the user does.
    pub fn disable_user(&self, user: &str, disabled: bool) -> Result<(), ChangeError> {
        self.change(|directory| directory.disable_user(user, disabled))
    }

    /// Assigns a user, group or app to an app; a role of `None` is default access. The next token has the role.
    pub fn assign<'a>(
        &self,
        app: &str,
        principal: &str,
        role: impl Into<Option<&'a str>>,
    ) -> Result<(), ChangeError> {
        self.change(|directory| directory.assign(app, principal, role.into()))
    }

    /// Takes an assignment away: the role is gone from the next token, and with the last assignment an app that demands
    /// one refuses with AADSTS50105.
    pub fn unassign<'a>(
        &self,
        app: &str,
        principal: &str,
        role: impl Into<Option<&'a str>>,
    ) -> Result<(), ChangeError> {
        self.change(|directory| directory.unassign(app, principal, role.into()))
    }

    /// Withdraws what administrator and users consented to for this client: AADSTS65001 at the next refresh, the consent
    /// page at the next sign-in. What an API preauthorized is no consent and stays.
    pub fn revoke_consent(&self, app: &str) -> Result<(), ChangeError> {
        self.change(|directory| directory.revoke_consent(app))
    }

    /// Replaces the users that are direct members of a group: the next token and Microsoft Graph say so.
    pub fn set_group_members(&self, group: &str, members: &[&str]) -> Result<(), ChangeError> {
        self.change(|directory| directory.set_group_members(group, members))
    }

    /// Replaces an app's client secrets; those left out are wrong from now on, AADSTS7000215.
    pub fn set_secrets(&self, app: &str, secrets: &[&str]) -> Result<(), ChangeError> {
        self.change(|directory| directory.set_secrets(app, secrets))
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Directory) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        self.cloud.state.with(|state| state.directories.change(change))
    }
}
