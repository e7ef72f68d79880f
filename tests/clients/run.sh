#!/bin/sh
# Signs real MCP clients in through `entragate demo`, in front of the reference MCP server, and judges every step.
#
#   tests/clients/run.sh [relay|broker] [client…]      both modes and all clients without names; docs/clients.md explains the table
#
# The binary is $ENTRAGATE_BIN, else the newest one in the target directory, else it is built.
# Ends with `N passed, N failed`; exit code 0 all passed, 1 something failed, 2 could not run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

"$here/install.sh" >&2
. "$root/tests/node.sh"

# First the judges themselves, and the scripted browser.
if ! tests=$(cd "$here" && node --test 2>&1); then
    echo "$tests" >&2
    exit 2
fi

. "$root/tests/binary.sh"
exec node "$here/run.mjs" "$@"
