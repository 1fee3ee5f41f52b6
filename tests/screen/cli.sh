#!/bin/sh
# cli.sh - the headless commands as a script meets them: exit codes, what goes to which stream, JSON that parses, errors
# that say what to do, interrupts. PROGRAM is the thaw to test; what needs libtorch is skipped, and said so, without it.
. "$(dirname "$0")/prelude.sh"

# expect CODE PATTERN ARGUMENTS... - run thaw; the code, and what standard error must match (a grep pattern; '' for empty).
expect() {
    code=$1 pattern=$2
    shift 2
    "$program" "$@" >out 2>err </dev/null
    got=$?
    if [ $got != "$code" ]; then
        bad "thaw $*: exit $got, not $code"
    elif [ -z "$pattern" ] && [ -s err ]; then
        bad "thaw $*: standard error is not empty"
    elif [ -n "$pattern" ] && ! grep -q -e "$pattern" err; then
        bad "thaw $*: standard error does not say: $pattern"
    elif [ -s err ] && grep -qv '^thaw: ' err; then
        bad "thaw $*: a line of standard error does not begin with 'thaw: '"
    else
        ok
    fi
}

# holds PYTHON-EXPRESSION - about d, the JSON document in out, or l, its lines each parsed.
holds() {
    if python3 - "$1" <<'EOF'; then ok; else bad "$1"; fi
import json, sys
text = open("out").read()
try: d = json.loads(text)
except ValueError: d = None
try: l = [json.loads(x) for x in text.splitlines()]
except ValueError: l = None
sys.exit(0 if eval(" ".join(sys.argv[1].split())) else 1)
EOF
}

says() { if grep -q -e "$1" out; then ok; else bad "standard output does not say: $1"; fi; }

# ---- help and usage
expect 0 '' --version
says '^thaw [0-9]'
expect 0 '' help
for command in $("$program" help | sed -n 's/^  thaw \([a-z]\{1,\}\)  .*/\1/p'); do
    expect 0 '' help "$command"
    expect 0 '' "$command" --help
done
expect 2 'did you mean models' model
expect 2 'there is no command xyzzy' xyzzy
expect 2 'did you mean --json' models --jsno
expect 2 'two dashes' models -j
expect 2 'json takes no value' models --json=yes
expect 2 'input needs a value' layers resnet18 --input
expect 2 'whole number' layers resnet18 --input=12px
expect 2 'layers needs MODEL' layers
expect 2 'unexpected "b"' layers a b
expect 2 'expected fp32, bf16 or auto' train r.json --precision fp8
expect 2 'expected KEY=VALUE' train r.json --set epochs
expect 2 'did you mean train' help trian
expect 1 'no model is chosen' train

# ---- recipes: whole, as a command that gives the same again, and two of them
expect 0 '' recipe
holds 'd["epochs"] == 25 and d["freeze"] == ["all"]'
printf '{"model": "resnet18", "weights": null, "data": {"path": "it'"'"'s $HOME"}, "freeze": ["a,b", "*.bn1"], "epochs": 3}' >one.json
printf '{"model": "resnet18", "data": {"path": "it'"'"'s $HOME"}, "epochs": 4, "precision": "bf16"}' >two.json
expect 0 '' recipe one.json
cp out whole.json
expect 0 '' recipe one.json --command-line
says '^thaw train --set model=resnet18 '
eval "set -- $(sed 's/^thaw train//' out)"
expect 0 '' recipe "$@"
if cmp -s out whole.json; then ok; else bad "the command line gives another recipe"; fi
expect 0 '' recipe one.json two.json --json
holds '[x["key"] for x in d] == ["weights", "freeze", "epochs", "precision"]'
holds 'd[2]["a"] == "3" and d[2]["b"] == "4" and not d[2]["decided"] and d[3]["decided"]'
expect 0 '' recipe one.json two.json
says '^epochs  *3  *4'
expect 0 '' recipe one.json one.json
says '^no difference'
expect 1 'No such file' recipe three.json
expect 1 'no run' recipe one.json 2026
"$program" help --man >out 2>err
if cmp -s out "$root/docs/thaw.1"; then ok; else bad 'docs/thaw.1 is what thaw help --man prints'; fi

