# signals.sh - the terminal is given back whatever happens.

opened() {
    start 80 24
    expect "1 Models"
}

test_sigterm_restores_the_terminal() { opened; send_signal TERM; expect_restored 143; }
test_sigint_restores_the_terminal() { opened; send_signal INT; expect_restored 130; }
test_sigquit_restores_the_terminal() { opened; send_signal QUIT; expect_restored 131; }

test_sighup_restores_the_terminal() { opened; send_signal HUP; expect '[end]'; }

test_ctrl_c_leaves_when_nothing_runs() { opened; press C-c; expect_restored 0; }

# crash SIGNAL EXIT: restored, and the report says where.
crash() {
    opened
    signal_worker "$1"
    expect_restored "$2"
    grep -q 'thaw crashed' "$TEST_DIR/stderr" || fail "no report"
    grep -qE 'app_run|poll|thaw' "$TEST_DIR/stderr" || fail "the report does not say where"
}
test_a_crash_restores_the_terminal_and_says_where() { crash SEGV 139; }
test_an_abort_restores_the_terminal_and_says_where() { crash ABRT 134; }

# Whichever of the two processes is killed, the other gives the terminal back.
test_kill_9_of_the_worker_restores_the_terminal() {
    opened
    signal_worker KILL
    expect_restored 137
    grep -q 'thaw: killed' "$TEST_DIR/stderr" || fail "it was not said"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

test_kill_9_of_the_front_restores_the_terminal() {
    opened
    worker=$(worker_pid)
    send_signal KILL
    poll gone "$worker" || fail "the worker stays"
    poll alternate_off || fail "the alternate screen is still on"
    poll cursor_on || fail "the cursor is hidden"
    stty -a -F "$(mux display-message -p -t main '#{pane_tty}')" | grep -qE '(^|[^-])icanon' || fail "not in canonical mode"
}

stopped() { [ "$(ps -o stat= -p "$1" | cut -c1)" = T ]; }

test_suspend_and_resume_keeps_the_screen() {
    opened
    pid=$(program_pid)
    press C-z
    poll stopped "$pid" || fail "Ctrl-Z did not suspend"
    kill -CONT "$pid"
    expect "1 Models"
    press 5; expect "no run yet"
    press C-z
    poll stopped "$pid" || fail "Ctrl-Z did not suspend again"
    kill -CONT "$(worker_pid)"                         # the wrong one of the two: it wakes the other
    press 1; expect "cifar_resnet20"
    press q
    expect_restored 0
}

test_ctrl_l_repairs_what_others_wrote() {
    opened
    tty=$(mux display-message -p -t main '#{pane_tty}')
    printf '\033[5;5HBroadcast message from root' >"$tty"
    expect "Broadcast message"
    press C-l
    expect_gone "Broadcast message"
    expect "1 Models"
    press q
    expect_restored 0
}
