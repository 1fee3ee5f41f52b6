# lib.sh - drive the program in tmux. Sourced by run.sh; bash.
#
# Each test has a tmux server, a HOME and a folder of its own. Nothing sleeps for a guess: every step polls the
# screen until it shows what is expected, or fails after PATIENCE seconds with the screen in the message.

PATIENCE=${PATIENCE:-60}
THAW=${PROGRAM:-thaw}
case $THAW in /*) ;; *) THAW=$PWD/$THAW ;; esac
ROOT=$PWD

mux() { tmux -L "$SOCKET" -f /dev/null "$@"; }

begin() {
    TEST_DIR=$(mktemp -d)
    SOCKET=thaw-test-$$-$1
    mkdir "$TEST_DIR/home" "$TEST_DIR/work"
}

finish() {
    mux kill-server 2>/dev/null
    # The program may still be saving: it goes when its terminal is gone and its run is over.
    [ -n "${KEEP:-}" ] || poll rm -rf "$TEST_DIR" 2>/dev/null
}

# start WIDTH HEIGHT [VARIABLE=VALUE ...] [-- ARGUMENT ...]: the program in a new terminal, under a shell that
# tells its exit code and the terminal's modes afterwards.
start() {
    local width=$1 height=$2 assign=() arg
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do assign+=("$1"); shift; done
    [ $# -gt 0 ] && shift
    cat >"$TEST_DIR/shell" <<SHELL
cd "$TEST_DIR/work"
env -u NO_COLOR -u COLORFGBG HOME="$TEST_DIR/home" XDG_DATA_HOME= XDG_CONFIG_HOME= XDG_CACHE_HOME= THAW_WEIGHTS= LC_ALL= LANG=C.UTF-8 \\
    TERM=tmux-256color OMP_NUM_THREADS=1 $(printf '%q ' "${assign[@]}" "$THAW" "$@") 2>"$TEST_DIR/stderr"
echo "[exit \$?]"
stty -a | tr ';' '\\n' | grep -E 'icanon|echo|isig' | head -3
echo "[end]"
exec cat
SHELL
    mux new-session -d -s main -x "$width" -y "$height" "sh $TEST_DIR/shell"
    mux set-option -g escape-time 0 >/dev/null
    mux set-option -g remain-on-exit on >/dev/null
}

screen() { mux capture-pane -p -t main; }
colours() { mux capture-pane -p -e -t main; }

fail() {
    printf '  %s\n' "$*"
    printf '  ---- the screen ----\n'
    screen 2>&1 | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' | sed 's/^/  /'
    [ -s "$TEST_DIR/stderr" ] && sed 's/^/  stderr: /' "$TEST_DIR/stderr" | tail -20
    exit 1
}

# poll COMMAND...: until it succeeds, or PATIENCE is over.
poll() {
    local end=$((SECONDS + PATIENCE))
    while ! "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

shows() { screen | grep -qF -- "$1"; }
shows_not() { ! shows "$1"; }
matches() { screen | grep -qE -- "$1"; }

# Nothing more will appear once the program has ended.
appeared() { shows "$1" || { shows '[end]' && ! shows "$1"; }; }
expect() { poll appeared "$1" && shows "$1" || fail "\"$1\" did not appear"; }
expect_match() { poll matches "$1" || fail "nothing like \"$1\" appeared"; }
expect_gone() { poll shows_not "$1" || fail "\"$1\" did not go away"; }
press() { mux send-keys -t main "$@"; }
type_text() { mux send-keys -t main -l "$1"; }
resize_at_once() { mux resize-window -t main -x "$1" -y "$2"; }
terminal_has() { [ "$(stty -F "$(mux display-message -p -t main '#{pane_tty}')" size)" = "$2 $1" ]; }
# tmux tells the program of a new size only after a while: two in between may cancel out, and the program never hears
# that what it drew was cut off.
resize() { resize_at_once "$1" "$2"; poll terminal_has "$1" "$2" || fail "the terminal did not become $1x$2"; }

# command TEXT: through the ':' prompt.
command_line() {
    press :
    expect_match '^ ?:'
    type_text "$1"
    press Enter
}

# What the shell started, and the process behind it that does the work (tui/front.h).
program_pid() { pgrep -P "$(mux display-message -p -t main '#{pane_pid}')" -x thaw; }
worker_pid() { pgrep -P "$(program_pid)" -x thaw; }
send_signal() { kill -"$1" "$(program_pid)" || fail "no program to send $1 to"; }
signal_worker() { kill -"$1" "$(worker_pid)" || fail "no worker to send $1 to"; }

alternate_off() { [ "$(mux display-message -p -t main '#{alternate_on}')" = 0 ]; }
cursor_on() { [ "$(mux display-message -p -t main '#{cursor_flag}')" = 1 ]; }

# The program has ended, with CODE if one is given, and the terminal is as a shell wants it.
expect_restored() {
    expect '[end]'
    [ -z "${1:-}" ] || expect "[exit $1]"
    screen | grep -qE '(^|[^-])icanon' || fail "the terminal is not in canonical mode"
    screen | grep -qE '(^|[^-])echo( |$)' || fail "the terminal does not echo"
    poll alternate_off || fail "the alternate screen is still on"
    poll cursor_on || fail "the cursor is hidden"
}

# No line is wider than the terminal, and what was drawn has no sign of half a character.
expect_whole() {
    screen | grep -q $'\xef\xbf\xbd' && fail "half a character is on the screen"
    return 0
}
