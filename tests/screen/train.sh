# train.sh - training in the workbench, as a person does it. Needs libtorch; says so and passes where there is none.

have_libtorch() {
    [ -e "${BUILD:-build}/libthaw_torch.so" ] && return 0
    echo "skipped: no libtorch plugin was built"
    return 1
}

# choose: the bundled model from random weights, on the bundled shapes.
choose() {
    expect "cifar_resnet20"
    press r; expect_match 'random weights|from random'
    press 2; expect "bundled shapes"
    press b; expect "triangle"
}

set_value() { command_line "set $1"; expect "set $1"; }

# begin_training WIDTH HEIGHT EPOCHS: chosen, two groups frozen, an MLP head of 64, started.
begin_training() {
    start "$1" "$2" -- open --threads 1
    choose
    press 3; expect "layer3"
    press P; expect "What is to be trained"; press a; expect "all:"
    press Home Down Down Down; press f
    press Down; press f
    expect_match 'layer1 +❄'
    expect_match 'layer2 +❄'
    set_value 'head.hidden=[64]'
    set_value "epochs=$3"
    set_value 'batch_size=16'
    expect_match 'linear'
    press R
    expect_match 'step [0-9]+ of'
}

# whole_path WIDTH HEIGHT
whole_path() {
    have_libtorch || return 0
    begin_training "$1" "$2" 400
    expect "● training"
    expect "val "                                      # an epoch is over
    press Home Down Down Down Down T                   # thaw layer2 while it trains
    expect_match '(layer2 thawed|trains |☼)'
    press p; expect "paused"
    press n; expect "continue"
    press l; expect "learning rate"
    press C-u; type_text 0.002; press Enter
    expect_match 'lr 0.002|learning rate 0.002'
    press p; expect "● training"
    press c
    press s; expect "stopped and saved"
    press 6; expect_match 'layer3\+|of [0-9]+ groups|layer'
    press Space
    press 5; expect "stopped after"
    press q
    expect_restored 0
    last=$(ls -d "$TEST_DIR"/home/.local/share/thaw/runs/*/ | tail -1)
    [ -s "$last/last.safetensors" ] || fail "no checkpoint was saved"
    HOME="$TEST_DIR/home" XDG_DATA_HOME= "$THAW" eval last --threads 1 --json >"$TEST_DIR/eval" 2>&1 ||
        fail "the checkpoint does not load: $(cat "$TEST_DIR/eval")"
}

test_whole_path_at_80x24() { whole_path 80 24; }
test_whole_path_at_120x36() { whole_path 120 36; }

# time_pane WIDTH HEIGHT: what the pane says before there is anything, and of a run.
time_pane() {
    have_libtorch || return 0
    start "$1" "$2" -- open --threads 1
    choose
    press 5 w; expect "where time goes"; expect "R trains the recipe"
    set_value 'freeze=["conv1","bn1","layer1"]'
    set_value epochs=400
    press R
    expect_match 'epoch [0-9]+ +the run'
    expect_match 'backward +[0-9.]+ m?s +[0-9]+ %'
    expect_match 'evaluation +[0-9.]+ m?s +[0-9]+ %'
    expect_match 'all of it +[0-9.]+ m?s 100 % +[0-9.]+ m?s 100 %'
    [ "$1" -ge 120 ] || for key in Tab Tab End; do press $key; done    # the list, the curve, the pane: down to its end
    expect_match 'layer3\.2 +[0-9.]+ m?s +[0-9.]+ m?s'
    [ "$1" -lt 120 ] || expect_match 'the run +epoch [0-9]+ +forward +backward'
    press w; expect_gone "where time goes"; expect "accuracy"
    press q; expect "stop and save"; press s
    expect_restored 0
    jq -es 'map(select(.event == "profile")) | length > 0
            and all(.[]; ((.phases | add) - .seconds | fabs) < 1e-6)' \
        "$TEST_DIR"/home/.local/share/thaw/runs/*/events.jsonl >"$TEST_DIR/sums" || fail "the phases do not add up"
}

test_where_time_goes_at_80x24() { time_pane 80 24; }
test_where_time_goes_at_120x36() { time_pane 120 36; }

test_two_runs_leave_the_first_as_a_ghost() {
    have_libtorch || return 0
    begin_training 120 36 4
    expect "the run ended (done)"
    press Home P; expect "What is to be trained"; press h
    expect "head only:"
    press R
    expect_match 'step [0-9]+ of'
    expect "A: "
    press g; expect_gone "A: "
    press g; expect "A: "
    expect "the run ended (done)"
    press q
    expect_restored 0
}

# Zooming, panning, following, and what is shown as a file.
test_curves_over_epochs_steps_and_time() {
    have_libtorch || return 0
    begin_training 120 36 400
    expect "val "
    press Space; expect_match '[❄☼] ?'
    press s; expect "stopped and saved"
    press x Home; expect "step 0 ·"
    press X; expect "curves over steps"; expect_match '[0-9] +step│'
    press X; expect "curves over time"; expect_match ' seconds│'; expect_match '0:0[0-9] ·'
    command_line "export $TEST_DIR/time.csv"; expect "time.csv"
    command_line "axis epochs"; expect "curves over epochs"; expect_match '[0-9] +epoch│'
    press Escape .; expect_match 'mark 1 of [0-9]+: '
    press .; expect_match 'mark 2 of [0-9]+: '
    press ,; expect_match 'mark 1 of [0-9]+: '
    press q
    expect_restored 0
    python3 -c 'import sys, csv; r = [x for x in csv.DictReader(open(sys.argv[1])) if x["curve"] == "train"]
t = [float(x["second"]) for x in r if x["chart"] == "loss"]; assert len(t) > 4 and t == sorted(t) and 0 <= t[0] < t[-1] < 120, t' \
        "$TEST_DIR/time.csv" || fail "the seconds are none"
}

test_zooming_and_exporting_the_curves() {
    have_libtorch || return 0
    begin_training 120 36 400
    expect "val "
    press + +; expect "4x follow"
    press Left; expect "4x, End follows"
    press End; expect "4x follow"
    press x Home; expect "step 0 ·"
    press Escape - -; expect_gone "2x"
    press s; expect "stopped and saved"
    press +; expect "2x"
    press e; expect "write the curves to"
    press C-u; type_text "$TEST_DIR/curves.txt"; press Enter; expect "ends in .svg"
    press C-u; type_text "$TEST_DIR/no/such/curves.svg"; press Enter; expect "No such file"
    press C-u; type_text "$TEST_DIR/curves.svg"; press Enter; expect "the curves are in"
    command_line "export $TEST_DIR/curves.csv"; expect "curves.csv"
    press 0; expect_gone "2x"
    press q
    expect_restored 0
    python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1]).getElementsByTagName("path")[1]' \
        "$TEST_DIR/curves.svg" || fail "the picture is none"
    python3 -c 'import sys, csv; r = list(csv.DictReader(open(sys.argv[1]))); assert len(r) > 4, r
