#!/usr/bin/env bash
# run.sh [PATTERN] - what people and scripts meet: the program driven in tmux (every function test_* in tests/screen/*.sh
# whose name matches), and without PATTERN the stand-alone scripts there (those with a #! line). KEEP=1 keeps the tests'
# folders, JOBS says how many run at a time.
# Ends with "screen: N passed, N failed"; exit 1 when one failed.
cd "$(dirname "$0")/../.." || exit 2
command -v tmux >/dev/null || { echo "screen tests: tmux is not installed"; exit 2; }
. scripts/side-by-side.sh
. tests/screen/lib.sh
[ -x "$THAW" ] || { echo "screen tests: there is no $THAW; make it first"; exit 2; }

programs=()
for file in "$ROOT"/tests/screen/*.sh; do
    case $file in
    */lib.sh | */prelude.sh | */run.sh) ;;
    *) if [ "$(head -c 2 "$file")" = '#!' ]; then programs+=("$file"); else . "$file"; fi ;;
    esac
done

# run_test NUMBER NAME: in a folder and a tmux of its own.
run_test() {
    local started=$SECONDS output code
    begin "$1"
    output=$( ("$2") 2>&1)
    code=$?
    finish
    if [ $code = 0 ]; then
        printf 'ok    %s (%d s)\n' "${2#test_}" $((SECONDS - started))
    else
        printf 'FAIL  %s\n%s\n' "${2#test_}" "$output"
    fi
    return $code
}

# run_program COUNTS FILE: its last line is "NAME: N passed, N failed"; both numbers go into the file COUNTS.
run_program() {
    local output code good bad started=$SECONDS
    output=$(PROGRAM=$THAW env --default-signal=INT,QUIT sh "$2" 2>&1)
    code=$?
    read -r good bad <<<"$(printf '%s\n' "$output" | sed -nE '$s/^[^:]*: ([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p')"
    [ $code = 0 ] && [ -n "$good" ] || { printf '%s\n' "$output"; [ "${bad:-0}" -gt 0 ] || bad=1; }
    printf '%-5s %s: %s passed (%d s)\n' "$([ $code = 0 ] && echo ok || echo FAIL)" "${2##*/}" "${good:-0}" \
        $((SECONDS - started))
    echo "${good:-0} ${bad:-0}" >"$1"
}

# Two at a time: most of a test is waiting for a screen. The longest begin.
side_by_side "${JOBS:-2}"
counts=$(mktemp -d)
[ -n "${1:-}" ] || for program in "${programs[@]}"; do beside run_program "$counts/${program##*/}" "$program"; done
first=$beside_begun
for name in $(declare -F | awk '{print $3}' | grep '^test_' | grep -E "${1:-.}"); do
    beside run_test $((beside_begun + 1)) "$name"
done
beside_end

passed=0 failed=0
for code in "${BESIDE_CODE[@]:first + 1}"; do
    if [ "$code" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
for file in "$counts"/*; do
    [ -e "$file" ] || continue
    read -r good bad <"$file"
    passed=$((passed + good)) failed=$((failed + bad))
done
rm -rf "$counts"
echo "screen: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
