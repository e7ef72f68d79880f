#!/bin/sh
# Runs the MCP conformance suite's authorization-server scenarios against `entragate demo --mode broker`, and then clients
# that are broken on purpose, each of which must be refused cleanly.
#
# The binary is $ENTRAGATE_BIN, else the newest one in the target directory, else it is built. The suite needs Node.js >= 22,
# which comes from npm. Ends with `N passed, N failed`; exit code 0 all passed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/node.sh"

# The stamp is a copy of the pins that were installed last.
if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
    (cd "$here" && npm ci --no-progress --loglevel=error >&2)
    cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
. "$root/tests/binary.sh"
exec "$here/node_modules/.bin/node" "$here/run.mjs"
