//! What the operator gave the server may be secret, so it is taken out of what the server writes for people.

use std::sync::Arc;

use entragate::{Secret, is_invisible};

/// What is shorter is no secret, and taking it out would garble ordinary words.
const SHORTEST: usize = 8;

/// Every form in which such a value may stand in a line.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(Arc<[Secret]>);

impl Secrets {
    /// Of the values in an environment.
    pub(super) fn of(environment: &[(String, Secret)]) -> Self {
        let forms = environment.iter().flat_map(|(_, value)| forms(value.expose()));
        let mut forms: Vec<String> = forms.filter(|form| form.len() >= SHORTEST).collect();
        // A value that begins a longer one would leave the rest of it.
        forms.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        forms.dedup();
        Self(forms.into_iter().map(Secret::new).collect())
    }

    /// A line of somebody else's for our log.
    pub(super) fn out_of(&self, text: &str) -> String {
        let whole = self.without_whole(text);
        // Loggers that wrap at 80 columns break a long value, and write more behind each part.
        let words = whole.split_inclusive(char::is_whitespace).map(|word| self.without_parts(word));
        words.collect::<String>().trim().to_owned()
    }

    fn without_whole(&self, text: &str) -> String {
        // First, or what is invisible within a secret would hide it.
        let mut text = visible(text);
        for secret in self.0.iter().map(Secret::expose) {
            text = text.replace(secret, "…");
        }
        text
    }

    fn without_parts(&self, word: &str) -> String {
        let (word, space) = word.split_at(word.trim_end().len());
        if word.len() < SHORTEST {
            return format!("{word}{space}");
        }
        let secrets = || self.0.iter().map(Secret::expose);
        if secrets().any(|secret| secret.contains(word)) {
            return format!("…{space}");
        }
        let end_of_one = secrets().filter_map(|secret| {
            // The longest first; none is longer than the word.
            let from = secret.len().saturating_sub(word.len())..=secret.len().saturating_sub(SHORTEST);
            from.filter_map(|at| secret.get(at..)).find(|end| word.starts_with(end)).map(str::len)
        });
        let rest = word.get(end_of_one.max().unwrap_or_default()..).unwrap_or_default();
        let middle = rest.get(..rest.len() - self.begun_at_end(rest, SHORTEST)).unwrap_or_default();
        let mark = |is_less| if is_less { "…" } else { "" };
        format!("{}{middle}{}{space}", mark(rest.len() < word.len()), mark(middle.len() < rest.len()))
    }

    /// The same for a line that goes on: where it was cut, a secret may have begun.
    pub(super) fn out_of_beginning(&self, text: &str) -> String {
        // Of a character that was cut in two.
        let shown = self.without_whole(text.trim_end_matches(char::REPLACEMENT_CHARACTER)).trim().to_owned();
        let length = shown.len() - self.begun_at_end(&shown, 1);
        shown.get(..length).unwrap_or_default().to_owned()
    }

    /// How many bytes at the end of a text begin a secret, if they are so many at least.
    fn begun_at_end(&self, text: &str, least: usize) -> usize {
        let begun = self.0.iter().map(Secret::expose).filter_map(|secret| {
            let lengths = (least..=text.len().min(secret.len())).rev();
            lengths.filter_map(|length| secret.get(..length)).find(|begun| text.ends_with(begun))
        });
        begun.map(str::len).max().unwrap_or_default()
    }
}

fn visible(text: &str) -> String {
    text.chars().filter(|character| *character == '\t' || !is_invisible(*character)).collect()
}

/// A value of several lines, a key for example, is printed line by line, or as JSON in one.
fn forms(value: &str) -> impl Iterator<Item = String> {
    let lines = value.split(['\n', '\r']);
    std::iter::once(value).chain(lines).map(str::trim).flat_map(|text| {
        let json = serde_json::Value::from(text).to_string();
        let json = json.get(1..json.len() - 1).unwrap_or_default(); // without its quotes
        [visible(text), visible(json)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> Secrets {
        let environment: Vec<_> = values.iter().map(|value| ("X".to_owned(), Secret::new(*value))).collect();
        Secrets::of(&environment)
    }

    #[test]
    fn values_that_the_operator_gave_are_not_shown() {
        let secrets = secrets(&["ghp_0123456789", "7"]);
        assert_eq!(secrets.out_of("token ghp_0123456789 of 7"), "token … of 7");
        assert_eq!(secrets.out_of("token ghp_01\u{200b}2345\0\u{feff}6789"), "token …");
        // Nor the part of one at which a line was cut.
        for (cut, left) in
            [("is ghp_0", "is "), ("is ghp_012345678", "is "), ("g", ""), ("of ghp", "of "), ("x7", "x7")]
        {
            assert_eq!(secrets.out_of_beginning(cut), left, "{cut}");
        }
    }

    #[test]
    fn each_line_of_a_value_is_one_however_it_is_printed() {
        let key = "-----BEGIN KEY-----\r\nMIIBVgIBADANBgkq\r\n  hkiG\"9w0BAQ\n-----END KEY-----\n";
        let secrets = secrets(&[key]);
        for line in key.lines() {
            assert_eq!(secrets.out_of(&format!("is {}", line.trim())), "is …", "{line}");
        }
        assert_eq!(secrets.out_of(&serde_json::json!({ "key": key }).to_string()), r#"{"key":"…\n"}"#);
        assert_eq!(secrets.out_of(r#""hkiG\"9w0BAQ\n""#), r#""…\n""#);
        assert_eq!(secrets.out_of_beginning("is MIIBVgIBADAN"), "is ");
    }

    #[test]
    fn a_value_that_a_logger_has_wrapped_is_not_shown_in_parts() {
        let secrets =
            secrets(&["github_pat_11AAAAAAA0abcdefghijklmnopqrstuvwxyz-0123456789", "/srv/data/notes"]);
        for (line, shown) in [
            ("[12:00] token=github_pat_11AAAAAAA0  srv.py:3", "[12:00] token=…  srv.py:3"),
            ("        abcdefghijklmnopqrst  srv.py:3", "…  srv.py:3"),
            ("        uvwxyz-0123456789', next", "…', next"),
            ("0123456789=github_pat_11", "…=…"),
            // What is too short to be told from a word.
            ("github_ and 456789", "github_ and 456789"),
            ("reading /srv/other/notes and /srv/data.db", "reading /srv/other/notes and /srv/data.db"),
        ] {
            assert_eq!(secrets.out_of(line), shown, "{line}");
        }
    }

    #[test]
    fn a_value_that_is_the_beginning_of_a_longer_one_leaves_nothing_of_it() {
        let (short, long) = ("0123456789", "0123456789-and-more");
        for order in [[short, long], [long, short]] {
            assert_eq!(secrets(&order).out_of("is 0123456789-and-more, 0123456789"), "is …, …");
        }
    }
}
