//! Microsoft Entra ID sign-in in front of any MCP server.
