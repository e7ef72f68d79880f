//! Microsoft Graph, as far as app registrations need it: what `entragate doctor` reads and `entragate setup` writes.
//!
//! ```text
//! Directory::discover ─> where the tenant's Graph is      sign_in::Arguments ─> SignIn ─token──> AccessToken
//! Graph::new(http, directory.graph, token) ── get / find / list / send(&Request) ─> objects::*, or GraphError
//! ```
//!
//! A [`Request`] is plain data, so that it can be shown in a plan, printed as a script, or sent. The access token is
//! sent to the Graph host alone: neither a redirect nor a page link takes it elsewhere.

mod client;
mod date;
mod directory;
mod error;
mod http;
pub mod objects;
pub mod odata;
mod patience;
mod permission;
mod request;
pub mod sign_in;
mod url;

pub use client::Graph;
pub use date::{parse as parse_date, print as print_date};
pub use directory::{Directory, DirectoryError};
pub use error::{GraphError, Refused};
pub use http::{Answer, Http, HttpError};
pub use patience::Patience;
pub use permission::Permission;
pub use request::{Method, Request};
pub use sign_in::{AccessToken, SignIn, SignInError};
pub use url::{GraphUrl, GraphUrlError};

/// Microsoft Graph's application id, the same in every cloud: what its tokens are asked for by.
pub const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
