#!/usr/bin/env bash
# run.sh [PATTERN] - what people and scripts meet: the program driven in tmux (every function test_* in tests/screen/*.sh
# whose name matches), and the stand-alone scripts there (those with a #! line). KEEP=1 keeps the tests' folders.
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

passed=0 failed=0 number=0
for name in $(declare -F | awk '{print $3}' | grep '^test_' | grep -E "${1:-.}"); do
    number=$((number + 1))
    begin $number
    started=$SECONDS
    output=$( ("$name") 2>&1)
    code=$?
    if [ $code = 0 ]; then
        passed=$((passed + 1))
        printf 'ok    %s (%d s)\n' "${name#test_}" $((SECONDS - started))
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n%s\n' "${name#test_}" "$output"
    fi
    finish
done

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
