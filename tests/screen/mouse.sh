# mouse.sh - the mouse, as terminals send it: it chooses, and is never needed.

# Buttons as SGR reports (xterm and most others): 0 left, 64 and 65 the wheel.
click_sgr() { type_text $'\e'"[<$1;$2;$3M"; type_text $'\e'"[<$1;$2;$3m"; }
# The older form, which ncurses asks tmux for: each number plus 32 as a byte.
x10() { mux send-keys -t main -H 1b 5b 4d "$(printf %x $(($1 + 32)))" "$(printf %x $(($2 + 32)))" "$(printf %x $(($3 + 32)))"; }
click_x10() {
    x10 "$1" "$2" "$3"
    [ "$1" -ge 64 ] || x10 3 "$2" "$3" # let go
}

# mouse_path CLICK: rows, tabs, the wheel and an answer.
mouse_path() {
    expect "cifar_resnet20"
    press /; type_text resnet; press Enter; expect_gone "alexnet"
    "$1" 0 5 6; expect_match 'operations +3\.66 GMACs' # resnet34, the third row
    "$1" 0 28 3; expect "params▲"                      # a heading
    "$1" 0 28 3; expect "params▼"
    "$1" 0 8 3; expect "model▲"
    "$1" 65 5 6; expect_match '│ resnet101|resnet50'   # three rows down
    "$1" 0 20 1; expect "What a folder of images"      # the second tab
    "$1" 0 28 1; expect "No model is chosen yet"
    press 1; expect "cifar_resnet20"
    press '?'; expect "Esc closes"
    "$1" 65 30 10; expect_gone "choose-model"          # scrolled
    "$1" 0 30 10; expect_gone "Esc closes"
    press q
    expect_restored 0
}

test_the_mouse_as_xterm_sends_it() {
    start 80 24 TERM=xterm-256color
    mouse_path click_sgr
}

# What ncurses does not wait for here, as over a line on which it comes in pieces.
test_the_mouse_as_TERM_does_not_say() {
    start 80 24
    mouse_path click_sgr
}

test_the_mouse_as_tmux_sends_it() {
    start 80 24
    mouse_path click_x10
}
