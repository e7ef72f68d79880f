//! Codes, and the ids under which an administrator finds the attempt, in whatever somebody pasted: an error page, a JSON
//! body, a redirect URL, a log line, a number.
//!
//! Nothing else of the text is kept: a paste may hold tokens and codes.

use percent_encoding::percent_decode_str;

/// The most codes that are taken from a text: a long list is no error message, and every further one would have to be
/// compared with those before it.
const MOST: usize = 50;

/// What a text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// AADSTS codes, in order, each once.
    pub codes: Vec<u64>,
    /// Codes of Azure AD B2C (`AADB2C90118`), in order, each once.
    pub b2c: Vec<String>,
    /// The text has more codes than the first 50 of each kind.
    pub more: bool,
    /// Under which the sign-in log has the attempt.
    pub correlation_id: Option<String>,
    /// Entra's own id of the request, called request id in the portal.
    pub trace_id: Option<String>,
    /// When Entra says it happened.
    pub timestamp: Option<String>,
}

/// The AADSTS codes in a text, in order, each once.
pub fn codes_in(text: &str) -> Vec<u64> {
    read(text).codes
}

/// Codes and ids in a text.
pub fn read(text: &str) -> Found {
    // A redirect URL may be pasted as it is, and so may one inside another.
    let once = percent_decode_str(text).decode_utf8_lossy();
    let twice = percent_decode_str(&once).decode_utf8_lossy();
    let bytes = twice.as_bytes();
    let mut found = Found::default();
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        match rest[0].to_ascii_lowercase() {
            b'a' => found.prefixed(rest),
            b'e' => found.labelled(rest),
            b'c' => {
                found.identified(rest, "correlation", Id::Correlation);
                found.identified(rest, "client-request", Id::Correlation);
            }
            b't' => {
                found.identified(rest, "trace", Id::Trace);
                found.dated(rest);
            }
            b'r' => {
                found.labelled(rest);
                // The header `client-request-id` is the correlation id.
                if !bytes[..at].ends_with(b"client-") {
                    found.identified(rest, "request", Id::Trace);
                }
            }
            _ => {}
        }
    }
    if found.codes.is_empty() && found.b2c.is_empty() {
        found.bare(&twice);
    }
    found
}

#[derive(Clone, Copy)]
enum Id {
    Correlation,
    Trace,
}

impl Found {
    fn add(&mut self, code: u64) {
        self.more |= !add_once(&mut self.codes, code);
    }

    /// `AADSTS50011`, also with a blank or a mark between.
    fn prefixed(&mut self, rest: &[u8]) {
        if let Some(rest) = after(rest, "aadsts") {
            let rest = behind_tag(behind_tag(rest));
            // The last two are a no-break space, which pages have.
            let gap = rest.iter().take(2).take_while(|byte| b" +:-_#*\xc2\xa0".contains(byte)).count();
            if let Some((code, _)) = number(behind_tag(&rest[gap..]), 4..=9) {
                self.add(code);
            }
        } else if let Some(rest) = after(rest, "aadb2c")
            && let Some((code, _)) = number(rest, 3..=9)
        {
            self.more |= !add_once(&mut self.b2c, format!("AADB2C{code}"));
        }
    }

    /// `"error_codes":[70002,54005]`, `iErrorCode":50011`, `error?code=50011`, `Sign-in error code 50053`, `ResultType` of the
    /// sign-in log in Azure Monitor. Only a list has more than one.
    fn labelled(&mut self, rest: &[u8]) {
        let labels = ["error_codes", "error_code", "errorcode", "error?code", "error code", "resulttype"];
        let Some(mut rest) = labels.iter().find_map(|label| after(rest, label)) else { return };
        let mut list = false;
        loop {
            let gap = rest.iter().take(12).take_while(|byte| b" \t\r\n\"'\\:=[,".contains(byte)).count();
            let (marks, behind) = rest.split_at(gap);
            let Some((code, length)) = number(behind, 5..=7).filter(|_| gap > 0) else { return };
            self.add(code);
            list |= marks.contains(&b'[');
            if !list {
                return;
            }
            rest = &behind[length..];
        }
    }

    /// `Correlation ID: {guid}`, `"correlation_id":"{guid}"`, `correlationId":"{guid}"`, `Correlation+ID:+{guid}`.
    fn identified(&mut self, rest: &[u8], label: &str, id: Id) {
        let Some(rest) = after(rest, label) else { return };
        let gap = rest.iter().take(2).take_while(|byte| b" _+-".contains(byte)).count();
        let Some(rest) = after(&rest[gap..], "id") else { return };
        let Some(guid) = guid(skip_marks(rest)) else { return };
        let place = match id {
            Id::Correlation => &mut self.correlation_id,
            Id::Trace => &mut self.trace_id,
        };
        place.get_or_insert(guid);
    }

    /// `Timestamp: 2026-01-31 13:34:39Z`.
    fn dated(&mut self, rest: &[u8]) {
        let Some(rest) = after(rest, "timestamp") else { return };
        if self.timestamp.is_none() {
            self.timestamp = timestamp(skip_marks(rest));
        }
    }

