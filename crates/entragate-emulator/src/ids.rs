//! Identifiers and opaque values: the one place that draws randomness, from the system or from a seed. Only new RSA keys
//! come with randomness of their own, inside the cryptographic library.

use crate::digest::{base64url, sha256};
use crate::guid;

/// A source of identifiers; with a seed, the same ones in the same order every time.
#[derive(Debug)]
pub(crate) struct Random {
    seed: Option<u64>,
    drawn: u64,
}

impl Random {
    /// A new source, or with what another has drawn, one that goes on there.
    pub(crate) fn new(seed: Option<u64>, drawn: u64) -> Self {
        Self { seed, drawn }
    }

    pub(crate) fn drawn(&self) -> u64 {
        self.drawn
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        let Some(seed) = self.seed else { return system::fill(out) };
        for chunk in out.chunks_mut(32) {
            self.drawn += 1;
            let mut block = seed.to_be_bytes().to_vec();
            block.extend_from_slice(&self.drawn.to_be_bytes());
            chunk.copy_from_slice(&sha256(&block)[..chunk.len()]);
        }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    pub(crate) fn guid(&mut self) -> String {
        guid::from_bytes(self.bytes())
    }

    /// base64url text of so many random bytes.
    pub(crate) fn opaque(&mut self, bytes: usize) -> String {
        let mut out = vec![0; bytes];
        self.fill(&mut out);
        base64url(&out)
    }

    /// A number in the closed range.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + u64::from_be_bytes(self.bytes()) % (high - low + 1)
    }

    /// An authorization code: opaque, with Entra's length and alphabet.
    pub(crate) fn code(&mut self) -> String {
        format!("{GRANT_PREFIX}{}.{}", self.opaque(60), self.opaque(570))
    }

    /// A refresh token: opaque, with Entra's length and alphabet.
    pub(crate) fn refresh_token(&mut self) -> String {
        format!("{GRANT_PREFIX}{}.{}", self.opaque(60), self.opaque(810))
    }

    /// What a person types at the device page.
    pub(crate) fn user_code(&mut self) -> String {
        // No vowels and no look-alikes, so that a code is neither a word nor misread.
        const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ23456789";
        let pick = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
        self.bytes::<9>().into_iter().map(pick).collect()
    }
}

const GRANT_PREFIX: &str = "1.AXEA";

/// Whether the text could be a code or refresh token of ours at all; anything else is AADSTS9002313.
pub(crate) fn is_grant_shaped(text: &str) -> bool {
    text.len() >= 700
        && text.starts_with(GRANT_PREFIX)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The system's randomness.
#[expect(clippy::disallowed_methods, reason = "the emulator's only drawing of system randomness")]
pub(crate) mod system {
    use aws_lc_rs::rand::SystemRandom;

    pub(super) fn fill(out: &mut [u8]) {
        // Not by aws-lc: its generator measures the processor's jitter for 50 ms before the first byte, and the first
        // answer would wait for it.
        getrandom::fill(out).expect("the operating system has randomness");
    }

    /// Has aws-lc seed its generator, which blinds RSA keys, before the first token waits for it.
    pub(crate) fn warm_up() {
        aws_lc_rs::rand::fill(&mut [0; 1]).expect("the operating system has randomness");
    }

    /// For signatures, whose interface asks for a source.
    pub(crate) fn random() -> SystemRandom {
        SystemRandom::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Random, is_grant_shaped};

    #[test]
    fn a_seed_repeats_itself_and_the_system_does_not() {
        let draw = |seed| (Random::new(seed, 0).guid(), Random::new(seed, 0).code());
        assert_eq!(draw(Some(7)), draw(Some(7)));
        assert_ne!(draw(Some(7)), draw(Some(8)));
        assert_ne!(draw(None), draw(None));
    }

    #[test]
    fn grants_have_entra_s_size() {
        let mut random = Random::new(Some(1), 0);
        let (code, refresh) = (random.code(), random.refresh_token());
        assert!(code.len() >= 700 && refresh.len() >= 1000);
        assert!(is_grant_shaped(&code) && is_grant_shaped(&refresh));
        assert!(!is_grant_shaped(&code[..400]));
        assert_eq!(random.opaque(16).len(), 22);
    }
}
