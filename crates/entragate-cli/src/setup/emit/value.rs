//! What the templates are made of, before each language spells it its own way.

use crate::setup::slot::Slot;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A text: whatever is in it, the language must not act on it.
    Text(String),
    /// An expression of the language, written by us.
    Code(String),
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(u32),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Vec<(&'static str, Value)>),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub(super) fn code(code: impl Into<String>) -> Self {
        Self::Code(code.into())
    }
}

/// A part of a text with placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Slot(Slot),
}

/// The text, cut at its placeholders.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let next = |rest: &str| {
        let found = Slot::ALL.into_iter().filter_map(|slot| Some((rest.find(&slot.placeholder())?, slot)));
        found.min_by_key(|(at, _)| *at)
    };
    while let Some((at, slot)) = next(rest) {
        if at > 0 {
            pieces.push(Piece::Text(&rest[..at]));
        }
        pieces.push(Piece::Slot(slot));
        rest = &rest[at + slot.placeholder().len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// One line, whatever somebody called their registration.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || "\u{2028}\u{2029}".contains(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_placeholders() {
        assert_eq!(
            pieces("api://${API_APP_ID}/x${CLIENT_APP_ID}"),
            [
                Piece::Text("api://"),
                Piece::Slot(Slot::ApiAppId),
                Piece::Text("/x"),
                Piece::Slot(Slot::ClientAppId)
            ]
        );
        assert_eq!(pieces("${HOME}"), [Piece::Text("${HOME}")]);
        assert_eq!(pieces(""), []);
    }

    #[test]
    fn a_comment_ends_with_its_line() {
        assert_eq!(comment("a\nrm -rf /\u{2028}b"), "a rm -rf / b");
    }
}
