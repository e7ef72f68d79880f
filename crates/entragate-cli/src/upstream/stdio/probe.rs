//! Whether a server starts at all: for `doctor`, which has no caller.

use bytes::Bytes;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

use super::exit::Ended;
use super::line::{self, Line, Rest};
use super::message::{self, Kind, Message};
use super::process::{Process, Streams};
use super::secrets::Secrets;
use crate::config::StdioConfig;

const INITIALIZE: &[u8] = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#,
    r#""clientInfo":{"name":"entragate doctor","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}}}"#,
    "\n"
)
.as_bytes();
/// As much of an answer as is read.
const LONGEST: usize = 1024 * 1024;

/// A server that does not start.
#[derive(Debug)]
pub(crate) struct NoServer {
    /// What became of it.
    pub(crate) what: String,
    /// The last line of its log.
    pub(crate) said: Option<String>,
}

/// Starts it, has it answer `initialize`, and ends it.
pub(crate) async fn probe(config: &StdioConfig) -> Result<(), NoServer> {
    let (mut process, streams) =
        Process::start(config, []).map_err(|error| NoServer { what: error.to_string(), said: None })?;
    let Streams { mut stdin, stdout, stderr } = streams;
    let log = tokio::spawn(last_line(BufReader::new(stderr), Secrets::of(&config.environment)));
    let mut stdout = BufReader::new(stdout);
    let greeting = async {
        // A process that has ended already tells by its output.
        drop(stdin.write_all(INITIALIZE).await);
        answered(&mut stdout).await
    };
    let what = match timeout(config.start_timeout, greeting).await {
        Ok(true) => None,
        Ok(false) => Some(Ended::ByItself(process.ended().await).to_string()),
        Err(_) => Some(format!("no answer to initialize within {:?}", config.start_timeout)),
    };
    drop((stdin, stdout));
    process.stop().await;
    let Some(what) = what else { return Ok(()) };
    Err(NoServer { what, said: log.await.ok().flatten() })
}

/// Whether the answer came before the end.
async fn answered(stdout: &mut BufReader<tokio::process::ChildStdout>) -> bool {
    while let Ok(Line::Whole(text)) = line::next(stdout, LONGEST, Rest::Leave).await {
        if is_answer(&text) {
            return true;
        }
    }
    false
}

fn is_answer(text: &Bytes) -> bool {
    let is_well = |message: &Message| matches!(message.kind, Kind::Response { is_error: false, .. });
    message::read(text).is_some_and(|messages| messages.iter().any(is_well))
}

async fn last_line(mut stderr: BufReader<tokio::process::ChildStderr>, secrets: Secrets) -> Option<String> {
    let mut last = None;
    while let Ok(line) = line::next(&mut stderr, 500, Rest::Skip).await {
        let text = match line {
            Line::Whole(text) => secrets.out_of(&String::from_utf8_lossy(&text)),
            Line::Begun(text) => secrets.out_of_beginning(&String::from_utf8_lossy(&text)),
            Line::End => break,
        };
        last = Some(text).filter(|text| !text.is_empty()).or(last);
    }
    last
}
