# Sourced by the scripts of tests/clients and tests/pages, with $root set: sees to Node.js >= 20 with npm.
# Debian 12 has Node.js 18. There, the binary of npm's package `node` goes into tests/.node and first into PATH.
# shellcheck shell=sh disable=SC2154 # root is the caller's

node_version=22.23.3

node_fail() { echo "tests/node.sh: $1" >&2; exit 2; }

has_node() { node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null; }

# Installs Debian packages, as root on Debian or Ubuntu; elsewhere it does nothing and the caller looks again.
apt_install() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing $*" >&2
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    fi
}

ensure_node() {
    if [ -x "$root/tests/.node/bin/node" ]; then
        PATH=$root/tests/.node/bin:$PATH
    fi
    has_node && return
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        apt_install nodejs npm
    fi
    has_node && return
    command -v npm >/dev/null || node_fail "needs Node.js 20 or newer, with npm; found neither"
    echo "installing Node.js $node_version into tests/.node, because this one is $(node --version 2>/dev/null || echo missing)" >&2
    mkdir -p "$root/tests/.node/bin"
    npm install --prefix "$root/tests/.node" --no-save --no-audit --no-fund --loglevel=error "node@$node_version" >&2
    ln -sf ../node_modules/node/bin/node "$root/tests/.node/bin/node"
    PATH=$root/tests/.node/bin:$PATH
    has_node || node_fail "needs Node.js 20 or newer, with npm; found $(node --version 2>/dev/null || echo none)"
}

ensure_node
export PATH
