//! How much there may be in one message of what is looked at one by one. A few threads judge for everybody, so no caller
//! may send something that takes long. What is passed over – arguments, results, `_meta` – is as large as the body may be.

use super::uri;

/// Calls of a batch, and what they subscribe to or complete for.
const MOST_CALLS: usize = 1000;
/// Members whose names are none of MCP's.
const MOST_MEMBERS: usize = 10_000;
/// Bytes of their names, and of the names and URIs that the calls act on when there are several.
const MOST_TEXT: usize = 128 * 1024;
/// What these URIs [weigh](uri::weight).
const MOST_READ: usize = 512 * 1024;

/// What a message has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooMuch {
    /// A batch, or a list of resources to subscribe to.
    #[error("more than {MOST_CALLS} calls and subscriptions in one message: send them in several")]
    Calls,
    /// Members of the message, its `params`, `ref` or `notifications`.
    #[error("more than {MOST_MEMBERS} members that MCP does not know: leave them out")]
    Members,
    /// Names and URIs.
    #[error("names and URIs of more than {MOST_TEXT} bytes in one message: send them in several")]
    Text,
    /// Ways to read its URIs.
    #[error(
        "URIs that can be read in very many ways, with several hosts or escapes: send them in several messages"
    )]
    Readings,
}

/// What is left for the rest of a message.
pub(super) struct Budget {
    calls: usize,
    members: usize,
    text: usize,
    read: usize,
    exceeded: Option<TooMuch>,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self { calls: MOST_CALLS, members: MOST_MEMBERS, text: MOST_TEXT, read: MOST_READ, exceeded: None }
    }

    /// Why reading ended, if it was for this.
    pub(super) const fn exceeded(&self) -> Option<TooMuch> {
        self.exceeded
    }

    /// One more call, or something that a call makes use of.
    pub(super) fn spend_call(&mut self) -> Result<(), TooMuch> {
        let left = self.calls.checked_sub(1);
        self.calls = self.left(left, TooMuch::Calls)?;
        Ok(())
    }

    /// One more member of this name.
    pub(super) fn spend_member(&mut self, name: &str) -> Result<(), TooMuch> {
        let left = self.members.checked_sub(1);
        self.members = self.left(left, TooMuch::Members)?;
        self.spend_text(name)
    }

    /// One more name.
    pub(super) fn spend_text(&mut self, text: &str) -> Result<(), TooMuch> {
        let left = self.text.checked_sub(text.len());
        self.text = self.left(left, TooMuch::Text)?;
        Ok(())
    }

    /// One more URI.
    pub(super) fn spend_uri(&mut self, uri: &str) -> Result<(), TooMuch> {
        self.spend_text(uri)?;
        let left = self.read.checked_sub(uri::weight(uri));
        self.read = self.left(left, TooMuch::Readings)?;
        Ok(())
    }

    fn left(&mut self, left: Option<usize>, limit: TooMuch) -> Result<usize, TooMuch> {
        left.ok_or_else(|| {
            self.exceeded = Some(limit);
            limit
        })
    }
}
