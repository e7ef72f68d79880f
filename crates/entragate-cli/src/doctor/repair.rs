//! `--fix`: the options of `entragate setup` that describe this deployment. The doctor changes nothing itself: what is to be
//! done is setup's plan, and setup carries it out.

use clap::Parser as _;
use entragate::{ApiApp, Rule};

use crate::cli::Exit;
use crate::clients::Client;
use crate::config::{Config, Environment, Identity, STDIO, ServerConfig, keys};
use crate::graph::sign_in;
use crate::setup;
use crate::shell::word;

/// What becomes of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// It is shown.
    Shown,
    /// It is carried out.
    CarriedOut,
}

/// The options of setup, read as setup reads them.
#[derive(clap::Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    setup: setup::Arguments,
}

/// The words after `entragate setup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    words: Vec<String>,
    authority: String,
}

impl Repair {
    /// `None` in development mode, which has no registrations. `clients`: as on the command line.
    pub fn of(config: &Config, clients: Option<&str>) -> Option<Self> {
        let (mode, tenant, api, client) = match &config.identity {
            Identity::Development => return None,
            Identity::Relay(relay) => ("relay", &relay.tenant, &relay.api, Some(&relay.client)),
            Identity::Broker(broker) => ("broker", &broker.tenant, &broker.api, broker.client.as_ref()),
        };
        // Setup prepares one API app: the routes of others are not its business.
        let routes = || {
            config.routes.iter().filter(|route| config.api_of(route).is_some_and(|of| of.id() == api.id()))
        };
        let mut words = Words(Vec::new());
        words.option("--mode", mode);
        // The deployment has one, in whatever place; another secret would be nobody's.
        words.option("--credential", "keep");
        words.option("--tenant", tenant.as_str());
        words.option("--base-url", config.base_url.as_str());
        words.option("--upstream", &setting(&config.routes.first()?.server));
        words.option("--adopt", api.id().as_str());
        if let Some(client) = client {
            words.option("--adopt-client", client.as_str());
        }
        // None: the gateway asks for `.default`, which is whatever the registration exposes.
        let asked = routes().filter_map(|route| config.api_of(route)).flat_map(ApiApp::required_scopes);
        let ruled = routes().flat_map(|route| &route.rules).flat_map(Rule::required_scopes);
        words.option("--scope", &each_once(asked.chain(ruled)));
        words.option(
            "--roles",
            &each_once(routes().flat_map(|route| &route.rules).flat_map(Rule::required_roles)),
        );
        // None: nobody said which are missed.
        words.option("--clients", clients.unwrap_or_default());
        Some(Self { words: words.0, authority: config.authority.as_str().to_owned() })
    }

    /// Runs setup with these options; the files of the gateway stay as they are.
    pub async fn run(
        &self,
        environment: &Environment,
        graph: sign_in::Arguments,
        plan: Plan,
    ) -> anyhow::Result<Exit> {
        let line = Line::try_parse_from(&self.words)?;
        let apply = plan == Plan::CarriedOut;
        let arguments = setup::Arguments { graph, apply, files: setup::Files::LeftAlone, ..line.setup };
        setup::run(&arguments, &environment.clone().with(keys::AUTHORITY_HOST.env, &self.authority)).await
    }

    /// What carries the plan out. Setup adds and takes nothing away, which Azure CLI's options that name whole lists do.
    pub(super) fn invocation(clients: &[&Client]) -> String {
        let names: Vec<&str> = clients.iter().map(|client| client.name).collect();
        let clients =
            if names.is_empty() { String::new() } else { format!(" --clients {}", word(&names.join(","))) };
        format!("entragate doctor --graph az{clients} --fix --apply")
    }

    /// The command line, to be pasted into a POSIX shell.
    pub fn command(&self) -> String {
        let words = self.words.iter().map(|text| word(text));
        std::iter::once("entragate setup".to_owned()).chain(words).collect::<Vec<String>>().join(" ")
    }
}

/// `upstream.url` without what may be a secret: what an operator may have put before `@`, and the arguments of a program.
fn setting(server: &ServerConfig) -> String {
    match server {
        ServerConfig::Http(upstream) => {
            format!("{}{}", upstream.url.origin().ascii_serialization(), upstream.url.path())
        }
        ServerConfig::Stdio(stdio) => {
            let program = word(&stdio.program.to_string_lossy());
            let arguments = if stdio.arguments.is_empty() { "" } else { " ARGUMENTS" };
            format!("{STDIO} {program}{arguments}")
        }
    }
}

/// The names as a list with commas.
fn each_once<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let mut all: Vec<&str> = Vec::new();
    for name in names {
        if !all.contains(&name.as_str()) {
            all.push(name);
        }
    }
    all.join(",")
}

struct Words(Vec<String>);

impl Words {
    fn option(&mut self, name: &str, value: &str) {
        self.0.extend([name.to_owned(), value.to_owned()]);
    }
}
