//! The credential that the gateway has: the app that it belongs to, and what fails without it.

use entragate::{ClientId, Credential};

/// A credential of the gateway's.
#[derive(Debug, Clone, Copy)]
pub(in crate::doctor) struct Held<'a> {
    pub(in crate::doctor) credential: &'a Credential,
    /// The app that Entra knows it of.
    pub(in crate::doctor) app: &'a ClientId,
    pub(in crate::doctor) purpose: Purpose,
}

/// What it is for: of several purposes the one on which most depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) enum Purpose {
    /// Broker mode: people sign in with it, and whatever else needs one uses it too.
    SignIn,
    /// Relay mode: it exchanges the tokens of callers, and reads groups where they are read.
    OnBehalfOf,
    /// Relay mode: it only reads groups.
    Groups,
}

impl Purpose {
    /// Where Entra has it.
    pub(in crate::doctor) const fn place(self) -> &'static str {
        match self {
            Self::SignIn => "App registrations, the app that signs people in, Certificates & secrets",
            Self::OnBehalfOf | Self::Groups => "App registrations, the API app, Certificates & secrets",
        }
    }

    /// What happens while Entra refuses it.
    pub(in crate::doctor) const fn why(self) -> &'static str {
        match self {
            Self::SignIn => {
                "People sign in at Entra and then fail at the gateway, which cannot redeem their code."
            }
            Self::OnBehalfOf => {
                "People sign in, and then every call on their behalf fails: the gateway cannot exchange their tokens."
            }
            Self::Groups => {
                "Whoever is in more groups than fit into a token is refused where a rule names groups: the gateway cannot read them."
            }
        }
    }

    /// What happens from the day on which it ends.
    pub(in crate::doctor) const fn why_from_then_on(self) -> &'static str {
        match self {
            Self::SignIn => "From then on every sign-in and every refresh fails.",
            Self::OnBehalfOf => "From then on every call on behalf of its caller fails.",
            Self::Groups => {
                "From then on whoever is in more groups than fit into a token is refused where a rule names groups."
            }
        }
    }
}
