# keys.sh - keys of a person's own.

keys_file() {
    mkdir -p "$TEST_DIR/home/.config/thaw"
    printf '%s\n' "$1" >"$TEST_DIR/home/.config/thaw/keys.json"
}

test_a_key_does_what_the_file_says() {
    keys_file '{"quit": "Z", "models.filter": "F6"}'
    start 80 24
    expect "F6 filter"
    press q /; press F6; expect 'show:'
    press Escape; press '?'
    press PgDn; expect_match 'Z +:quit'
    press Escape; press Z
    expect_restored 0
}

test_a_wrong_entry_is_told_with_its_line() {
    keys_file '{
"quit": "Z",
"sortt": "x"}'
    start 80 24
    expect 'line 3, "sortt":'; expect 'did you mean "sort"?'
    press Z
    expect_restored 0
}

test_a_keys_file_that_is_no_json_leaves_the_keys() {
    keys_file '{"quit": '
    start 80 24
    expect "keys.json: not JSON"
    press q
    expect_restored 0
}
