#!/bin/sh
# Microsoft's own client libraries against `entragate emulate --https`, and independent libraries that validate its tokens.
#
#   tests/msal/run.sh [library…]      all without names: @azure/msal-node, @azure/identity, msal, azure-identity,
#                                     @azure/msal-browser, jose, PyJWT, page (the programs of docs/reference/emulator.md),
#                                     'jose: assertion', 'PyJWT: assertion' (what the gateway signs for MCP servers)
#
# The binary is $ENTRAGATE_BIN, else the newest one in the target directory, else it is built.
# Needs Node.js >= 20 with npm, Python >= 3.11 with venv, and Chromium ($CHROMIUM, else found by name); as root on Debian it
# installs what is missing. Ends with `N passed, N failed`; exit code 0 all passed, 1 something failed, 2 could not run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

fail() { echo "tests/msal/run.sh: $1" >&2; exit 2; }

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }

"$here/install.sh" >&2
. "$root/tests/node.sh"

if [ -z "${CHROMIUM:-}" ]; then
    CHROMIUM=$(find_chromium)
    if [ -z "$CHROMIUM" ]; then
        apt_install chromium
        CHROMIUM=$(find_chromium)
    fi
    [ -n "$CHROMIUM" ] || fail "needs Chromium: install it, or say with CHROMIUM where it is"
fi
export CHROMIUM

. "$root/tests/binary.sh"
exec node "$here/run.mjs" "$@"
