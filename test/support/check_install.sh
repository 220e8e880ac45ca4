#!/bin/sh
# What is installed can be used: check_install.sh BUILD_DIR
# Installs into a folder of its own and builds a small program in the ways users have: pkg-config, the
# archive with the shared libraries underneath (pkg-config --static would ask for the archives of all
# that libcurl was built with), find_package. The shared library must export nothing but weir_*.
set -u
build=$1
cc=${CC:-cc}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
passed=0

attempt() { # WHAT COMMAND...
    what=$1
    shift
    if "$@" > "$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        echo "failed: $what"
        cat "$work/log"
        failed=$((failed + 1))
    fi
}

cat > "$work/user.c" << 'END'
#include <stdio.h>
#include <weir/weir.h>
int main(void)
{
    puts(weir_version());
    weir_loop *loop = weir_loop_new(NULL);
    weir_loop_free(loop);
    return loop == NULL;
}
END
cat > "$work/CMakeLists.txt" << 'END'
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(weir 0.1 REQUIRED)
add_executable(user user.c)
target_link_libraries(user PRIVATE weir::weir)
add_executable(user_static user.c)
target_link_libraries(user_static PRIVATE weir::weir_static)
END

attempt 'cmake --install' cmake --install "$build" --prefix "$work/prefix"
lib=$(dirname "$(find "$work/prefix" -name libweir.a)")
PKG_CONFIG_PATH=$lib/pkgconfig
LD_LIBRARY_PATH=$lib
export PKG_CONFIG_PATH LD_LIBRARY_PATH
# The .pc file finds its prefix by where it lies.
pc() { pkg-config "$@" weir; }

attempt 'pkg-config, shared' "$cc" "$work/user.c" -o "$work/shared" $(pc --cflags --libs)
attempt 'the program with the shared library' "$work/shared"
attempt 'the archive' "$cc" "$work/user.c" -o "$work/static" $(pc --cflags) "$lib/libweir.a" \
        $(pc --libs --static | sed 's/-lweir//')
attempt 'the program with the static library' "$work/static"
attempt 'find_package' cmake -S "$work" -B "$work/build" -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_PREFIX_PATH="$work/prefix"
attempt 'building with find_package' cmake --build "$work/build"
attempt 'the program with weir::weir' "$work/build/user"
attempt 'the program with weir::weir_static' "$work/build/user_static"

foreign=$(nm -D --defined-only "$lib/libweir.so" | awk '$3 !~ /^weir_/ && $2 != "A" {print $3}')
attempt "exported names begin with weir_: $foreign" test -z "$foreign"
attempt 'the SONAME is libweir.so.0' \
        sh -c "readelf -d '$lib/libweir.so' | grep -q 'SONAME.*\[libweir\.so\.0\]'"
echo "support/install: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
