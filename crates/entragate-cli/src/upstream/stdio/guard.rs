//! A process that outlives a killed gateway by a few seconds, to end what it has started.
//!
//! A server whose gateway is killed finds its input closed, and most end then. For the others there is a second process
//! of this program, which does nothing but wait. It learns of each process group on its standard input; when that ends,
//! and there are groups left, the gateway was killed. (Linux could send a signal when a parent dies, but only to the
//! direct child, which `npx` is and the server is not, and Rust can ask for it only in unsafe code.)

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::group::Group;
use super::hidden;
use super::process::GRACE;

/// The word on the command line that starts it.
pub const GUARD: &str = "guard-processes";
/// How often it is asked whether a group is empty: nobody is told when another's child ends.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// The gateway's end.
#[derive(Debug, Clone)]
pub(in crate::upstream) struct Guard(mpsc::UnboundedSender<String>);

/// A process that the guard knows of.
#[derive(Debug)]
pub(super) struct Guarded {
    guard: Guard,
    process: u32,
}

impl Guard {
    /// Starts it; `program` is this one.
    pub(in crate::upstream) fn start(program: &Path) -> std::io::Result<Self> {
        hidden::hide()?;
        let mut command = Command::new(program);
        command.arg(GUARD).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // What ends the gateway by its group, such as Ctrl-C, is not to end the guard first.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let mut stdin =
            child.stdin.take().ok_or_else(|| std::io::Error::other("a process without its input"))?;
        let (sender, mut lines) = mpsc::unbounded_channel::<String>();
        tokio::spawn(async move {
            // Both ends of every process, so that it is as long as there are processes, which are limited.
            while let Some(line) = lines.recv().await {
                if let Err(error) = stdin.write_all(line.as_bytes()).await {
                    tracing::warn!(%error, "nobody would end MCP servers if this gateway was killed: {GUARD} has ended");
                    return;
                }
            }
            drop(stdin);
            drop(child.wait().await);
        });
        Ok(Self(sender))
    }

    /// Tells of a process. It is forgotten once what is returned is dropped.
    pub(super) fn watch(&self, process: u32) -> Guarded {
        self.tell('+', process);
        Guarded { guard: self.clone(), process }
    }

    fn tell(&self, sign: char, process: u32) {
        // Without the guard nothing is worse than without a guard, and the log has said so.
        drop(self.0.send(format!("{sign}{process}\n")));
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.guard.tell('-', self.process);
    }
}

/// The guard itself: waits for the end of the gateway.
pub fn guard(input: impl BufRead) {
    // It holds no secret, so one that cannot be hidden is better than none.
    drop(hidden::hide());
    let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
    for line in input.lines().map_while(Result::ok) {
        let process = |text: &str| text.parse::<u32>().ok();
        if let Some(process) = line.strip_prefix('+').and_then(process) {
            groups.extend(Group::led_by(process).map(|group| (process, group)));
        } else if let Some(process) = line.strip_prefix('-').and_then(process) {
            groups.remove(&process);
        }
    }
    let groups: Vec<Group> = groups.into_values().collect();
    // In the order that MCP asks for; the input of all is closed, because the gateway held the other end.
    if emptied(&groups) {
        return;
    }
    for group in &groups {
        group.terminate();
    }
    if !emptied(&groups) {
        for group in &groups {
            group.kill();
        }
    }
}

fn emptied(groups: &[Group]) -> bool {
    let pauses = GRACE.as_millis() / PAUSE.as_millis();
    for _ in 0..pauses {
        if groups.iter().all(|group| group.is_empty()) {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
    false
}
