//! What the log says when the gateway starts: one line that answers "which mode, which URL, which server".

use std::net::SocketAddr;

use crate::config::{Config, Finding, Identity, RouteConfig, Severity, Store};

/// Logs the start line, the warning of development mode and the configuration's own warnings.
pub(super) fn announce(config: &Config, listen: SocketAddr) {
    let mode = match config.identity {
        Identity::Development => "development",
        Identity::Relay(_) => "relay",
        Identity::Broker(_) => "broker",
    };
    let first = config.routes.first().map(RouteConfig::whereabouts);
    tracing::info!(
        mode,
        base_url = %config.base_url,
        upstream = first.filter(|_| config.routes.len() == 1).map(tracing::field::display),
        routes = Some(config.routes.len()).filter(|count| *count > 1),
        %listen,
        admin = config.admin_listen.map(tracing::field::display),
        "entragate {} serves",
        env!("CARGO_PKG_VERSION"),
    );
    for route in config.routes.iter().filter(|_| config.routes.len() > 1) {
        tracing::info!(url = config.base_url.join(route.path()), upstream = route.whereabouts(), "route");
    }
    if let Identity::Broker(broker) = &config.identity {
        let store = match &broker.store {
            Store::Memory => "memory",
            Store::Directory(_) => "state.directory",
            Store::Redis(_) => "redis",
        };
        tracing::info!(
            redirect_uri = config.base_url.join("/auth/callback"),
            credential = broker.credential.kind(),
            store,
            "the app registration needs this redirect URI, on the platform Web"
        );
    }
    if matches!(config.identity, Identity::Development) {
        tracing::warn!(
            "AUTHENTICATION IS OFF. AZURE_TENANT_ID is not set, so whoever can reach {listen} may call every tool. \
             This is for development on one machine"
        );
    }
    for finding in &config.warnings {
        repeat(finding);
    }
}

fn repeat(finding: &Finding) {
    let Finding { severity, place, message, hint, .. } = finding;
    match severity {
        Severity::Note => tracing::info!(%place, hint, "{message}"),
        Severity::Warning | Severity::Error => tracing::warn!(%place, hint, "{message}"),
    }
}
