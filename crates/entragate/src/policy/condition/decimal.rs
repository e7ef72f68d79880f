//! Numbers as they are written, because a double holds some of them as another number.

/// Characters of a number. The longest that a double needs, 5e-324 in full, has 1,076.
const LONGEST: usize = 1100;

/// Whether a double holds every number of the JSON text as it is written: what it says, no more and no fewer digits, is what
/// the double is written as.
pub(super) fn are_held(json: &str) -> bool {
    numbers(json).all(|number| {
        // Nobody writes thousands of digits, and reading them takes long.
        let double: Option<f64> =
            Some(number).filter(|one| one.len() <= LONGEST).and_then(|one| one.parse().ok());
        double.is_some_and(|double| Decimal::of(number) == Decimal::of(&format!("{double:e}")))
    })
}

/// The numbers in a text that is known to be JSON.
fn numbers(json: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    outside_strings(json)
        .flat_map(move |part| part.split(move |c: char| !is_part(c)))
        // Of `true` and its like, an `e` is left.
        .filter(|part| part.contains(|c: char| c.is_ascii_digit()))
}

fn outside_strings(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(json);
    std::iter::from_fn(move || {
        let (outside, string) = rest?.split_once('"').unwrap_or_else(|| (rest.unwrap_or_default(), ""));
        let mut is_escaped = false;
        let end = string.find(|c: char| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        });
        rest = end.and_then(|end| string.get(end + 1..));
        Some(outside)
    })
}

/// A number by its digits, from the first that is not zero to the last, and where its point is.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(number: &str) -> Option<Self> {
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_negative = whole.starts_with('-');
        let all = format!("{}{fraction}", whole.trim_start_matches('-'));
        let digits = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - digits.len()).ok()?;
        let exponent = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { is_negative: false, digits, exponent: 0 });
        }
        Some(Self { is_negative, digits, exponent: exponent.checked_add(dropped)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_that_a_double_holds_as_another_is_told() {
        for held in [
            "0",
            "-0",
            "0.0",
            "0e5",
            "1000",
            "1e3",
            "1000.00",
            "9.99e2",
            "0.1",
            "0.30000000000000004",
            "-1.5E-7",
            "123e-2",
            "5e-324",
            r#"{"a":[1.5,true,null,-2],"1.00000000000000001":"1.00000000000000001 \" 0.1\\"}"#,
            r#""\\""#,
            "true",
            "[]",
        ] {
            assert!(are_held(held), "{held}");
        }
        for rounded in [
            "1000.00000000000001",
            "0.10000000000000001",
            "1e400",
            "1e-400",
            "9007199254740993",
            r#"["\"",1.00000000000000001]"#,
            r#"{"\\":1.00000000000000001,"x":"y"}"#,
            "1e99999999999999999999",
        ] {
            assert!(!are_held(rounded), "{rounded}");
        }
    }

    #[test]
    fn a_number_of_thousands_of_digits_is_not_read() {
        assert!(are_held(&format!("1.{}", "0".repeat(1_000))));
        assert!(!are_held(&format!("1.{}", "0".repeat(2_000))));
        assert!(!are_held(&format!("[1.5,{}e-5000]", "1".repeat(5_000_000))));
    }

    #[test]
    fn conditions_are_evaluated_with_the_number_that_is_written() {
        for written in ["1000.0000000000001", "100.30000000000001"] {
            let read: f64 = serde_json::from_str(written).unwrap();
            assert_eq!(format!("{read:?}"), written);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_a_double_is_held(number in any::<f64>()) {
            prop_assume!(number.is_finite());
            for written in [format!("{number:e}"), format!("{number:?}")] {
                prop_assert!(are_held(&written), "{}", written);
                // And what conditions are evaluated with is that double, not its neighbour.
                let read: f64 = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(read.to_bits(), number.to_bits());
            }
        }

        #[test]
        fn total(json in r#"[\[\]{}",:\\a-z0-9 .eE+-]{0,60}"#) {
            let _ = are_held(&json);
        }
    }
}
