# size.sh - terminals of any size, and sizes that change.

test_one_by_one() {
    start 1 1
    poll program_pid >/dev/null || fail "it did not start"
    resize 80 24; expect "1 Models"
    resize 1 1
    resize 80 24; expect "cifar_resnet20"
    press q
    expect_restored 0
}

test_tiny_is_one_line() {
    start 19 4
    expect "thaw"
    resize 80 24; expect "1 Models"
    press q
    expect_restored 0
}

test_narrow_has_one_pane_with_tabs() {
    start 50 20
    expect "list"
    expect "cifar_resnet20"
    press Tab; expect "weights"
    press 5; expect "layers"
    press Tab; expect "no run yet"
    press q
    expect_restored 0
}

test_a_storm_of_sizes_leaves_a_whole_screen() {
    start 80 24
    expect "1 Models"
    for i in $(seq 1 60); do
        resize_at_once $((RANDOM % 200 + 1)) $((RANDOM % 60 + 1))
        [ $((i % 7)) = 0 ] && press $((RANDOM % 6 + 1))
    done
    resize 100 30
    press 1
    expect "┌─ Models"
    expect_match '^└─*┘└─*┘$'
    expect_whole
    press q
    expect_restored 0
}
