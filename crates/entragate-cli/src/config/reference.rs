//! The reference page, docs/reference/configuration.md, written from the table of keys.

use std::fmt::Write as _;

use super::keys::{self, Key, Kind};
use super::route;

const HEAD: &str = "\
# Configuration

<!-- Written by `entragate config reference` from crates/entragate-cli/src/config/keys.rs: change it there. -->

Every setting can be made in the environment or in `entragate.toml`; the environment wins. An empty variable
counts as unset. The file is the one named by `--config`, else by `ENTRAGATE_CONFIG`, else `entragate.toml` in
the working directory if there is one. `entragate config check` prints what is in force and where it comes from.

Broker mode, with one app registration:

```sh
AZURE_TENANT_ID=11111111-2222-3333-4444-555555555555
AZURE_CLIENT_ID=aaaaaaaa-0000-4000-8000-000000000001      # the app registration
AZURE_CLIENT_SECRET=…                                     # or a certificate, a workload or a managed identity
BASE_URL=https://mcp.contoso.com                          # default http://localhost:3002
ENTRAGATE_STATE_DIRECTORY=/var/lib/entragate              # or ENTRAGATE_STATE_KEYS and ENTRAGATE_STATE_REDIS_URL
ENTRAGATE_UPSTREAM=http://127.0.0.1:3000/mcp
```

Relay mode, with two:

```sh
AZURE_TENANT_ID=11111111-2222-3333-4444-555555555555
AZURE_CLIENT_ID=aaaaaaaa-0000-4000-8000-000000000001      # the API app registration
AZURE_CLIENT_SECRET=…                                     # optional: only reads groups that do not fit into a token
AZURE_MCP_CLIENT_ID=cccccccc-0000-4000-8000-000000000001  # the public client app registration
BASE_URL=https://mcp.contoso.com
ENTRAGATE_UPSTREAM=http://127.0.0.1:3000/mcp
```

Without any setting of `[entra]` there is no authentication (development mode); then every listener and the base
URL must be loopback. Whatever is misspelt, half set or unsafe refuses to start, and everything that is wrong is
listed at once.

A setting with two variables has the name that Azure's conventions gave it and one of its own; if both are set,
the `ENTRAGATE_` one is used.
";

const RULES: &str = r#"
or, with a table for each rule:

```toml
[[rules]]
tools = ["admin_*"]
roles = ["Admin"]

[[rules]]
tools = ["*"]
```

