# layers.sh - the layer pane as an instrument, while a run goes on. Needs libtorch for the live parts.

# instrument WIDTH HEIGHT HOT [OPTION ...]: HOT matches a strip of the head's row.
instrument() {
    local width=$1 height=$2 strip=$3
    shift 3
    have_libtorch || return 0
    start "$width" "$height" -- open --threads 1 "$@"
    choose
    press 3; expect "layer3"
    press P; expect "What is to be trained"; press l; expect "last half:"
    set_value epochs=400
    set_value batch_size=16
    press R
    expect_match 'step [0-9]+ of'
    expect_match "linear +[^ ]+ .*$strip"
    press 3 Home; expect "Nothing of it has trained"
    press End; expect "last update"; expect "gradient"
    press Tab End; expect "measured"; expect_match "trainable +0\.[0-9]+M +0\.[0-9]+M"
    press Tab H Home; expect "edits are held back"
    press T; expect "held back: H sends it"
    press u; press C-r; expect "done again"
    press H; expect_gone "held back"
    press 5; expect_match '(conv1 thawed|trains |☼|everything)'
    press s; expect "stopped and saved"
    press q
    expect_restored 0
    jq -es 'map(select(.event == "layers")) | length > 1 and all(.[]; .layers | any(.norm_drift != null))' \
        "$TEST_DIR"/home/.local/share/thaw/runs/*/events.jsonl >"$TEST_DIR/norms" || fail "no statistics were measured"
}

test_the_layer_pane_as_an_instrument_at_80x24() { instrument 80 24 '[▁▂▃▄▅▆▇█]'; }
test_the_layer_pane_as_an_instrument_at_120x36() { instrument 120 36 '[▁▂▃▄▅▆▇█]{2,}'; }
test_the_layer_pane_as_an_instrument_in_ascii() { instrument 120 36 '[_.:=+*#-]{2,} d[0-9.]+ %' --ascii; }
test_the_layer_pane_as_an_instrument_in_mono() { instrument 120 36 '[▁▂▃▄▅▆▇█]{2,}' --theme mono; }

test_selecting_layers_by_a_glob_and_by_a_range() {
    start 80 24
    choose
    press 3; expect "layer3"
    press P; expect "What is to be trained"; press a; expect "all:"
    press /; type_text '*.bn?'; expect "18 selected"
    press Enter; expect "18 layers selected"; expect "bn2"
    colours | grep -q 'bn2' || fail "no row"
    press f; expect_gone "selected"; expect "◌"
    press u; expect "undone: freeze"
    press - Home v Down Down Down o Escape; expect "layer1"
    press Home v End f; expect_match 'linear +❄'
    command_line "preset nors only"; expect 'did you mean "norms only"'
    press Escape q
    expect_restored 0
}

test_a_linear_probe_goes_on_to_fine_tuning_by_itself() {
    have_libtorch || return 0
    start 120 36 -- open --threads 1
    choose
    set_value epochs=6
    set_value batch_size=32
    press 3; expect "layer3"
    press P; expect "What is to be trained"; press p; expect "epochs of the head alone"
    press C-u; type_text 2; press Enter; expect "the head alone for 2 epochs"
    expect "after 2 epochs everything trains"
    press R
    expect "the run ended (done)"
    expect "everything"
    press q
    expect_restored 0
    jq -es '(map(select(.event == "mask")) | map(.label)) == ["head only", "everything"]
            and (map(select(.event == "lr")) | map(.lr)) == [0.0001]' \
        "$TEST_DIR"/home/.local/share/thaw/runs/*/events.jsonl >"$TEST_DIR/plan" || fail "the plan was not followed"
}
