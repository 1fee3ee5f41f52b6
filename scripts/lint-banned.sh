#!/bin/sh
# lint-banned.sh - functions and habits the house does not use. Prints each place; exit 1 when there is one.
set -u
cd "$(dirname "$0")/.."
status=0
say() {
    [ -z "$2" ] && return
    printf '%s\n%s\n' "$1" "$2"
    status=1
}
code=$(git ls-files 'engine/*.c' 'engine/*.h' 'engine/*.cpp' 'tui/*.c' 'tui/*.h' 'include/*.h' 'tests/*.c')
say 'banned functions (use the str_, x and rng_ helpers, posix_spawn, strtol):' \
    "$(grep -nE '\b(sprintf|strcpy|strcat|atoi|atol|atof|gets|strtok|system|popen|rand|srand)\(' $code)"
say 'raw allocation outside engine/base/alloc.c:' \
    "$(grep -nE '\b(malloc|calloc|realloc|strdup|strndup|asprintf)\(' $(echo "$code" | grep -vE '^engine/base/alloc\.[ch]$|^tests/|\.cpp$'))"
say 'the engine prints, exits or touches the terminal:' \
    "$(grep -nE '\b(printf|puts|putchar|perror|exit|initscr)\(|\bstdout\b' $(echo "$code" | grep -E '^engine/.*\.c$') | grep -v '^engine/train/capture\.c:.*fflush')"
say 'tui/ may include only thaw/*.h, tui/ and engine/base/:' \
    "$(grep -nE '#include "engine/' $(echo "$code" | grep '^tui/') | grep -v 'engine/base/')"
say 'libtorch outside engine/torch/:' \
    "$(grep -nE '#include <(ATen|c10|torch)/' $(echo "$code" | grep -v '^engine/torch/.*\.cpp$'))"
exit $status
