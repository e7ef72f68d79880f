//! An answer means the same however the network cuts it.

use http::Method;
use proptest::prelude::*;
use proptest::sample::select;

use super::hostile::{Answer, answer, cut, cuts};
use super::reading::{End, Heard, Pieces, Then};

/// Times as many as proptest tries of itself, or `PROPTEST_CASES` says.
const MANY: u32 = 4;

fn read(pieces: &[&[u8]], then: Then, asked: &Method) -> Heard {
    Pieces { pieces, then }.read(asked)
}

/// In one piece, byte by byte, and as it was cut.
#[track_caller]
fn assert_same(bytes: &[u8], pieces: &[&[u8]], then: Then, asked: &Method) -> Heard {
    let whole = read(&[bytes], then, asked);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    whole.assert_same(&read(&single, then, asked));
    whole.assert_same(&read(pieces, then, asked));
    whole
}

proptest! {
    #![proptest_config(ProptestConfig { cases: MANY * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_answer_is_the_same_however_it_is_cut(
        Answer(bytes) in answer(),
        cuts in cuts(),
        asked in select(vec![Method::POST, Method::GET, Method::HEAD, Method::DELETE]),
        then in select(vec![Then::Closes, Then::Waits]),
    ) {
        let heard = assert_same(&bytes, &cut(&bytes, &cuts), then, &asked);
        if heard.end == End::Whole && heard.is_kept {
            // Nothing but the answer itself says where it ends.
            let bytes = &bytes[..bytes.len() - heard.left];
            prop_assert_eq!(read(&[bytes], Then::Waits, &asked).end, End::Whole);
            let short = read(&[&bytes[..bytes.len() - 1]], Then::Closes, &asked);
            prop_assert_eq!(short.end, End::CutOff);
        }
    }
}
