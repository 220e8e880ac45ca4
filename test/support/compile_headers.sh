#!/bin/sh
# The public headers as their users meet them: compile_headers.sh SOURCE_DIR
# Each alone as C11 and as C++17, all together, every public macro used once, and all with a user's
# own strict warnings. CC and CXX name the compilers.
set -u
root=$1
cc=${CC:-cc}
cxx=${CXX:-c++}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
passed=0
strict='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wundef -Werror'

attempt() { # WHAT COMMAND...
    what=$1
    shift
    if "$@" -I"$root/include" -fsyntax-only; then
        passed=$((passed + 1))
    else
        echo "does not compile: $what"
        failed=$((failed + 1))
    fi
}

for header in "$root"/include/weir/*.h; do
    name=weir/$(basename "$header")
    printf '#include <%s>\n#include <%s>\nextern int unit;\nint unit;\n' "$name" "$name" > "$work/alone.c"
    cp "$work/alone.c" "$work/alone.cc"
    attempt "$name as C11" "$cc" -std=c11 $strict -Wstrict-prototypes -Wmissing-prototypes "$work/alone.c"
    attempt "$name as C++17" "$cxx" -std=c++17 $strict "$work/alone.cc"
done
macros=$root/test/support/compile_headers
attempt 'every macro as C11' "$cc" -std=c11 $strict -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual "$macros.c"
attempt 'every macro as C++17' "$cxx" -std=c++17 $strict "$macros.cc"

# What weir would copy by its bytes, and may not.
for case in 1 2 3; do
    if "$cxx" -std=c++17 -I"$root/include" -fsyntax-only -DCASE=$case \
            "$root/test/support/compile_refused.cc" 2> "$work/log"; then
        echo "compiles, and should not: case $case of compile_refused.cc"
        failed=$((failed + 1))
    elif ! grep -q 'error.*std::string is not trivially copyable' "$work/log"; then
        echo "case $case of compile_refused.cc does not say why:"
        cat "$work/log"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done

# A macro that nobody has compiled is one that may not compile. A last _ marks parts of others.
for macro in $(sed -n 's/^#define \(WEIR_[A-Z0-9_]*\).*/\1/p' "$root"/include/weir/*.h | sort -u |
               grep -v '_H$' | grep -v '_$'); do
    if grep -qw "$macro" "$macros.c"; then
        passed=$((passed + 1))
    else
        echo "$macro is not used in test/support/compile_headers.c"
        failed=$((failed + 1))
    fi
done
echo "support/headers: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
