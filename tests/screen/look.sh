# look.sh - looking at images in the terminal: samples, views, mistakes, and what is wrong with files.

# pictures WIDTH HEIGHT [VARIABLE=VALUE ...] [-- ARGUMENT ...]: samples of the bundled set's first class.
pictures() {
    local width=$1 height=$2 assign=()
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do assign+=("$1"); shift; done
    [ $# -gt 0 ] && shift
    start "$width" "$height" COLORTERM= "${assign[@]}" -- open --set data.path=shapes --set model=cifar_resnet20 "$@"
    expect "1 Models"
    press 2; expect "triangle"
    press t; expect "Samples of circle"; expect "0000.jpg"
}

has_colour() { colours | grep -q "$1"; }

test_samples_are_drawn_in_256_colours() {
    pictures 80 24
    poll has_colour $'\033\\[38;5;[0-9]*m\033\\[48;5;[0-9]*m▀' || fail "no half block in two colours"
    expect "1 of 70"
    press Right Down; expect "4 of 70"
    press PageDown End; expect "70 of 70"; expect "val 0049.jpg"
    press Escape; expect "images of"
    press q
    expect_restored 0
}

test_samples_are_drawn_in_truecolour_where_the_terminal_says_so() {
    pictures 120 36 COLORTERM=truecolor
    poll has_colour $'\033\\[38;2;[0-9;]*m\033\\[48;2;[0-9;]*m▀' || fail "no half block in 24 bits"
    press F2; expect "theme gruvbox"
    poll has_colour '48;2;[0-9;]*m▀' || fail "the pictures went with the theme"
    press Down j PageDown C-l
    resize 60 20; resize 120 36
    poll has_colour '48;2;[0-9;]*m▀' || fail "the pictures went with the size"
    press + + + + +; expect_match '▀{50}'
    press - - - - - - -; expect "smaller there would be nothing"
    press t; expect "as its folders say"
    screen | grep -q '▀' && fail "something of the pictures is left"
    press q
    expect_restored 0
}

# Where the list of classes has no room for them, the page beside it has them.
test_the_bars_of_the_classes_are_drawn_once() {
    start 120 36 -- open --set data.path=shapes
    expect "1 Models"
    press 2; expect_match 'circle +█+ +20 █+ +50'; expect "duplicates"
    screen | grep -q 'images of' && fail "the bars are there twice"
    resize 80 24; expect "images of"; expect_match 'circle +20 +50'; expect_match 'circle +█+ +20 █+ +50'
    resize 120 36; expect_gone "images of"
    press q
    expect_restored 0
}

test_samples_are_ascii_where_nothing_else_is_allowed() {
    pictures 80 24 -- --ascii
    expect "0001.jpg"
    expect_match '[-=+*#%]{15}'
    screen | LC_ALL=C grep -q '[^ -~]' && fail "there is more than ASCII"
    press q
    expect_restored 0
}

# drawn_without_colour [VARIABLE=VALUE ...] [-- ARGUMENT ...]
drawn_without_colour() {
    pictures 80 24 "$@"
    expect_match '[-=+*#%]{15}'
    screen | grep -q '▀' && fail "half blocks make no picture here"
    press q
    expect_restored 0
}
test_samples_in_mono() { drawn_without_colour -- --theme mono; }
test_samples_without_colour() { drawn_without_colour NO_COLOR=1; }
test_samples_on_vt100() { drawn_without_colour TERM=vt100; }
test_samples_on_the_linux_console() { drawn_without_colour TERM=linux; }

test_samples_in_a_narrow_terminal() {
    start 40 14 -- open --set data.path=shapes
    expect "Models"
    press 2; expect "triangle"
    press t; expect "Samples of circle"; expect "0000.jpg"
    resize 20 5; resize 12 3; resize 80 24
    expect "0001.jpg"
    press q
    expect_restored 0
}

test_views_say_epoch_and_seed() {
    pictures 80 24 -- --set seed=7
    press Right; expect "2 of 70"
    press a; expect "in validation"; expect "epoch 1 seed 7"; expect "0001.jpg"
    press End; expect "epoch 25 seed 7"
    press a; expect "images of"
    press q
    expect_restored 0
}

test_mistakes_show_after_an_evaluation() {
    start 120 36 -- open --set data.path=shapes --set model=cifar_resnet20 --set epochs=1 --set freeze=all
    expect "1 Models"
    press 2; expect "triangle"
    press m; expect "Nothing was evaluated yet"
    press R; expect "run"
    press 2; expect "after epoch 1, worst first"
    expect_match 'is (circle|crescent|cross|heart|ring|square|star|triangle)'
    press q
    poll matches '\[exit|leave' || fail "it neither left nor asked"
    shows 'leave' && press x
    expect_restored
}

# A folder with an image in both sides, one that is text, and names that would move the cursor.
trouble() {
    local shapes
    shapes=$(HOME="$TEST_DIR/home" XDG_CACHE_HOME= "$THAW" data shapes --json | sed 's/.*"root":"\([^"]*\)".*/\1/')
    for side in train val; do
        for class in circle star; do
            mkdir -p "$TEST_DIR/work/set/$side/$class"
            cp "$shapes/$side/$class"/000?.jpg "$TEST_DIR/work/set/$side/$class"
        done
    done
    cp "$shapes/train/star/0003.jpg" "$TEST_DIR/work/set/val/star/0090.jpg"
    cp "$shapes/val/star/0020.jpg" "$TEST_DIR/work/set/train/star/$(printf 'a\033[31mred\r.jpg')"
    head -c 300 "$shapes/train/star/0004.jpg" >"$TEST_DIR/work/set/train/star/cut.jpg"
    echo text >"$TEST_DIR/work/set/train/circle/note.jpg"
    cp "$shapes/val/star/0021.jpg" "$TEST_DIR/work/set/train/star/星のかたち.jpg"
    cp "$shapes/val/star/0022.jpg" "$TEST_DIR/work/set/train/star/é̂tė.jpg"
}

test_what_is_wrong_with_files_is_listed() {
    trouble
    start 120 36 -- open --set data.path=set
    expect "1 Models"
    press 2; expect "1 of 21 validation images"
    press x; expect "train/star/0003.jpg = val/star/0090.jpg"; expect "trained and validated on"
    press Down; expect "not a picture by its content"
    press Escape; expect "as its folders say"
    press v; expect "then x lists them"; press x; expect "train/star/cut.jpg"
    press q
    expect_restored 0
}

test_names_that_are_odd_are_shown_safely() {
    trouble
    start 80 24 -- open --set data.path=set
    expect "1 Models"
    press 2; expect "circle"; press Tab Tab Down
    press t; expect "Samples of star"; press Down Down Down Down Down; expect 'a\x1b[31mred'
    press Down; expect "星のかたち.jpg"
    expect_whole
    press q
    expect_restored 0
}

test_an_image_that_cannot_be_decoded_says_why_in_its_place() {
    trouble
    start 120 36 -- open --set data.path=set
    expect "1 Models"
    press 2; expect "circle"; press Down
    press t; expect "Samples of star"; press Down Down Down; expect "cut.jpg"
    expect_match 'ends|cut|short|broken|premature|JPEG'
    press q
    expect_restored 0
}

test_without_images_pages_say_what_to_press() {
    start 80 24
    expect "1 Models"
    press 2; expect "b takes the bundled"
    press t; expect "no images are chosen; o opens a folder"
    press m; expect "Nothing was evaluated yet. R trains"
    press q
    expect_restored 0
}
