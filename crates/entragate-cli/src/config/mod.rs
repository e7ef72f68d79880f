//! Configuration: the environment and `entragate.toml` become one checked [`Config`], or a list of everything
//! that is wrong with them.
//!
//! Parse, don't validate: nothing outside this module sees a raw value. [`keys`] is the one table of settings;
//! the file's schema, the variables' names, the suggestions for misspelt ones, `entragate config check` and the
//! reference page are all read from it. A half-set or misspelt configuration refuses to start: it never falls
//! back to development mode, which has no authentication.

mod broker;
mod checked;
mod clients;
mod command_line;
mod credential;
mod environment;
mod exposure;
mod file;
mod gate;
mod groups;
mod identity;
mod item;
mod judging;
pub mod keys;
mod limits;
mod listen;
mod load;
mod log;
mod nearest;
mod not_asked;
mod problems;
mod program;
mod reader;
mod reference;
mod report;
mod route;
mod routes;
mod rule_places;
mod rules;
mod service_links;
mod sources;
mod state;
mod static_credential;
mod stdio;
mod stdio_keys;
mod upstream;
mod upstream_identity;

pub use checked::{
    BrokerConfig, Config, FurtherPath, Identity, Keys, LogConfig, LogFormat, RouteConfig, ServerConfig,
    SignInRate, StdioConfig, Store, UpstreamConfig, UpstreamIdentity,
};
pub(crate) use command_line::{SCHEME as STDIO, check as check_command};
pub use environment::Environment;
pub use judging::{Judging, McpServer, load_to_judge};
pub use load::{Explained, explain, load};
pub use problems::{Finding, Place, Problems, Severity};
pub use reference::reference;
pub use report::{Setting, as_json, as_table, problems_as_json};
pub use rule_places::{RulePlaces, rule_places};
pub use static_credential::{StaticCredential, StaticCredentialError};
