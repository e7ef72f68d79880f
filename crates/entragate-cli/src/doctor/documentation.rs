//! The texts of a check, read from the module documentation of its file: one source for `cargo doc`, for
//! `entragate doctor --list` and for `docs/reference/doctor.md`.

/// The three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Documentation(&'static str);

const HEADINGS: [&str; 3] = ["# What it checks", "# Why it matters", "# How to fix"];

impl Documentation {
    /// `source`: the `//!` lines at the head of a file.
    pub(super) const fn of(source: &'static str) -> Self {
        Self(source)
    }

    /// What the check looks at.
    pub fn what(&self) -> String {
        self.part(0)
    }

    /// Why that matters.
    pub fn why(&self) -> String {
        self.part(1)
    }

    /// What to do when it finds something.
    pub fn fix(&self) -> String {
        self.part(2)
    }

    fn part(&self, index: usize) -> String {
        let lines = self
            .0
            .lines()
            .map(|line| line.strip_prefix("//!").unwrap_or(line))
            .map(|line| line.strip_prefix(' ').unwrap_or(line));
        let mut at = None;
        let mut text = String::new();
        for line in lines {
            if let Some(heading) = HEADINGS.iter().position(|heading| line == *heading) {
                at = Some(heading);
            } else if at == Some(index) {
                text.push_str(line);
                text.push('\n');
            }
        }
        text.trim().to_owned()
    }
}

/// The length of the `//!` lines at the head of a source file. Only they go into the binary.
pub(super) const fn head_length(source: &str) -> usize {
    let bytes = source.as_bytes();
    let mut line = 0;
    while line + 2 < bytes.len() && bytes[line] == b'/' && bytes[line + 1] == b'/' && bytes[line + 2] == b'!'
    {
        while line < bytes.len() && bytes[line] != b'\n' {
            line += 1;
        }
        line += 1;
    }
    if line > bytes.len() { bytes.len() } else { line }
}

/// The first bytes of a source file.
pub(super) const fn head<const N: usize>(source: &str) -> [u8; N] {
    let bytes = source.as_bytes();
    let mut head = [0; N];
    let mut at = 0;
    while at < N {
        head[at] = bytes[at];
        at += 1;
    }
    head
}

/// The head as text: whole lines of a text are text.
pub(super) const fn text(head: &'static [u8]) -> &'static str {
    match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(_) => "",
    }
}
