//! What a server writes to its standard error goes to the gateway's log: lines of a bounded length, so many a
//! second, without the values that the operator gave the server, which may be secrets.

use std::sync::Arc;
use std::time::Duration;

use entragate::{Secret, is_invisible};
use tokio::io::{AsyncBufRead, BufReader};
use tokio::process::ChildStderr;
use tokio::time::Instant;

use super::line::{self, Line, Rest};

const LONGEST_LINE: usize = 2 * 1024;
const LINES_PER_SECOND: u32 = 50;
/// What is shorter is no secret, and taking it out would garble ordinary words.
const SHORTEST_SECRET: usize = 8;

/// Logs until the stream ends.
pub(super) async fn relay(stderr: ChildStderr, session: String, secrets: Arc<[Secret]>) {
    let mut lines = Lines::new(BufReader::new(stderr), secrets);
    while let Some(line) = lines.next().await {
        match line {
            Logged::Line(text) => tracing::info!(target: "entragate::stdio", session, "{text}"),
            Logged::LeftOut(count) => {
                tracing::warn!(target: "entragate::stdio", session, count, "lines of the server's log were left out");
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Logged {
    Line(String),
    /// So many lines were more than the log takes.
    LeftOut(u32),
}

struct Lines<S> {
    stream: S,
    secrets: Arc<[Secret]>,
    second: Instant,
    this_second: u32,
    /// The line that follows on the count of those left out before it.
    held: Option<String>,
}

impl<S: AsyncBufRead + Unpin> Lines<S> {
    fn new(stream: S, secrets: Arc<[Secret]>) -> Self {
        Self { stream, secrets, second: Instant::now(), this_second: 0, held: None }
    }

    /// `None` at the end. What cannot be read ends it, too: it is only a log.
    async fn next(&mut self) -> Option<Logged> {
        if let Some(line) = self.held.take() {
            return Some(Logged::Line(line));
        }
        loop {
            let text = match line::next(&mut self.stream, LONGEST_LINE, Rest::Skip).await.ok()? {
                Line::End => return self.left_out().map(Logged::LeftOut),
                Line::Whole(text) => shown(&String::from_utf8_lossy(&text), &self.secrets),
                Line::Begun(text) => beginning(&String::from_utf8_lossy(&text), &self.secrets) + " …",
            };
            let is_next = self.second.elapsed() >= Duration::from_secs(1);
            let left_out = if is_next { self.next_second() } else { None };
            self.this_second = self.this_second.saturating_add(1);
            if self.this_second > LINES_PER_SECOND || text.is_empty() {
                continue;
            }
            if let Some(count) = left_out {
                self.held = Some(text);
                return Some(Logged::LeftOut(count));
            }
            return Some(Logged::Line(text));
        }
    }

    fn next_second(&mut self) -> Option<u32> {
        self.second = Instant::now();
        self.left_out()
    }

    fn left_out(&mut self) -> Option<u32> {
        std::mem::take(&mut self.this_second).checked_sub(LINES_PER_SECOND).filter(|count| *count > 0)
    }
}

/// A line of somebody else's for our log.
pub(super) fn shown(text: &str, secrets: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST_SECRET) {
        text = text.replace(secret, "…");
    }
    text.chars()
        .filter(|character| *character == '\t' || !is_invisible(*character))
        .collect::<String>()
        .trim()
        .to_owned()
}

/// The same for a line that goes on: where it was cut, a secret may have begun.
pub(super) fn beginning(text: &str, secrets: &[Secret]) -> String {
    // Of a character that was cut in two.
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let shown = shown(text, secrets);
    let begun = secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST_SECRET);
    let begun = begun.filter_map(|secret| {
        let cuts = secret.char_indices().skip(1).map(|(at, _)| at);
        cuts.filter(|at| secret.get(..*at).is_some_and(|begun| shown.ends_with(begun))).max()
    });
    let length = shown.len() - begun.max().unwrap_or_default();
    shown.get(..length).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn flood_is_cut_to_so_many_lines_a_second_and_counted() {
        let text = "line\n".repeat(60);
        let mut lines = Lines::new(text.as_bytes(), Arc::default());
        for _ in 0..LINES_PER_SECOND {
            assert_eq!(lines.next().await, Some(Logged::Line("line".to_owned())));
        }
        assert_eq!(lines.next().await, Some(Logged::LeftOut(10)));
        assert_eq!(lines.next().await, None);
    }

    #[tokio::test]
    async fn long_lines_are_shortened_and_control_characters_left_out() {
        let text = format!("\u{1b}[31m{}\n", "x".repeat(10_000));
        let mut lines = Lines::new(text.as_bytes(), Arc::default());
        let Some(Logged::Line(line)) = lines.next().await else { panic!("a line") };
        assert!(line.len() < LONGEST_LINE + 8 && line.starts_with("[31mx") && line.ends_with('…'), "{line}");
    }

    #[test]
    fn values_that_the_operator_gave_are_not_logged() {
        let secrets = [Secret::new("ghp_0123456789"), Secret::new("7")];
        assert_eq!(shown("token ghp_0123456789 of 7", &secrets), "token … of 7");
        // Nor the part of one at which a line was cut.
        for (cut, left) in
            [("is ghp_0", "is "), ("is ghp_012345678", "is "), ("g", ""), ("of ghp", "of "), ("x7", "x7")]
        {
            assert_eq!(beginning(cut, &secrets), left, "{cut}");
        }
    }
}
