//! A process of the same user may read our memory and our environment, which hold every secret of the gateway: the
//! environment of an MCP server is cleared for nothing where `/proc/<gateway>/environ` can be read. So we ask the
//! kernel not to let it (`PR_SET_DUMPABLE`, which also governs who may trace us).
//!
//! It does not stop whoever has `CAP_SYS_PTRACE`, which root usually has, and hides no file.

use std::io;

/// Hides this process. What it starts afterwards is not hidden: that begins with `exec`.
#[cfg(target_os = "linux")]
pub(super) fn hide() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Other systems are not asked: docs/guide/stdio.md says what that means.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
pub(super) fn hide() -> io::Result<()> {
    Ok(())
}
