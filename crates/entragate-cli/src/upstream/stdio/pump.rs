//! Between a process and its session: what the process writes is delivered, what clients send is written.

use bytes::Bytes;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use super::exit::Ended;
use super::line::{self, Line, Rest};
use super::message;
use super::secrets::Secrets;
use super::session::Session;

/// How much of something that is no message the log shows.
const SHOWN: usize = 200;

/// Delivers what the process writes until it closes its output.
pub(super) async fn read(stdout: ChildStdout, session: &Session, longest: usize, secrets: &Secrets) -> Ended {
    let mut stdout = BufReader::with_capacity(64 * 1024, stdout);
    let mut is_tidy = true;
    loop {
        let text = match line::next(&mut stdout, longest, Rest::Leave).await {
            Ok(Line::Whole(text)) => text,
            Ok(Line::Begun(_)) => return Ended::TooLong(longest),
            Ok(Line::End) => return Ended::ByItself(None),
            Err(error) => {
                tracing::warn!(session = session.short_id(), %error, "the output of a process cannot be read");
                return Ended::ByItself(None);
            }
        };
        match message::read(&text) {
            Some(messages) => {
                for message in messages {
                    session.deliver(message).await;
                }
            }
            None if text.trim_ascii().is_empty() => {}
            None => {
                tell_of_litter(session, &text, secrets, is_tidy);
                is_tidy = false;
            }
        }
    }
}

/// Logs belong on stderr. Many a server greets on stdout all the same, and works: once is worth a warning.
fn tell_of_litter(session: &Session, text: &[u8], secrets: &Secrets, is_first: bool) {
    let text = match text.get(..SHOWN) {
        Some(begun) => secrets.out_of_beginning(&String::from_utf8_lossy(begun)),
        None => secrets.out_of(&String::from_utf8_lossy(text)),
    };
    let session = session.short_id();
    if is_first {
        tracing::warn!(
            session,
            text,
            "the MCP server wrote something to its stdout that is no JSON-RPC message"
        );
    } else {
        tracing::debug!(session, text, "no JSON-RPC message either");
    }
}

/// Writes what clients send until it is dropped, which closes the input of the process.
pub(super) async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Bytes>) {
    while let Some(line) = lines.recv().await {
        // A process that reads no more is about to end, which its output tells.
        if stdin.write_all(&line).await.is_err() {
            return;
        }
    }
}
