#!/bin/sh
# Exceptions of a C++ program: check_exceptions.sh SOURCE_DIR BUILD_DIR
# One that leaves a body or a task ends the program, at the throw, with a sentence that names it; one
# that is caught inside is the program's own affair. CXX names the compiler.
set -u
root=$1
build=$2
cxx=${CXX:-c++}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
passed=0

expect() { # WHAT COMMAND...
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "failed: $what"
        cat "$work/out"
        failed=$((failed + 1))
    fi
}

says() { grep -q "$1" "$work/out"; }
keeps_quiet() { ! says "$1"; }

"$cxx" -std=c++17 -I"$root/include" "$root/test/support/exceptions.cc" -o "$work/exceptions" \
    -L"$build/lib" -lweir -Wl,-rpath,"$build/lib" || exit 1
ulimit -c 0

for case in source:thrower body:plain task:digger; do
    how=${case%:*}
    name=${case#*:}
    sh -c '"$0" "$1"; exit $?' "$work/exceptions" "$how" > "$work/out" 2>&1
    status=$?
    expect "$how: ended by SIGABRT, not by $status" test "$status" = 134
    expect "$how: weir names it" says "^weir: uncaught exception in '$name'"
    expect "$how: nothing was unwound" keeps_quiet 'unwound\|crossed'
done
"$work/exceptions" caught > "$work/out" 2>&1
expect 'caught: an ordinary failure' test "$?" = 1
expect 'caught: it is told' says '^caught boom$'
expect 'caught: weir says nothing' keeps_quiet '^weir:'
echo "support/exceptions: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
