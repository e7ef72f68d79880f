#!/bin/sh
# MCP through the gateway and past it: the conformance suite's server scenarios, check by check, and sessions of the official
# clients with real servers, message by message. Nothing may be worse through the gateway. And what the official clients of the
# HTTP+SSE transport see of calls that the rules refuse.
#
#   tests/dataplane/run.sh [conformance [URL] | upstreams [NAME] | refusals]    URL: of an MCP server that is running already, instead of
#                                                                             ours; NAME: a part of a server's name
#
# The binary is $ENTRAGATE_BIN, else the newest one in the target directory, else it is built.
# Ends with `N passed, N failed`; exit code 0 all passed, 1 something failed, 2 could not run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

"$here/install.sh" >&2
. "$root/tests/node.sh"
. "$root/tests/binary.sh"
exec node "$here/run.mjs" "$@"
