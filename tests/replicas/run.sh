#!/bin/sh
# Two gateways in broker mode behind nginx (round-robin), with Redis as what they remember together: sign-ins, refreshes
# and revocations are shared, and one of the two may go.
#
# The binary is $ENTRAGATE_BIN, else the newest one in the target directory, else it is built. As root on Debian or Ubuntu
# it installs nginx and redis-server. Ends with `N passed, N failed`; exit code 0 all passed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin
. "$root/tests/node.sh"

command -v nginx >/dev/null || apt_install nginx-light
command -v redis-server >/dev/null || apt_install redis-server
for needed in nginx redis-server; do
    command -v $needed >/dev/null || { echo "tests/replicas/run.sh: needs $needed" >&2; exit 2; }
done
. "$root/tests/binary.sh"
exec node "$here/run.mjs"
