#!/bin/sh
# run.sh - every comparison with Python's libraries (*_parity.py), and how many there were.
# PYTHON names a Python with torch, torchvision, numpy and Pillow; /usr/bin/python3 with Debian's packages by default.
set -u
cd "$(dirname "$0")/../.." || exit 2
python=${PYTHON:-/usr/bin/python3}
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}" # on a busy machine waiting threads took four fifths of the time
passed=0
failed=0
skipped=0
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
# Side by side, for most of the time they are one thread each; PARITY=all fills the memory as it is.
for script in tests/parity/*_parity.py; do
    name=$(basename "$script" .py)
    { "$python" "$script" >"$folder/$name" 2>&1; echo $? >"$folder/$name.status"; } &
    [ -z "${PARITY:-}" ] || wait
done
wait
for script in tests/parity/*_parity.py; do
    name=$(basename "$script" .py)
    output=$(cat "$folder/$name")
    if [ "$(cat "$folder/$name.status")" = 0 ]; then
        case $output in
        *SKIPPED*) skipped=$((skipped + 1)) ;;
        esac
        case $output in
        "$name: SKIPPED"*) ;;
        *) passed=$((passed + 1)) ;;
        esac
    else
        failed=$((failed + 1))
    fi
    printf '%s\n' "$output"
done
[ "$skipped" -eq 0 ] || echo "parity: SOMETHING WAS SKIPPED, see above; install python3-torch, python3-torchvision, python3-pil"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
