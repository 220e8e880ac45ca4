#!/bin/sh
# Builds and tests everything: test/run.sh        (some 45 minutes on two cores)
#                             test/run.sh quick  (the Release build; unit, semantics, support and
#                                                 the fast end-to-end tests: a minute)
#                             test/run.sh unit   (the Release build and the unit tests: 15 seconds)
#
# The times of quick and unit are those of the tests; an incremental build comes before them.
# On a fresh Debian 12 as root it installs what is missing; otherwise it says what to install and
# goes on with what there is. A step whose tool is missing is skipped with a loud line, and fails
# where CI=true. Build trees and logs lie under build-ci/. WEIR_CMAKE_ARGS goes to each
# configuration. The last line is "<N> passed, <M> failed", over all steps; the exit status is 0
# only if M is 0. A test that failed once and then passed three times is named above it (see again).
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 2
work=$root/build-ci
logs=$work/logs
mkdir -p "$logs"
mode=${1:-full}
case $mode in
unit | quick | full | long) ;;
*)
    echo "usage: test/run.sh [unit | quick | long]" >&2
    exit 2
    ;;
esac
jobs=$(nproc 2>/dev/null || echo 2)
tests=$((3 * jobs)) # at a time: the longest mostly wait
passed=0
failed=0
flaky=
step=setup
step_start=$(date +%s)
ctest_prefix=
run_start=$step_start
export CLICOLOR_FORCE=0 CTEST_OUTPUT_ON_FAILURE=1
export LC_ALL=C.UTF-8

build_packages='build-essential cmake ninja-build pkg-config libuv1-dev libcurl4-openssl-dev
zlib1g-dev libzstd-dev libbrotli-dev liblz4-dev libssl-dev libsimdjson-dev libpcre2-dev libjq-dev libpq-dev libsqlite3-dev check jq'
test_packages='git ca-certificates curl python3 procps nginx-light openssl socat netcat-openbsd strace
util-linux gdb faketime postgresql zsh fish mandoc zstd brotli lz4 miller gawk
python3-websockets'
full_packages='clang clang-format clang-tidy cppcheck libclang-rt-dev valgrind qemu-user
gcc-aarch64-linux-gnu libc6-dev-arm64-cross'

# Telling: what is run is counted, and what fails is shown.

end_step() {
    now=$(date +%s)
    echo "-- $step: $((now - step_start)) s"
}

begin_step() {
    end_step
    step=$1
    step_start=$(date +%s)
    echo
    echo "== $step"
}

ok() {
    passed=$((passed + 1))
}

bad() {
    failed=$((failed + 1))
    echo "FAILED: $*"
}

skip() {
    echo "**** SKIPPED: $* ****"
    if [ "${CI:-}" = true ]; then
        bad "$step: in CI nothing is skipped"
    fi
}

# Run a command into a log: one pass, or one failure and the end of the log.
check() { # NAME COMMAND...
    check_log=$logs/$1.log
    shift
    if "$@" > "$check_log" 2>&1; then
        ok
    else
        bad "$step ($check_log)"
        tail -n 60 "$check_log"
        return 1
    fi
}

have() {
    command -v "$1" > /dev/null 2>&1
}

# need TOOL...: false, and a loud line, when one is missing.
need() {
    for tool in "$@"; do
        if ! have "$tool"; then
            skip "$step: $tool is not installed"
            return 1
        fi
    done
}

