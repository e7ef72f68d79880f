//! The settings of stdio servers, a part of the table in [`super::keys`].

use super::keys::{Key, Kind, key};

/// `upstream.environment`.
pub static UPSTREAM_ENVIRONMENT: Key = Key {
    doc: "With a stdio server: variables of its environment, beside PATH, HOME, locale and temporary directory. `NAME` and `NAME=$OTHER` take the value from the gateway's own environment, which is the place of secrets; `NAME=value` gives it here. The gateway's own secrets, and `ENTRAGATE_*`, are never handed on. Nothing is put in place of `$NAME` within a value.",
    default: "none",
    example: "GITHUB_TOKEN,LOG_LEVEL=debug",
    ..key("upstream.environment", "ENTRAGATE_UPSTREAM_ENVIRONMENT", Kind::List)
};
/// `upstream.directory`.
pub static UPSTREAM_DIRECTORY: Key = Key {
    doc: "With a stdio server: the directory it works in.",
    default: "the gateway's own",
    example: "/srv/tools",
    ..key("upstream.directory", "ENTRAGATE_UPSTREAM_DIRECTORY", Kind::Text)
};
/// `upstream.max_processes`.
pub static MAX_PROCESSES: Key = Key {
    doc: "With a stdio server: how many processes may run at once, one for each session. Further sessions are refused with 503.",
    default: "64",
    example: "16",
    ..key("upstream.max_processes", "ENTRAGATE_UPSTREAM_MAX_PROCESSES", Kind::Count)
};
/// `upstream.max_processes_per_user`.
pub static MAX_PROCESSES_PER_USER: Key = Key {
    doc: "With a stdio server: how many of them one caller may have. A further session ends the caller's longest unused one; when all are in use, it is refused.",
    default: "8",
    example: "4",
    ..key("upstream.max_processes_per_user", "ENTRAGATE_UPSTREAM_MAX_PROCESSES_PER_USER", Kind::Count)
};
/// `upstream.start_timeout_seconds`.
pub static START_TIMEOUT: Key = Key {
    doc: "With a stdio server: how long a process may take to start and answer `initialize`. `npx` may download first.",
    default: "60",
    example: "15",
    ..key("upstream.start_timeout_seconds", "ENTRAGATE_UPSTREAM_START_TIMEOUT_SECONDS", Kind::Count)
};
/// `upstream.idle_timeout_seconds`.
pub static IDLE_TIMEOUT: Key = Key {
    doc: "With a stdio server: after how long without a call or an open stream a session ends, and its process with it.",
    default: "1800",
    example: "600",
    ..key("upstream.idle_timeout_seconds", "ENTRAGATE_UPSTREAM_IDLE_TIMEOUT_SECONDS", Kind::Count)
};
