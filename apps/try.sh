#!/bin/sh
# The main job on a fresh Debian machine: install what is missing, build, start the demo feed on a free port, stream it through
# a pipeline, print lines and the summary, and stop.
#
#   sh apps/try.sh
#
# Everything is built in build/ and nothing outside this folder is changed, but for the packages that are installed.
set -eu
cd "$(dirname "$0")/.."

packages="build-essential cmake pkg-config libuv1-dev libcurl4-openssl-dev zlib1g-dev libzstd-dev libbrotli-dev liblz4-dev
libssl-dev libsimdjson-dev libpcre2-dev libjq-dev check"
missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
# llhttp is a library from Debian 13 on; Debian 12 has its C sources.
if [ ! -e /usr/include/llhttp.h ] && [ ! -e /usr/share/llhttp/llhttp.c ]; then
    llhttp=libllhttp-dev
    grep -qs '^VERSION_ID="12"' /etc/os-release && llhttp=node-llhttp
    missing="$missing $llhttp"
fi
if [ -n "$missing" ]; then
    echo "== installing:$missing"
    if [ "$(id -u)" = 0 ]; then
        sudo=""
    elif command -v sudo >/dev/null 2>&1; then
        sudo="sudo"
    else
        echo "try.sh: please install these packages first:$missing" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -qq
    # shellcheck disable=SC2086
    $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

echo "== building"
# Without options of its own: what build/ was configured with before stays, and so do the defaults for whoever comes next.
cmake -S . -B build >/dev/null
cmake --build build -j "$(nproc)" --target weir >/dev/null

folder=$(mktemp -d)
demo=""
trap 'if [ -n "$demo" ]; then kill "$demo" 2>/dev/null || true; fi; rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build/bin/weir demo -q :0 >"$folder/demo" &
demo=$!
port=""
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    port=$(sed -n 's|.*http://127.0.0.1:\([0-9]*\)/feed.*|\1|p' "$folder/demo" | head -n 1)
    [ -n "$port" ] && break
    sleep 0.2
done
[ -n "$port" ] || { echo "try.sh: the demo feed did not start" >&2; exit 1; }

run() {
    printf '\n$ weir' >&2
    printf " '%s'" "$@" >&2
    echo >&2
    build/bin/weir "$@"
}

echo "== a live feed: the first purchases"
run -v "http://127.0.0.1:$port/feed.ndjson?rate=50&bad=0 | grep \"purchase\" | head 5"

echo
echo "== half a million lines through a bounded queue into a file, from a server that drops the connection at random"
run -v --state "$folder/state" \
    "http://127.0.0.1:$port/flaky?n=500000&size=120&every=8000000 | queue 1000 | file $folder/lines.txt"
echo "$(wc -l <"$folder/lines.txt") lines in the file, $(sort -u "$folder/lines.txt" | wc -l) of them different"

echo
echo "== compressed on the way, counted by wc"
run "http://127.0.0.1:$port/gzip?n=100000" | wc -l
echo
echo "== done"
