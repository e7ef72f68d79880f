//! One entry of the catalogue.

use std::fmt;

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The person who signs in.
    Person,
    /// An administrator of the Entra tenant.
    Administrator,
    /// The operator of the gateway.
    Operator,
    /// The developer of the client.
    Developer,
}

impl Who {
    /// A name for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Developer => "developer",
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Person => "the person who signs in",
            Self::Administrator => "an administrator of the Entra tenant",
            Self::Operator => "the operator of the gateway",
            Self::Developer => "the developer of the client",
        })
    }
}

/// What a client should be told, which is not always who must act: a client that asks the person to sign in again leads
/// them to the page that says who.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// The person signs in again: `invalid_grant` makes every measured client start over
    /// (docs/clients.md K44).
    SignInAgain,
    /// An administrator of the tenant changes a setting in Entra; starting over changes nothing.
    Configure,
    /// The operator of the gateway changes its settings, its credential or its app registration.
    Operate,
    /// The client's request is wrong; Entra's own code fits.
    Client,
    /// It passes: the same request succeeds later.
    Wait,
}

/// A step of a repair, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A path in the Entra admin center, or a command.
    Do(&'static str),
    /// Why it cannot be done there.
    Impossible(&'static str),
}

impl Step {
    /// The text, whichever it is.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Do(text) | Self::Impossible(text) => text,
        }
    }
}

/// What is known about one code. Texts may hold the placeholders of [`Names`](super::Names).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The number after `AADSTS`.
    pub code: u64,
    /// Microsoft's name for it, where one is published.
    pub name: Option<&'static str>,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// Who must act.
    pub who: Who,
    /// What a client should be told.
    pub remedy: Remedy,
    /// What to do, short enough for an OAuth error.
    pub hint: &'static str,
    /// Where to do it in the Microsoft Entra admin center.
    pub portal: Step,
    /// The same as a command.
    pub command: Step,
    /// The page of `docs/incompatibilities/` that explains it.
    pub row: Option<u8>,
    /// Where the meaning is published.
    pub sources: &'static [&'static str],
}

impl Entry {
    /// The code as people search for it.
    pub fn aadsts(&self) -> String {
        format!("AADSTS{}", self.code)
    }

    /// What to do, in sentences of its own.
    pub fn advice(&self) -> String {
        let mut rest = self.hint.chars();
        let first = rest.next().map(char::to_uppercase).into_iter().flatten();
        let end = if self.hint.ends_with('.') { "" } else { "." };
        first.chain(rest).chain(end.chars()).collect()
    }
}
