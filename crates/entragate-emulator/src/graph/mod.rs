//! Microsoft Graph v1.0, as much of it as checks and makes registrations: `{B}/v1.0/…`. It reads and writes the one
//! directory that `/authorize` and `/token` work with. docs/reference/emulator.md lists what is there.

mod answer;
mod application;
mod assignment;
mod body;
mod call;
mod caller;
mod credential;
mod error;
mod filter;
mod grant;
mod key;
mod object_id;
mod people;
mod query;
mod redirect_uris;
mod service_principal;
mod tenant;

pub(crate) use answer::{answer, faulty, user_info};
