//! The name that a client gives itself, as a person may be shown it.
//!
//! It is a stranger's text on our page, next to the host that a person should decide by: nothing in it may be
//! invisible, turn the line around, paint over its neighbours or push them out of sight.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{MixedScript as _, RestrictionLevel, RestrictionLevelDetection as _, skeleton};

use crate::invisible::is_invisible;

/// Longest name that is shown, in characters.
const MAX_LENGTH: usize = 60;
/// Most marks on one letter; Hebrew and Thai stack two, rarely three. More paint over other lines.
const MAX_MARKS: usize = 3;

/// The name with nothing hidden in it, on one line and of a length that fits a page; none if nothing is left.
pub(crate) fn shown_name(name: &str) -> Option<String> {
    // Composed first, so that an accented letter is one character and has no marks.
    let visible = name.nfc().filter(|&c| c.is_whitespace() || !is_invisible(c));
    let (mut shown, mut marks) = (String::new(), MAX_MARKS);
    for c in visible {
        if c.is_whitespace() {
            if !shown.is_empty() && !shown.ends_with(' ') {
                shown.push(' ');
            }
            // A mark on a space would stand alone.
            marks = MAX_MARKS;
        } else if !is_combining_mark(c) {
            shown.push(c);
            marks = 0;
        } else if marks < MAX_MARKS {
            shown.push(c);
            marks += 1;
        }
    }
    let shown = shown.trim_end();
    if let Some((cut, _)) = shown.char_indices().nth(MAX_LENGTH) {
        let kept = shown[..cut].char_indices().next_back().map_or("", |(last, _)| &shown[..last]);
        return Some(format!("{}…", kept.trim_end()));
    }
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// Whether the name may be made to look like another one (UTS #39): a word that mixes scripts as no
/// language does (`Сlaude` with a Cyrillic first letter) or has letters that are made for formulas, or a name
/// whose only foreign words could be taken for Latin ones. For a warning: names may be all of this honestly.
pub(crate) fn suspicious(name: &str) -> bool {
    // Letters only: marks such as Hebrew points are rare in identifiers, which is what UTS #39 is about.
    let letters = |word: &str| word.chars().filter(|&c| !is_combining_mark(c)).collect::<String>();
    let words: Vec<_> =
        name.split(|c: char| !c.is_alphabetic() && !is_combining_mark(c)).map(letters).collect();
    if words.iter().any(|word| !word.check_restriction_level(RestrictionLevel::HighlyRestrictive)) {
        return true;
    }
    let mut foreign = words.iter().filter(|word| !is_latin(word)).peekable();
    foreign.peek().is_some() && foreign.all(|word| skeleton(word).all(|c| c.is_ascii()))
}

/// Whether every letter belongs to the Latin script: then the word and a Latin letter are of one script.
fn is_latin(word: &str) -> bool {
    format!("a{word}").is_single_script()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_shown_as_they_are_written() {
        for name in [
            "Claude Code",
            "Visual Studio Code – Insiders (C#)",
            "Кодекс",
            "日本語クライアント",
            "한국어 클라이언트",
            "नमस्ते",
            "لوحة التحكم",
            "שָׁלוֹם",
            "Ångström & Søn",
            "<b>&amp;",
            "🦀 Crab",
        ] {
            assert_eq!(shown_name(name).as_deref(), Some(name));
            assert!(!suspicious(name), "{name}");
        }
    }

    #[test]
    fn nothing_in_a_shown_name_is_hidden_or_moves_its_neighbours() {
        for (name, shown) in [
            ("  Claude \t\r\n Code\u{2028}\u{3000}1 ", Some("Claude Code 1")),
            ("Cl\u{200b}a\u{200d}u\u{ad}d\u{feff}e", Some("Claude")),
            ("\u{202e}edualC\u{202c}", Some("edualC")),
            ("\u{2066}Claude\u{2069}\u{61c}\u{200f}", Some("Claude")),
            ("Claude\u{0}\u{7}\u{1b}[31m\u{9b}", Some("Claude[31m")),
            ("Claude\u{e0041}\u{e007f}\u{fe0f}\u{e0100}\u{180b}", Some("Claude")),
            ("Claude\u{3164}\u{115f}\u{2800}\u{ffa0}\u{34f}", Some("Claude")),
            ("Claude\u{e000}\u{f8ff}\u{10fffd}\u{fffe}\u{1fffe}\u{fdd0}", Some("Claude")),
            ("e\u{301}\u{327}", Some("ȩ\u{301}")),
            ("\u{301}\u{302}a", Some("a")),
            ("a \u{20dd}b", Some("a b")),
            ("", None),
            (" \u{200b}\n\u{3164} ", None),
            ("\u{301}", None),
        ] {
            assert_eq!(shown_name(name).as_deref(), shown, "{name:?}");
        }
        let zalgo = format!("Z{}", "\u{316}".repeat(50));
        assert_eq!(shown_name(&zalgo).unwrap().chars().count(), 1 + MAX_MARKS);
    }

    #[test]
    fn a_long_name_ends_with_an_ellipsis() {
        assert_eq!(shown_name(&"ä".repeat(60)).unwrap(), "ä".repeat(60));
        assert_eq!(shown_name(&"ä".repeat(61)).unwrap(), format!("{}…", "ä".repeat(59)));
        assert_eq!(shown_name(&format!("{} bc", "a".repeat(58))).unwrap(), format!("{}…", "a".repeat(58)));
    }

    #[test]
    fn names_that_may_be_made_to_look_like_others_are_noticed() {
        for name in [
            "Сlaude",
            "Claudе Code",
            "Visual Ѕtudio Code",
            "Gοοgle",
            "раураl",
            "сосо",
            "My Соре",
            "𝐂𝐥𝐚𝐮𝐝𝐞",
            "Ｃｌａｕｄｅ",
            "ﬁrefox",
        ] {
            assert!(suspicious(name), "{name}");
        }
        for name in ["", "Claude", "Это со мной", "Мой Claude", "Über-Client 2.0", "C# 開発ツール", "Ελλάς"]
        {
            assert!(!suspicious(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_name_is_it_fits_on_one_line(name in any::<String>()) {
            suspicious(&name);
            if let Some(shown) = shown_name(&name) {
                prop_assert!(!shown.is_empty() && shown.chars().count() <= MAX_LENGTH);
                prop_assert!(shown.trim() == shown && !shown.contains("  "));
                prop_assert!(!shown.chars().any(is_invisible));
                let again = shown_name(&shown);
                prop_assert_eq!(again.as_deref(), Some(shown.as_str()));
            }
        }
    }
}
