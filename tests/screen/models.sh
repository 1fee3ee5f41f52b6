# models.sh - the Models tab: sorting, filtering, and that both outlive a look at another tab.

test_models_sort_by_each_column_either_way() {
    start 80 24
    expect_match 'model▲ .* params'
    press s; expect "family▲"
    press '>'; expect "params▲"
    press '<'; expect "family▲"
    press '>' '>' '>'; expect "top-1▼"   # the best first
    expect_match '│ .*vit_h_14 .* 88\.6'
    press S; expect "top-1▲"
    press I; expect "top-1▼"
    command_line "sort size"; expect_match 'MB▲'
    command_line "sort colour"; expect 'models have no "colour"'
    press q
    expect_restored 0
}

test_models_in_ascii_and_every_place_of_a_file() {
    mkdir -p "$TEST_DIR/own" "$TEST_DIR/home/.cache/torch/hub/checkpoints"
    echo x >"$TEST_DIR/own/alexnet-owt-7be5be79.pth"
    echo x >"$TEST_DIR/home/.cache/torch/hub/checkpoints/alexnet-owt-7be5be79.pth"
    start 200 60 THAW_WEIGHTS="$TEST_DIR/own" -- --ascii
    expect "116 of 116"
    press Down
    expect_match 'file +[^ ]*/own/alexnet-owt-7be5be79.pth, 2 B'
    expect_match 'also +[^ ]*/checkpoints/alexnet-owt-7be5be79.pth, 2 B'
    expect_match 'besides +up to .* for what is kept'
    screen | LC_ALL=C grep -q '[^ -~]' && fail "there is more than ASCII"
    press q
    expect_restored 0
}

test_models_filter_by_terms() {
    start 80 24
    expect "116 of 116"
    press /; type_text 'acc>80 params<30M'; expect "12 of 116"
    type_text ' swin'; expect "2 of 116"
    press Enter; expect "/ acc>80 param"
    press 2; expect "bundled shapes"
    press 1; expect "2 of 116"
    expect_match '│ .*swin_v2_t'
    press Escape; expect "116 of 116"
    press h; expect "1 of 116"           # only what comes with thaw is here
    press h; expect "116 of 116"
    press q
    expect_restored 0
}

test_models_name_a_wrong_term() {
    start 80 24
    expect "116 of 116"
    press /; type_text 'resnet18 acc>'; expect "1 of 116"
    press Enter; expect '"acc>": acc wants a number'
    type_text 69; press Enter; expect "1 of 116"
    command_line "filter parms<3M"; expect 'did you mean params'
    press q
    expect_restored 0
}

test_models_complete_the_words_of_a_filter() {
    start 80 24
    expect "116 of 116"
    press /; type_text 'vit fam'; press Tab; expect "vit family:"
    press Escape; expect "116 of 116"
    press q
    expect_restored 0
}

test_models_in_ascii_mark_the_order() {
    start 80 24 -- --ascii
    expect "model^"
    press S; expect "modelv"
    screen | LC_ALL=C grep -q '[^ -~]' && fail "there is more than ASCII"
    press q
    expect_restored 0
}

test_models_draw_accuracy_over_operations() {
    start 80 24
    expect "116 of 116"
    press Down g; expect "g: details"
    expect "◆ alexnet"
    expect "GMACs"
    press g; expect_gone "g: details"
    resize 120 36; expect_match '├─ Accuracy ─*┤'
    expect_match '┴.*┴.*┴.*┴'
    press g; expect_gone "Accuracy ─"
    press q
    expect_restored 0
}

test_models_say_what_fits_the_memory() {
    start 120 36
    expect_match 'cifar_resnet20 .* [0-9]+ MB'      # worked out beside the first frame
    command_line "sort memory"; expect "memory▲"
    press f; expect "/ fits"
    press f; expect "116 of 116"
    command_line "set batch_size=16384"
    press S; expect_match '^│  ! [a-z]'             # nothing that large fits
    expect "too big"
    press q
    expect_restored 0
}