# ---- the catalog and the layers
expect 0 '' models --json
holds 'isinstance(d, list) and len(d) == 115 and all("cached" in x and "num_params" in x for x in d)'
expect 0 '' models resnet18
says 'IMAGENET1K_V1'
expect 1 'no model matches "zzz"' models zzz
expect 0 '' weights "$root/engine/zoo/cifar_resnet20.safetensors"
says 'those of cifar_resnet20'
expect 0 '' weights "$root/engine/zoo/cifar_resnet20.safetensors" --json
holds 'd["architecture"] == "cifar_resnet20" and d["nearest"][0] == {"model": "cifar_resnet20", "keys": 1, "shapes": 1}'
expect 0 '' models --batch 8 memory\<1G
says 'available now'
expect 0 '' models 'acc>80' 'params<30M' '!swin' --json --sort gflops
holds 'len(d) == 10 and all(x["acc1"] > 80 and x["num_params"] < 30e6 and "swin" not in x["arch"] for x in d)'
holds '[x["gflops"] for x in d] == sorted(x["gflops"] for x in d)'
expect 0 '' models --json --sort acc --reverse
holds 'len(d) == 115 and [x["acc1"] for x in d if x["acc1"]] == sorted(x["acc1"] for x in d if x["acc1"])'
expect 2 '"parms<30M": models have no "parms"; did you mean params' models 'parms<30M'
expect 2 'acc wants a number' models 'acc>'
expect 2 '[-][-]sort: models have no "colour"' models --sort colour
expect 0 '' layers resnet18 --json
holds 'd["parameters"] == 11689512 and list(d["state"])[0] == "conv1.weight" and d["state"]["fc.weight"] == [1000, 512]'
holds 'd["input"] == [3, 224, 224] and d["cuts"][0] == "input" and not any(x["frozen"] for x in d["layers"])'
expect 0 '' layers resnet18 --json --freeze 'layer1,bn?'
holds '{x["name"] for x in d["layers"] if x["frozen"]} >= {"layer1.0.conv1", "bn1"}'
holds 'not [x for x in d["layers"] if x["name"] == "layer2.0.conv1"][0]["frozen"]'
expect 0 'taken as cifar_resnet20' layers --weights "$root/engine/zoo/cifar_resnet20.safetensors" --json
holds 'd["model"] == "cifar_resnet20" and d["state"]["linear.weight"] == [10, 64]'
expect 2 'take one' layers resnet18 --weights x.pth
expect 1 'there is no weights file DEFAULT; .* --model' eval --weights DEFAULT --data nowhere
expect 1 "did you mean 'resnet18'" layers resnet19
expect 1 'did you mean' layers resnet18 --freeze layr1

# ---- images
expect 0 '' data shapes --json
holds 'len(d["classes"]) == 8 and all(c["train"] == 20 and c["val"] == 50 for c in d["classes"]) and d["skipped"] == []'
shapes=$(python3 -c 'import json; print(json.load(open("out"))["root"])')
for class in circle star; do
    mkdir -p "set/train/$class" "set/val/$class"
    for file in $(ls "$shapes/train/$class" | head -n 6); do cp "$shapes/train/$class/$file" "set/train/$class"; done
    for file in $(ls "$shapes/val/$class" | head -n 4); do cp "$shapes/val/$class/$file" "set/val/$class"; done
done
echo 'not an image' >set/train/star/note.jpg
expect 0 '' data set --json
holds '[s["file"] for s in d["skipped"]] == ["train/star/note.jpg"] and d["skipped"][0]["reason"]'
mkdir nothing
expect 1 'there is no folder nowhere' data nowhere
expect 1 'nothing' data nothing

# ---- standard output that cannot be written
: >out
"$program" models >/dev/full 2>err
if [ $? = 1 ] && grep -q 'No space left' err; then ok; else bad 'a full disk is an error'; fi
"$program" models >&- 2>err
if [ $? = 1 ] && grep -q 'standard output' err; then ok; else bad 'a closed standard output is an error'; fi
{
    "$program" models --json 2>err
    echo $? >code
} | head -c 1 >/dev/null
if [ "$(cat code)" = 1 ] && [ ! -s err ]; then ok; else bad 'a reader that goes away ends the program quietly'; fi

