#!/bin/sh
# The program in the README is apps/examples/readme.c, which is compiled and run by the tests: they must be the same text.
set -eu
cd "$(dirname "$0")/../.."
awk '/^```c$/ {on = 1; next} /^```$/ {on = 0} on' README.md | diff - apps/examples/readme.c
