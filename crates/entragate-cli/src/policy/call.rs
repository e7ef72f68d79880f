//! What is called: a JSON-RPC message, from flags or from a file of expectations.

use anyhow::Context as _;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::spelling::Spelling;

/// The methods whose target is a resource.
const USES_OF_RESOURCES: [&str; 3] = ["resources/read", "resources/subscribe", "resources/unsubscribe"];

/// What a call is said to be.
#[derive(Debug, Default, Clone, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CallDescription {
    /// Call this tool (tools/call)
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Get this prompt (prompts/get)
    #[arg(long, value_name = "NAME", conflicts_with = "tool")]
    prompt: Option<String>,
    /// Read this resource (resources/read), or use it with the method of --method
    #[arg(long, value_name = "URI", conflicts_with_all = ["tool", "prompt"])]
    resource: Option<String>,
    /// Send this method; with --resource resources/subscribe or resources/unsubscribe
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tool", "prompt"])]
    method: Option<String>,
    /// The arguments of the tool or prompt, as JSON [default: none]
    #[arg(long, value_name = "JSON", conflicts_with_all = ["resource", "method"])]
    #[serde(deserialize_with = "json")]
    arguments: Option<String>,
}

/// Text is JSON as it is to be sent; anything else is turned into JSON.
fn json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        value => serde_json::to_string(&value).map_err(serde::de::Error::custom)?,
    }))
}

impl CallDescription {
    pub(super) fn is_empty(&self) -> bool {
        [&self.tool, &self.prompt, &self.resource, &self.method, &self.arguments]
            .iter()
            .all(|one| one.is_none())
    }

    /// The body of the request. What was given as JSON is in it as it was given.
    pub(super) fn body(&self, spelling: Spelling) -> anyhow::Result<String> {
        let (method, member, target) = match (&self.tool, &self.prompt, &self.resource, &self.method) {
            (Some(tool), None, None, None) => ("tools/call", "name", tool),
            (None, Some(prompt), None, None) => ("prompts/get", "name", prompt),
            (None, None, Some(uri), None) => ("resources/read", "uri", uri),
            (None, None, Some(uri), Some(method)) => {
                let method = USES_OF_RESOURCES.into_iter().find(|one| one == method);
                let uses = USES_OF_RESOURCES.join(", ");
                (
                    method.with_context(|| format!("a resource is used with one of the methods {uses}"))?,
                    "uri",
                    uri,
                )
            }
            (None, None, None, Some(method)) => {
                anyhow::ensure!(
                    self.arguments.is_none(),
                    "a method has no arguments here, name a tool or a prompt"
                );
                let method = serde_json::to_string(method)?;
                return Ok(format!(r#"{{"jsonrpc":"2.0","id":1,"method":{method},"params":{{}}}}"#));
            }
            _ => anyhow::bail!("name one call: a tool, a prompt, a resource or a method"),
        };
        anyhow::ensure!(
            self.resource.is_none() || self.arguments.is_none(),
            "a resource has no arguments, name a tool or a prompt"
        );
        let target = serde_json::to_string(target)?;
        let arguments = match &self.arguments {
            Some(arguments) => {
                check(arguments, spelling)?;
                format!(r#","arguments":{arguments}"#)
            }
            None => String::new(),
        };
        Ok(format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"{member}":{target}{arguments}}}}}"#
        ))
    }
}

/// That they are an object, as MCP wants them: anything else would be told as a mistake in a message that nobody wrote.
/// What is in it is the gateway's to judge, members that are there twice included.
fn check(arguments: &str, spelling: Spelling) -> anyhow::Result<()> {
    let name = spelling.of("arguments", "arguments");
    let hint = r#"write an object such as {"id": 7}"#;
    serde_json::from_str::<IgnoredAny>(arguments).with_context(|| format!("{name} is not JSON: {hint}"))?;
    anyhow::ensure!(arguments.trim_start().starts_with('{'), "{name} is not a JSON object: {hint}");
    Ok(())
}
