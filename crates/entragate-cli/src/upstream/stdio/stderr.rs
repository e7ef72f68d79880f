//! What a server writes to its standard error goes to the gateway's log: lines of a bounded length, so many a
//! second, without the values that the operator gave the server, which may be secrets.

use std::time::Duration;

use tokio::io::{AsyncBufRead, BufReader};
use tokio::process::ChildStderr;
use tokio::time::Instant;

use super::line::{self, Line, Rest};
use super::secrets::Secrets;

const LONGEST_LINE: usize = 2 * 1024;
const LINES_PER_SECOND: u32 = 50;

/// Logs until the stream ends.
pub(super) async fn relay(stderr: ChildStderr, session: String, secrets: Secrets) {
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
    secrets: Secrets,
    second: Instant,
    this_second: u32,
    /// The line that follows on the count of those left out before it.
    held: Option<String>,
}

impl<S: AsyncBufRead + Unpin> Lines<S> {
    fn new(stream: S, secrets: Secrets) -> Self {
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
                Line::Whole(text) => self.secrets.out_of(&String::from_utf8_lossy(&text)),
                Line::Begun(text) => self.secrets.out_of_beginning(&String::from_utf8_lossy(&text)) + " …",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn flood_is_cut_to_so_many_lines_a_second_and_counted() {
        let text = "line\n".repeat(60);
        let mut lines = Lines::new(text.as_bytes(), Secrets::default());
        for _ in 0..LINES_PER_SECOND {
            assert_eq!(lines.next().await, Some(Logged::Line("line".to_owned())));
        }
        assert_eq!(lines.next().await, Some(Logged::LeftOut(10)));
        assert_eq!(lines.next().await, None);
    }

    #[tokio::test]
    async fn long_lines_are_shortened_and_control_characters_left_out() {
        let text = format!("\u{1b}[31m{}\n", "x".repeat(10_000));
        let mut lines = Lines::new(text.as_bytes(), Secrets::default());
        let Some(Logged::Line(line)) = lines.next().await else { panic!("a line") };
        assert!(line.len() < LONGEST_LINE + 8 && line.starts_with("[31mx") && line.ends_with('…'), "{line}");
    }
}
