//! Who may call what.
//!
//! The request body is the truth: [`call`] reads the JSON-RPC message strictly enough that no other parser
//! can read something else in it, [`rule`] says which roles and scopes a tool needs, [`decide`] judges, and
//! `filter` takes out of `tools/list` and its siblings what the caller could not use anyway.

mod budget;
pub mod call;
mod callers;
pub mod condition;
pub mod decide;
pub(crate) mod events;
mod explanation;
pub(crate) mod filter;
pub mod glob;
mod index;
mod members;
pub(crate) mod mirror;
pub mod outlook;
pub(crate) mod refusal;
pub mod rehearsal;
pub mod rule;
pub mod shadow;
pub(crate) mod step_up;
mod uri;

pub use condition::Condition;
#[cfg(feature = "cel")]
pub use condition::ConditionError;
pub use decide::Policy;
pub use explanation::RuleExplanation;
pub use rule::Rule;
