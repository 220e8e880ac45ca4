#!/bin/sh
# What is installed can be used: check_install.sh BUILD_DIR [static]
# Installs into a folder of its own and builds a small program in the ways users have: pkg-config, the
# archive with the shared libraries underneath (pkg-config --static would ask for the archives of all
# that libcurl was built with), find_package. A shared object that a program loads makes generators
# for it, whether it was linked with the library or not: there is one copy of weir in the process.
# The shared library exports weir_* and nothing else.
set -u
build=$1
static=${2:-} # the command holds the library itself
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
    weir_item item;
    weir_loop *loop = weir_loop_new(NULL);
    /* The language links with every component, and so with every library underneath. */
    weir_gen *gen = weir_parse(weir_root(loop), NULL, "gen 3..5 | where . > 3 | head 1", NULL);
    bool four = weir_next(gen, &item) && item.len == 1 && item.data[0] == '4';
    weir_discard(gen);
    weir_loop_free(loop);
    puts(weir_version());
    return !four;
}
END
cat > "$work/plug.c" << 'END'
#include <weir/weir.h>
struct upto { long last; };
WEIR_SOURCE(upto, struct upto)
{
    for (long i = 1; i <= args->last; i++) {
        weir_item item = weir_bytes(&i, sizeof i);
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}
WEIR_API weir_gen *plug(weir_scope *scope);
weir_gen *plug(weir_scope *scope)
{
    return weir_head(upto(scope, (struct upto){5}), 3);
}
END
cat > "$work/host.c" << 'END'
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>
static int reads(weir_scope *scope, void *args)
{
    weir_gen *(*plug)(weir_scope *);
    memcpy(&plug, args, sizeof plug);
    weir_gen *gen = plug(scope);
    weir_item item;
    int count = 0;
    while (weir_next(gen, &item)) {
        count++;
    }
    int rc = weir_finish(gen, NULL);
    printf("%d items\n", count);
    return rc < 0 ? rc : count == 3 ? 0 : WEIR_EUSER;
}
int main(int argc, char **argv)
{
    void *module = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
    void *plug = module != NULL ? dlsym(module, "plug") : NULL;
    if (plug == NULL) {
        puts(dlerror());
        return 1;
    }
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_error error;
    weir_spawn(scope, "reads", reads, &plug, sizeof plug);
    int rc = weir_scope_wait(scope, &error);
    puts(error.message);
    weir_loop_free(loop);
    return rc < 0;
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
attempt 'the script that gdb loads with the library of this prefix' \
        test -f "$work/prefix/share/gdb/auto-load$(realpath "$lib/libweir.so")-gdb.py"
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

attempt 'a program that loads modules' "$cc" "$work/host.c" -o "$work/host" $(pc --cflags --libs) -ldl
attempt 'a module linked with the library' "$cc" -shared -fPIC "$work/plug.c" -o "$work/linked.so" \
        $(pc --cflags --libs)
attempt 'a module without it' "$cc" -shared -fPIC "$work/plug.c" -o "$work/bare.so" $(pc --cflags)
attempt 'the program with the linked module' "$work/host" "$work/linked.so"
attempt 'the program with the bare module' "$work/host" "$work/bare.so"
if [ -z "$static" ]; then
    attempt 'the command finds the library beside itself' env -u LD_LIBRARY_PATH \
            "$work/prefix/bin/weir" 'gen 1..3'
    attempt 'weir init' "$work/prefix/bin/weir" init "$work/my-stage"
    attempt 'the test of what weir init wrote' make -C "$work/my-stage" test CC="$cc"
    attempt 'the module of what weir init wrote' make -C "$work/my-stage" CC="$cc" \
            CFLAGS='-O2 -Werror -Wconversion -Wshadow'
    attempt 'the command with that module' sh -c "cd '$work/my-stage' &&
            test \"\$('$work/prefix/bin/weir' 'gen 1..4 | ./my-stage.so from=10' | tr '\n' ' ')\" = '11 13 16 20 '"
    attempt 'the cases of what weir init wrote' "$work/prefix/bin/weir" test "$work/my-stage/my-stage.cases"
    attempt 'what weir init wrote, with CMake' sh -c "cd '$work/my-stage' &&
            cmake -B build-cmake -DCMAKE_C_COMPILER='$cc' -DCMAKE_PREFIX_PATH='$work/prefix' &&
            cmake --build build-cmake && ctest --test-dir build-cmake --output-on-failure"
    own=$(nm -D --defined-only "$work/prefix/bin/weir" | grep -c weir_)
    attempt "names of the library in the command itself: $own" test "$own" = 0
fi

foreign=$(nm -D --defined-only "$lib/libweir.so" |
          awk '$3 !~ /^weir_/ && $2 != "A" {print $3}')
attempt "exported names begin with weir_: $foreign" test -z "$foreign"
attempt 'the SONAME is libweir.so.0' \
        sh -c "readelf -d '$lib/libweir.so' | grep -q 'SONAME.*\[libweir\.so\.0\]'"
echo "support/install: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
