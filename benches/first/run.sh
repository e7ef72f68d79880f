#!/usr/bin/env bash
# First numbers: an authenticated tools/call through the gateway, beside the bare upstream and nginx proxy_pass.
#
#   benches/first/run.sh                                          about three minutes after the build
#   BENCH_ROUNDS=1 BENCH_SECONDS=1 BENCH_STARTS=2 benches/first/run.sh    whether it works; the numbers mean nothing
#
# Prints Markdown on stdout, progress on stderr. docs/performance.md explains what is measured.
# Linux with two cores or more, python3, curl, nginx and wrk; as root on Debian or Ubuntu it installs what is
# missing. The binary is $ENTRAGATE_BIN, else it is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export PATH="$PATH:/usr/sbin" PYTHONDONTWRITEBYTECODE=1

fail() { echo "benches/first/run.sh: $1" >&2; exit 2; }
say() { echo "$1" >&2; }

missing=()
for pair in nginx:nginx-light wrk:wrk python3:python3 curl:curl taskset:util-linux; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "needs ${missing[*]}"
    say "installing ${missing[*]}"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ -z "${ENTRAGATE_BIN:-}" ]; then
    (cd "$root" && cargo build --release --locked -p entragate-cli >&2)
    ENTRAGATE_BIN=${CARGO_TARGET_DIR:-$root/target}/release/entragate
fi
work=$(mktemp -d)
children=()
clean_up() {
    trap - EXIT
    [ ${#children[@]} -eq 0 ] || kill "${children[@]}" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
cp "$ENTRAGATE_BIN" "$work/entragate" # a build in the meantime must not change what is measured
cd "$work" # no entragate.toml here

# The load and everything it needs on one core, what is measured on the other.
read -r load_cpu proxy_cpu < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0))[:2])')
[ -n "${proxy_cpu:-}" ] || fail "needs two cores"
read -r upstream_port nginx_port emulator_port gateway_port < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(s.getsockname()[1] for s in sockets))')

# start NAME CPU COMMAND…: in the background; its pid is in $pid, what it says in NAME.log
start() {
    taskset -c "$2" "${@:3}" >"$work/$1.log" 2>&1 &
    pid=$!
    children+=("$pid")
}
# answers URL STATUS [curl option…]: waits until it does
answers() {
    local status
    for _ in $(seq 100); do
        status=$(curl -s -o "$work/answer" -w '%{http_code}' --max-time 5 "${@:3}" "$1" || true)
        [ "$status" = "$2" ] && return
        sleep 0.1
    done
    tail -n 20 "$work"/*.log >&2
    fail "$1 answers $status, not $2"
}

mkdir "$work/temp"
chmod 755 "$work"
for conf in "$here"/nginx/*.conf; do
    sed -e "s|@DIR@|$work|; s|@UPSTREAM_PORT@|$upstream_port|; s|@PROXY_PORT@|$nginx_port|" "$conf" >"$work/$(basename "$conf")"
done
start upstream "$load_cpu" nginx -e stderr -p "$work/" -c upstream.conf
upstream_pid=$pid
start nginx "$proxy_cpu" nginx -e stderr -p "$work/" -c proxy.conf
nginx_pid=$pid
start emulator "$load_cpu" "$work/entragate" emulate --port "$emulator_port"
answers "http://127.0.0.1:$emulator_port/__emulator" 200

export BENCH_TOKENS=$work/tokens
python3 "$here/tokens.py" "http://127.0.0.1:$emulator_port" 64 >"$BENCH_TOKENS"
token=$(head -n 1 "$BENCH_TOKENS")

# Exactly these settings, whatever the shell has.
settings=(
    AZURE_AUTHORITY_HOST="http://127.0.0.1:$emulator_port"
    AZURE_TENANT_ID=11111111-1111-1111-1111-111111111111
    AZURE_CLIENT_ID=a0000000-0000-4000-8000-000000000001
    AZURE_MCP_CLIENT_ID=c0000000-0000-4000-8000-000000000003
    ENTRAGATE_UPSTREAM="http://127.0.0.1:$upstream_port/mcp"
    ENTRAGATE_LOG_FILTER=warn
    ENTRAGATE_RULES='[{ tools = ["search_*"], roles = ["User"] }]'
)
gateway=http://127.0.0.1:$gateway_port
start gateway "$proxy_cpu" env -i "${settings[@]}" ENTRAGATE_LISTEN="127.0.0.1:$gateway_port" BASE_URL="$gateway" \
    "$work/entragate" serve
gateway_pid=$pid
answers "$gateway/.well-known/oauth-protected-resource/mcp" 200
sleep 1 # the keys are loaded in the background

# In the background and waited for, so that a signal ends it at once.
run() {
    "$@" &
    children+=("$!")
    wait "$!"
}
say "cold starts"
run env -i PATH="$PATH" PYTHONDONTWRITEBYTECODE=1 "${settings[@]}" timeout 300 python3 "$here/starts.py" \
    "$work/entragate" "$proxy_cpu" "$BENCH_TOKENS" "${BENCH_STARTS:-10}" >"$work/lines"

say "load"
export BENCH_LOAD_CPU=$load_cpu BENCH_UPSTREAM_PORT=$upstream_port BENCH_UPSTREAM_PID=$upstream_pid \
    BENCH_NGINX_PORT=$nginx_port BENCH_NGINX_PID=$nginx_pid \
    BENCH_GATEWAY_PORT=$gateway_port BENCH_GATEWAY_PID=$gateway_pid
run timeout 1800 python3 "$here/rounds.py" >>"$work/lines"

# The gate was closed all the while, and every call was judged.
tool_call() { echo "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"$1\"}}"; }
json=(-H 'Content-Type: application/json' -d)
answers "$gateway/mcp" 401 "${json[@]}" "$(tool_call search_documents)"
answers "$gateway/mcp" 200 -H "Authorization: Bearer $token" "${json[@]}" "$(tool_call search_documents)"
grep -q '"isError":false' "$work/answer" || fail "the call was refused: $(cat "$work/answer")"
answers "$gateway/mcp" 200 -H "Authorization: Bearer $token" "${json[@]}" "$(tool_call delete_documents)"
grep -q '"isError":true' "$work/answer" || fail "the rule refuses nothing: $(cat "$work/answer")"
[ ! -s "$work/gateway.log" ] || { cat "$work/gateway.log" >&2; fail "the gateway had something to log"; }

size=$(awk '{ print length }' "$BENCH_TOKENS" | sort -n | sed -n '1p;$p' | paste -sd- | sed 's/-/ to /')
printf 'Entragate %s, %s, %s, 64 tokens of %s bytes\n\n' \
    "$("$work/entragate" --version | cut -d' ' -f2)" "$(nginx -v 2>&1 | cut -d' ' -f3)" "Linux $(uname -r | cut -d. -f1-2)" "$size"
python3 "$here/report.py" "$work/entragate" <"$work/lines"
