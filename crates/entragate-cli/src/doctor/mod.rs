//! `entragate doctor`: looks at the settings, the way to Entra, the gateway as strict clients see it and, with a Graph token,
//! the app registrations; says what is wrong, where, why it matters and what to do, and what each known MCP client would
//! experience.
//!
//! ```text
//! Configuration ─> Site (facts, gathered once) ─> checks/*.rs ─> Report ─> terminal or JSON
//!                                              └> experience (client × step)
//! ```
//!
//! Nothing is changed, nobody signs in, and no secret is in any output.

mod aadsts;
mod check;
mod checks;
mod command;
mod documentation;
mod examination;
mod experience;
mod finding;
mod json;
mod reference;
mod repair;
mod report;
mod site;
mod text;

pub use check::{Check, Group, Outcome};
pub use checks::ALL as CHECKS;
pub use command::{Arguments, run};
pub use documentation::Documentation;
pub use examination::examine;
pub use experience::{Experience, Step, Verdict};
pub use finding::{Finding, Severity};
pub use json::as_json;
pub use reference::reference;
pub use repair::Repair;
pub use report::{Examined, Report};
pub use text::as_text;
