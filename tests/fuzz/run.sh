#!/bin/sh
# run.sh [SECONDS [TARGET...]] - fuzz each reader (fuzz_*.c) for so many seconds (10), with address and undefined
# behaviour sanitizers. BUILD=DIR: where to build. What is found, and the corpus, stays in BUILD.
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=${1:-10}
[ $# -gt 0 ] && shift
build=${BUILD:-build-fuzz}
clang=${CLANG:-clang}
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')

mkdir -p "$build"
echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9; }' >"$build/try.c"
if ! "$clang" -fsanitize=fuzzer "$build/try.c" -o "$build/try" 2>/dev/null; then
    echo "fuzz: SKIPPED: no clang with libFuzzer (Debian: clang)"
    exit 0
fi
make --no-print-directory -s -j2 BUILD="$build" CC="$clang" CFLAGS="-O1 -g" SANITIZE="-fsanitize=fuzzer-no-link $sanitize" \
    "$build/libengine.a" "$build/libtui.a" "$build/tests/unit/weights_fixture.o" "$build/tests/fuzz/seeds.o" || exit 1

libraries=$(pkg-config --libs ncursesw libcjson libjpeg libpng libwebp libxxhash zlib)
passed=0
failed=0
for target; do
    make --no-print-directory -s BUILD="$build" CC="$clang" CFLAGS="-O1 -g" \
        SANITIZE="-fsanitize=fuzzer-no-link $sanitize" "$build/tests/fuzz/fuzz_$target.o" || exit 1
    # shellcheck disable=SC2086
    "$clang" -fsanitize=fuzzer $sanitize -rdynamic -o "$build/fuzz_$target" "$build/tests/fuzz/fuzz_$target.o" \
        "$build/tests/fuzz/seeds.o" "$build/tests/unit/weights_fixture.o" "$build/libtui.a" "$build/libengine.a" \
        $libraries -lpanelw -lm -ldl -pthread || exit 1
    corpus=$build/corpus/$target
    mkdir -p "$corpus" "$build/found"
    if (cd "$build" && FUZZ_SEEDS="corpus/$target" "./fuzz_$target" -max_total_time="$seconds" -timeout=60 \
        -rss_limit_mb=2048 -artifact_prefix="found/$target-" "corpus/$target") >"$build/$target.log" 2>&1; then
        passed=$((passed + 1))
        echo "fuzz_$target: $(grep -E '^(Done|stat::)' "$build/$target.log" | tail -1)"
    else
        failed=$((failed + 1))
        tail -n 40 "$build/$target.log"
        echo "fuzz_$target: FOUND SOMETHING; again with: $build/fuzz_$target $build/found/$target-..."
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
