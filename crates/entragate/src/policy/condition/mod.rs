//! What the arguments of a call must be: an expression in CEL (the Common Expression Language) that a rule adds.
//!
//! An expression has no side effects and no loops but those over a list or a map. It is compiled when the rules are read,
//! and evaluated only for calls that its rule decides about. Whatever does not evaluate to `true` refuses the call: a
//! missing argument, a value of another type, arguments that two parsers could read differently.
//!
//! Expressions need the feature `cel`; without it there are none.

#[cfg(not(feature = "cel"))]
mod absent;
#[cfg(feature = "cel")]
mod arguments;
#[cfg(feature = "cel")]
mod check;
#[cfg(feature = "cel")]
mod decimal;
#[cfg(feature = "cel")]
mod expression;
mod unmet;

#[cfg(not(feature = "cel"))]
pub use absent::Condition;
#[cfg(feature = "cel")]
pub use check::ConditionError;
#[cfg(feature = "cel")]
pub use expression::Condition;
pub(crate) use unmet::Unmet;
#[cfg(test)]
pub(crate) use unmet::Why;
