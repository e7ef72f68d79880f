//! Words of a POSIX shell (IEEE Std 1003.1, Shell Command Language, 2.2.2).

/// The text as one word, in single quotes: nothing in it means anything to a shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The text as one word, without quotes where it needs none.
pub(crate) fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:,@".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn nothing_gets_out_of_the_quotes() {
        assert_eq!(word("https://mcp.contoso.com"), "https://mcp.contoso.com");
        assert_eq!(word(""), "''");
        assert_eq!(word("a b"), "'a b'");
        assert_eq!(word("x'; y '"), r"'x'\''; y '\'''");
    }
}
