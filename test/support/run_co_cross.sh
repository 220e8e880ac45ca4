#!/bin/sh
# Compile lib/co and lib/base for aarch64 and run the coroutine checks under emulation: the assembly
# with both ways out (a processor without and one with branch target identification), and the
# ucontext form.
# Exit status: 0 all checks passed, 1 one failed, 77 skipped for want of a tool.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
cc=${WEIR_CROSS_CC:-aarch64-linux-gnu-gcc}
emulator=${WEIR_CROSS_EMULATOR:-qemu-aarch64}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

skip() {
    echo "skipped: $1"
    exit 77
}

command -v "$cc" >"$work/where" || skip "$cc"
command -v "$emulator" >"$work/where" || emulator="$emulator-static"
command -v "$emulator" >"$work/where" || skip "qemu-aarch64"
echo 'int main(void) { return 0; }' >"$work/try.c"
"$cc" -static -o "$work/try" "$work/try.c" 2>"$work/errors" || skip "a static C library for $cc"

run() {
    name=$1
    processor=$2
    shift 2
    echo "# $name"
    "$cc" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -fvisibility=hidden -static "$@" \
        -I"$root/include" -I"$root/lib/base" -I"$root/lib/co" -o "$work/checks" \
        "$root/test/unit/co_cross_main.c" "$root"/lib/co/*.c "$root"/lib/co/*.S \
        "$root"/lib/base/*.c -pthread || return 1
    "$emulator" -cpu "$processor" "$work/checks"
}

status=0
run "assembly, way out by branch" cortex-a57 || status=1
run "assembly, way out by return" max -mbranch-protection=standard || status=1
run "ucontext" max -DWR_CO_UCONTEXT || status=1
exit $status
