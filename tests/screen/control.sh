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
    press 6; expect "running"; expect "attach"
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
