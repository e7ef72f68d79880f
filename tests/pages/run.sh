#!/bin/sh
# Looks at every page in Chromium: by keyboard without JavaScript, with axe-core, small and large, light and dark.
#
#   tests/pages/run.sh
#
# The binary is $ENTRAGATE_BIN, else the newest one in the target directory, else it is built. SCREENSHOTS=folder keeps pictures.
# Needs Node.js >= 20 with npm, and Chromium ($CHROMIUM, else found by name); as root on Debian it installs what is missing.
# Ends with `N passed, N failed`; exit code 0 all passed, otherwise something failed or is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

fail() { echo "tests/pages/run.sh: $1" >&2; exit 1; }

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }

. "$root/tests/node.sh"

if [ -z "${CHROMIUM:-}" ]; then
    CHROMIUM=$(find_chromium)
    if [ -z "$CHROMIUM" ]; then
        apt_install chromium
        CHROMIUM=$(find_chromium)
    fi
    [ -n "$CHROMIUM" ] || fail "needs Chromium: install it, or say with CHROMIUM where it is"
fi

# The stamp is a copy of the pins that were installed last.
if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
    (cd "$here" && npm ci --no-progress --loglevel=error >&2)
    cp "$here/package-lock.json" "$here/node_modules/.installed"
fi

. "$root/tests/binary.sh"
# The pages are compiled in.
if [ -n "$(find "$root"/crates/*/templates -newer "$ENTRAGATE_BIN" -type f)" ]; then
    echo "warning: templates are newer than $ENTRAGATE_BIN" >&2
fi
export CHROMIUM
exec node "$here/run.mjs"