# ---- recipes that are wrong
recipe() { printf '%s\n' "$1" >r.json; }
good='{"model": "cifar_resnet20", "weights": null, "data": {"path": "set", "augment": "none"}, "freeze": [],
       "epochs": 2, "batch_size": 4}'
expect 1 'No such file' train nothing.json
recipe '{"modle": "cifar_resnet20"}'
expect 1 'did you mean "model"' train r.json
recipe '{"model": "cifar_resnet20", '
expect 1 'r.json' train r.json
recipe "$good"
expect 2 'did you mean "epochs"' train r.json --set epohcs=3
expect 2 'at least 1' train r.json --set epochs=-3
expect 2 'at most 10' train r.json --set optimizer.lr=1e9
expect 2 'must be' train r.json --set batch_size='"x"'
expect 1 'nobody' train r.json --runs "$work/runs" --set data.path=nobody
expect 1 "did you mean 'cifar_resnet20'" train r.json --runs "$work/runs" --set model=cifar_resnet2O
expect 1 'not a folder\|Not a directory' train r.json --runs "$work/r.json"
expect 1 'thaw: ' resume nothing --runs "$work/runs"
export THAW_TORCH_PLUGIN=/nonexistent
expect 1 'apt-get install' train r.json --runs "$work/runs"
unset THAW_TORCH_PLUGIN
expect 0 '' runs --json --runs "$work/fresh"
holds 'd == []'

# ---- training
if ! "$program" doctor >out 2>err && grep -q '^WRONG *libtorch' out; then
    echo "SKIP  training from the command line: no libtorch (thaw doctor says why)"
    summary cli
    exit
fi
runs=$work/trained
expect 0 '' train r.json --runs "$runs" --threads 1 --json
holds 'l is not None and [x["event"] for x in l].count("epoch") == 2 and l[-1]["event"] == "end"'
holds 'l[-1]["reason"] == "done" and l[-1]["run"] and 0 <= l[-1]["best_val_top1"] <= 1 and l[-1]["best_epoch"] in (0, 1)'
holds 'all(k in x for x in l if x["event"] == "epoch" for k in
       ("epoch", "train_loss", "val_loss", "val_top1", "images_per_second", "seconds"))'