    /// Numbers are codes where there is nothing else: `50011`, `error: 50011, 65001`. In prose a number may be anything, a port
    /// or an amount.
    fn bare(&mut self, text: &str) {
        let words = || {
            text.split(|c: char| c.is_whitespace() || c == ',' || c == ';')
                .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
                .filter(|word| !word.is_empty())
        };
        if words().all(|word| whole(word).is_some() || is_announcing(word)) {
            for code in words().filter_map(whole) {
                self.add(code);
            }
        }
    }
}

/// The word, if it is a number and could be a code.
fn whole(word: &str) -> Option<u64> {
    number(word.as_bytes(), 3..=9).filter(|(_, length)| *length == word.len()).map(|(code, _)| code)
}

/// Whether the word says no more than that a code is beside it.
fn is_announcing(word: &str) -> bool {
    ["aadsts", "code", "codes", "error", "errors", "and"].iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether there was room.
fn add_once<T: PartialEq>(codes: &mut Vec<T>, code: T) -> bool {
    let known = codes.contains(&code);
    if !known && codes.len() < MOST {
        codes.push(code);
        return true;
    }
    known
}

/// What follows the word, whatever its case.
fn after<'a>(rest: &'a [u8], word: &str) -> Option<&'a [u8]> {
    let head = rest.get(..word.len())?;
    head.eq_ignore_ascii_case(word.as_bytes()).then(|| &rest[word.len()..])
}

/// Behind a tag of a page, if there is one.
fn behind_tag(rest: &[u8]) -> &[u8] {
    if rest.first() != Some(&b'<') {
        return rest;
    }
    match rest.iter().take(200).position(|byte| *byte == b'>') {
        Some(end) => &rest[end + 1..],
        None => rest,
    }
}

/// Behind punctuation, and behind the tags of a page.
fn skip_marks(mut rest: &[u8]) -> &[u8] {
    for _ in 0..8 {
        match rest.first() {
            Some(b'<') => {
                let behind = behind_tag(rest);
                if behind.len() == rest.len() {
                    return rest;
                }
                rest = behind;
            }
            Some(byte) if !byte.is_ascii_alphanumeric() => rest = &rest[1..],
            _ => return rest,
        }
    }
    rest
}

