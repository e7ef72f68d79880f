//! How a shell spells words.

use crate::setup::slot::Slot;
use crate::shell;

/// A shell word: everything in single quotes, placeholders in double quotes between them.
pub(super) fn quoted(text: &str) -> String {
    let mut word = shell::quoted(text);
    for slot in Slot::ALL {
        word = word.replace(&slot.placeholder(), &format!("'\"${{{}}}\"'", slot.variable()));
    }
    word
}

/// The lines that keep the client secret, which `command` makes and prints.
pub(super) fn keep_secret(command: &str) -> String {
    format!(
        r#"# Entra tells it only once: into a file that only you can read, unless one is there already.
SECRET_FILE=${{SECRET_FILE:-.env}}
if ! grep -qs '^AZURE_CLIENT_SECRET=' "$SECRET_FILE"; then
  (umask 077 && : >>"$SECRET_FILE")
  chmod 600 "$SECRET_FILE"
  secret=$({command})
  printf 'AZURE_CLIENT_SECRET=%s\n' "${{secret:?Graph did not say it}}" >>"$SECRET_FILE"
  unset secret
fi
"#
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::*;

    /// What a shell makes of the word.
    fn read(word: &str) -> String {
        let output = Command::new("/bin/sh")
            .args(["-c", &format!("printf %s {word}")])
            .env("API_APP_ID", "a1")
            .output()
            .expect("a shell");
        String::from_utf8(output.stdout).expect("text")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_reads_any_text_as_it_is(text in "([$`\"'\\\\;&|(){}!*?~#\n]|\\PC){0,24}") {
            let text = text.replace("${API_APP_ID}", "");
            prop_assert_eq!(read(&quoted(&text)), text);
        }
    }

    #[test]
    fn a_name_cannot_get_out_of_its_quotes() {
        assert_eq!(quoted("it's $(id) ${API_APP_ID}"), r#"'it'\''s $(id) '"${API_APP_ID}"''"#);
        assert_eq!(read(&quoted("it's $(id) ${API_APP_ID}")), "it's $(id) a1");
    }
}