expect 0 'skipped train/star/note.jpg' train r.json --runs "$runs" --threads 1 --set epochs=1
says '^epoch '
says '^done after .*; [0-9]* % of the steps. time was waiting for images$'
expect 0 '' runs --json --runs "$runs"
holds 'len(d) == 2 and all(x["reason"] == "done" for x in d) and d[0]["epochs"] == 1'
expect 0 '' eval last --runs "$runs" --threads 1 --json
holds 'd["images"] == 8 and 0 <= d["top1"] <= 1 and [c["name"] for c in d["classes"]] == ["circle", "star"]'
image=$(ls set/val/star/* | head -n 1)
expect 0 '' predict last "$image" --runs "$runs" --threads 1 --json --logits
holds 'd[0]["file"].endswith(".jpg") and len(d[0]["logits"]) == 2 and
       abs(sum(t["probability"] for t in d[0]["top"]) - 1) < 1e-5'
expect 1 'note.jpg' predict last "$image" set/train/star/note.jpg --runs "$runs" --threads 1 --json
holds 'len(d) == 2 and d[0]["top"] and d[1]["problem"]'
expect 2 'no image is named' predict last --runs "$runs"
expect 2 'take one' eval last --model resnet18 --runs "$runs"
expect 2 'a run has its own weights' eval last --weights last.pth --runs "$runs"
expect 2 'which model' eval
expect 0 '' export last --to last.pth --runs "$runs"
expect 0 '' export last --to last.safetensors --runs "$runs"
expect 0 'last.pth is taken as cifar_resnet20' eval --weights last.pth --data set --threads 1 --json
holds 'd["images"] == 8 and [c["name"] for c in d["classes"]] == ["circle", "star"]'
expect 0 'last.pth is taken as cifar_resnet20' predict --weights last.pth "$image" --threads 1 --json
holds 'len(d) == 1 and len(d[0]["top"]) == 2'
expect 0 'last.pth is taken as cifar_resnet20' export --weights last.pth --to again.safetensors
expect 2 'safetensors or .pth' export last --to last.onnx --runs "$runs"
expect 1 'thaw: ' export last --to "$work/none/last.pth" --runs "$runs"

# ---- interrupts
# The table's rows are what the run took, no second of it twice.
expect 0 'skipped train/star/note.jpg' train r.json --set epochs=2 --runs "$runs" --threads 1 --profile
says '^Where the time went: '
says '^stage .*forward'
if python3 - <<'EOF'; then ok; else bad 'the phases of --profile add up'; fi
import re, sys
phases = ("preparing", "data wait", "upload", "frozen forward", "kept outputs", "forward", "backward", "optimizer",
          "metrics", "logging", "evaluation", "checkpoints", "paused", "other", "all of it")
rows = [re.match(r"(\D+?)\s+([0-9.]+)\s+([0-9.]+) %", line) for line in open("out")]
rows = {m[1]: (float(m[2]), float(m[3])) for m in rows if m and m[1] in phases}
whole = rows.pop("all of it")[0]
sums = [sum(column) for column in zip(*rows.values())]
sys.exit(not {"forward", "backward", "evaluation", "other"} <= set(rows) or abs(sums[0] - whole) > 0.0006 * len(rows)
         or abs(sums[1] - 100) > 0.06 * len(rows))
EOF
expect 0 '' runs --json --runs "$runs"
holds 'd[0]["phases"]["forward"] > 0 and "other" in d[0]["phases"]'

# A shell starts what is in the background with SIGINT ignored, which thaw respects; so it is given back.
unignored='import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])'
start() { # start ARGUMENTS... - thaw in the background, until it has made its first step
    : >out
    python3 -c "$unignored" "$program" "$@" --runs "$runs" --threads 1 --json >out 2>err &
    pid=$!
    for _ in $(seq 600); do
        grep -q '"event":"step"' out && return
        sleep 0.1
    done
}
start train r.json --set epochs=100000
kill -INT $pid
wait $pid
if [ $? = 130 ] && grep -q 'stopping and saving' err; then ok; else bad 'Ctrl-C stops, saves and exits with 130'; fi
holds 'l[-1]["event"] == "end" and l[-1]["reason"] == "stopped"'
steps=$(python3 -c 'import json; print(json.loads(open("out").readlines()[-1])["step"])')
start resume last
kill -INT $pid
kill -INT $pid
wait $pid
if [ $? = 130 ]; then ok; else bad 'Ctrl-C twice exits with 130'; fi
holds '[x for x in l if x["event"] == "begin"][0]["resumed"] and
       [x for x in l if x["event"] == "step"][0]["step"] == 1 + '"$steps"
expect 0 '' eval last --runs "$runs" --threads 1 --json

# ---- what is kept
export XDG_CACHE_HOME="$work/kept"
expect 0 '' cache
says 'nothing is kept in .*/kept/thaw/outputs yet'
for run in first second; do
    expect 0 '' train r.json --set epochs=2 --set 'freeze=["conv1","bn1","layer1"]' --threads 1 --json --runs "$runs"
    [ $run = first ] && holds '[x for x in l if x["event"] == "cache"][0]["found"] == 0'
done
holds '[x for x in l if x["event"] == "cache"][0]["found"] == [x for x in l if x["event"] == "cache"][0]["entries"]'
expect 0 '' cache --json
holds 'len(d) == 2 and {x["images"] for x in d} == {"train", "val"} and all(x["bytes"] > 0 and not x["in_use"] and
       x["problem"] is None and x["layer"] == "layer1.2" for x in d)'
expect 0 '' cache
says 'of at most 10.0 GB'
expect 1 'begins with "zz"' cache --clear zz
expect 2 'is for --clear' cache zz
expect 0 '' cache --clear --json
holds 'd["removed"] == 2 and d["in_use"] == 0 and d["bytes"] > 0'
THAW_CACHE_LIMIT=lots expect 1 'THAW_CACHE_LIMIT is "lots"; a size such as 20G' cache

summary cli
