//! Names with `*`: matched in linear time, nothing else is special (no pattern can be slow, none can surprise).

/// A pattern in which `*` stands for any run of characters, the empty one included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    text: String,
    /// Where the first star is.
    star: Option<usize>,
}

impl Glob {
    /// Any text is a pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        let text = pattern.into();
        Self { star: text.find('*'), text }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What every text that it matches begins with; nothing when there is no star in it, so that it matches one text.
    pub(crate) fn beginning(&self) -> Option<&str> {
        self.star.and_then(|star| self.text.get(..star))
    }

    /// Whether the whole of `text` matches, case-sensitively.
    pub fn matches(&self, text: &str) -> bool {
        let Some((head, rest)) = self.star.and_then(|star| self.text.split_at_checked(star)) else {
            return self.text == text;
        };
        let Some(mut text) = text.strip_prefix(head) else {
            return false;
        };
        let rest = rest.strip_prefix('*').unwrap_or_default();
        let mut parts = rest.split('*').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return text.ends_with(part);
            }
            // Leftmost match is enough for the parts between two stars.
            match text.find(part) {
                Some(at) => text = &text[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

impl From<&str> for Glob {
    fn from(pattern: &str) -> Self {
        Self::new(pattern)
    }
}

impl From<String> for Glob {
    fn from(pattern: String) -> Self {
        Self::new(pattern)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn star_is_any_run_and_nothing_else_is_special() {
        for (pattern, text, expected) in [
            ("admin_*", "admin_delete", true),
            ("admin_*", "admin_", true),
            ("admin_*", "Admin_delete", false),
            ("admin_*", "xadmin_delete", false),
            ("*", "", true),
            ("*", "anything", true),
            ("whoami", "whoami", true),
            ("whoami", "whoami2", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("*ab", "aab", true),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("[a-z].", "[a-z].", true),
            ("?", "x", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_agrees_with_itself(pattern in "[a-c*é]{0,8}", text in "[a-cé]{0,12}") {
            let glob = Glob::new(pattern.clone());
            if !pattern.contains('*') {
                prop_assert_eq!(glob.matches(&text), pattern == text);
            }
            let starred = format!("{pattern}*");
            prop_assert!(!glob.matches(&text) || Glob::new(starred).matches(&text));
        }
    }
}
