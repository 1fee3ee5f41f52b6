# open.sh - opening the workbench, going through its tabs, and leaving it again.

# tabs WIDTH HEIGHT: every tab shows itself and what it says while nothing is chosen.
tabs() {
    start "$1" "$2"
    expect "1 Models"
    expect "cifar_resnet20"
    press 2; expect "bundled shapes"
    press 3; expect "No model is chosen yet"
    press 4; expect "learning rate"
    press 5; expect "no run yet"
    press 6; expect "No run yet"
    expect_whole
    press q
    expect_restored 0
}

test_tabs_at_80x24() { tabs 80 24; }
test_tabs_at_120x36() { tabs 120 36; }
test_tabs_at_200x60() { tabs 200 60; }

test_help_names_every_action_and_closes() {
    start 80 24
    expect "1 Models"
    press '?'; expect "Esc closes"; expect ":choose-model"
    press End; expect ":suspend"; press PageUp; expect ":quit"
    press Escape; expect_gone "Esc closes"
    press q
    expect_restored 0
}

test_commands_complete_and_name_what_is_unknown() {
    start 80 24
    expect "1 Models"
    press :; type_text "runz"; press Enter
    expect 'did you mean "runs"'
    press C-u; type_text "run"; press Tab Enter
    expect "No run yet"
    press q
    expect_restored 0
}

test_a_theme_that_is_not_there_is_named_before_anything_opens() {
    start 80 24 -- --theme nonsense
    expect_restored
    grep -q nonsense "$TEST_DIR/stderr" || fail "the theme is not named"
}

test_a_broken_theme_is_named_with_line_and_key() {
    printf '{"name": "mine",\n "roles": {\n  "text": {"fg": "pinkish"}}}\n' >"$TEST_DIR/mine.json"
    start 80 24 -- --theme "$TEST_DIR/mine.json"
    expect_restored
    grep -q 'line 3.*text.fg' "$TEST_DIR/stderr" || fail "line and key are not named: $(cat "$TEST_DIR/stderr")"
}

test_themes_are_switched_and_remembered() {
    start 80 24
    expect "1 Models"
    before=$(colours | head -3)
    command_line "theme high-contrast"
    expect "theme high-contrast"
    [ "$(colours | head -3)" != "$before" ] || fail "the colours did not change"
    press q
    expect_restored 0
    grep -q high-contrast "$TEST_DIR/home/.config/thaw/workbench.json" || fail "not remembered"
}

test_no_color_sends_no_colour() {
    start 80 24 NO_COLOR=1
    expect "cifar_resnet20"
    colours | grep -qE $'\033\\[[0-9;]*(3[0-7]|38;|4[0-7]|48;|9[0-7])[0-9;]*m' && fail "there is colour"
    press q
    expect_restored 0
}

test_ascii_only_shows_ascii() {
    start 80 24 -- --ascii
    expect "cifar_resnet20"
    press 3; expect "No model is chosen yet"
    press 5; expect "no run yet"
    screen | LC_ALL=C grep -q '[^ -~]' && fail "there is more than ASCII"
    press q
    expect_restored 0
}

test_the_c_locale_shows_ascii() {
    start 80 24 LC_ALL=C
    expect "cifar_resnet20"
    press 5; expect "no run yet"
    screen | LC_ALL=C grep -q '[^ -~]' && fail "there is more than ASCII"
    press q
    expect_restored 0
}

test_no_locale_at_all_still_draws_lines() {
    start 80 24 LANG=
    expect "┌─ Models"
    press q
    expect_restored 0
}

# other_terminal TERM
other_terminal() {
    start 80 24 TERM="$1"
    expect "cifar_resnet20"
    press 5; expect "no run yet"
    press 3; expect "No model is chosen yet"
    press q
    expect_restored 0
}

test_term_linux() { other_terminal linux; }
test_term_vt100() { other_terminal vt100; }
test_term_xterm() { other_terminal xterm; }
test_term_unknown_to_this_machine() { other_terminal xterm-ghostty; }

test_a_terminal_that_cannot_move_its_cursor_is_refused() {
    start 80 24 TERM=dumb
    expect_restored 1
    grep -q 'dumb' "$TEST_DIR/stderr" || fail "the terminal is not named"
}

test_without_a_terminal_it_says_what_to_do() {
    HOME=$TEST_DIR/home setsid "$THAW" open </dev/null >"$TEST_DIR/out" 2>"$TEST_DIR/err" && fail "it opened"
    grep -q 'terminal' "$TEST_DIR/err" || fail "$(cat "$TEST_DIR/err")"
}

test_a_recipe_beside_another_and_as_a_command() {
    start 120 36
    expect "cifar_resnet20"
    printf '{"model": "resnet18", "epochs": 7, "precision": "fp32", "optimizer": {"lr": 0.02}}' >"$TEST_DIR/work/other.json"
    command_line "set epochs=9"; expect "set epochs=9"
    command_line "diff other.json"; expect "Against other.json"
    expect_match 'epochs: 9; there 7'
    expect_match 'precision: auto; there fp32'
    expect_match 'optimizer.lr: 0.001; there'
    command_line "set optimizer.lr=0.02"; expect_gone "optimizer.lr: 0.001"
    press =; expect_gone "Against"
    press !; expect "thaw train --set"; expect "epochs=9"
    press !; expect_gone "thaw train --set"
    press 3
    command_line "command-line"; expect "The same as a command"
    command_line "diff nowhere.json"; expect "No such file"
    press 2
    command_line "diff"; expect "there are no runs"
    press q
    expect_restored 0
}

test_a_newcomer_is_greeted_and_any_key_does_what_it_does() {
    start 80 24
    expect "welcome to thaw"; expect "B  trains the bundled demo"
    press Down; expect_gone "welcome to thaw"
    press 5; expect "B for a demo"
    press q
    expect_restored 0
}

test_nobody_else_is_greeted() {
    mkdir -p "$TEST_DIR/home/.local/share/thaw/runs"
    start 80 24
    expect "cifar_resnet20"; expect "idle"
    shows "welcome to thaw" && fail "greeted, though something was trained here"
    press q
    expect_restored 0
}

test_the_demo_is_one_key_away() {
    start 120 36
    expect "welcome to thaw"
    press B; expect "try layer3"; expect_match 'step [0-9]+ of'
    press s; expect "stopped"
    press B; expect "The demo's recipe takes the place"
    press k; expect_gone "takes the place"
    press q
    expect_restored 0
}

# tour WIDTH HEIGHT [ARGUMENT ...]: all five steps, and back to where it was begun.
tour() {
    local width=$1 height=$2
    shift 2
    start "$width" "$height" -- open "$@"
    expect "Models"
    press 6; expect "No run yet"
    press '?'; expect "help"; press t; expect "1 of 5"
    press Enter; expect "2 of 5"; press Enter; expect "3 of 5"
    press Left; expect "2 of 5"; press Enter; expect "3 of 5"
    press R; press Space; expect "4 of 5"
    press Right; expect "5 of 5"
    press Enter; expect "No run yet"; expect_gone "5 of 5"
    press '?'; expect "help"; press t; expect "1 of 5"
    press Escape; expect "No run yet"
    press q
    expect_restored 0
}
test_tour_at_80x24() { tour 80 24; }
test_tour_at_200x60() { tour 200 60; }
test_tour_in_a_narrow_terminal() { tour 40 14; }
test_tour_in_ascii() {
    tour 80 24 --ascii
    screen | LC_ALL=C grep -q '[^ -~]' && fail "there is more than ASCII"
    return 0
}
