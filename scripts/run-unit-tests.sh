#!/usr/bin/env bash
# run-unit-tests.sh PROGRAM... - run cmocka programs, each in a temporary folder of its own, and add up. As many run at a
# time as there are cores, up to eight (then the longest is what is waited for), or as JOBS says.
set -u
root=$PWD
. "$(dirname "$0")/side-by-side.sh"
jobs=${JOBS:-$(nproc)}
[ -n "${JOBS:-}" ] || [ "$jobs" -le 8 ] || jobs=8
# For sanitizer builds: allocations that must fail do so as everywhere else, and leaks count that are ours. LeakSanitizer
# crashes on thread-local storage once libtorch is loaded.
export ASAN_OPTIONS="allocator_may_return_null=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export LSAN_OPTIONS="use_tls=0:suppressions=$root/tests/unit/lsan.supp:print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}"
export TSAN_OPTIONS="suppressions=$root/tests/unit/tsan.supp:ignore_noninstrumented_modules=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"

run_one() {
    local folder code
    folder=$(mktemp -d)
    env -C "$folder" --default-signal=INT,QUIT PWD="$folder" OMP_WAIT_POLICY=passive HOME="$folder" XDG_DATA_HOME= \
        XDG_CACHE_HOME= TORCH_HOME= THAW_ROOT="$root" timeout "${TEST_TIMEOUT:-300}" "$root/$1" >"$folder/log" 2>&1
    code=$?
    if [ $code = 0 ]; then
        grep -E '^\[ +(PASSED|SKIPPED) +\]' "$folder/log" | sed "s|^|${1##*/}: |"
    else
        cat "$folder/log"
    fi
    rm -rf "$folder"
    return $code
}

interrupted() {
    for job in $(jobs -p); do pkill -P "$job"; done
    beside_end
    exit 130
}

side_by_side "$jobs"
trap interrupted INT TERM
for program in "$@"; do
    beside run_one "$program"
done
beside_end
failed= number=0
for program in "$@"; do
    number=$((number + 1))
    [ "${BESIDE_CODE[number]}" = 0 ] || failed="$failed ${program##*/}"
done
if [ -n "$failed" ]; then
    echo "unit tests failed:$failed"
    exit 1
fi
echo "unit: $number programs passed"
