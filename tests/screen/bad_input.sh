#!/bin/sh
# bad_input.sh - whatever is wrong with what a person gives: an error that names the thing and says the way out, or a skip
# that is listed; a code that is not 0 where nothing came of it; and what was there before is still there. PROGRAM is the
# thaw to test. What cannot be tried here (a read-only or full folder needs rights of its own) is skipped, and said so.
# Ctrl-C is in cli.sh, and terminals down to 1x1 are in size.sh.
. "$(dirname "$0")/prelude.sh"
zoo=$root/engine/zoo

# judge CODE WHAT PATTERN... - the code in $got, and what standard error must match, each of the grep patterns.
judge() {
    code=$1 what=$2
    shift 2
    [ "$got" = "$code" ] || { bad "$what: exit $got, not $code"; return; }
    for pattern; do
        grep -q -e "$pattern" err || { bad "$what: standard error does not say: $pattern"; return; }
    done
    ! grep -qv '^thaw: ' err || { bad "$what: a line of standard error does not begin with 'thaw: '"; return; }
    ok
}

# refused "PATTERN;PATTERN" ARGUMENTS... - exit 1, and standard error says each.
refused() {
    patterns=$1
    shift
    "$program" "$@" >out 2>err </dev/null
    got=$?
    what="thaw $*"
    IFS=';'
    # shellcheck disable=SC2086
    set -- $patterns
    unset IFS
    judge 1 "$what" "$@"
}
works() {
    "$program" "$@" >out 2>err </dev/null
    got=$?
    judge 0 "thaw $*"
}
says() { if grep -q -e "$1" out; then ok; else bad "standard output does not say: $1"; fi; }
warns() { if grep -q -e "$1" err; then ok; else bad "standard error does not say: $1"; fi; }
holds() { if jq -es "$1" out >/dev/null; then ok; else bad "not true of standard output: $1"; fi; }

# png FILE WIDTH HEIGHT
png() {
    python3 - "$@" <<'EOF'
import struct, sys, zlib
name, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\0" + bytes((7 * x + y) % 256 for x in range(3 * width)) for y in range(height))
open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                       + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
EOF
}

works data shapes --json
shapes=$(jq -r .root out)
for side in train val; do
    for class in circle star; do
        mkdir -p "set/$side/$class"
        for n in 0 1 2 3; do cp "$shapes/$side/$class/000$n.jpg" "set/$side/$class"; done
    done
done
copy() { cp -r set "$1"; }
cat >r.json <<'EOF'
{"model": "cifar_resnet20", "weights": null, "data": {"path": "set", "augment": "none"}, "freeze": [], "epochs": 1, "batch_size": 4}
EOF

# ---- no such thing
refused "no model is called 'nonesuch';thaw models" layers nonesuch
refused "no model is called 'nonesuch';thaw models" eval --model nonesuch --weights w --data set
refused 'no weights file nowhere.pth' eval --model cifar_resnet20 --weights nowhere.pth --data set
refused "no weights called 'set';the path of a weights file" eval --model cifar_resnet20 --weights set --data set
refused 'set is a folder;name the weights file' eval --model cifar_resnet20 --weights ./set --data set
refused 'nowhere;No such file' weights nowhere
refused 'nowhere.json;No such file;docs.recipe.md' train nowhere.json
refused 'set is a folder' train set
refused 'there is no folder nowhere;one folder of pictures a class' data nowhere
refused 'r.json is a file;folder' data r.json
refused 'no runs in runs;thaw train' resume nowhere --runs runs
refused 'no runs in runs;thaw train' eval nowhere --runs runs
refused 'no runs in runs;thaw train' export nowhere --to x.pth --runs runs

