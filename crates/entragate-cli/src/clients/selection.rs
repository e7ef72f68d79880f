//! The clients that somebody names on the command line.

use super::catalogue::{all, named};
use super::client::Client;

/// A name that no client has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no client of the catalogue")]
pub struct UnknownClient {
    name: String,
}

impl UnknownClient {
    /// What to write instead.
    pub fn hint(&self) -> String {
        let names: Vec<&str> = all().map(|client| client.name).collect();
        format!("write one or more of {}, or `all`", names.join(", "))
    }
}

/// The clients of a comma-separated list, each once, in the order of the list; `all` stands for all of them.
pub fn selected(list: &str) -> Result<Vec<&'static Client>, UnknownClient> {
    let mut found: Vec<&'static Client> = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let clients = match name {
            "all" => all().collect(),
            name => vec![named(name).ok_or_else(|| UnknownClient { name: name.escape_debug().to_string() })?],
        };
        for client in clients {
            if !found.contains(&client) {
                found.push(client);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_named_once_and_a_name_nobody_has_is_refused_with_the_names_there_are() {
        let names = |list| selected(list).unwrap().iter().map(|client| client.name).collect::<Vec<_>>();
        assert_eq!(names("vscode, claude-code,,vscode"), ["vscode", "claude-code"]);
        assert_eq!(names("all").len(), all().count());
        assert!(names("").is_empty());
        let error = selected("claude-code,clade\u{1b}").unwrap_err();
        assert_eq!(error.to_string(), "`clade\\u{1b}` is no client of the catalogue");
        assert!(error.hint().contains("claude-code, "), "{}", error.hint());
    }
}
