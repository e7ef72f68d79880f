//! What the demo prints first: where everything is, who can sign in, and how to connect a client.

use std::fmt;

use owo_colors::OwoColorize as _;

use super::stage::Stage;

/// The text, with colours.
pub(super) fn introduction(stage: &Stage) -> String {
    Introduction(stage).to_string()
}

struct Introduction<'a>(&'a Stage);

impl fmt::Display for Introduction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.0;
        let title = "Entragate demo";
        writeln!(
            f,
            "{}: an MCP server that people sign in to with Entra. Nothing leaves this machine.\n",
            title.bold()
        )?;
        match stage.moved.as_slice() {
            [] => {}
            [port] => writeln!(f, "Port {port} is taken, so a free one is used.\n")?,
            ports => {
                let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
                writeln!(f, "Ports {} are taken, so free ones are used.\n", ports.join(" and "))?;
            }
        }
        self.places(f)?;
        self.clients(f)?;
        writeln!(f, "What happens when somebody signs in is told here, step by step. Ctrl-C stops the demo.")
    }
}

impl Introduction<'_> {
    fn places(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.0;
        let entra = stage.emulator_url();
        writeln!(f, "  MCP server  {}", stage.mcp_url.green())?;
        match &stage.own_server {
            Some(url) => writeln!(f, "              your server at {url}, behind the gateway")?,
            None => writeln!(
                f,
                "              a sample behind the gateway: whoami, add, countdown and admin_reset"
            )?,
        }
        writeln!(f, "  Entra       {} (emulated)", entra.green())?;
        writeln!(f, "              {entra}/__emulator moves its clock, rotates its keys, plays faults")?;
        writeln!(f, "  People      alice@contoso.test has the role Admin, bob@contoso.test the role User;")?;
        writeln!(f, "              there are no passwords, pick one on Entra's page")?;
        match &stage.rules_from {
            Some(file) => writeln!(f, "  Rules       those of {file}\n"),
            None => {
                writeln!(f, "  Rules       tools named admin_* are for Admin, the rest is for everybody\n")
            }
        }
    }

    fn clients(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0.mcp_url;
        let entry =
            format!(r#"{{ "servers": {{ "entragate-demo": {{ "type": "http", "url": "{url}" }} }} }}"#);
        let ways = [
            (
                "Claude Code",
                format!("claude mcp add --transport http entragate-demo {url}"),
                "then /mcp inside Claude Code, entragate-demo, Authenticate",
            ),
            ("VS Code", entry, "as .vscode/mcp.json, then Start above the entry"),
            (
                "MCP Inspector",
                "npx @modelcontextprotocol/inspector".to_owned(),
                "then transport Streamable HTTP, the URL of the MCP server above, Connect",
            ),
            ("mcp-remote", format!("npx mcp-remote {url}"), "for clients that only start programs"),
        ];
        writeln!(f, "Connect a client:\n")?;
        for (client, command, then) in ways {
            writeln!(f, "  {:15}{command}\n  {:15}{}", client.bold(), "", then.dimmed())?;
        }
        writeln!(f)
    }
}