/// A whole number of so many digits, and how many they are.
fn number(rest: &[u8], digits: std::ops::RangeInclusive<usize>) -> Option<(u64, usize)> {
    let length = rest.iter().take(digits.end() + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if !digits.contains(&length) {
        return None;
    }
    let value = rest[..length].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    Some((value, length))
}

fn guid(rest: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(rest.get(..36)?).ok()?;
    let ends = rest.get(36).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    (ends && crate::idp::entra::registration::is_guid(text)).then(|| text.to_ascii_lowercase())
}

/// Nothing but digits in their places, so that no other part of a paste gets through.
fn timestamp(rest: &[u8]) -> Option<String> {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";
    let head = rest.get(..SHAPE.len())?;
    let fits = SHAPE.iter().zip(head).all(|(shape, byte)| match shape {
        b'0' => byte.is_ascii_digit(),
        b' ' => b" +T".contains(byte),
        other => byte == other,
    });
    let text = std::str::from_utf8(head).ok()?;
    fits.then(|| format!("{} {}Z", &text[..10], &text[11..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_found_in_every_shape_that_people_paste() {
        for (text, codes) in [
            ("AADSTS50011", &[50011][..]),
            ("aadsts 50011", &[50011]),
            ("50011", &[50011]),
            ("123456, 50011", &[123_456, 50011]),
            ("error=invalid_request&error_description=AADSTS9010010%3a+The+resource+parameter", &[9_010_010]),
            ("redirect=%252Fcb%253Ferror_description%253DAADSTS65004%25253A", &[65004]),
            (r#"{"error":"invalid_grant","error_codes":[70002,54005],"x":12345}"#, &[70002, 54005]),
            (r#"err="{\"error_codes\":[ 700082 ],\"trace_id\":\"1\"}""#, &[700_082]),
            (r#"$Config={"iErrorCode":50105,"iHttpErrorCode":400,"sErrorCode":"50105"};"#, &[50105]),
            ("https://login.microsoftonline.com/error?code=700016", &[700_016]),
            ("Sign-in error code 50053, failure reason", &[50053]),
            ("Error: 50011", &[50011]),
            ("codes 50011, 50105 and 65001", &[50011, 50105, 65001]),
            ("#50011", &[50011]),
            ("[`50011`]", &[50011]),
            ("AADSTS\u{a0}50011: The redirect URI", &[50011]),
            ("**AADSTS**50011", &[50011]),
            ("<b>AADSTS</b>50011", &[50011]),
            ("<dt>AADSTS</dt> <dd class='code'>50011</dd>", &[50011]),
            ("AADSTS codes of <b>50011</b> people", &[]),
            ("AADSTS<50011", &[]),
            (r#"{"ResultType":"50126","DurationMs":12345}"#, &[50126]),
            ("AADSTS code: 50011", &[50011]),
            ("error_codes=[50011 65001] status=400", &[50011, 65001]),
            ("AADSTS50011:\r\nThe redirect URI\r\n", &[50011]),
            ("50011\r\n", &[50011]),
            ("it listens on 50011, 53003 users, an error on port 65001, error after 50105", &[]),
            ("code 50011 since noon", &[]),
            ("error 53003 of 65001 requests", &[]),
            ("Sign-in error code 50053, 65001 users", &[50053]),
            ("the sign-in log says 53003.", &[]),
            ("50011 users", &[]),
            ("AADSTS70002: Error validating credentials. AADSTS50012: x", &[70002, 50012]),
            ("AADSTS7002138: x", &[7_002_138]),
            ("listening on 127.0.0.1:50011, id 00050011-50011-50011", &[]),
            ("AADSTS", &[]),
            ("AADSTS1234567890123456789012345", &[]),
            ("", &[]),
        ] {
            assert_eq!(codes_in(text), codes, "{text}");
        }
    }

    #[test]
    fn codes_of_b2c_are_no_aadsts_codes() {
        let found = read("AADB2C90118: The user has forgotten their password. AADB2C90118");
        assert_eq!((found.codes, found.b2c), (vec![], vec!["AADB2C90118".to_owned()]));
    }

    #[test]
    fn ids_and_time_are_found_in_text_json_and_url() {
        let correlation = "aaaa0000-bb11-2222-33cc-444444dddddd";
        let trace = "0000aaaa-11bb-cccc-dd33-eeeeee333333";
        for text in [
            format!("x Trace ID: {trace} Correlation ID: {correlation} Timestamp: 2026-01-09 02:02:12Z"),
            format!(
                "x\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: 2026-01-09 02:02:12Z"
            ),
            format!(
                "d=x+Trace+ID%3a+{trace}+Correlation+ID%3a+{correlation}+Timestamp%3a+2026-01-09+02%3a02%3a12Z"
            ),
            format!(
                r#"{{"timestamp":"2026-01-09 02:02:12Z","trace_id":"{trace}","correlation_id":"{correlation}"}}"#
            ),
            format!("Request Id: {trace} Correlation Id: {correlation} Timestamp: 2026-01-09T02:02:12Z"),
            format!(
                "<dt>Request Id</dt><dd>{trace}</dd> <b>Correlation Id:</b> <i class='x'>{correlation}</i> <dt>Timestamp</dt><dd>2026-01-09 02:02:12Z</dd>"
            ),
            format!(
                "x-ms-request-id: {trace}\nclient-request-id: {correlation}\ntimestamp=2026-01-09 02:02:12Z"
            ),
        ] {
            let found = read(&text);
            assert_eq!(found.correlation_id.as_deref(), Some(correlation), "{text}");
            assert_eq!(found.trace_id.as_deref(), Some(trace), "{text}");
            assert_eq!(found.timestamp.as_deref(), Some("2026-01-09 02:02:12Z"), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_id_or_a_time_is_left_out() {
        let found =
            read("Correlation ID: eyJhbGciOiJSUzI1NiJ9.secret Timestamp: s3cr3t-value-1234567 Trace ID: 1");
        assert_eq!(found, Found::default());
    }

    /// 4 MiB of different codes took minutes when each was compared with all before it.
    #[test]
    fn a_long_list_is_cut_and_said_to_be_longer() {
        let list = (0..100_000).map(|at| format!("{},", 100_000 + at)).collect::<Vec<_>>().concat();
        for (text, most) in [
            (list.clone(), 50),
            (list.replace(',', " AADSTS"), 50),
            (format!("\"error_codes\":[{list}"), 50),
            (list.replace(',', " AADB2C"), 0),
        ] {
            let found = read(&text);
            assert_eq!((found.codes.len(), found.more), (most, true));
        }
        let fifty = (0..100).map(|at| format!("AADSTS{} ", 10_000 + at % 50)).collect::<Vec<_>>().concat();
        assert!(!read(&fifty).more);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,400}") {
            read(&text);
        }

        #[test]
        fn texts_made_of_its_own_words_are_read_too(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "AADSTS", "AADB2C", "50011", "error_codes", "\":[", ",", "]", "%3a", "%", "%2", "error?code=", "ErrorCode",
                    "Correlation ID: ", "trace_id", "Timestamp", "2026-01-09 02:02:12", "é", "\u{0}", "999999999999999999999",
                    "aaaa0000-bb11-2222-33cc-444444dddddd", "-",
                ]),
                0..40,
            ),
        ) {
            let found = read(&parts.concat());
            prop_assert!(found.codes.iter().all(|code| *code < 1_000_000_000));
        }

        #[test]
        fn a_named_code_is_always_found(code in 10_000u64..10_000_000, before in "[ -~]{0,40}", after in "[ .:,+\"<)]") {
            let before = before.replace('%', "");
            let text = format!("{before} AADSTS{code}{after}");
            prop_assert!(codes_in(&text).contains(&code));
        }
    }
}
