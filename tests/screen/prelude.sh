# prelude.sh - what the stand-alone scripts begin with: PROGRAM by its whole path, a HOME and a folder of their own to be
# in, and counting. Sourced, from the top of the tree; sh.
set -u
program=${PROGRAM:-thaw}
case $program in /*) ;; *) program=$(pwd)/$program ;; esac
root=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
export HOME="$work/home" XDG_DATA_HOME= XDG_CACHE_HOME= XDG_CONFIG_HOME= TORCH_HOME= THAW_WEIGHTS= OMP_NUM_THREADS=1
mkdir -p "$HOME"
cd "$work" || exit 1
passed=0 failed=0

ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAIL  $*"
    sed 's/^/      out: /' out | head -n 5
    sed 's/^/      err: /' err | head -n 5
}
skip() { echo "SKIP  $*"; }

# summary NAME - the last line; whether all passed.
summary() {
    echo "$1: $passed passed, $failed failed"
    [ "$failed" = 0 ]
}
