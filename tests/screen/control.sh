# control.sh - runs that are steered, and watched, from elsewhere. Needs libtorch; says so and passes where there is none.

in_home() { env HOME="$TEST_DIR/home" XDG_DATA_HOME= XDG_CACHE_HOME= OMP_NUM_THREADS=1 "$@"; }
# behind ARGUMENT...: the program in the background, as $trainer: itself, not a shell around it.
behind() {
    HOME="$TEST_DIR/home" XDG_DATA_HOME= XDG_CACHE_HOME= OMP_NUM_THREADS=1 "$THAW" "$@" >"$TEST_DIR/behind.out" 2>&1 &
    trainer=$!
    trap 'kill -KILL $trainer 2>/dev/null' EXIT # whatever becomes of the test
}
run_folder() { echo "$TEST_DIR"/home/.local/share/thaw/runs/*/; }
has_event() { grep -q "$1" "$(run_folder)events.jsonl" 2>/dev/null; }

# train_behind EPOCHS: a run of another process, without a screen.
train_behind() {
    cat >"$TEST_DIR/behind.json" <<RECIPE
{"model": "cifar_resnet20", "data": {"path": "shapes"}, "epochs": $1, "batch_size": 16, "cache": "off",
 "freeze": ["conv1", "bn1", "layer1"], "threads": 1}
RECIPE
    behind train "$TEST_DIR/behind.json"
    poll has_event '"event":"step"' || { cat "$TEST_DIR/behind.out"; fail "the run did not begin"; }
}

tell() { in_home "$THAW" tell last "$@" >"$TEST_DIR/told" 2>&1; }
told() { tell "$@" || fail "tell $*: $(cat "$TEST_DIR/told")"; }

test_a_run_is_steered_from_the_command_line() {
    have_libtorch || return 0
    train_behind 400
    socket=$(run_folder)control.sock
    [ -S "$socket" ] || fail "there is no socket"
    [ "$(stat -c %a "$socket")" = 600 ] || fail "the socket's mode is $(stat -c %a "$socket")"
    told hello
    told pause
    has_event '"state":"paused"' || fail "it was not paused when that was answered"
    told step
    told lr 0.0625
    has_event '"event":"lr".*"lr":0.0625' || fail "the rate was not changed"
    tell lr 0 && fail "a rate of 0 was taken"
    grep -q 'stays 0.0625' "$TEST_DIR/told" || fail "it was not said why: $(cat "$TEST_DIR/told")"
    told mask 'conv1,bn1,layer1,layer2'
    has_event '"frozen":\["conv1","bn1","layer1","layer2"\]' || fail "the mask was not changed"
    tell mask 'layer9' && fail "a layer that is not there was frozen"
    tell paus && fail "an order that there is not was taken"
    told checkpoint
    told continue
    told stop
    wait "$trainer" || fail "it ended with $?"
    [ -e "$socket" ] && fail "the socket is still there"
    tell pause && fail "a run that is over was paused"
    grep -q 'no run is on' "$TEST_DIR/told" || fail "it was not said that no run is on: $(cat "$TEST_DIR/told")"
    return 0
}

# no_sockets: a library that makes the run's folder a place that holds no sockets, as on a FAT disk.
no_sockets() {
    cat >"$TEST_DIR/no_sockets.c" <<'C'
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
int bind(int fd, const struct sockaddr *address, socklen_t length) {
    const struct sockaddr_un *un = (const struct sockaddr_un *)address;
    if (address->sa_family != AF_UNIX || strstr(un->sun_path, "/runtime/")) return (int)syscall(SYS_bind, fd, address, length);
    errno = EPERM;
    return -1;
}
C
    ${CC:-cc} -D_GNU_SOURCE -shared -fPIC -o "$TEST_DIR/no_sockets.so" "$TEST_DIR/no_sockets.c" || fail "no library"
}

test_a_run_whose_folder_holds_no_socket_is_steered_all_the_same() {
    have_libtorch || return 0
    no_sockets
    mkdir -m 700 "$TEST_DIR/runtime"
    export XDG_RUNTIME_DIR="$TEST_DIR/runtime" LD_PRELOAD="$TEST_DIR/no_sockets.so"
    train_behind 400
    unset LD_PRELOAD
    [ -e "$(run_folder)control.sock" ] && fail "this proves nothing: there is a socket"
    poll [ -e "$(run_folder)control.path" ] || fail "it is not said where the socket is"
    socket=$(cat "$(run_folder)control.path")
    case $socket in "$TEST_DIR"/runtime/*) ;; *) fail "the socket is $socket" ;; esac
    [ "$(stat -c %a "$socket")" = 600 ] || fail "the socket's mode is $(stat -c %a "$socket")"
    told lr 0.0625
    has_event '"event":"lr".*"lr":0.0625' || fail "the rate was not changed"
    start 100 30 -- attach
    expect "● training, attached"
    press s; expect "the run ended"
    press q; expect_restored 0
    wait "$trainer" || fail "it ended with $?"
    [ -z "$(ls -A "$TEST_DIR/runtime")" ] || fail "there is left: $(ls -A "$TEST_DIR/runtime")"
    [ -e "$(run_folder)control.path" ] && fail "control.path is left"
    return 0
}

# What strangers write into the socket is answered, and the run goes on.
test_rubbish_in_the_socket_does_not_disturb_the_run() {
    have_libtorch || return 0
    train_behind 400
    python3 - "$(run_folder)control.sock" <<'PYTHON' || fail "the socket did not hold"
import socket, sys
def call():
    s = socket.socket(socket.AF_UNIX); s.settimeout(30); s.connect(sys.argv[1]); return s
silent = [call() for _ in range(60)]
rubbish = call(); rubbish.sendall(b"\x00\xff{[\n" * 10 + b'{"do": "hello", "id": 5}\n')
answers = b""
while b'"id":5' not in answers:
    answers += rubbish.recv(4096)
endless = call()
try:
    for _ in range(64): endless.sendall(b"x" * 65536)
    raise SystemExit("a line of 4 MiB was taken")
except (BrokenPipeError, ConnectionResetError):
    pass
PYTHON
    told pause
    told stop
    wait "$trainer" || fail "it ended with $?"
}

test_a_run_that_was_killed_is_said_to_be_gone() {
    have_libtorch || return 0
    train_behind 400
    kill -KILL "$trainer"
    wait "$trainer" 2>/dev/null
    [ -S "$(run_folder)control.sock" ] || fail "this proves nothing: the socket went"
    tell pause && fail "a dead run was paused"
    in_home "$THAW" tell "$(basename "$(run_folder)")" pause >"$TEST_DIR/told" 2>&1 && fail "a dead run was paused"
    grep -q 'no process is training' "$TEST_DIR/told" || fail "it was not said: $(cat "$TEST_DIR/told")"
    behind resume last --threads 1
    poll tell hello || fail "the socket was not made anew"
    told stop
    wait "$trainer"
}

# ---- with a screen ----

# attach [ARGUMENT...]: the workbench on the run behind.
attach() { start 100 30 -- attach "$@"; expect_match 'step [0-9]+ of'; expect "attached"; }

# A second terminal, with a viewer of its own: screen2, press2.
start2() {
    mux new-session -d -s second -x 100 -y 30 \
        "env -u NO_COLOR HOME='$TEST_DIR/home' XDG_DATA_HOME= XDG_CONFIG_HOME= XDG_CACHE_HOME= LANG=C.UTF-8 TERM=tmux-256color '$THAW' $*"
}
shows2() { mux capture-pane -p -t second 2>/dev/null | grep -qE -- "$1"; }
expect2() { poll shows2 "$1" || { mux capture-pane -p -t second; fail "\"$1\" did not appear in the second"; }; }
gone2() { [ "$(mux display-message -p -t second '#{pane_dead}')" = 1 ]; }
press2() { mux send-keys -t second "$@"; }

test_a_run_of_another_process_is_watched_and_steered() {
    have_libtorch || return 0
    train_behind 400
    attach
    expect_match 'layer1 +❄'
    expect "● training, attached"
    expect_match 'img/s .*step +[0-9.]+ m?s +(bf16|fp32)' # and no memory between: it would be the viewer's
    press p; expect "paused, attached"
    has_event '"state":"paused"' || fail "it is not paused"
    press n
    press l; expect "learning rate"; press C-u; type_text 0.002; press Enter; expect_match 'lr 0\.?0*0?2|0.002'
    poll has_event '"event":"lr".*"lr":0.002' || fail "the rate was not changed"
    command_line 'freeze layer2'
    poll has_event '"frozen":\["conv1","bn1","layer1","layer2"\]' || fail "the mask was not changed"
    expect_match 'layer2 +❄'
    press c; poll has_event '"event":"checkpoint"' || fail "no checkpoint"
    press p; expect "● training, attached"
    press q
    expect_restored 0
    kill -0 "$trainer" || fail "leaving the viewer ended the run"
    told stop
    wait "$trainer" || fail "the run ended with $?"
}

test_a_run_is_stopped_from_a_viewer_which_stays() {
    have_libtorch || return 0
    train_behind 400
    attach "$(basename "$(run_folder)")"
    press s
    expect "the run ended (stopped and saved)"
    expect_gone "attached"
    wait "$trainer" || fail "the run ended with $?"
    press R                                            # and the workbench is one like any other
    expect "● training"; expect_gone "attached"
    press q; expect "stop and save"; press s
    expect_restored 0
}

test_two_viewers_see_the_same() {
    have_libtorch || return 0
    train_behind 400
    attach
    start2 attach
    expect2 'training, attached'
    press2 p
    expect "paused, attached"
    command_line 'thaw layer1'
    expect2 'layer1 +●'
    press p
    expect2 'training, attached'
    press2 q
    poll gone2 || fail "the second viewer stays"
    expect "● training, attached"
    press D
    expect "let go of"
    kill -0 "$trainer" || fail "letting go ended the run"
    press q
    expect_restored 0
    told stop
    wait "$trainer" || fail "the run ended with $?"
}

test_a_process_that_dies_is_noticed_by_its_viewer_and_in_the_list() {
    have_libtorch || return 0
    train_behind 400
    attach
    start2
    press2 6; expect2 'running'
    kill -KILL "$trainer"
    PATIENCE=5 expect "the process that trained it is gone"
    PATIENCE=5 expect2 'died'
    expect_gone "attached"
    press 6; expect "died"
    press r
    expect "● training"
    press q; expect "stop and save"; press s
    expect_restored 0
}

test_a_living_run_is_attached_to_from_the_list() {
    have_libtorch || return 0
    train_behind 400
    start 100 30
    press 6; expect "running"; expect "attach"; press d; expect "cannot be deleted"
    press Enter
    expect "● training, attached"
    expect_match 'layer1 +❄'
    press R; expect "D lets go of it first"
    press D; expect "let go of"
    press a; expect "● training, attached"
    told stop
    expect "the run ended"
    press q
    expect_restored 0
}

test_attaching_to_what_is_not_on_says_so() {
    start 80 24 -- attach
    expect_restored 1
    grep -q 'no run is on' "$TEST_DIR/stderr" || fail "it was not said"
}

# ---- in the background ----

# in_shell [ARGUMENT...]: the program under a shell with job control, as people have it.
in_shell() {
    mux new-session -d -s main -x 100 -y 30 \
        "env -u NO_COLOR HOME='$TEST_DIR/home' XDG_DATA_HOME= XDG_CONFIG_HOME= XDG_CACHE_HOME= LANG=C.UTF-8 TERM=tmux-256color OMP_NUM_THREADS=1 PS1='prompt> ' bash --norc --noprofile -i"
    mux set-option -g escape-time 0 >/dev/null
    mux set-option -g remain-on-exit on >/dev/null
    expect 'prompt>'
    cat >"$TEST_DIR/work/recipe.json" <<RECIPE
{"model": "cifar_resnet20", "data": {"path": "shapes"}, "epochs": ${EPOCHS:-400}, "batch_size": 16, "cache": "off", "threads": 1}
RECIPE
    type_text "cd $TEST_DIR/work; clear; '$THAW' open recipe.json --start"; press Enter
    expect "● training"
    expect "val "
    owner=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$(run_folder)lock")
    trap 'kill -KILL $owner 2>/dev/null; poll gone_owner' EXIT
}
gone_owner() { ! kill -0 "$owner" 2>/dev/null; }
no_terminal() { [ "$(ps -o tty= -p "$owner")" = '?' ] && ! ls -l "/proc/$owner/fd" | grep -q /dev/pts; }

test_q_leaves_a_run_in_the_background_and_attach_brings_it_back() {
    have_libtorch || return 0
    in_shell
    press q; expect "in the background"; press b
    expect "goes on in the background (process $owner)"
    type_text 'echo "code $?; jobs: $(jobs | wc -l)"'; press Enter
    expect "code 0; jobs: 0"
    poll no_terminal || { ls -l "/proc/$owner/fd"; fail "it still has the terminal"; }
    before=$(grep -c '"event":"step"' "$(run_folder)events.jsonl")
    more() { [ "$(grep -c '"event":"step"' "$(run_folder)events.jsonl")" -gt "$before" ]; }
    poll more || fail "it does not train any more"
    type_text "clear; '$THAW' attach"; press Enter
    expect "● training, attached"
    press p; expect "paused, attached"
    press p; expect "● training, attached"
    press q; expect 'prompt>'
    kill -0 "$owner" || fail "leaving the viewer ended the run"
    type_text "exit"; press Enter                      # nor does the end of the shell
    poll gone_pane || fail "the terminal stays open"
    before=$(grep -c '"event":"step"' "$(run_folder)events.jsonl")
    poll more || fail "it does not train any more"
    told stop
    poll gone_owner || fail "it stays when its run is over"
    has_event '"reason":"stopped"' || fail "no end was written"
}
gone_pane() { [ "$(mux display-message -p -t main '#{pane_dead}')" = 1 ]; }

test_a_paused_run_that_is_left_in_the_background_goes_on_to_its_end() {
    have_libtorch || return 0
    EPOCHS=8 in_shell
    press p; expect "paused"
    command_line background
    expect "goes on in the background"
    PATIENCE=120 poll has_event '"reason":"done"' || fail "it was not finished"
    poll gone_owner || fail "it stays when its run is over"
    [ -s "$(run_folder)last.safetensors" ] || fail "no checkpoint was saved"
}

test_a_run_is_attached_to_after_its_terminal_was_lost() {
    have_libtorch || return 0
    in_shell
    mux kill-session -t main
    poll no_terminal || fail "it still has the terminal"
    attach
    press s; expect "the run ended (stopped and saved)"
    poll gone_owner || fail "it stays when its run is over"
    press q
    expect_restored 0
}

test_ctrl_z_stops_the_run_bg_lets_it_go_on_and_fg_shows_it() {
    have_libtorch || return 0
    in_shell
    press C-z; expect "Stopped"
    stopped "$owner" || fail "the run is not stopped"
    type_text 'bg'; press Enter
    before=$(grep -c '"event":"step"' "$(run_folder)events.jsonl")
    more() { [ "$(grep -c '"event":"step"' "$(run_folder)events.jsonl")" -gt "$before" ]; }
    poll more || fail "it does not train in the background"
    type_text 'clear; echo "still $((40 + 2))"'; press Enter; expect "still 42"
    type_text 'fg'; press Enter
    expect "● training"
    press C-z; expect "Stopped"
    type_text 'clear; fg'; press Enter
    expect "● training"
    press p; expect "paused"
    press q; expect "stop and save"; press s
    expect 'prompt>'
    type_text 'echo "code $?"'; press Enter; expect "code 0"
}

test_a_crash_while_it_trains_says_where_the_run_is() {
    have_libtorch || return 0
    in_shell
    kill -SEGV "$owner"
    expect 'thaw crashed'
    mux resize-window -t main -x 200 -y 60
    expect "The run was in"
    expect "$(basename "$(run_folder)")"
    expect "thaw resume last"
    type_text 'echo "code $?"'; press Enter; expect "code 139"
    poll alternate_off || fail "the alternate screen is still on"
}

# Without a terminal the report goes into the run's folder.
test_a_crash_in_the_background_is_written_into_the_run() {
    have_libtorch || return 0
    in_shell
    command_line background; expect "goes on in the background"
    poll no_terminal || fail "it still has the terminal"
    kill -SEGV "$owner"
    poll gone_owner
    grep -q 'thaw crashed' "$(run_folder)stderr.log" || fail "there is no report"
}
