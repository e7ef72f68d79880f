//! Characters that do not read as they are: in a stranger's text they hide something, turn the line around or end it, on a
//! page as in a log (Trojan Source, CVE-2021-42574).

/// Characters without a shape of their own, beyond the control characters: default-ignorable ones (UAX #44),
/// other format characters, blanks that are no spaces, private use and noncharacters.
const INVISIBLE: [(char, char); 24] = [
    ('\u{ad}', '\u{ad}'),        // soft hyphen
    ('\u{34f}', '\u{34f}'),      // combining grapheme joiner
    ('\u{61c}', '\u{61c}'),      // direction
    ('\u{70f}', '\u{70f}'),      // Syriac abbreviation
    ('\u{115f}', '\u{1160}'),    // Hangul fillers
    ('\u{17b4}', '\u{17b5}'),    // Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),    // Mongolian variation selectors, vowel separator
    ('\u{200b}', '\u{200f}'),    // zero width, direction
    ('\u{2028}', '\u{202e}'),    // line and paragraph separators, direction
    ('\u{2060}', '\u{206f}'),    // joiners, invisible operators, direction
    ('\u{2800}', '\u{2800}'),    // Braille blank
    ('\u{3164}', '\u{3164}'),    // Hangul filler
    ('\u{e000}', '\u{f8ff}'),    // private use
    ('\u{fdd0}', '\u{fdef}'),    // noncharacters
    ('\u{fe00}', '\u{fe0f}'),    // variation selectors
    ('\u{feff}', '\u{feff}'),    // byte order mark
    ('\u{ffa0}', '\u{ffa0}'),    // halfwidth Hangul filler
    ('\u{fff0}', '\u{fffb}'),    // unassigned, interlinear annotation
    ('\u{fffe}', '\u{ffff}'),    // noncharacters
    ('\u{13430}', '\u{1345f}'),  // Egyptian format controls
    ('\u{1bca0}', '\u{1bca3}'),  // shorthand format controls
    ('\u{1d159}', '\u{1d159}'),  // musical null notehead
    ('\u{1d173}', '\u{1d17a}'),  // musical format controls
    ('\u{e0000}', '\u{10ffff}'), // tags, variation selectors, private use
];

/// Whether a reader would not see the character, or would see its neighbours elsewhere.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || INVISIBLE.iter().any(|&(first, last)| (first..=last).contains(&c))
        // The last two code points of every plane are noncharacters.
        || u32::from(c) & 0xfffe == 0xfffe
}