# ---- folders of images
copy hollow
mkdir hollow/train/void
refused 'hollow/train/void is empty;put pictures into it or remove it' data hollow
mkdir -p single/star lone/star bare texts/a texts/b
cp set/train/star/* single/star
cp set/train/star/0000.jpg lone/star
cp set/train/star/0000.jpg bare
for name in a/readme.txt b/note.jpg; do echo text >texts/$name; done
works data single --json
holds '.[0].classes | map(.name) == ["star"]'
works data lone --json
holds '.[0].classes == [{name: "star", train: 1, val: 0}]'
refused 'bare holds 1 picture;no class folders;sort' data bare
refused 'texts/a holds no picture;readme.txt;put pictures into it or remove it' data texts
copy odd
printf 'GIF89a\001\000\001\000\000\000\000;' >odd/train/star/moving.jpg
echo text >odd/train/star/text.jpg
head -c 600 set/train/star/0000.jpg >odd/train/star/cut.jpg
png odd/train/star/dot.png 1 1
png odd/train/circle/line.png 20000 1
png odd/val/circle/line.png 20000 1
works data odd --json
holds '(.[0].skipped | map(.file) | sort) == ["train/star/moving.jpg", "train/star/text.jpg"]
       and all(.[0].skipped[]; .reason != "")'
odd_name='two
lines'
for side in train val; do
    for class in 'a b' 'ÜñïÇødé 猫' "$odd_name"; do
        mkdir -p "named/$side/$class"
        cp "set/$side/star/0000.jpg" "named/$side/$class"
    done
done
works data named --json
holds '.[0].classes | map(.name) == ["a b", "two\nlines", "ÜñïÇødé 猫"]'
works data named
says '^two\\nlines  *1  *1$'

# ---- weights
cp "$zoo/cifar_resnet20.safetensors" good.safetensors
works export --model cifar_resnet20 --weights good.safetensors --to good.pth
python3 - <<'EOF'
import json, os, pickle, struct, zipfile

class Command:
    def __reduce__(self): return os.system, ("touch executed",)

whole = open("good.safetensors", "rb").read()
length, = struct.unpack_from("<Q", whole)
header = json.loads(whole[8:8 + length])
header["layer1.0.conv1.weight"]["shape"] = [16, 144, 1, 1]
changed = json.dumps(header).encode()
open("reshaped.safetensors", "wb").write(struct.pack("<Q", len(changed)) + changed + whole[8 + length:])
open("command.pt", "wb").write(pickle.dumps(Command(), 2))
with zipfile.ZipFile("command.pth", "w") as z:
    z.writestr("archive/data.pkl", pickle.dumps({"conv1.weight": Command()}, 2))
    z.writestr("archive/version", "3\n")
with zipfile.ZipFile("bomb.pth", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("archive/data.pkl", bytes(1 << 28))
    z.writestr("archive/version", "3\n")
EOF
with() { refused "$1" eval --model "$3" --weights "$2" --data set; }
with 'reshaped.safetensors;layer1.0.conv1.weight;16, 144, 1, 1;16, 16, 3, 3' reshaped.safetensors cifar_resnet20
with 'good.pth does not fit cifar_resnet32;layer1.3.conv1.weight;cifar_resnet20' good.pth cifar_resnet32
with 'good.pth has no classifier for a resnet18;fc.weight;the file is a cifar_resnet20' good.pth resnet18
with 'os.system;executes nothing' command.pth cifar_resnet20
with 'os.system;executes nothing' command.pt cifar_resnet20
with 'bomb.pth;compressed' bomb.pth cifar_resnet20
if [ -e executed ]; then bad 'a pickle was executed'; else ok; fi

# Cut anywhere, a file is refused by name. (That no cut crashes a reader is tests/unit and tests/fuzz; here, the words.)
cuts() {
    size=$(wc -c <"$1")
    for at in 0 1 2 7 8 9 100 1000 4096 $((size / 3)) $((size / 2)) $((size - 1000)) $((size - 22)) $((size - 1)); do
        head -c $at "$1" >"cut.$2"
        "$program" weights "cut.$2" >out 2>err
        [ $? = 1 ] && grep -q "^thaw: .*cut.$2: " err || { bad "$1 cut at $at"; return; }
    done
    ok
}
cuts good.safetensors safetensors
cuts good.pth pth

# ---- recipes: not a word of them is ignored
wrong() { # wrong PATTERNS JSON
    printf '%s\n' "$2" >wrong.json
    refused "wrong.json;$1" train wrong.json --runs runs
}
wrong 'did you mean "epochs"' '{"model": "cifar_resnet20", "data": {"path": "set"}, "epohcs": 3}'
wrong 'did you mean "data.augment"' '{"model": "cifar_resnet20", "data": {"path": "set", "augmnet": "none"}}'
wrong 'epochs' '{"model": "cifar_resnet20", "data": {"path": "set"}, "epochs": "three"}'
wrong 'epochs;at least 1' '{"model": "cifar_resnet20", "data": {"path": "set"}, "epochs": -3}'
wrong 'lr;at most 10' '{"model": "cifar_resnet20", "data": {"path": "set"}, "optimizer": {"lr": 1e9}}'
wrong 'model' '{"data": {"path": "set"}}'
wrong '' '["model"]'
wrong '' ''

# ---- no libtorch: what needs none goes on working
export THAW_TORCH_PLUGIN=/nonexistent
for command in 'train r.json' 'eval --model cifar_resnet20 --weights good.pth --data set' demo; do
    # shellcheck disable=SC2086
    refused 'apt-get install libtorch-dev' $command --runs runs
done
works layers resnet18
works weights good.pth
unset THAW_TORCH_PLUGIN
if [ -d runs ] && [ -n "$(ls runs)" ]; then bad 'a run that could not begin has left a folder'; else ok; fi

if ! "$program" doctor >out 2>err && grep -q '^WRONG *libtorch' out; then
    skip 'what needs training: no libtorch (thaw doctor says why)'
    summary bad_input
    exit
fi

# ---- training on them
train() { "$program" train r.json --threads 1 "$@" >out 2>err </dev/null; got=$?; }
for given in data.path=single data.path=lone; do
    train --set $given --runs runs
    judge 1 "$given" '1 class;' 'at least two'
done
train --set weights=command.pth --runs runs
judge 1 'a pickle that calls os.system' 'executes nothing'
if [ -d runs ] && [ -n "$(ls runs)" ]; then bad 'a run that could not begin has left a folder'; else ok; fi
train --set data.path=odd --runs runs
judge 0 'training among odd files' 'moving.jpg: a GIF' 'text.jpg' 'cut.jpg: truncated'
train --set data.path=named --set batch_size=64 --runs runs --json
judge 0 'a batch larger than the set, classes with odd names'
holds 'any(.[]; .event == "log" and (.text | test("batch_size 64 is more than the 3 training images"))) and .[-1].reason == "done"
       and (map(select(.event == "dataset"))[0].classes == ["a b", "two\nlines", "ÜñïÇødé 猫"])'
works eval last --runs runs --threads 1 --json
holds '.[0].classes | map(.name) == ["a b", "two\nlines", "ÜñïÇødé 猫"]'
refused 'moving.jpg;text.jpg;cut.jpg' predict last odd/train/star/*.jpg odd/train/star/dot.png odd/train/circle/line.png \
    --runs runs --threads 1 --json
holds '.[0] | length == 9 and (map(select(.problem)) | length) == 3 and (map(select(.top != [])) | length) == 6'

for command in resume eval 'export --to x.pth'; do
    # shellcheck disable=SC2086
    refused 'no run "nowhere";thaw runs' $command nowhere --runs runs
done

# ---- folders that cannot be written; the root user can write anywhere, so another must try
as_other=
[ "$(id -u)" != 0 ] || as_other='setpriv --reuid=65534 --regid=65534 --clear-groups'
mkdir locked
chmod 555 locked
# shellcheck disable=SC2086
if ! $as_other test -x "$program"; then
    skip 'a read-only run folder: root writes anywhere, and no other user reaches the program'
else
    # shellcheck disable=SC2086
    $as_other "$program" train r.json --threads 1 --runs locked >out 2>err </dev/null
    got=$?
    judge 1 'a read-only folder of runs' 'locked' 'Permission denied'
    # shellcheck disable=SC2086
    $as_other "$program" export --model cifar_resnet20 --weights good.pth --to locked/x.pth >out 2>err </dev/null
    got=$?
    judge 1 'exporting to a read-only folder' 'locked/x.pth' 'Permission denied'
fi

# ---- no room: this run fails, the earlier ones stay as they were
earlier=$(ls runs | head -n 1)
before=$(cat "runs/$earlier"/* | cksum)
(
    ulimit -f 512
    "$program" train r.json --threads 1 --runs runs
) >out 2>err </dev/null
got=$?
judge 1 'a checkpoint that is larger than files may be' \
    'last checkpoint could NOT be written' 'last.safetensors' 'File too large'
(
    ulimit -f 512
    "$program" export --model cifar_resnet20 --weights good.pth --to good.pth
) >out 2>err </dev/null
got=$?
judge 1 'exporting more than files may hold' 'good.pth' 'File too large'
if "$program" weights good.pth >/dev/null 2>&1; then ok; else bad 'a failed export has spoiled the file it was to replace'; fi
cat >full.sh <<'EOF'
mount -t tmpfs -o size=5m none small && cp -r "$(ls -d runs/* | head -n 1)" small/ || exit 77
head -c 2000000 /dev/zero >small/ballast 2>/dev/null
before=$(cat small/*/*.safetensors | cksum)
"$1" train r.json --threads 1 --runs small
code=$?
[ "$(cat "$(ls -d small/*/ | head -n 1)"*.safetensors | cksum)" = "$before" ] || exit 66
exit $code
EOF
mkdir small
unshare -m sh full.sh "$program" >out 2>err </dev/null
got=$?
if [ $got = 77 ] || ! unshare -m true 2>/dev/null; then
    skip 'a full disk: a file system of five megabytes may not be mounted here'
else
    judge 1 'a full disk' 'No space left'
fi
if [ "$(cat "runs/$earlier"/* | cksum)" = "$before" ]; then ok; else bad 'an earlier run has changed'; fi
works eval "$earlier" --runs runs --threads 1
summary bad_input
