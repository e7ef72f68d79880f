//! A checked configuration as a [`Gate`].

use entragate::{Gate, GateBuilder, GateError};

use super::checked::{Config, Identity};

impl Config {
    /// The gate of this configuration.
    pub fn gate(&self) -> Result<Gate, GateError> {
        self.gate_builder().build()
    }

    /// The gate, with room for what only the caller knows: the clock, the port that the system chose.
    pub fn gate_builder(&self) -> GateBuilder {
        let base_url = self.base_url.clone();
        let mut builder = match &self.identity {
            Identity::Development => Gate::development(base_url),
            Identity::Relay(relay) => Gate::relay(base_url, relay.clone()),
        };
        builder = builder
            .authority(self.authority.clone())
            .resource_path(&self.upstream.path)
            .rules(self.rules.iter().cloned())
            .allowed_hosts(&self.allowed_hosts)
            .allowed_origins(&self.allowed_origins)
            .redirect_rules(self.redirect_rules.iter().cloned())
            .hosted_callbacks(self.hosted_callbacks)
            .sign_in_rate(self.sign_in_rate.per_second, self.sign_in_rate.burst)
            .max_body_bytes(self.max_body_bytes);
        if self.listen.port() != 0 {
            builder = builder.listen_addresses([self.listen]);
        }
        if let Some(key) = &self.session_key {
            builder = builder.session_key(key.expose());
        }
        if let Some(name) = &self.resource_name {
            builder = builder.resource_name(name);
        }
        for path in &self.upstream.also {
            builder = builder.also_protect(path);
        }
        for (scope, narrower) in &self.scope_implies {
            builder = builder.scope_implies(scope, narrower);
        }
        builder
    }
}
