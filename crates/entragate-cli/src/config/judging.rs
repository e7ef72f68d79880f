//! The configuration as a command needs it that judges and passes nothing on: the MCP server may be left out.

use std::path::Path;

use super::checked::Config;
use super::environment::Environment;
use super::keys;
use super::load::load;
use super::problems::{Problems, Severity};
use super::reader::Reader;
use super::sources;

/// Stands for the MCP server where none is named (RFC 863: nobody answers there).
const NOBODY: &str = "http://127.0.0.1:9/mcp";

/// A configuration to judge with.
#[derive(Debug)]
pub struct Judging {
    /// The configuration.
    pub config: Config,
    /// Whether it says which MCP server the gateway protects.
    pub mcp_server: McpServer,
}

/// Whether the MCP server is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum McpServer {
    /// It is named.
    Named,
    /// Nothing that depends on it can be judged.
    Unnamed,
}

/// As [`load`](super::load), and accepts that no MCP server is named. A wrong one is still a problem.
pub fn load_to_judge(environment: &Environment, named_file: Option<&Path>) -> Result<Judging, Problems> {
    match load(environment, named_file) {
        Ok(config) => Ok(Judging { config, mcp_server: McpServer::Named }),
        Err(problems) if lacks_the_server(&problems, environment, named_file) => {
            let config = load(&environment.clone().with(keys::UPSTREAM.env, NOBODY), named_file)?;
            Ok(Judging { config, mcp_server: McpServer::Unnamed })
        }
        Err(problems) => Err(problems),
    }
}

fn lacks_the_server(problems: &Problems, environment: &Environment, named_file: Option<&Path>) -> bool {
    let is_problem = |key: &str| key == keys::UPSTREAM.path;
    let reader = Reader { sources: sources::collect(environment, named_file), route: None };
    !reader.is_given(&keys::UPSTREAM)
        && problems.iter().any(|problem| problem.severity == Severity::Error && is_problem(&problem.key))
}
