//! The process environment, and whether root has it, as a value. This file is its only reader; everything else is handed an
//! [`Environment`], so that a test can hand over its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use zeroize::Zeroizing;

/// Environment variables by name, and what else a process is born with.
#[derive(Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, Zeroizing<String>>,
    not_unicode: Vec<String>,
    is_root: bool,
}

impl Environment {
    /// The variables that this process was started with.
    #[expect(clippy::disallowed_methods, reason = "the one reader of the process environment")]
    pub fn of_this_process() -> Self {
        let environment = Self::from_os(std::env::vars_os());
        #[cfg(unix)]
        if rustix::process::geteuid().is_root() {
            return environment.of_root();
        }
        environment
    }

    fn from_os(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            // A name that is not Unicode cannot be one of ours.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.values.insert(name, Zeroizing::new(value))),
                Err(_) => environment.not_unicode.push(name),
            }
        }
        environment
    }

    /// The value without the white space around it (a mounted secret often ends in a newline). An empty
    /// variable counts as unset: that is how shells, Compose files and Helm charts leave a setting out.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The same with another value for one variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), Zeroizing::new(value.to_owned()));
        self
    }

    /// The same of a process that runs as root.
    #[must_use]
    pub fn of_root(self) -> Self {
        Self { is_root: true, ..self }
    }

    /// Whether the process runs as root.
    pub const fn is_root(&self) -> bool {
        self.is_root
    }

    /// The names of the variables that are set, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str).filter(|name| self.get(name).is_some())
    }

    /// The names of the variables whose value is not Unicode.
    pub fn not_unicode(&self) -> &[String] {
        &self.not_unicode
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let values =
            variables.into_iter().map(|(name, value)| (name.into(), Zeroizing::new(value.into()))).collect();
        Self { values, not_unicode: Vec::new(), is_root: false }
    }
}

impl fmt::Debug for Environment {
    /// Names only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_unset_and_white_space_around_a_value_is_dropped() {
        let environment = Environment::from_iter([("A", ""), ("B", " \n"), ("C", " x\n")]);
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.get("B"), None);
        assert_eq!(environment.get("C"), Some("x"));
        assert_eq!(environment.names().collect::<Vec<_>>(), ["C"]);
    }

    #[test]
    fn debug_prints_names_and_no_values() {
        let environment = Environment::from_iter([("AZURE_CLIENT_SECRET", "hunter2")]);
        assert_eq!(format!("{environment:?}"), r#"{"AZURE_CLIENT_SECRET"}"#);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_unicode_is_remembered_by_name() {
        use std::os::unix::ffi::OsStringExt as _;
        let environment = Environment::from_os([("BASE_URL".into(), OsString::from_vec(vec![0xff]))]);
        assert_eq!(environment.not_unicode(), ["BASE_URL"]);
    }
}
