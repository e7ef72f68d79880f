#!/usr/bin/env bash
# The binary as it is released: built once to see what it runs, and once more with what was seen (profile-guided optimization).
#
#   release/build.sh        two builds and a minute of calls; prints where the binary is
#
# `cargo build --release` works as well and needs none of this: docs/decisions/0023 has what the profile is worth.
# Linux with two cores or more and Python 3.11; as root on Debian or Ubuntu it installs what is missing. llvm-profdata must be
# that of the compiler's LLVM: `rustup component add llvm-tools`, or a package of the distribution.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
state=$root/target/release-profile
export PYTHONDONTWRITEBYTECODE=1

. "$root/benches/needs.sh"

needs cc:build-essential python3:python3
wire

target=$(rustc -vV | sed -n 's/^host: //p')
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
profdata() {
    find "$(rustc --print sysroot)/lib/rustlib/$target/bin" "/usr/lib/llvm-$llvm/bin" -name llvm-profdata 2>/dev/null | head -n 1
}
[ -n "$(profdata)" ] || needs "llvm-profdata-$llvm:llvm-$llvm"
profdata=$(profdata)
[ -n "$profdata" ] || fail "found no llvm-profdata of LLVM $llvm: rustup component add llvm-tools"

# With --target, so that the flags are not for what runs during the build. A directory for each, so that neither undoes the other.
build() {
    (cd "$root" && RUSTFLAGS="$2" CARGO_TARGET_DIR="$state/$1" cargo build --release --locked --target "$target" -p entragate-cli >&2)
}

# Where nobody says where, profiles stay in the temporary directory of the run.
build watched -Cprofile-generate
rm -rf "$state/seen"
mkdir -p "$state/seen"
python3 "$here/train.py" "$state/seen" "entragate=$state/watched/$target/release/entragate" "load=$state/load" "upstream=$state/upstream" >&2
"$profdata" merge --output="$state/start.profdata" "$state"/seen/start-*.profraw
"$profdata" merge --output="$state/seen.profdata" "$state"/seen/*.profraw
flags="-Cprofile-use=$state/seen.profdata"
# LLVM's linker, which Rust has for this target, can put functions in an order.
if [ "$target" = x86_64-unknown-linux-gnu ]; then
    for seen in start seen; do "$profdata" show --all-functions --counts "$state/$seen.profdata"; done |
        python3 "$here/order.py" >"$state/order"
    flags+=" -Clink-arg=-Wl,--symbol-ordering-file=$state/order -Clink-arg=-Wl,--no-warn-symbol-ordering"
fi
# Cargo sees that flags change, and not what is in the files that they name.
rm -rf "$state/released"
build released "$flags"
echo "$state/released/$target/release/entragate"
