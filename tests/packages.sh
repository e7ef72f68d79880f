# Sourced by the install scripts of the suites, in their folder and with $root set: installs the pinned packages into it, node_modules/
# from package-lock.json and .venv/ from requirements.txt. Quick when they are there already. Needs Node.js >= 20 with npm
# and Python >= 3.11 with venv; as root on Debian or Ubuntu it installs what is missing.
# shellcheck shell=sh disable=SC2154 # root is the caller's
. "$root/tests/node.sh"

fail() { echo "$PWD/install.sh: $1" >&2; exit 2; }

# The first Python that is new enough and can make virtual environments.
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

[ -n "$(find_python)" ] || apt_install python3 python3-venv
python=$(find_python)
[ -n "$python" ] || fail "needs Python 3.11 or newer, with venv; found $(python3 --version 2>/dev/null || echo none)"

# Each stamp is a copy of the pins that were installed last.
if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --no-progress --loglevel=error
    cp package-lock.json node_modules/.installed
fi
if ! cmp -s requirements.txt .venv/.installed; then
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/pip install --quiet --no-deps --disable-pip-version-check --requirement requirements.txt
    cp requirements.txt .venv/.installed
fi

# Whether requirements.txt names all that its packages ask for.
check_requirements() {
    .venv/bin/pip check --quiet --disable-pip-version-check || fail "requirements.txt is not complete"
}
