#!/usr/bin/env bash
# run.sh [PATTERN] - what people and scripts meet: the program driven in tmux (every function test_* in tests/screen/*.sh
# whose name matches), and the stand-alone scripts there (those with a #! line). KEEP=1 keeps the tests' folders, JOBS says
# how many run at a time.
# Ends with "screen: N passed, N failed"; exit 1 when one failed.
cd "$(dirname "$0")/../.." || exit 2
command -v tmux >/dev/null || { echo "screen tests: tmux is not installed"; exit 2; }
. tests/screen/lib.sh
[ -x "$THAW" ] || { echo "screen tests: there is no $THAW; make it first"; exit 2; }

programs=()
for file in "$ROOT"/tests/screen/*.sh; do
    case $file in
    */lib.sh | */prelude.sh | */run.sh) ;;
    *) if [ "$(head -c 2 "$file")" = '#!' ]; then programs+=("$file"); else . "$file"; fi ;;
    esac
done

# run_one NUMBER NAME: in a folder and a tmux of its own; what came of it is in $RESULTS/NUMBER.
run_one() {
    local started=$SECONDS output code
    begin "$1"
    output=$( ("$2") 2>&1)
    code=$?
    finish
    if [ $code = 0 ]; then
        printf 'ok    %s (%d s)\n' "${2#test_}" $((SECONDS - started)) >"$RESULTS/$1"
    else
        printf 'FAIL  %s\n%s\n' "${2#test_}" "$output" >"$RESULTS/$1"
    fi
    cat "$RESULTS/$1"
}

# Two at a time: most of a test is waiting for a screen.
passed=0 failed=0 number=0 running=0
RESULTS=$(mktemp -d)
for name in $(declare -F | awk '{print $3}' | grep '^test_' | grep -E "${1:-.}"); do
    number=$((number + 1))
    [ $running -lt "${JOBS:-2}" ] || { wait -n; running=$((running - 1)); }
    run_one $number "$name" &
    running=$((running + 1))
done
wait
for result in "$RESULTS"/*; do
    [ -e "$result" ] || continue
    case $(head -c 4 "$result") in "ok  ") passed=$((passed + 1)) ;; *) failed=$((failed + 1)) ;; esac
done
rm -rf "$RESULTS"

# Their last line is "NAME: N passed, N failed".
for program in "${programs[@]}"; do
    [ -z "${1:-}" ] || continue
    output=$(PROGRAM=$THAW sh "$program" 2>&1)
    code=$?
    read -r good bad <<<"$(printf '%s\n' "$output" | sed -nE '$s/^[^:]*: ([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p')"
    [ $code = 0 ] && [ -n "$good" ] || { printf '%s\n' "$output"; [ "${bad:-0}" -gt 0 ] || bad=1; }
    passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
    printf '%-5s %s: %s passed\n' "$([ $code = 0 ] && echo ok || echo FAIL)" "$(basename "$program")" "${good:-0}"
done
echo "screen: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
