#!/bin/sh
# The folders are the architecture: check_layers.sh SOURCE_DIR
# The build gives each layer only the include paths of what stands left of it. This reads the includes
# as well, so that a mistake in the build files is noticed, and checks what the compiler cannot: file
# names are unique in the tree, internal headers are included by bare name, and each file opens with
# a comment.
set -u
cd "$1" || exit 2
failed=0
passed=0
order='base bytes codec expr co loop flow http source stage sink server metrics plan'
siblings=' source stage sink server '

verdict() { # WHAT, TEXT-OF-WHAT-IS-WRONG
    if [ -n "$2" ]; then
        echo "$1:"
        echo "$2"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

# May LAYER include a header of OTHER?
allowed() { # LAYER OTHER
    [ "$1" = "$2" ] && return 0
    case $siblings in *" $1 "*) case $siblings in *" $2 "*) return 1 ;; esac ;; esac
    for l in $order; do
        [ "$l" = "$2" ] && return 0
        [ "$l" = "$1" ] && return 1
    done
    return 1
}

wrong=
for layer in $order; do
    for include in $(grep -rhoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]+"' "lib/$layer" \
                     --include='*.c' --include='*.cc' --include='*.h' --include='*.S' 2>/dev/null |
                     sed 's/.*"\(.*\)"/\1/' | sort -u); do
        for home in lib/*/"$include"; do
            [ -e "$home" ] || continue
            other=${home#lib/}
            other=${other%%/*}
            allowed "$layer" "$other" || wrong="$wrong  lib/$layer includes $include of lib/$other
"
        done
    done
done
verdict 'a layer reaches to the right' "$wrong"

verdict 'an internal header is included by a path' \
    "$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*/' lib --include='*.[chS]' --include='*.cc')"
verdict 'a public header is included by a bare name' \
    "$(cd include/weir && for h in *.h; do
           grep -rnE "#[[:space:]]*include[[:space:]]*\"$h\"" ../../lib ../../include; done)"
verdict 'file names are not unique' \
    "$(find lib apps test include -type f \( -name '*.c' -o -name '*.cc' -o -name '*.h' -o -name '*.S' \) \
           -exec basename {} \; 2>/dev/null | sort | uniq -d)"
verdict 'a file does not open with a comment' \
    "$(find lib apps/weir apps/demo -type f \( -name "*.c" -o -name "*.cc" -o -name "*.h" -o -name "*.S" \) 2>/dev/null |
       while read -r f; do head -c 2 "$f" | grep -q '/\*' || echo "$f"; done)"
# What is special about a component is in its descriptor: nobody compares a name with a constant, and
# the plan holds no component's name.
verdict "a component's name is compared" \
    "$(grep -rnE '(cmp|same|equals|strstr)\([^;"]*->name[^;"]*, *"' lib apps --include='*.c' --include='*.h')"
verdict 'lib/plan names a component' "$(grep -nE 'wr_component_[a-z]' lib/plan/*.[ch])"
verdict 'the top level holds what does not belong there' \
    "$(git ls-files 2>/dev/null | sed 's,/.*,,' | sort -u |
       grep -vE '^(lib|include|apps|test|third_party|CMakeLists\.txt|README\.md|LICENSE|\..*)$')"
echo "support/layers: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