# Add up what a test program said of itself ("...: N passed, M failed"); without such a line it
# counts as one.
add_program() { # LOG STATUS
    counts=$(sed -n 's/.*[^0-9]\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed *$/\1 \2/p' "$1" | tail -n 1)
    p=${counts% *}
    f=${counts#* }
    p=${p:-0}
    f=${f:-0}
    if [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
    elif [ "$2" -eq 0 ] && [ "$((p + f))" -eq 0 ]; then
        p=1
    fi
    passed=$((passed + p))
    failed=$((failed + f))
}

# pool KIND SCRIPT FILE...: run the script for each file ($1), $jobs at a time, and count each.
pool() {
    kind=$1
    script=$2
    shift 2
    export work logs kind script
    printf '%s\n' "$@" | xargs -P "$jobs" -I '{}' sh -c '
        log=$logs/$kind-$(basename "$1").log
        sh -c "$script" sh "$1" > "$log" 2>&1
        echo $? > "$log.status"' sh '{}'
    for file in "$@"; do
        log=$logs/$kind-$(basename "$file").log
        status=$(cat "$log.status" || echo 1)
        add_program "$log" "$status"
        if [ "$status" -ne 0 ]; then
            echo "FAILED: $kind of $(basename "$file") ($log):"
            tail -n 60 "$log"
        fi
    done
}

# As add_program for a whole ctest -V log, in which each line carries its test's number. Prints "N M".
count_ctest() { # LOG
    awk '
        match($0, /^[0-9]+: /) {
            id = substr($0, 1, RLENGTH - 2)
            if (match($0, /[0-9]+ passed, [0-9]+ failed *$/)) {
                split(substr($0, RSTART), word, /[ ,]+/)
                p[id] = word[1]; f[id] = word[3]
            }
        }
        match($0, /Test +#[0-9]+: /) {
            line = substr($0, RSTART)
            id = line; sub(/Test +#/, "", id); sub(/:.*/, "", id)
            if (line ~ /\*\*\*(Skipped|Not Run \(Disabled\))/) next
            good = line ~ / Passed +[0-9.]+ sec/
            if (good && !((p[id] + f[id]) > 0)) p[id] = 1
            if (!good && !(f[id] > 0)) f[id] = 1
            np += p[id]; nf += f[id]
        }
        END { print np + 0, nf + 0 }' "$1"
}

# run_ctest NAME BUILD_DIR CTEST-ARGUMENTS...
run_ctest() {
    name=$1
    dir=$2
    shift 2
    log=$logs/$name.log
    $ctest_prefix ctest --test-dir "$dir" -V --no-tests=ignore "$@" > "$log" 2>&1
    status=$?
    counts=$(count_ctest "$log")
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    grep -E '^[0-9]+: .*: sweep: [0-9]+ points' "$log" | sed 's/^[0-9]*: /   /'
    skipped=$(sed -n 's/.*Test *#[0-9]*: \([^ ]*\) .*\*\*\*Skipped.*/\1/p' "$log")
    for t in $skipped; do
        skip "$name: $t"
    done
    echo "   $name: ${counts% *} passed, ${counts#* } failed"
    if [ "$status" -ne 0 ]; then
        [ "${counts#* }" -gt 0 ] || bad "$name: ctest ended with $status"
        echo "FAILED: $name ($log):"
        sed -n '/The following tests FAILED/,$p' "$log"
        failing=$(sed -n 's/.*Test *#\([0-9]*\): .*\*\*\*.*/\1/p' "$log")
        for id in $failing; do
            grep -E "^$id: " "$log" | tail -n 40
        done
        again "$name" "$dir" "$log"
    fi
}

# again NAME BUILD_DIR LOG: a test against real programs and clocks that failed is run three times
# more, alone. If it passes each time it is named as flaky above the last line, and counts as passed:
# such a test is to be repaired, and the rest of the run still means something. There is no second
# chance where more than two programs failed, for other kinds than e2e and fault, or after a crash,
# a hang or a report of a sanitizer.
again() {
    programs=$(sed -n 's/.*Test *#[0-9]*: \([^ ]*\) .*\*\*\*\(Failed\|Exception\|Timeout\).*/\1/p' "$3")
    [ "$(echo "$programs" | wc -l)" -le 2 ] || return
    for program in $programs; do
        case $program in e2e/* | fault/*) ;; *) continue ;; esac
        first=$(grep "^$(sed -n "s,.*Test *#\([0-9]*\): $program .*,\1,p" "$3" | head -n 1): " "$3")
        echo "$first" | grep -qE 'Sanitizer|runtime error:|died by signal|hangs: |weir: abort|Assertion ' && continue
        if $ctest_prefix ctest --test-dir "$2" -V -R "^$program\$" --repeat until-fail:3 \
            > "$logs/$1-again.log" 2>&1; then
            counts=$(echo "$first" | sed -n 's/.*[^0-9]\([0-9]*\) passed, \([0-9]*\) failed *$/\2/p' | tail -n 1)
            failed=$((failed - ${counts:-1}))
            passed=$((passed + ${counts:-1}))
            flaky="$flaky $1:$program"
            echo "FLAKY: $program failed once, and passed three times alone"
        fi
    done
}

# build NAME TARGET CMAKE-ARGUMENTS...: configure build-ci/NAME and build the target in it. A file
# that does not compile is one failure, and what could be built is tested all the same.
build() {
    tree=$1
    target=$2
    shift 2
    # shellcheck disable=SC2086 # a list of words
    check "$tree-configure" cmake -S . -B "$work/$tree" -G Ninja -DWEIR_WERROR=ON "$@" \
        ${WEIR_CMAKE_ARGS:-} || return 1
    check "$tree-build" cmake --build "$work/$tree" -j "$jobs" --target "$target" -- -k 0
    return 0
}

# The steps, in their order.

install_packages() {
    wanted="$build_packages $test_packages"
    [ "$mode" = full ] && wanted="$wanted $full_packages"
    if ! have dpkg-query; then
        echo "not a Debian system; the packages are, under Debian's names:"
        echo $wanted
        return
    fi
    missing=
    for package in $wanted; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
    # llhttp is a library from Debian 13 on; Debian 12 has its C sources.
    if [ ! -e /usr/include/llhttp.h ] && [ ! -e /usr/share/llhttp/llhttp.c ]; then
        llhttp=libllhttp-dev
        grep -qs '^VERSION_ID="12"' /etc/os-release && llhttp=node-llhttp
        missing="$missing $llhttp"
    fi
    # nginx comes in several packages that exclude each other; any of them serves.
    have nginx && missing=$(echo "$missing " | sed 's/ nginx-light / /')
    [ -z "$(echo $missing)" ] && return
    if [ "$(id -u)" -ne 0 ]; then
        echo "**** missing; as root: apt-get install $missing ****"
        return
    fi
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # No service starts by being installed: where there is no policy, ours refuses until this is
    # done.
    policy=/usr/sbin/policy-rc.d
    ours=no
    if [ ! -e "$policy" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
    fi
    apt-get -qq update > "$logs/apt.log" 2>&1
    # shellcheck disable=SC2086 # a list of words
    if ! apt-get -qq install -y --no-install-recommends $missing >> "$logs/apt.log" 2>&1; then
        tail -n 20 "$logs/apt.log"
        bad "apt-get install ($logs/apt.log)"
    fi
    [ "$ours" = yes ] && rm -f "$policy"
}

release_tests() {
    case $mode in
    unit) which='-L ^unit$' ;;
    quick) which='-L ^(unit|semantics|support|e2e)$ -LE ^long$' ;;
    *) which= ;;
    esac
    begin_step "gcc, Release: ${which:-all tests}"
    # shellcheck disable=SC2086 # a list of words
    build release all -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Release -DWEIR_BENCH=ON &&
        run_ctest release-tests "$work/release" -j "$tests" $which
}

# The proofs that have a short form among the tests, whole. What each prints is shown: its figures
# are those in the README.
proof() { # NAME COMMAND...
    begin_step "proof: $1"
    log=$logs/long-$1.log
    shift
    "$@" > "$log" 2>&1
    status=$?
    cat "$log"
    add_program "$log" "$status"
    [ "$status" -eq 0 ] || echo "FAILED: $step ($log)"
}

long_proofs() {
    begin_step 'gcc, Release: what the proofs need'
    build release all -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Release || return
    export WEIR_BUILD="$work/release" WEIR_BINARY="$work/release/bin/weir"
    proof simulation "$work/release/bin/sim/sim" 10000
    proof kills sh test/fault/kill.sh --long
    proof syscalls python3 -B test/fault/fault_syscalls.py --long
    proof faults python3 -B test/fault/fault_run.py --long
    proof outages python3 -B test/fault/fault_outages.py --long
    proof memory python3 -B test/fault/fault_memory.py --long
}

asan_tests() {
    begin_step 'clang, ASan + UBSan + LSan: all tests'
    need clang || return
    export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0:allocator_may_return_null=1
    export UBSAN_OPTIONS=print_stacktrace=1
    if build asan all -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release \
        -DWEIR_SANITIZE=address,undefined -DWEIR_SWEEP=ON; then
        tidy_start
        run_ctest asan-tests "$work/asan" -j "$tests" -LE '^sweep$'
        begin_step 'failure sweep under ASan + UBSan + LSan'
        # Each point is a process: it looks up no symbol, and notes only the caller of an allocation and
        # the caller's: LeakSanitizer takes what has no second for reachable. What is found is shown
        # whole when the point runs again without these. Freed memory is used again after 8 MiB: few
        # runs allocate so much, and for those each new page costs more than what they do with it.
        export ASAN_OPTIONS="$ASAN_OPTIONS:malloc_context_size=2:quarantine_size_mb=8" LD_BIND_NOW=1
        run_ctest sweep "$work/asan" -j "$jobs" -L '^sweep$'
    fi
    unset ASAN_OPTIONS UBSAN_OPTIONS LD_BIND_NOW
}

tsan_tests() {
    begin_step 'clang, TSan: tests labelled thread'
    need clang || return
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    # The layout that ThreadSanitizer expects and much address randomisation exclude each other.
    fixed=
    have setarch && setarch "$(uname -m)" -R true 2>/dev/null && fixed="setarch $(uname -m) -R"
    if build tsan thread_tests -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release -DWEIR_SANITIZE=thread; then
        ctest_prefix=$fixed
        run_ctest tsan-tests "$work/tsan" -j "$jobs" -L '^thread$'
        ctest_prefix=
    fi
    unset TSAN_OPTIONS
}

valgrind_tests() {
    begin_step 'Valgrind: co and flow'
    need valgrind || return
    export WEIR_WRAPPER='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'
    export CK_TIMEOUT_MULTIPLIER=20 WEIR_SANITIZED=1 WEIR_BINARY="$work/release/bin/weir"
    # The first runs the programs that wait for what other libraries have.
    pool valgrind 'case $1 in
        *.py) exec timeout 1200 python3 -B "$1" ;;
        *) exec timeout 1200 $WEIR_WRAPPER "$1" ;;
        esac' test/e2e/e2e_own.py "$work"/release/bin/test/test_co_* "$work"/release/bin/test/test_flow_*
    unset WEIR_WRAPPER CK_TIMEOUT_MULTIPLIER WEIR_SANITIZED WEIR_BINARY
}

cross_tests() {
    begin_step 'coroutines on aarch64, emulated'
    need qemu-aarch64 aarch64-linux-gnu-gcc || return
    if [ -e test/support/run_co_cross.sh ]; then
        sh test/support/run_co_cross.sh > "$logs/cross.log" 2>&1
        status=$?
        add_program "$logs/cross.log" "$status"
        [ "$status" -eq 0 ] || tail -n 40 "$logs/cross.log"
    fi
}

fuzz_tests() {
    begin_step 'fuzzers, 60 s each'
    need clang || return
    build fuzz fuzzers -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release -DWEIR_FUZZ=ON -DWEIR_TESTS=OFF \
        -DWEIR_SANITIZE=address,undefined || return
    # A fuzzer keeps what it finds in the first folder, takes seeds from all of them, and words
    # from its .dict file.
    pool fuzz 'name=$(basename "$1")
        mkdir -p "$work/fuzz/corpus/$name"
        for seeds in "test/data/$name" "test/fuzz/corpus/$name"; do
            [ -d "$seeds" ] && set -- "$@" "$seeds"
        done
        [ -f "test/fuzz/$name.dict" ] && set -- "$@" "-dict=test/fuzz/$name.dict"
        program=$1
        shift
        exec "$program" -max_total_time=60 -timeout=60 -rss_limit_mb=1024 -print_final_stats=1 \
            -artifact_prefix="$work/fuzz/" "$work/fuzz/corpus/$name" "$@"' "$work"/fuzz/bin/fuzz/fuzz_*
}

source_files() { # EXTENSION...
    for extension in "$@"; do
        if have git && git rev-parse --git-dir > /dev/null 2>&1; then
            git ls-files "*.$extension"
        else
            find include lib apps test -name "*.$extension"
        fi
    done
}

format_check() {
    begin_step 'clang-format'
    need clang-format || return
    files=$(source_files c h cc)
    # shellcheck disable=SC2086 # a list of files
    [ -z "$files" ] || check clang-format clang-format --dry-run -Werror $files
}

# clang-tidy needs minutes of both processors. It starts as soon as there are commands to read, and gets
# the time that the other steps leave: while a test waits, and at their ends.
tidy=
tidy_start() {
    have clang-tidy || return
    find lib apps -name '*.c' -o -name '*.cc' > "$work/tidy-files"
    idle=
    have chrt && idle='chrt --idle 0'
    # shellcheck disable=SC2086 # a list of words
    $idle xargs -n 1 -P "$jobs" clang-tidy --quiet -p "$work/asan" < "$work/tidy-files" \
        > "$logs/tidy-output.log" 2>&1 &
    tidy=$!
}

tidy_end() {
    wait "$tidy"
    tidy_status=$?
    tidy=
    cat "$logs/tidy-output.log"
    return "$tidy_status"
}

tidy_check() {
    begin_step 'clang-tidy on lib and apps: what is left of it'
    need clang-tidy clang || return
    if [ -z "$tidy" ]; then
        skip 'clang-tidy: there is no clang build to read the commands from'
        return
    fi
    check clang-tidy tidy_end
}

# What is not initialised is the compilers' and Valgrind's to find: cppcheck takes each out
# parameter for a use. The order of evaluation is -Wsequence-point's.
cppcheck_check() {
    begin_step 'cppcheck on lib and apps'
    need cppcheck || return
    folders=lib
    [ -d apps ] && folders='lib apps'
    includes=$(find lib apps -type d 2>/dev/null | sed 's/^/-I/')
    # shellcheck disable=SC2086 # lists of words
    check cppcheck cppcheck -q -j "$jobs" --std=c11 --error-exitcode=1 --inline-suppr \
        --enable=warning,performance,portability -Iinclude $includes \
        --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=nullPointerRedundantCheck \
        --suppress=uninitvar --suppress=legacyUninitvar --suppress=uninitStructMember --suppress=duplicateAssignExpression \
        --suppress=unknownEvaluationOrder \
        -DLLHTTP_VERSION_MAJOR=8 -DLLHTTP_STRICT_MODE=1 -D__GNUC__=12 -D__x86_64__=1 -D__LP64__=1 -D__ELF__=1 $folders
}

# A bare chroot has neither processes nor terminals to look at, nor a localhost, and the tests look
# at all of them: what is missing is mounted for as long as they run, and the name written down.
mounted=
unmount() {
    [ -z "$tidy" ] || kill "$tidy"
    for place in $mounted; do
        umount "$place"
    done
}

mount_missing() {
    if [ ! -e /proc/self/status ]; then
        { [ "$(id -u)" -eq 0 ] && mount -t proc proc /proc 2> "$logs/mount.log"; } ||
            echo "the tests need /proc; as root: mount -t proc proc /proc"
        [ -e /proc/self/status ] && mounted="/proc $mounted"
    fi
    if [ ! -e /dev/pts/ptmx ]; then
        { [ "$(id -u)" -eq 0 ] && mkdir -p /dev/pts &&
            mount -t devpts -o ptmxmode=666,newinstance devpts /dev/pts 2>> "$logs/mount.log"; } ||
            echo "the tests need terminals; as root: mount -t devpts devpts /dev/pts"
        [ -e /dev/pts/ptmx ] && mounted="/dev/pts $mounted"
    fi
    if ! getent hosts localhost > /dev/null; then
        { [ "$(id -u)" -eq 0 ] && echo '127.0.0.1 localhost' >> /etc/hosts; } ||
            echo "the tests need a host 'localhost'; as root: echo 127.0.0.1 localhost >> /etc/hosts"
    fi
}

echo "== packages"
step=packages
trap unmount EXIT
mount_missing
install_packages
if ! have cmake || ! have gcc; then
    bad 'cmake and gcc are needed for everything else'
elif [ "$mode" = long ]; then
    long_proofs
else
    release_tests
    if [ "$mode" = full ]; then
        asan_tests
        tsan_tests
        valgrind_tests
        cross_tests
        fuzz_tests
        format_check
        tidy_check
        cppcheck_check
    fi
fi
end_step
echo
echo "all steps: $(($(date +%s) - run_start)) s"
[ -z "$flaky" ] || echo "**** FLAKY, to be repaired:$flaky ****"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
