//! A process and all that it has started, unless that left on purpose: a process group.

use tokio::process::Child;

#[cfg(unix)]
pub(super) use unix::Group;

#[cfg(not(unix))]
pub(super) use other::Group;

impl Group {
    /// The group that a process leads.
    pub(super) fn of(child: &Child) -> Option<Self> {
        Self::led_by(child.id()?)
    }
}

#[cfg(unix)]
mod unix {
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

    /// As long as a member lives, its number is nobody else's.
    #[derive(Debug, Clone, Copy)]
    pub(in super::super) struct Group(Pid);

    impl Group {
        pub(in super::super) fn led_by(process: u32) -> Option<Self> {
            // A group with a number below 2 is not one of ours: 0 is the gateway's own, 1 that of the whole system.
            Pid::from_raw(i32::try_from(process).ok().filter(|process| *process > 1)?).map(Self)
        }

        pub(in super::super) fn terminate(self) {
            self.signal(Signal::TERM);
        }

        pub(in super::super) fn kill(self) {
            self.signal(Signal::KILL);
        }

        pub(in super::super) fn is_empty(self) -> bool {
            test_kill_process_group(self.0).is_err()
        }

        fn signal(self, signal: Signal) {
            if let Err(error) = kill_process_group(self.0, signal) {
                tracing::debug!(%error, "a process group had ended before it was signalled");
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    /// Elsewhere only the process itself can be ended.
    #[derive(Debug, Clone, Copy)]
    pub(in super::super) enum Group {}

    impl Group {
        pub(in super::super) const fn led_by(_: u32) -> Option<Self> {
            None
        }

        pub(in super::super) const fn terminate(self) {
            match self {}
        }

        pub(in super::super) const fn kill(self) {
            match self {}
        }

        pub(in super::super) const fn is_empty(self) -> bool {
            match self {}
        }
    }
}
