//! Registration bodies of real clients, and the redirect URIs that must come back.

/// What one client posts.
pub(crate) struct Measured {
    pub(crate) client: &'static str,
    pub(crate) body: &'static str,
    pub(crate) redirect_uris: &'static [&'static str],
}

pub(crate) const CURSOR: Measured = Measured {
    client: "Cursor",
    body: r#"{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback"],
        "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
        "token_endpoint_auth_method":"none"}"#,
    redirect_uris: &["https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"],
};

pub(crate) const MCP_REMOTE: Measured = Measured {
    client: "mcp-remote",
    body: r#"{"redirect_uris":["http://localhost:14887/oauth/callback"],"token_endpoint_auth_method":"none",
        "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
        "client_name":"MCP CLI Client","client_uri":"https://github.com/modelcontextprotocol/mcp-cli",
        "software_id":"2e6dc280-f3c3-4e01-99a7-8181dbd1d23d","software_version":"0.15.0",
        "scope":"openid email profile","application_type":"native"}"#,
    redirect_uris: &["http://localhost:14887/oauth/callback"],
};

pub(crate) const MEASURED: [Measured; 17] = [
    CURSOR,
    MCP_REMOTE,
    Measured {
        client: "TypeScript SDK",
        body: r#"{"client_name":"demo","redirect_uris":["http://localhost:8090/callback"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "token_endpoint_auth_method":"none","application_type":"native","scope":"api://x/access"}"#,
        redirect_uris: &["http://localhost:8090/callback"],
    },
    Measured {
        client: "Claude Code",
        body: r#"{"client_name":"Claude Code (contoso)","redirect_uris":["http://localhost:53682/callback"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "token_endpoint_auth_method":"none","application_type":"native","scope":"api://x/access"}"#,
        redirect_uris: &["http://localhost:53682/callback"],
    },
    Measured {
        client: "claude.ai",
        body: r#"{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "token_endpoint_auth_method":"none","scope":"api://x/access"}"#,
        redirect_uris: &["https://claude.ai/api/mcp/auth_callback"],
    },
    Measured {
        client: "Codex",
        body: r#"{"client_name":"Codex","redirect_uris":["http://127.0.0.1:40123/callback/n3bGSD6xR0aT"],
            "grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none",
            "response_types":["code"],"scope":"api://x/access","application_type":"native"}"#,
        redirect_uris: &["http://127.0.0.1:40123/callback/n3bGSD6xR0aT"],
    },
    Measured {
        client: "ChatGPT",
        body: r#"{"client_name":"ChatGPT","redirect_uris":["https://chatgpt.com/connector/oauth/AbC-123_x"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "token_endpoint_auth_method":"none"}"#,
        redirect_uris: &["https://chatgpt.com/connector/oauth/AbC-123_x"],
    },
    Measured {
        client: "VS Code",
        body: r#"{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com",
            "grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],
            "response_types":["code"],"redirect_uris":["https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect","http://127.0.0.1/","http://127.0.0.1:33418/"],
            "scope":"api://x/access","token_endpoint_auth_method":"none","application_type":"native"}"#,
        redirect_uris: &[
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
    },
    Measured {
        client: "Inspector 2",
        body: r#"{"redirect_uris":["http://localhost:6274/oauth/callback"],"token_endpoint_auth_method":"none",
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "client_name":"MCP Inspector","client_uri":"https://github.com/modelcontextprotocol/inspector",
            "scope":"","application_type":"native"}"#,
        redirect_uris: &["http://localhost:6274/oauth/callback"],
    },
    Measured {
        client: "Inspector 1",
        body: r#"{"redirect_uris":["http://localhost:6274/oauth/callback",
            "http://localhost:6274/oauth/callback/debug"],"token_endpoint_auth_method":"none",
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "client_name":"MCP Inspector"}"#,
        redirect_uris: &[
            "http://localhost:6274/oauth/callback",
            "http://localhost:6274/oauth/callback/debug",
        ],
    },
    Measured {
        client: "Gemini CLI",
        body: r#"{"client_name":"Gemini CLI MCP Client","redirect_uris":["http://localhost:7777/oauth/callback"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "token_endpoint_auth_method":"none","scope":""}"#,
        redirect_uris: &["http://localhost:7777/oauth/callback"],
    },
    Measured {
        client: "opencode",
        body: r#"{"redirect_uris":["http://127.0.0.1:19876/mcp/oauth/callback"],"client_name":"OpenCode",
            "client_uri":"https://opencode.ai","grant_types":["authorization_code","refresh_token"],
            "response_types":["code"],"token_endpoint_auth_method":"none"}"#,
        redirect_uris: &["http://127.0.0.1:19876/mcp/oauth/callback"],
    },
    Measured {
        client: "Zed",
        body: r#"{"client_name":"Zed","redirect_uris":["http://127.0.0.1:49711/callback"],
            "token_endpoint_auth_method":"none"}"#,
        redirect_uris: &["http://127.0.0.1:49711/callback"],
    },
    Measured {
        client: "Goose",
        body: r#"{"client_name":"goose","redirect_uris":["http://localhost:50007/oauth_callback"],
            "grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none",
            "response_types":["code"]}"#,
        redirect_uris: &["http://localhost:50007/oauth_callback"],
    },
    Measured {
        client: "FastMCP",
        body: r#"{"redirect_uris":["http://localhost:56413/callback"],"token_endpoint_auth_method":"none",
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "scope":"api://x/access","client_name":"FastMCP Client","application_type":"native"}"#,
        redirect_uris: &["http://localhost:56413/callback"],
    },
    Measured {
        client: "Copilot CLI",
        body: r#"{"client_name":"GitHub Copilot CLI","redirect_uris":["http://127.0.0.1:45679/callback"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "token_endpoint_auth_method":"client_secret_post"}"#,
        redirect_uris: &["http://127.0.0.1:45679/callback"],
    },
    Measured {
        client: "Copilot Studio",
        body: r#"{"client_name":"Copilot Studio","token_endpoint_auth_method":"client_secret_basic",
            "redirect_uris":["https://global.consent.azure-apim.net/redirect/contoso-5fmcp-5f1a2b3c"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"]}"#,
        redirect_uris: &["https://global.consent.azure-apim.net/redirect/contoso-5fmcp-5f1a2b3c"],
    },
];