| part of a rule | what it lists |
|---|---|
| `tools`, `prompts` | names; `*` stands for any run of characters, nothing else is special |
| `resources` | URIs, likewise |
| `methods` | JSON-RPC methods, likewise |
| `tenants` | Tenant IDs: the caller is of one of them |
| `users` | users by Object ID, or `["*"]` for every signed-in user |
| `apps` | programs in their own name, by Application (client) ID, or `["*"]` for every program |
| `clients` | the client that the caller uses: its app's Application (client) ID, or in broker mode the id of a configured client or the URL of a client's document |
| `roles` | app roles: the caller needs one of them |
| `groups` | groups by Object ID: the caller needs to be a member of one of them |
| `scopes` | delegated scopes by short name: the caller needs all of them |
| `when` | a string: what must be true of the arguments, in [CEL](../guide/policy.md#conditions-on-arguments) |

What a rule asks for must all be true; of each list, one entry is enough, and of `scopes` all are needed. A rule with
`users` and not `apps` is for no program, and the other way round; with both it is for either.

A rule names at least one tool, prompt, resource or method. A rule that an earlier one leaves nothing to decide
is refused, because a guard in that place guards nothing.
"#;

const CLIENTS: &str = r#"
| part of a client | what it is |
|---|---|
| `id = "…"` | its client id; neither a URL nor beginning with `egc_` |
| `name = "…"` | what people read on the consent page; default: the id |
| `redirect_uris = ["…"]` | its callbacks; they must be allowed as well, see `allowed_redirect_uris` |
| `secret_file = "…"` | a file with its secret of at least 22 characters; without one it is a public client |
"#;

const ROUTES: &str = r#"
or, with a table for each server:

```toml
[[routes]]
url = "http://127.0.0.1:3000/mcp"
path = "/github"
resource_name = "GitHub"

[[routes.rules]]
tools = ["delete_*"]
roles = ["Admin"]

[[routes.rules]]
tools = ["*"]

[[routes]]
url = "http://127.0.0.1:3001/mcp"
path = "/tickets"
scopes = ["tickets"]
```

| part of a route | the same as |
|---|---|
"#;

const AFTER_ROUTES: &str = r"
`client_id` is another API app: then tokens for the one route are refused at the other, whoever issued them. With one API app
`scopes` tell routes apart. Paths that are the same, or of which one is below the other, are refused.
";

/// The page.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    let mut section = None;
    for key in keys::ALL {
        // A key that is a table of its own stands under its own heading.
        let heading = if matches!(key.kind, Kind::Rules | Kind::Clients | Kind::Lists | Kind::Routes) {
            key.path
        } else {
            key.section()
        };
        if section.replace(heading) != Some(heading) {
            let _ = write!(page, "\n## {}\n", title(key, heading));
        }
        entry(&mut page, key);
    }
    page.push_str("\n## All variables\n\n| variable | key |\n|---|---|\n");
    let _ = writeln!(page, "| `{}` | the configuration file |", keys::CONFIG_FILE);
    for key in keys::ALL {
        for variable in key.variables() {
            let _ = writeln!(page, "| `{variable}` | `{}` |", key.path);
        }
    }
    page
}

fn title(key: &Key, heading: &str) -> String {
    match key.kind {
        Kind::Rules | Kind::Clients | Kind::Routes => format!("`[[{heading}]]`"),
        _ if heading.is_empty() => "At the top of the file".to_owned(),
        _ => format!("`[{heading}]`"),
    }
}

fn entry(page: &mut String, key: &Key) {
    let variables: Vec<_> = key.variables().map(|variable| format!("`{variable}`")).collect();
    let _ = write!(page, "\n### `{}`\n\n{}\n\n", key.path, key.doc);
    let _ = writeln!(page, "- Variable: {}", variables.join(" or "));
    let _ = writeln!(page, "- Value: {}", key.kind.name());
    let _ = writeln!(page, "- Default: {}", key.default);
    if key.kind == Kind::Secret {
        return;
    }
    let _ = write!(page, "\n```toml\n{}\n```\n", toml_example(key));
    match key.kind {
        Kind::Rules => page.push_str(RULES),
        Kind::Clients => page.push_str(CLIENTS),
        Kind::Routes => routes(page),
        _ => {}
    }
    let _ = write!(page, "\n```sh\n{}={}\n```\n", key.known_as(), quoted(key.example));
}

/// What a route consists of; the descriptions stand at the settings of the same name.
fn routes(page: &mut String) {
    page.push_str(ROUTES);
    for key in route::members() {
        let whose = if key.section() == "entra" { ", of this route; default: the gateway's" } else { "" };
        let _ = writeln!(page, "| `{}` | `{}`{whose} |", key.name(), key.path);
    }
    page.push_str(AFTER_ROUTES);
}

/// The key's example as a line of the file.
pub(super) fn toml_example(key: &Key) -> String {
    let name = key.path.rsplit('.').next().unwrap_or(key.path);
    match key.kind {
        Kind::Text | Kind::Secret => format!("{name} = \"{}\"", key.example),
        Kind::List => {
            let items: Vec<_> = key.example.split(',').map(|item| format!("\"{item}\"")).collect();
            format!("{name} = [{}]", items.join(", "))
        }
        Kind::Flag | Kind::Count | Kind::Rules | Kind::Clients | Kind::Lists | Kind::Routes => {
            format!("{name} = {}", key.example)
        }
    }
}

fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/,=@".contains(&b);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{text}'") }
}
