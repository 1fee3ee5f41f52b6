# golden.sh - whole screens as they are meant to look, in tests/screen/golden/*.txt for people to read.
# GOLDEN=write tests/screen/run.sh golden    writes them anew; look at the difference before you commit it.
#
# What differs from machine to machine is not in them: two threads are asked for, weights are looked for where there are
# none, and runs have a fixed past.

# The screen does not change any more: nothing is being read, and the engine is loaded.
still() {
    local before
    before=$(screen)
    grep -qE '[●*] idle' <<<"$before" || return 1
    grep -E '[a-z%]   [●*] idle' <<<"$before" | grep -qv 'help   ' && return 1 # a job is named there
    sleep 0.3
    [ "$(screen)" = "$before" ]
}

# golden NAME: the screen is that of the file.
golden() {
    local file=$ROOT/tests/screen/golden/$1.txt
    poll still || fail "the screen never came to rest"
    screen | sed 's/│ libtorch .*│$/│ libtorch .../; s/| libtorch .*|$/| libtorch .../; s/│ folder .*│$/│ folder .../; s/ *$//' >"$TEST_DIR/seen"
    if [ "${GOLDEN:-}" = write ]; then
        cp "$TEST_DIR/seen" "$file"
    else
        diff "$file" "$TEST_DIR/seen" >"$TEST_DIR/difference" && return
        sed 's/^/  /' "$TEST_DIR/difference"
        fail "the screen is not that of $file"
    fi
}

# begin_golden WIDTH HEIGHT [ARGUMENT ...]
begin_golden() {
    local width=$1 height=$2
    have_libtorch || exit 0
    shift 2
    start "$width" "$height" TORCH_HOME="$TEST_DIR/none" HF_HOME="$TEST_DIR/none" TZ=UTC -- open --threads 2 --runs runs "$@"
    expect "Models"
}

