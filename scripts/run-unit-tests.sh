#!/bin/sh
# run-unit-tests.sh PROGRAM... - run cmocka programs, each in a temporary folder of its own, and add up.
set -u
root=$(pwd)
# For sanitizer builds: allocations that must fail do so as everywhere else, and leaks count that are ours. LeakSanitizer
# crashes on thread-local storage once libtorch is loaded.
export ASAN_OPTIONS="allocator_may_return_null=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export LSAN_OPTIONS="use_tls=0:suppressions=$root/tests/unit/lsan.supp:print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}"
export TSAN_OPTIONS="suppressions=$root/tests/unit/tsan.supp:ignore_noninstrumented_modules=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
failed=
count=0
for program in "$@"; do
    folder=$(mktemp -d)
    count=$((count + 1))
    if ! (cd "$folder" && OMP_WAIT_POLICY=passive HOME="$folder" XDG_DATA_HOME= XDG_CACHE_HOME= TORCH_HOME= THAW_ROOT="$root" \
          timeout "${TEST_TIMEOUT:-300}" "$root/$program") >"$folder/log" 2>&1; then
        failed="$failed $(basename "$program")"
        cat "$folder/log"
    else
        grep -E '^\[ +(PASSED|SKIPPED) +\]' "$folder/log" | sed "s|^|$(basename "$program"): |"
    fi
    rm -rf "$folder"
done
if [ -n "$failed" ]; then
    echo "unit tests failed:$failed"
    exit 1
fi
echo "unit: $count programs passed"
