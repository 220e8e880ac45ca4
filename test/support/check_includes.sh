#!/bin/sh
# Who may include which library's header by name: check_includes.sh SOURCE_DIR
# The compiler cannot tell where the headers lie in a system path, so this reads the includes. Public
# headers name nothing but <weir/...> and the C library.
set -u
cd "$1" || exit 2
failed=0
passed=0

# rule WHAT HEADER-PATTERN ALLOWED-PATH-PATTERN
rule() {
    wrong=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)[>\"]" include lib apps \
            --include='*.c' --include='*.cc' --include='*.h' --include='*.S' 2>/dev/null | grep -vE "^($3)")
    if [ -n "$wrong" ]; then
        echo "$1 is included where it must not be:"
        echo "$wrong"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

rule uv.h 'uv\.h|uv/.*' 'lib/loop/'
rule curl.h 'curl/.*' 'lib/loop/[a-z_]*curl[a-z_]*\.[ch]:|lib/http/'
rule llhttp.h 'llhttp\.h|llhttp/.*' 'lib/codec/[a-z_]*http1[a-z_0-9]*\.[ch]:'
rule zlib.h 'zlib\.h|zconf\.h' 'lib/codec/|apps/demo/'
rule pcre2.h 'pcre2\.h' 'lib/codec/codec_regex\.c:'
rule jq.h '(jq|jv)\.h' 'lib/expr/expr_jq(\.c|_value\.[ch]):'
rule simdjson.h 'simdjson\.h' 'lib/codec/codec_json_index\.cc:'
rule zstd.h 'zstd(_errors)?\.h' 'lib/codec/[a-z_]*zstd[a-z_]*\.c:'
rule brotli 'brotli/.*' 'lib/codec/codec_brotli\.c:'
rule lz4 'lz4(frame|hc)?\.h' 'lib/codec/codec_lz4\.c:'
rule OpenSSL 'openssl/.*' 'apps/weir/|lib/loop/|lib/codec/codec_digest\.c:'
# The two that only one file may call.
wrong=$(grep -rnE '(^|[^a-zA-Z0-9_.>])(malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf|getline)[[:space:]]*\(' \
        lib --include='*.c' --include='*.cc' --include='*.h' 2>/dev/null | grep -vE '^lib/base/base_alloc\.c:' |
        grep -vE '^[^:]*:[0-9]+:[[:space:]]*(/?\*|//)' | grep -vE '__attribute__\(\(malloc')
if [ -n "$wrong" ]; then
    echo "memory that does not come from wr_alloc:"
    echo "$wrong"
    failed=$((failed + 1))
else
    passed=$((passed + 1))
fi
# Files go through loop->disk, so that tests can put another disk behind it.
wrong=$(grep -rnE '(^|[^a-zA-Z0-9_.>])(openat?|creat|p?(read|write)v?|lseek|f?stat|fsync|fdatasync|ftruncate|(rename|unlink)(at)?|mkdir|flock)\(' \
        lib/flow lib/source lib/sink --include='*.c' --include='*.h' 2>/dev/null |
        grep -vE '^[^:]*:[0-9]+:[[:space:]]*(/?\*|//)')
if [ -n "$wrong" ]; then
    echo "a file that is not reached through wr_disk:"
    echo "$wrong"
    failed=$((failed + 1))
else
    passed=$((passed + 1))
fi
c_headers='(assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|threads|time|uchar|wchar|wctype)\.h'
wrong=$(grep -rnE '^[[:space:]]*#[[:space:]]*include' include 2>/dev/null |
        grep -vE "include[[:space:]]*<(weir/[a-z]+\.h|$c_headers)>")
if [ -n "$wrong" ]; then
    echo "a public header includes what its user may not have:"
    echo "$wrong"
    failed=$((failed + 1))
else
    passed=$((passed + 1))
fi
echo "support/includes: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
