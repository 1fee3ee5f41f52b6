# splits.sh - what divides the panes: moved with keys, dragged with the mouse, and there again next time.

# The column, from 0, where the second pane's frame begins.
second_pane() { screen | sed -n 2p | sed -E 's/^(.[^┌┬]*)[┌┬].*/\1/' | tr -d '\n' | wc -m; }
at_column() { [ "$(second_pane)" = "$1" ]; }
expect_column() { poll at_column "$1" || fail "the second pane begins at column $(second_pane), not $1"; }

test_an_edge_moves_with_keys_and_mouse_and_is_saved() {
    start 80 24 TERM=xterm-256color
    expect "cifar_resnet20"
    expect_column 40
    press ']'; press ']'
    expect_column 44
    press '['
    expect_column 42
    type_text $'\e[<0;43;9M'; type_text $'\e[<32;46;9M'; type_text $'\e[<32;36;9M'; type_text $'\e[<0;36;9m'
    expect_column 35
    press q
    expect_restored 0
    mux new-session -d -s other cat # a server that ends may take the socket of the next with it
    mux kill-session -t main
    start 80 24
    expect "cifar_resnet20"
    expect_column 35
    press 5 # the tabs with charts have their own
    expect_column 28
    press '{'; press '|'; press 1; press '|'
    expect_column 40
    press q
    expect_restored 0
}
