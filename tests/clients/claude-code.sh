#!/bin/sh
# Signs Claude Code in, for the evidence in docs/clients.md. Not part of run.sh: it downloads 381 MB (linux-x64).
# No account is needed to sign in to an MCP server; calling tools would need one, so nothing is called.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=2.1.330

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
npm install --prefix "$folder" --no-audit --no-fund --loglevel=error "@anthropic-ai/claude-code-linux-x64@$version"
CLAUDE="$folder/node_modules/@anthropic-ai/claude-code-linux-x64/claude" "$here/run.sh" claude-code
