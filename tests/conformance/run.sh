#!/bin/sh
# Runs the MCP conformance suite's authorization-server scenarios against `entragate demo --mode broker`, and then clients
# that are broken on purpose, each of which must be refused cleanly.
#
# The binary is $ENTRAGATE_BIN, else target/debug/entragate, which is built if it is missing. The suite needs Node.js >= 22,
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
if [ -z "${ENTRAGATE_BIN:-}" ]; then
    ENTRAGATE_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/entragate
    if [ ! -x "$ENTRAGATE_BIN" ]; then
        (cd "$root" && cargo build --locked -p entragate-cli) || exit 2
    fi
fi
export ENTRAGATE_BIN
echo "entragate: $("$ENTRAGATE_BIN" --version), node: $("$here/node_modules/.bin/node" --version)" >&2
exec "$here/node_modules/.bin/node" "$here/run.mjs"
