//! As much DER as RSA keys and X.509 certificates need.

/// The two integers of `SEQUENCE { INTEGER, INTEGER }`, without sign bytes.
pub(crate) fn integers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, _) = tagged(SEQUENCE, der)?;
    let (first, rest) = tagged(INTEGER, body)?;
    let (second, _) = tagged(INTEGER, rest)?;
    let unsigned = |bytes| <[u8]>::strip_prefix(bytes, &[0]).unwrap_or(bytes);
    Some((unsigned(first), unsigned(second)))
}

/// What people want to know of a certificate, as written in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Described<'a> {
    pub(crate) from: &'a [u8],
    pub(crate) until: &'a [u8],
    pub(crate) common_name: Option<&'a [u8]>,
}

/// Validity and subject of an X.509 certificate.
pub(crate) fn describe(der: &[u8]) -> Option<Described<'_>> {
    let (certificate, _) = tagged(SEQUENCE, der)?;
    let (mut rest, _) = tagged(SEQUENCE, certificate)?;
    if let Some((_, after)) = tagged(VERSION, rest) {
        rest = after;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (validity, rest) = tagged(SEQUENCE, rest)?;
    let (_, from, after) = element(validity)?;
    let (_, until, _) = element(after)?;
    let (mut names, _) = tagged(SEQUENCE, rest)?;
    let mut common_name = None;
    while let Some((set, after)) = tagged(SET, names) {
        names = after;
        let (attribute, _) = tagged(SEQUENCE, set)?;
        let (kind, value) = tagged(OBJECT_IDENTIFIER, attribute)?;
        if kind == COMMON_NAME {
            common_name = Some(element(value)?.1);
        }
    }
    Some(Described { from, until, common_name })
}

/// The `RSAPublicKey` in the `SubjectPublicKeyInfo` of an X.509 certificate (RFC 5280, section 4.1).
pub(crate) fn rsa_key_of_certificate(der: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = tagged(SEQUENCE, der)?;
    let (mut rest, _) = tagged(SEQUENCE, certificate)?;
    // A version 1 certificate begins with its serial number.
    if let Some((_, after)) = tagged(VERSION, rest) {
        rest = after;
    }
    // Serial number, signature algorithm, issuer, validity, subject.
    for _ in 0..5 {
        rest = element(rest)?.2;
    }
    let (key_info, _) = tagged(SEQUENCE, rest)?;
    let (algorithm, rest) = tagged(SEQUENCE, key_info)?;
    let (identifier, _) = tagged(OBJECT_IDENTIFIER, algorithm)?;
    let (bits, _) = tagged(BIT_STRING, rest)?;
    let (&unused, key) = bits.split_first()?;
    (identifier == RSA_ENCRYPTION && unused == 0 && integers(key).is_some()).then_some(key)
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Content and rest of an element of this tag.
fn tagged(wanted: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, body, rest) = element(der)?;
    (tag == wanted).then_some((body, rest))
}

fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = der.split_first_chunk()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((tag, body, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{describe, integers, rsa_key_of_certificate};

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            integers(&bytes);
            rsa_key_of_certificate(&bytes);
            describe(&bytes);
        }
    }

    #[test]
    fn reading_der_is_total() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x82], &[0x30, 0xff, 1], &[0x30, 2, 2, 9], &[2, 0, 2, 0]] {
            assert_eq!(integers(bytes), None, "{bytes:?}");
            assert_eq!(rsa_key_of_certificate(bytes), None, "{bytes:?}");
        }
    }
}
