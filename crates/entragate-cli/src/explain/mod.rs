//! `entragate explain`: what AADSTS codes mean, who must act and what to do. Offline, from the catalogue in the binary.

mod json;
mod reference;
mod terminal;

use std::borrow::Cow;
use std::io::{BufRead as _, Read as _};

use anyhow::Context as _;
use entragate::aadsts::{self, Found, Names};

use crate::cli::{Exit, print};
use crate::config::{Config, Identity};
use crate::pasted::decoded;

pub use reference::reference;

/// The longest text that is read.
const LONGEST: u64 = 4 << 20;

/// Options of `entragate explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// A code, or what has one in it: an error page, a JSON body, a redirect URL, a log line; `-` reads standard input
    #[arg(required_unless_present = "list", value_name = "CODE|TEXT|-")]
    what: Vec<String>,
    /// List every code
    #[arg(long, conflicts_with = "what")]
    list: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Each argument that is a number is a code of its own; in a text that is piped in, a number is one where there is \
nothing else. Of an error page only the codes, the ids of the attempt and its time are kept.
Exit codes: 0 every code is explained, 1 there is no code in it, or one that is not in the catalogue, 2 could not run.";

/// Explains and prints; `names` fill the placeholders.
pub fn run(arguments: &Arguments, names: &Names) -> anyhow::Result<Exit> {
    if arguments.list {
        print(&if arguments.json { json::list(names) } else { terminal::list() })?;
        return Ok(Exit::Fine);
    }
    let found = aadsts::read(&text(&arguments.what)?);
    if arguments.json {
        print(&json::found(&found, names))?;
    } else {
        print(&terminal::found(&found, names))?;
    }
    if found.more {
        anstream::eprintln!(
            "there are more codes in it: the first {} are explained",
            found.codes.len() + found.b2c.len()
        );
    }
    let nothing = found.codes.is_empty() && found.b2c.is_empty();
    if nothing {
        anstream::eprintln!(
            "there is no AADSTS code in it: paste the whole error page, the JSON body or the address line, or name the code"
        );
    }
    let unknown =
        nothing || !found.b2c.is_empty() || found.codes.iter().any(|code| aadsts::find(*code).is_none());
    Ok(if unknown { Exit::Findings } else { Exit::Fine })
}

/// A number that is an argument of its own stands for a code, whatever is beside it; none of Entra's has fewer digits.
fn named(word: &str) -> Cow<'_, str> {
    let digits = word.trim_matches(|c: char| !c.is_alphanumeric());
    let is_code = (4..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_code { format!("AADSTS{digits}").into() } else { word.into() }
}

fn text(what: &[String]) -> anyhow::Result<String> {
    if what != ["-"] {
        return Ok(what.iter().map(|word| named(word)).collect::<Vec<_>>().join(" "));
    }
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().lock();
    input.by_ref().take(LONGEST).read_to_end(&mut bytes).context("cannot read standard input")?;
    if !input.fill_buf().context("cannot read standard input")?.is_empty() {
        anstream::eprintln!("it is longer than 4 MiB: the rest is not read");
    }
    Ok(decoded(&bytes))
}

/// What a configuration says for the placeholders.
pub fn names(config: &Config) -> Names {
    let (tenant, api, client) = match &config.identity {
        Identity::Development => return Names::default(),
        Identity::Relay(relay) => (&relay.tenant, &relay.api, &relay.client),
        Identity::Broker(broker) => {
            (&broker.tenant, &broker.api, broker.client.as_ref().unwrap_or(broker.api.id()))
        }
    };
    Names {
        tenant: Some(tenant.to_string()),
        api: Some(api.id().to_string()),
        client: Some(client.to_string()),
        base_url: Some(config.base_url.to_string()),
        authority: Some(config.authority.as_str().to_owned()),
    }
}

/// What is said of every code of Azure AD B2C.
const B2C: &str = "A code of Azure AD B2C, which is another product than Microsoft Entra ID and not supported: AZURE_AUTHORITY_HOST leads to a B2C host.";
/// Where Microsoft explains them.
const B2C_CODES: &str = "https://learn.microsoft.com/azure/active-directory-b2c/error-codes";

/// Where the attempt is found.
const SIGN_IN_LOG: &str =
    "Entra admin center → Monitoring & health → Sign-in logs → Add filter: Correlation ID";

fn attempt_is_known(found: &Found) -> bool {
    found.correlation_id.is_some() || found.trace_id.is_some() || found.timestamp.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_words_are_one_text() {
        let what = ["error", "AADSTS50011:", "x"].map(str::to_owned);
        assert_eq!(text(&what).expect("no input is read"), "error AADSTS50011: x");
    }
}
