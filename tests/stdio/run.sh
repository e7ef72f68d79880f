#!/bin/sh
# Real stdio servers behind a gateway with sign-in, each with a real client: the session is the one that the same server has
# over HTTP by itself. One is started with `npx -y`, as its users would. Afterwards no process is left.
#
# The binary is $ENTRAGATE_BIN, else the newest one in the target directory, else it is built. Servers and clients are those of
# tests/dataplane. Ends with `N passed, N failed`; exit code 0 all passed, 1 something failed, 2 could not run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

"$root/tests/dataplane/install.sh" >&2
. "$root/tests/node.sh"
. "$root/tests/binary.sh"
exec node "$here/run.mjs"
