#!/bin/sh
# Signs the big clients in, for the evidence in docs/clients.md: Claude Code, Codex and opencode, or those that are named.
#
#   tests/clients/evidence.sh [relay|broker] [claude-code] [codex] [opencode]      the binary: see run.sh
#
# Not part of run.sh: it downloads 1 GB (linux-x64), into a folder that is removed at the end. No account is needed to sign in
# to an MCP server; the conversations are with a scripted model (lib/model.mjs).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/node.sh"

modes=
clients=
for name in "$@"; do
    case $name in
        relay | broker) modes="$modes $name" ;;
        *) clients="$clients $name" ;;
    esac
done
: "${clients:=claude-code codex opencode}"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

download() { npm install --prefix "$folder" --no-audit --no-fund --loglevel=error "$1" >&2; }

for client in $clients; do
    case $client in
        claude-code)
            download @anthropic-ai/claude-code-linux-x64@2.1.330
            export CLAUDE="$folder/node_modules/@anthropic-ai/claude-code-linux-x64/claude"
            ;;
        codex)
            download @openai/codex@0.169.0-linux-x64
            export CODEX="$folder/node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex"
            ;;
        opencode)
            download opencode-linux-x64@1.18.33
            export OPENCODE="$folder/node_modules/opencode-linux-x64/bin/opencode"
            ;;
        *)
            echo "tests/clients/evidence.sh: no such client: $client" >&2
            exit 2
            ;;
    esac
done
# shellcheck disable=SC2086 # lists of names
case " $clients " in *" codex "*) clients="codex-unregistered $clients" ;; esac
"$here/run.sh" $modes $clients
