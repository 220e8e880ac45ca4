#!/bin/sh
# Measures weir beside its neighbours, all in one run:
#   test/bench/run.sh              873 MB of lines, 5 rounds      (some 6 minutes on two cores)
#   test/bench/run.sh quick        100 MB, 3 rounds               (about one minute)
#   test/bench/run.sh [quick] ROW...    only these: http tcp udp ws step queue stage split json latency
#                                       https idle stalled generators hostile
#
# On Debian as root it installs the neighbours that are missing. The build tree, the peers and
# results.json lie in build-bench/ (WEIR_BENCH_DIR: elsewhere). The status is 0 when everything
# could be measured, whether or not the goals were met. WEIR_BENCH_PIN=1 keeps servers and readers
# on different processors: for a machine that does other things meanwhile.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${WEIR_BENCH_DIR:-$root/build-bench}
mode=full
if [ "${1:-}" = quick ] || [ "${1:-}" = full ]; then
    mode=$1
    shift
fi
for row in "$@"; do
    case $row in
    http | tcp | udp | ws | step | queue | stage | split | json | latency | https | idle | stalled | generators | hostile) ;;
    *)
        sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
done

# The packaged Go and Python come first: they are what the figures are compared with.
PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:$PATH
GO=/usr/bin/go
[ -x "$GO" ] || GO=go
export PATH GO LC_ALL=C.UTF-8

have() {
    command -v "$1" > /dev/null 2>&1
}

missing=
for pair in gcc:gcc cmake:cmake ninja:ninja-build pkg-config:pkg-config curl:curl "$GO":golang-go \
    node:nodejs nginx:nginx-light openssl:openssl python3:python3 taskset:util-linux; do
    have "${pair%%:*}" || missing="$missing ${pair#*:}"
done
/usr/bin/python3 -c 'import aiohttp' 2> /dev/null || missing="$missing python3-aiohttp"
/usr/bin/python3 -c 'import websockets' 2> /dev/null || missing="$missing python3-websockets"
if have pkg-config; then
    pkg-config --exists libcurl || missing="$missing libcurl4-openssl-dev"
    pkg-config --exists libuv || missing="$missing libuv1-dev"
fi
if [ -n "$missing" ] && [ "$(id -u)" -eq 0 ] && have apt-get; then
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing > /dev/null
elif [ -n "$missing" ]; then
    echo "bench: install first:$missing" >&2
    exit 2
fi
[ -x "$GO" ] || GO=$(command -v go)

mkdir -p "$work/peers"
cmake -S "$root" -B "$work" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWEIR_BENCH=ON -DWEIR_TESTS=OFF \
    > "$work/configure.log" 2>&1 || {
    tail -n 30 "$work/configure.log" >&2
    exit 1
}
cmake --build "$work" -j 2 > "$work/build.log" 2>&1 || {
    tail -n 30 "$work/build.log" >&2
    exit 1
}
for source in "$here"/peers/*.c; do
    name=$(basename "$source" .c)
    libs=-pthread
    [ "$name" != peer_curl_idle ] || libs=$(pkg-config --libs libcurl)
    # shellcheck disable=SC2086 # a list of words
    gcc -std=c11 -O2 -Wall -Wextra "$source" -o "$work/peers/$name" $libs
done
for source in "$here"/peers/*.go; do
    name=$(basename "$source" .go)
    GOTOOLCHAIN=local GO111MODULE=off "$GO" build -o "$work/peers/$name" "$source"
done

exec python3 "$here/bench_run.py" "$work" "$work/peers" "$work/results.json" "$mode" "$@"
