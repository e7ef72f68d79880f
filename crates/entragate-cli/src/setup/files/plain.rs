//! What may stand in `.env` without quotes. Shells act on what they read there, while Docker and systemd take quotes as
//! part of the value or not, each in its own way: a value that would need them is refused instead of quoted.

/// A value of which every reader of the file makes the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain<'a>(&'a str);

/// Why a value cannot stand in the file. It does not repeat the value, which may be the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has a character that a shell would act on when it reads .env, which setup writes")]
pub struct NotPlain;

impl NotPlain {
    /// What to write instead.
    pub const HINT: &'static str =
        "write ASCII letters, digits and -._~:/@%+=,[] only, and no ~ in front or behind a colon";
}

impl<'a> Plain<'a> {
    /// Takes a value that needs no quotes.
    pub fn new(value: &'a str) -> Result<Self, NotPlain> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~:/@%+=,[]".contains(c);
        // A shell reads `~` there as somebody's home directory.
        let has_home = value.starts_with('~') || value.contains(":~");
        if value.chars().all(fits) && !has_home { Ok(Self(value)) } else { Err(NotPlain) }
    }

    /// The value.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::*;

    /// What a shell makes of a line with the value, as `. ./.env` reads it.
    fn sourced(value: &str) -> String {
        let script = format!("VALUE={value}\nprintf %s \"$VALUE\"");
        let output = Command::new("/bin/sh").args(["-c", &script]).output().expect("a shell");
        assert!(output.status.success() && output.stderr.is_empty(), "{value}");
        String::from_utf8(output.stdout).expect("text")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_reads_what_is_taken_as_it_is(value in "[-A-Za-z0-9._~:/@%+=,\\[\\]]{0,24}") {
            if let Ok(plain) = Plain::new(&value) {
                prop_assert_eq!(sourced(plain.as_str()), value);
            }
        }
    }

    #[test]
    fn every_other_character_is_refused() {
        let taken: String =
            (0..=0x2ff).filter_map(char::from_u32).filter(|c| Plain::new(&format!("x{c}")).is_ok()).collect();
        assert_eq!(taken, "%+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~");
        for value in ["~", "~root/x", "https://x.test/:~root"] {
            assert_eq!(Plain::new(value), Err(NotPlain), "{value}");
        }
    }
}
