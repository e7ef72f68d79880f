//! What Entra's AADSTS codes mean, who must act, and what to do: the one catalogue behind OAuth errors, pages, logs,
//! `entragate explain`, `entragate doctor` and `docs/reference/aadsts.md`.
//!
//! Microsoft may change codes and texts at any time, so nothing here decides what is allowed: a code only explains, and an
//! unknown one passes through. Not verified against a live tenant: every entry names the public page or thread it is from.
//!
//! ```
//! let pasted = "error=invalid_request&error_description=AADSTS50011%3a+The+redirect+URI+does+not+match";
//! let code = entragate::aadsts::codes_in(pasted)[0];
//! let entry = entragate::aadsts::find(code).expect("a known code");
//! assert_eq!(entry.row, Some(6));
//! ```

mod catalogue;
mod entry;
mod found;
mod names;
mod page;

pub use catalogue::{Theme, all, find, themes};
pub use entry::{Entry, Remedy, Step, Who};
pub use found::{Found, codes_in, read};
pub use names::Names;
pub use page::{PAGES, Page, page};

/// Microsoft's lookup page for a code, known here or not.
pub fn lookup_url(code: u64) -> String {
    format!("https://login.microsoftonline.com/error?code={code}")
}
