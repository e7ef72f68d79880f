//! One server process: how it is started and how it is ended.
//!
//! It leads a process group of its own, because `npx` and its like start the server as a child of a child. The
//! environment is cleared: what the gateway knows, first of all its secrets, is nothing to a server. Nothing is started
//! by a gateway that is not hidden from what it starts.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::group::Group;
use super::guard::PAUSE;
use super::hidden;
use crate::config::StdioConfig;

/// How long a process may take to end after its input was closed, and again after SIGTERM.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<Group>,
    is_over: bool,
}

/// Its standard streams.
pub(super) struct Streams {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Process {
    /// `told`: what it is told of its caller.
    pub(super) fn start<'a>(
        config: &StdioConfig,
        told: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> io::Result<(Self, Streams)> {
        hidden::hide()?;
        let mut command = Command::new(&config.program);
        command.args(&config.arguments).env_clear();
        command.envs(config.environment.iter().map(|(name, value)| (name, value.expose())));
        if config.tells_caller {
            command.envs(told);
        }
        if let Some(directory) = &config.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let group = Group::of(&child);
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = streams else {
            return Err(io::Error::other("a process without its streams"));
        };
        Ok((Self { child, group, is_over: false }, Streams { stdin, stdout, stderr }))
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end.
    pub(super) async fn exited(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// The same for a process that is about to end.
    pub(super) async fn ended(&mut self) -> Option<ExitStatus> {
        timeout(GRACE, self.exited()).await.ok().flatten()
    }

    /// Ends it, in the order that MCP asks for (stdio, Shutdown): its input is closed already; SIGTERM, SIGKILL, each
    /// after some time. Then the same for what it has left behind.
    pub(super) async fn stop(mut self) -> Option<ExitStatus> {
        let mut status = self.ended().await;
        if status.is_none() {
            self.terminate();
            status = self.ended().await;
        }
        if status.is_none() {
            self.kill();
            status = self.exited().await;
        }
        if let Some(group) = self.group {
            sweep(group).await;
        }
        self.is_over = true;
        status
    }

    fn terminate(&mut self) {
        match self.group {
            Some(group) => group.terminate(),
            // Without signals there is one way only.
            None => self.kill(),
        }
    }

    fn kill(&mut self) {
        if let Some(group) = self.group {
            group.kill();
        }
        if let Err(error) = self.child.start_kill() {
            tracing::debug!(%error, "a process had ended before it was killed");
        }
    }
}

impl Drop for Process {
    /// The gateway stops in the middle of it.
    fn drop(&mut self) {
        if !self.is_over {
            self.kill();
        }
    }
}

/// Ends what is left of a group once its leader has ended.
async fn sweep(group: Group) {
    if group.is_empty() {
        return;
    }
    group.terminate();
    let emptied = async {
        while !group.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    if timeout(GRACE, emptied).await.is_err() {
        group.kill();
    }
}
