# Sourced by the benchmarks with $root set: `needs PROGRAM:PACKAGE…` installs what is missing, as root on Debian or Ubuntu; `wire` builds the load and
# the upstream of benches/peers into $state.
# shellcheck shell=bash disable=SC2154 # root and state are the caller's

fail() { echo "$0: $1" >&2; exit 2; }

needs() {
    local missing=() pair
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "needs ${missing[*]}"
    echo "installing ${missing[*]}" >&2
    apt-get update -qq >&2
    # Installed as a program and not as a service: nothing of it shall run on its own.
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

wire() {
    local program
    mkdir -p "$state"
    for program in load upstream; do
        cc -O3 -Wall -Wextra -o "$state/$program" "$root/benches/peers/wire/$program.c"
    done
}
