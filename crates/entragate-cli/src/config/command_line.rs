//! The command line of a stdio server: words, as a shell would split them, and nothing else of a shell.

use super::reader::Wrong;

/// What makes a value of `upstream.url` a command line.
pub(crate) const SCHEME: &str = "stdio:";

/// Whether it can be started as far as that can be known elsewhere; else what is wrong with it and what to do.
pub(crate) fn check(text: &str) -> Result<(), (String, String)> {
    words(text).map(drop).map_err(|Wrong { what, hint }| (what, hint))
}

/// The words behind `stdio:`. What only a shell could do is refused, lest it becomes an odd argument.
pub(super) fn words(text: &str) -> Result<Vec<String>, Wrong> {
    const EXAMPLE: &str = "write the program and its arguments, such as stdio: npx -y some-server";
    let text = text.strip_prefix(SCHEME).unwrap_or(text);
    if text.contains('\0') {
        return Err(Wrong::new("contains a NUL character", EXAMPLE));
    }
    if let Some(found) = unquoted(text) {
        let shown = if found == '\n' { "a line break".to_owned() } else { format!("an unquoted {found}") };
        return Err(Wrong::new(
            format!("contains {shown}, and no shell reads it: it would not do what it does in one"),
            "put it in single quotes if the program is to get it as it is; else write a script and name that",
        ));
    }
    let Some(words) = shlex::split(text) else {
        return Err(Wrong::new("ends within a quotation", "close the quotes"));
    };
    match words.first().map(String::as_str) {
        None | Some("") => Err(Wrong::new("names no program", EXAMPLE)),
        Some(first) if first.contains('=') && !first.contains('/') => Err(Wrong::new(
            format!("begins with `{}`, which is an assignment, and no shell makes it", name_of(first)),
            "set the variable with upstream.environment (in a route: environment)",
        )),
        Some(_) => Ok(words),
    }
}

/// Without the value, which may be a secret.
fn name_of(assignment: &str) -> String {
    format!("{}=…", assignment.split('=').next().unwrap_or_default())
}

/// The first character that would mean something to a shell.
fn unquoted(text: &str) -> Option<char> {
    let (mut quote, mut begins_word) = (None, true);
    let mut characters = text.trim().chars();
    while let Some(character) = characters.next() {
        let begins = std::mem::replace(&mut begins_word, character.is_whitespace());
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '\\') => drop(characters.next()),
            (None | Some('"'), '$' | '`') | (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '\n') => {
                return Some(character);
            }
            // A comment, but only where a word could begin.
            (None, '#') if begins => return Some(character),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        for (text, expected) in [
            ("stdio: npx -y some-server", vec!["npx", "-y", "some-server"]),
            ("stdio:/opt/x/server", vec!["/opt/x/server"]),
            (r#"stdio: sh -c 'a | b > c && d "$E"'"#, vec!["sh", "-c", r#"a | b > c && d "$E""#]),
            (r#"stdio: p "a b" c\ d '' e\|f"#, vec!["p", "a b", "c d", "", "e|f"]),
            ("stdio: /opt/a=b/server", vec!["/opt/a=b/server"]),
            ("stdio: npx github:a/b#v1", vec!["npx", "github:a/b#v1"]),
        ] {
            assert_eq!(words(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_only_a_shell_could_do_is_refused() {
        for (text, says) in [
            ("stdio: a | b", "an unquoted |"),
            ("stdio: a > b", "an unquoted >"),
            ("stdio: a && b", "an unquoted &"),
            ("stdio: a; b", "an unquoted ;"),
            ("stdio: a $HOME", "an unquoted $"),
            (r#"stdio: a "$HOME""#, "an unquoted $"),
            ("stdio: a #b", "an unquoted #"),
            ("stdio: a `b`", "an unquoted `"),
            ("stdio: a\nb", "a line break"),
            ("stdio: a 'b", "within a quotation"),
            ("stdio: ", "names no program"),
            ("stdio: ''", "names no program"),
            ("stdio: TOKEN=hunter2 npx x", "`TOKEN=…`"),
        ] {
            let Wrong { what, .. } = words(text).unwrap_err();
            assert!(what.contains(says) && !what.contains("hunter2"), "{text}: {what}");
        }
    }

    proptest! {
        #[test]
        fn total_on_any_text(text in "\\PC{0,80}") {
            let _ = words(&text);
        }
    }
}
