#!/bin/sh
# Installs the pinned libraries into this folder, node_modules/ and .venv/, see tests/packages.sh.
# A Node.js that is too old is joined by a newer one in tests/.node.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
. "$root/tests/packages.sh"
check_requirements
echo "libraries installed: node $(node --version), $(.venv/bin/python --version)"
