#!/bin/sh
# Installs the pinned servers and clients into this folder, see tests/packages.sh.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
. "$root/tests/packages.sh"
check_requirements
echo "servers and clients installed: node $(node --version), $(.venv/bin/python --version)"