# make_run NAME MASK BREAK: a finished run of 8 epochs of 50 steps; from step BREAK on the loss is not finite for a while.
make_run() {
    local folder=$TEST_DIR/work/runs/$1
    mkdir -p "$folder"
    printf '{"model": "cifar_resnet20", "weights": "CIFAR10_V1", "data": {"path": "shapes"}, "epochs": 8, "batch_size": 16}\n' \
        >"$folder/recipe.json"
    awk -v name="$1" -v mask="$2" -v breaks="$3" 'BEGIN {
        printf "{\"v\":1,\"event\":\"begin\",\"time\":1,\"step\":0,\"run\":\"%s\",\"resumed\":false,\"epochs\":8,\"steps_per_epoch\":50,\"first_epoch\":0,\"parameters\":269592,\"trainable\":520,\"device\":\"cpu\",\"precision\":\"fp32\",\"recipe\":null}\n", name
        printf "{\"v\":1,\"event\":\"dataset\",\"time\":1,\"step\":0,\"train\":800,\"val\":200,\"skipped\":0,\"classes\":[\"circle\",\"cross\"]}\n"
        printf "{\"v\":1,\"event\":\"mask\",\"time\":1,\"step\":0,\"label\":\"%s\",\"frozen\":[],\"moving\":[]}\n", mask
        for (i = 1; i <= 400; i++) {
            noise = (i * 7919 % 101) / 101 - 0.5
            loss = 2.2 / (1 + i / (40 + 8 * length(mask) % 50)) + noise * 0.3 + 0.25
            if (breaks && i >= breaks && i < breaks + 30) loss = "null"
            printf "{\"v\":1,\"event\":\"step\",\"time\":%s,\"step\":%d,\"epoch\":%d,\"loss\":%s,\"lr\":0.01,\"batch\":16,\"cached\":0,\"images_per_second\":500,\"data_wait\":0,\"seconds\":0.032}\n", 1 + i * 0.032, i, int((i - 1) / 50), loss
            if (i % 50 == 0) printf "{\"v\":1,\"event\":\"epoch\",\"time\":%s,\"step\":%d,\"epoch\":%d,\"train_loss\":%s,\"train_top1\":%s,\"val_loss\":%s,\"val_top1\":%s,\"val_top5\":1,\"class_top1\":[0.8,0.6],\"images_per_second\":500,\"seconds\":1.6,\"best\":true}\n", 1 + i * 0.032, i, i / 50 - 1, 2 / (1 + i / 80), 1 - 0.7 / (1 + i / 90), 2.1 / (1 + i / 100), 1 - 0.75 / (1 + i / 110)
        }
        printf "{\"v\":1,\"event\":\"end\",\"time\":14,\"step\":400,\"run\":\"%s\",\"reason\":\"done\",\"message\":null,\"best_epoch\":7,\"best_val_top1\":0.84,\"seconds\":14}\n", name
    }' >"$folder/events.jsonl"
    touch -d '2026-01-01 10:00 UTC' "$folder"/* "$folder"
}

test_golden_models() {
    begin_golden 80 24
    expect "cifar_resnet20"
    press j; expect "family       alexnet"
    golden models-80x24
    press g; expect "GMACs"
    golden models-chart-80x24
    press g /; type_text "no such"; press Enter; expect "0 of 116"
    golden models-none-80x24
    press Escape q; expect_restored 0
}

test_golden_help() {
    begin_golden 120 36
    press 5 '?'; expect "Esc closes"
    golden help-train-120x36
    press Escape q; expect_restored 0
}

test_golden_greeting_and_tour() {
    begin_golden 80 24
    expect "welcome to thaw"; golden welcome-80x24
    press '?'; expect "help"; press t; expect "1 of 5"; press Enter Enter; expect "3 of 5"
    golden tour-80x24
    press Escape q; expect_restored 0
}

test_golden_pictures() {
    begin_golden 80 24 --ascii --set data.path=shapes --set model=cifar_resnet20
    press 2; expect "triangle"; press Down Down Down t; expect "Samples of heart"; expect "0003.jpg"
    golden samples-ascii-80x24
    press a; expect "epoch 2 seed 0"; golden views-ascii-80x24
    press m; expect "Nothing was evaluated"; golden mistakes-none-ascii-80x24
    press q; expect_restored 0
}

test_golden_empty_tabs() {
    begin_golden 80 24
    local tab
    for tab in 2:data:folder 3:layers:"No model" 4:recipe:model 5:train:"no run yet" 6:runs:"No run yet"; do
        IFS=: read -r key name word <<<"$tab"
        press "$key"; expect "$word"
        golden "empty-$name-80x24"
    done
    press q; expect_restored 0
}

test_golden_layers_and_recipe() {
    begin_golden 100 30
    press /; type_text cifar; press Enter; expect "1 of 116"
    press r; expect "random"
    press 2; expect "bundled shapes"; press b; expect "triangle"
    golden data-100x30
    press 3; expect "layer3"
    press P; expect "What is to be trained"
    golden presets-100x30
    press Escape Down Down Down f; expect_match 'layer1 +❄'
    golden layers-100x30
    press 4; expect "optimizer"
    golden recipe-100x30
    press q; expect_restored 0
}

# open_ghosts COUNT: the Train tab with earlier runs on it.
open_ghosts() {
    local count=$1 i
    press 6; expect "done"
    for ((i = 0; i < count; i++)); do
        press Space; expect "laid over the chart"; press Down; expect_gone "laid over"
    done
    press 5; expect "A: "
}

test_golden_ghosts() {
    make_run first "head only" 0
    make_run second "layer3+" 0
    begin_golden 120 36
    open_ghosts 2
    expect "B: "
    golden ghosts-120x36
    press y; expect "log ·"
    golden ghosts-log-120x36
    press X X; expect "seconds"
    golden ghosts-time-120x36
    press q; expect_restored 0
}

test_golden_a_run_that_broke() {
    make_run broken "everything" 120
    begin_golden 120 36
    open_ghosts 1
    golden broken-120x36
    press 6; expect "best top-1"
    golden runs-120x36
    press q; expect_restored 0
}

test_golden_ascii() {
    have_libtorch || return 0
    make_run first "head only" 0
    start 80 24 TORCH_HOME="$TEST_DIR/none" HF_HOME="$TEST_DIR/none" TZ=UTC -- open --ascii --threads 2 --runs runs
    expect "Models"
    open_ghosts 1
    golden ascii-80x24
    press q; expect_restored 0
}

test_golden_narrow_and_tiny() {
    begin_golden 50 20
    press j; expect "alexnet"
    golden narrow-50x20
    resize 19 4; expect "thaw"
    screen >"$TEST_DIR/tiny"
    [ "$(wc -l <"$TEST_DIR/tiny")" -le 4 ] || fail "more than four lines"
    resize 80 24; expect "1 Models"; press q; expect_restored 0
}
