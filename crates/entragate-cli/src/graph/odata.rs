//! `OData` URLs, without room for what is put into them to become something else.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Kept readable: none of them means anything in a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A string literal: quotes doubled (`OData` 4.01 part 2, §5.1.1.6.2), percent-encoded, in quotes.
pub fn literal(text: &str) -> String {
    format!("'{}'", utf8_percent_encode(&text.replace('\'', "''"), PLAIN))
}

/// One path segment.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A filter such as `clientId eq 'x' and resourceId eq 'y'`, as a query parameter.
pub fn equals(conditions: &[(&str, &str)]) -> String {
    let conditions: Vec<String> =
        conditions.iter().map(|(name, value)| format!("{name}%20eq%20{}", literal(value))).collect();
    format!("$filter={}", conditions.join("%20and%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_literal() {
        assert_eq!(literal("contoso-mcp"), "'contoso-mcp'");
        assert_eq!(literal("o'neil) or x eq ('"), "'o%27%27neil%29%20or%20x%20eq%20%28%27%27'");
        assert_eq!(segment("../users?x#y"), "..%2Fusers%3Fx%23y");
        assert_eq!(equals(&[("a", "1"), ("b", "2")]), "$filter=a%20eq%20'1'%20and%20b%20eq%20'2'");
    }
}
