//! Tokens that a gateway sealed: without its key nobody can say whether they are genuine, and without the name of its MCP
//! server not whether they are for it.

use entragate::{CheckOutcome, TokenReport, TokenVerdict};

use crate::config::{Identity, Judging, McpServer};

/// Why nobody can say here whether a sealed token is good. Without a configuration nobody knows whose it would be.
pub(crate) fn why_unjudged(judging: Option<&Judging>) -> Option<String> {
    let Some(Judging { config, mcp_server }) = judging else {
        let why = "it is a sealed token of a gateway in broker mode, and with --tenant no configuration is read that says where its key is";
        return Some(why.to_owned());
    };
    let is_lost = *mcp_server == McpServer::Unnamed && matches!(config.identity, Identity::Broker(_));
    let no_server = || {
        "a sealed token is for one MCP server, and this configuration names none: set ENTRAGATE_UPSTREAM"
            .to_owned()
    };
    config.no_seal_key().or_else(|| is_lost.then(no_server))
}

/// Takes back what was found with the wrong key, or for the wrong server.
pub(crate) fn leave_unjudged(report: &mut TokenReport, why: String) {
    for check in report.checks.iter_mut().filter(|check| check.outcome == CheckOutcome::Failed) {
        check.outcome = CheckOutcome::NotReached;
        check.remedy = None;
    }
    report.verdict = TokenVerdict::Unjudged { reason: why };
}
