#!/usr/bin/env bash
# tour.sh - the captures of docs/tour: the real program, driven as a person would, in two themes.
#
#   tests/tour/tour.sh          writes docs/tour/NAME.txt, NAME-dark.png and NAME-light.png anew; needs libtorch, and Pillow for $PYTHON
cd "$(dirname "$0")/../.." || exit 2
. tests/screen/lib.sh
PYTHON=${PYTHON:-/usr/bin/python3}
OUT=$ROOT/docs/tour
WIDTH=120 HEIGHT=36
mkdir -p "$OUT"

# capture NAME: what is on the screen now, to the last column, in the home of somebody whose path is as long as ours.
capture() {
    mux capture-pane -p -e -N -t main | sed "s#$lodging#/home/ada#g" >"$TEST_DIR/capture"
    [ "$theme" = light ] || screen | sed "s#$lodging#/home/ada#g; s/ *\$//" >"$OUT/$1.txt"
    "$PYTHON" tests/tour/picture.py "$TEST_DIR/capture" "$OUT/$1-$theme.png" --columns $WIDTH --rows $HEIGHT \
        $([ "$theme" = light ] && echo --light) || exit 1
    echo "$1 $theme"
}

in_theme() {
    theme=$1
    begin "tour-$theme"
    lodging=$(mktemp -d /tmp/XXXX)
    trap 'finish; rm -rf "$lodging"' EXIT
    mkdir -p "$lodging/.config/thaw"
    printf '{"theme": "%s"}\n' "$theme" >"$lodging/.config/thaw/workbench.json"
    start $WIDTH $HEIGHT HOME="$lodging" COLORTERM=truecolor OMP_NUM_THREADS=2 -- demo
    expect_match 'epoch 1[0-9] of'
    press Escape
    press Home Down Down Down Down Down T # layer3
    expect_match 'epoch 3[0-9] of'
    capture train
    press x Left Left Left Left Left Left Left Left Left Left; sleep 0.5
    capture crosshair
    press Escape w; sleep 4
    capture time
    press w s; expect "stopped and saved"
    press 1 j j; sleep 0.5
    capture models
    press g; expect "GMACs"; sleep 0.3
    capture models-chart
    press g 2; expect "triangle"; sleep 1
    capture data
    press t; sleep 2
    capture pictures
    press Escape 3; expect "layer3"; press Down Down Down; sleep 0.5
    capture layers
    press 4; expect "optimizer"; sleep 0.3
    capture recipe
    press 6; expect_match 'stopped|done'; sleep 1
    capture runs
    press '?'; expect "Esc closes"
    capture help
    press Escape q
    finish
}

for theme in ${1:-dark light}; do
    (in_theme "$theme") || exit 1
done