assert {x["chart"] for x in r} == {"loss", "accuracy"} and all(float(x["step"]) >= 0 for x in r)' \
        "$TEST_DIR/curves.csv" || fail "the numbers are none"
}

test_quitting_while_it_trains_asks_and_saves() {
    have_libtorch || return 0
    begin_training 80 24 400
    expect "val "
    press q; expect "stop and save"
    press Escape; expect_gone "stop and save"
    press q; expect "stop and save"
    press s
    expect_restored 0
    grep -q '"reason": *"stopped"' "$TEST_DIR"/home/.local/share/thaw/runs/*/events.jsonl || fail "no end was written"
}

test_ctrl_c_twice_while_it_trains_stops_and_saves() {
    have_libtorch || return 0
    begin_training 80 24 400
    expect "val "
    press C-c; expect "stop and save"
    press C-c
    expect_restored 0
    ls "$TEST_DIR"/home/.local/share/thaw/runs/*/last.safetensors >/dev/null || fail "no checkpoint was saved"
}

# still_training: what follows would prove nothing about a run that is over.
still_training() { ! ended || fail "the run was over before the terminal went; give it more epochs"; }
ended() { grep -q '"event":"end"' "$TEST_DIR"/home/.local/share/thaw/runs/*/events.jsonl; }

test_a_lost_terminal_lets_the_run_finish() {
    have_libtorch || return 0
    begin_training 80 24 12
    still_training
    send_signal HUP
    PATIENCE=120 poll ended || fail "the run did not go on without its terminal"
    grep -q '"reason":"done"' "$TEST_DIR"/home/.local/share/thaw/runs/*/events.jsonl || fail "it was not finished"
    expect '[end]'
}

test_a_vanished_pane_lets_the_run_finish() {
    have_libtorch || return 0
    begin_training 80 24 12
    still_training
    mux kill-server
    PATIENCE=120 poll ended || { echo "the run did not go on"; exit 1; }
}

test_kill_9_while_it_trains_leaves_a_checkpoint_that_loads() {
    have_libtorch || return 0
    begin_training 80 24 400
    expect "val "
    poll test -s "$(echo "$TEST_DIR"/home/.local/share/thaw/runs/*/)last.safetensors" || fail "no checkpoint yet"
    signal_worker KILL
    expect_restored 137
    HOME="$TEST_DIR/home" XDG_DATA_HOME= "$THAW" eval last --threads 1 --json >"$TEST_DIR/eval" 2>&1 ||
        fail "the checkpoint does not load: $(cat "$TEST_DIR/eval")"
}

test_sigterm_while_it_trains_saves() {
    have_libtorch || return 0
    begin_training 80 24 400
    expect "val "
    send_signal TERM
    expect_restored 143
    ls "$TEST_DIR"/home/.local/share/thaw/runs/*/last.safetensors >/dev/null || fail "no checkpoint was saved"
}

test_training_in_ascii_and_without_colour() {
    have_libtorch || return 0
    start 80 24 NO_COLOR=1 -- open --ascii --threads 1
    choose
    set_value epochs=6
    press R
    expect_match 'step [0-9]+ of'
    expect "the run ended"
    screen | LC_ALL=C grep -q '[^ -~]' && fail "there is more than ASCII"
    press q
    expect_restored 0
}

test_what_is_missing_is_said_when_it_is_started_too_early() {
    start 80 24
    expect "cifar_resnet20"
    command_line start
    expect "cannot be done now"
    press Escape
    press q
    expect_restored 0
}

test_a_warning_of_the_run_is_shown_and_kept() {
    echo '{"model": "cifar_resnet20", "data": {"path": "shapes"}, "epochs": 1, "batch_size": 512}' >"$TEST_DIR/work/big.json"
    start 120 36 -- open big.json --start
    expect "batch_size 512 is more than the 160 training images"
    expect_gone "batch_size 512 is more than the 160 training images"
    press L
    expect_match 'batch_size 512 is more'
    expect "● idle"
    press q
    expect_restored 0
}
