//! Clients in their vendor's cloud: the gateway must be on the public internet.

use crate::clients::callback::Callback::{Hosted, HostedBelow};
use crate::clients::client::{
    Client, Evidence, Home, IssRule, IssuerRule, PkceRule, PrivateAddresses, Prompt, RefreshScope,
    Registration::{Configured, Document, Dynamic},
    ResourceRule,
};

/// What is not known about a hosted client, because nobody outside can look.
const UNSEEN: Client = Client {
    name: "",
    display: "",
    version: None,
    evidence: Evidence::Documented,
    home: Home::Cloud,
    callbacks: &[],
    callbacks_without_iss: None,
    registration: &[],
    resource: ResourceRule::Unknown,
    issuer: IssuerRule::Unknown,
    iss: IssRule::Unknown,
    pkce: PkceRule::Unknown,
    prompt: Prompt::Unknown,
    refresh_scope: RefreshScope::Unknown,
    private_addresses: PrivateAddresses::Refused,
    note: "",
};

pub(super) const CLIENTS: [Client; 5] = [
    Client {
        name: "claude",
        display: "claude.ai and Claude Desktop",
        callbacks: &[
            Hosted("https://claude.ai/api/mcp/auth_callback"),
            Hosted("https://claude.com/api/mcp/auth_callback"),
        ],
        registration: &[Configured, Document(None), Dynamic],
        pkce: PkceRule::Required,
        prompt: Prompt::Always,
        refresh_scope: RefreshScope::NotSent,
        note: "keeps what it learnt for a connector's URL: a query such as `?v=2` starts afresh",
        ..UNSEEN
    },
    Client {
        name: "chatgpt",
        display: "ChatGPT",
        callbacks: &[
            HostedBelow("https://chatgpt.com/connector/oauth/"),
            Hosted("https://chatgpt.com/connector_platform_oauth_redirect"),
        ],
        registration: &[Document(None), Dynamic, Configured],
        pkce: PkceRule::Required,
        note: "every connector has a callback of its own; the second one is that of connectors made long ago",
        ..UNSEEN
    },
    Client {
        name: "copilot-studio",
        display: "Copilot Studio and Power Platform",
        callbacks: &[HostedBelow("https://global.consent.azure-apim.net/redirect/")],
        registration: &[Dynamic, Configured],
        refresh_scope: RefreshScope::NotSent,
        note: "every connector has a callback of its own",
        ..UNSEEN
    },
    Client {
        name: "m365-copilot",
        display: "Microsoft 365 Copilot agents and Teams",
        callbacks: &[Hosted("https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect")],
        registration: &[Configured],
        note: "registered in the Developer Portal",
        ..UNSEEN
    },
    Client {
        name: "v0",
        display: "v0",
        callbacks: &[Hosted("https://api.v0.dev/v1/mcp-servers/oauth/callback")],
        registration: &[Document(Some("https://v0.app/api/chat/integrations/oauth/client-metadata.json"))],
        ..UNSEEN
    },
];
