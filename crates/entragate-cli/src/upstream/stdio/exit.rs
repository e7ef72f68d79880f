//! How a process ended, in words for the caller and the log.

use std::fmt;
use std::process::ExitStatus;

/// Why a session has no process any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself: with this status, if it is known.
    ByItself(Option<ExitStatus>),
    /// It wrote a message that is longer than this.
    TooLong(usize),
    /// Its session was ended: by the client, or because nobody used it.
    Asked,
    /// The gateway stops.
    Stopped,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByItself(Some(status)) => {
                write!(f, "the MCP server ended ({status}), and the session with it")
            }
            Self::ByItself(None) => f.write_str("the MCP server ended, and the session with it"),
            Self::TooLong(limit) => {
                write!(f, "the MCP server sent a message of more than {limit} bytes, which ended the session")
            }
            Self::Asked => f.write_str("the session was ended"),
            Self::Stopped => f.write_str("the gateway stopped, and the session with it"),
        }
    }
}
