# get.sh - fetching a model's weights from the Models tab, from a server on this machine (tests/net/server.py).

# A catalog whose resnet18 and alexnet are three megabytes of noise each, and a server for it; MODES as server.py has them.
serve() {
    mkdir -p "$TEST_DIR/zoo" "$TEST_DIR/files"
    WEIGHTS=$(python3 - "$ROOT/engine/zoo" "$TEST_DIR" <<'EOF'
import hashlib, json, os, shutil, sys
zoo, place = sys.argv[1:]
rows = json.load(open(zoo + "/catalog.json"))
for arch in ("alexnet", "resnet18"):
    data = os.urandom(3000000)
    digest = hashlib.sha256(data).hexdigest()[:8]
    name = f"{arch}-{digest}.pth"
    for row in rows:
        if row["arch"] == arch:
            row.update(file=name, url="https://download.pytorch.org/models/" + name, sha256_prefix=digest)
    open(f"{place}/files/{name}", "wb").write(data)
json.dump(rows, open(place + "/zoo/catalog.json", "w"))
for other in ("bundled.json", "classes.json"):
    shutil.copy(f"{zoo}/{other}", place + "/zoo")
print(name)
EOF
)
    python3 "$ROOT/tests/net/server.py" "$TEST_DIR/files" >"$TEST_DIR/port" &
    SERVER=$!
    trap 'kill $SERVER' EXIT
    poll test -s "$TEST_DIR/port" || fail "no server"
    MIRROR=http://127.0.0.1:$(cat "$TEST_DIR/port")/$1
    CACHE=$TEST_DIR/home/.cache/torch/hub/checkpoints
}

# The workbench, asked for the weights of ResNet-18.
ask_for_weights() {
    start "$1" "$2" THAW_HOME="$TEST_DIR" THAW_MIRROR="$MIRROR" THAW_FETCH_WAIT=0.1 "${@:3}"
    expect "1 Models"
    press / ; type_text "resnet18"; press Enter
    expect "1 of 116"
    press Enter
    expect "fetch them"
}

test_get_from_the_models_tab() {
    serve slow=1500000
    ask_for_weights 80 24
    press f
    expect_match 'resnet18 .* of 2.9 MB .*/s .*left .*Esc stops'
    expect "is chosen"
    expect_gone "Esc stops"
    cmp -s "$CACHE/$WEIGHTS" "$TEST_DIR/files/$WEIGHTS" || fail "the file is not what the server has"
    press 4; expect_match 'model +resnet18'
    press q
    expect_restored 0
}

test_get_stops_and_goes_on() {
    serve slow=800000
    ask_for_weights 120 36
    press f
    expect_match '[0-9]{3} KB of 2.9 MB'
    press Escape # shows all models again
    expect "116 of 116"
    press Escape
    expect "stopped fetching"
    expect_gone "Esc stops"
    [ -s "$CACHE/$WEIGHTS.part" ] || fail "nothing was kept"
    press Enter
    expect "fetch them"
    press f
    expect "is chosen"
    cmp -s "$CACHE/$WEIGHTS" "$TEST_DIR/files/$WEIGHTS" || fail "the file is not what the server has"
    press q
    expect_restored 0
}

test_get_one_after_the_other() {
    serve slow=1500000
    ask_for_weights 100 30
    press f
    expect_match '[0-9]+ KB of 2.9 MB'
    press Enter
    expect "is being fetched"
    press Escape
    expect "116 of 116"
    press / ; type_text "alexnet"; press Enter
    expect "1 of 116"
    press Enter
    expect "fetch them"
    press f
    expect "are fetched after those of resnet18"
    expect_match 'resnet18 \(1 waits\)'
    press Enter
    expect "will be fetched already, after 1 other"
    expect_match 'alexnet .*of 2.9 MB'
    expect "alexnet with"
    expect_gone "Esc stops"
    cmp -s "$CACHE/$WEIGHTS" "$TEST_DIR/files/$WEIGHTS" || fail "the file is not what the server has"
    [ "$(ls "$CACHE" | wc -l)" = 2 ] || fail "not both are there"
    press q
    expect_restored 0
}

test_get_says_what_went_wrong() {
    serve fail=99:404
    ask_for_weights 80 24
    press f
    expect "(not there)" # the address, which says 404 as well, is on the screen before
    press Enter
    expect "fetch them"
    press r
    expect "from random weights is chosen"
    press q
    expect_restored 0
}

test_get_is_not_offered_offline() {
    serve good
    start 80 24 THAW_HOME="$TEST_DIR" THAW_MIRROR="$MIRROR" THAW_OFFLINE=1
    expect "1 Models"
    press / ; type_text "resnet18"; press Enter
    expect "1 of 116"
    press Enter
    expect "is not on this machine"
    press q
    expect_restored 0
}

test_leaving_while_getting_keeps_what_came() {
    serve slow=400000
    ask_for_weights 60 14
    press f
    expect_match '[0-9]{3} KB of 2.9 MB'
    press q
    expect_restored 0
    [ -s "$CACHE/$WEIGHTS.part" ] || fail "nothing was kept"
}
