#!/bin/sh
# Installs the pinned tools into this folder, node_modules/ and .venv/, see tests/packages.sh. They are fewer than what the Azure CLI
# asks for, hence no check_requirements.
# A Node.js that is too old is joined by a newer one in tests/.node.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
. "$root/tests/packages.sh"
echo "tools installed: node $(node --version), $(.venv/bin/python --version)"
