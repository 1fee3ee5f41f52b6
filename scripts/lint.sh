#!/bin/sh
# lint.sh - formatting, warnings as errors with gcc and clang, cppcheck, banned functions.
set -u
cd "$(dirname "$0")/.."
status=0
step() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "lint: $name: ok"
    else
        printf '%s\nlint: %s: FAILED\n' "$output" "$name"
        status=1
    fi
}
sources=$(git ls-files '*.c' '*.h' '*.cpp' '*.hpp')
step formatting clang-format --dry-run -Werror $sources
step 'banned functions' scripts/lint-banned.sh
step 'gcc -Werror' make --no-print-directory -j"$(nproc)" BUILD=build-lint-gcc CC=gcc CXX=g++ WERROR=-Werror all
step 'clang -Werror' make --no-print-directory -j"$(nproc)" BUILD=build-lint-clang CC=clang CXX=clang++ WERROR=-Werror all
# cppcheck 2.10 stumbles over compound literals, and takes NULL at the end of a list for an int.
step cppcheck cppcheck -q -j"$(nproc)" --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
    --suppress=missingIncludeSystem --suppress=internalAstError --suppress=varFuncNullUB \
    -I. -Iinclude -D_GNU_SOURCE engine tui
exit $status
