#!/bin/sh
# The kill oracle: weir is killed with SIGKILL, started again, and what has arrived is checked.
#
#     test/fault/kill.sh           200 kills: half a minute
#     test/fault/kill.sh --long    1,000 kills, and at every write, fsync, rename and sendto
#     test/fault/kill.sh PAIR...   only these pairs, for example sse-hook; --tidy: keep no files of a
#                                  pair that failed
#
# WEIR_BUILD is the build tree, WEIR_KILL_SEED a seed. What is checked: fault_oracle.py.
here=$(cd "$(dirname "$0")" && pwd)
: "${WEIR_BUILD:=$here/../../build}"
export WEIR_BUILD WEIR_BINARY="${WEIR_BINARY:-$WEIR_BUILD/bin/weir}"
exec python3 -B "$here/kill_run.py" "$@"
