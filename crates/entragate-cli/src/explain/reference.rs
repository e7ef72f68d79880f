//! `docs/reference/aadsts.md`.

use std::fmt::Write as _;

use entragate::aadsts::{self, Entry, Names, Step, Theme};

/// The page.
pub fn reference() -> String {
    let mut text = String::from(INTRODUCTION);
    let _ = writeln!(text, "{} codes:\n", aadsts::all().count());
    for theme in aadsts::themes() {
        let codes: Vec<String> = theme.entries.iter().map(|entry| link(entry.code)).collect();
        let _ = writeln!(text, "- [{}](#{}): {}", theme.title, anchor(theme), codes.join(", "));
    }
    for theme in aadsts::themes() {
        let _ = writeln!(text, "\n## {}", theme.title);
        for entry in theme.entries {
            one(&mut text, entry);
        }
    }
    text
}

const INTRODUCTION: &str = "\
# AADSTS codes

<!-- Generated from crates/entragate/src/aadsts by `UPDATE_DOCS=1 cargo test -p entragate-cli`. Do not edit. -->

What Microsoft Entra ID means by its codes, for whoever runs an MCP server behind it. `entragate explain` says the same in
a terminal, and finds the codes in a pasted error page, JSON body, redirect URL or log line:

```sh
entragate explain AADSTS50011
pbpaste | entragate explain -
```

The gateway's OAuth errors, pages and log lines speak from the same catalogue. Codes only explain: Microsoft may change
them at any time, and nothing in the gateway is allowed or refused because of one. Not verified against a live tenant:
the sources are given with each code. What is not here: `https://login.microsoftonline.com/error?code=` and the number.

Paths begin in the [Microsoft Entra admin center](https://entra.microsoft.com). In commands, `<BASE_URL>`,
`<AZURE_TENANT_ID>` and `<AZURE_CLIENT_ID>` are the gateway's settings; `<client id>` is that of the app that signs people
in: `AZURE_CLIENT_ID` in broker mode (or `ENTRAGATE_BROKER_CLIENT_ID`), `AZURE_MCP_CLIENT_ID` in relay mode.

";

fn link(code: u64) -> String {
    format!("[{code}](#aadsts{code})")
}

/// As GitHub makes them of a heading.
fn anchor(theme: &Theme) -> String {
    let kept = theme.title.to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-')
        .collect::<String>()
        .replace(' ', "-")
}

fn one(text: &mut String, entry: &Entry) {
    let names = Names::default();
    let name = entry.name.map(|name| format!(" (`{name}`)")).unwrap_or_default();
    let _ = writeln!(text, "\n### {}\n\n{}{name}\n", entry.aadsts(), entry.meaning);
    let _ = writeln!(text, "- Who: {}", entry.who);
    let _ = writeln!(text, "- Fix: {}", escaped(&names.fill(&entry.advice())));
    match entry.portal {
        Step::Do(path) => {
            let _ = writeln!(text, "- Portal: *{}*", escaped(&names.fill(path)));
        }
        Step::Impossible(reason) => {
            let _ = writeln!(text, "- Portal: none, {reason}");
        }
    }
    match entry.command {
        Step::Do(command) => {
            let _ = writeln!(text, "- Command: `{}`", names.fill(command));
        }
        Step::Impossible(reason) => {
            let _ = writeln!(text, "- Command: none, {reason}");
        }
    }
    if let Some(page) = entry.row.and_then(aadsts::page) {
        let _ = writeln!(text, "- Page: [{}](../incompatibilities/{})", page.row, page.file);
    }
    let sources: Vec<String> = entry.sources.iter().map(|source| format!("<{source}>")).collect();
    let _ = writeln!(text, "- Source: {}", sources.join(", "));
}

/// What Markdown would take for a tag.
fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('*', "\\*")
}
