#!/bin/sh
# run.sh DATA - checks on real images and weights, outside `make test`. DATA holds (what is missing is skipped loudly):
#   weights/resnet20-12fca82f.th    the public CIFAR ResNet-20, old torch.save format
#   cifar10-jpg.tar                 CIFAR-10 as JPEG files, train/CLASS and test/CLASS
#   hymenoptera_data/               ants and bees
#   ../reference/torchvision_layouts.json   every key and shape of torchvision's models (or LAYOUTS=FILE)
# A Python with torchvision (PYTHON, default /usr/bin/python3) is asked for its models' keys, and to load what thaw saved.
set -u
data=$(cd "${1:?usage: run.sh DATA}" 2>/dev/null && pwd) || { echo "there is no folder $1"; exit 2; }
program=${PROGRAM:-thaw}
python=${PYTHON:-/usr/bin/python3}
layouts=${LAYOUTS:-$data/../reference/torchvision_layouts.json}
families='resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d wide_resnet50_2'
case $program in /*) ;; *) program=$(pwd)/$program ;; esac
[ -x "$program" ] || { echo "there is no $program; make it first"; exit 2; }
for tool in jq tar; do command -v $tool >/dev/null || { echo "these checks need $tool"; exit 2; }; done
export PYTHONPATH="$(cd "$(dirname "$0")/../parity" && pwd)" PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

check() { # check NAME COMMAND...
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $name"
    else
        failed=$((failed + 1))
        echo "FAIL  $name"
        tail -n 20 "$work/log"
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "SKIP  $*"
}

# layout_is FILE MODEL - thaw lists the very keys and shapes, in the order, that FILE ({MODEL: [[key, shape], ...]}) holds.
layout_is() {
    "$program" layers "$2" --json >"$work/layers.json" || return 1
    jq -e --slurpfile want "$1" --arg model "$2" \
        '(.state | to_entries | map([.key, .value])) as $got | ($want[0][$model] | map(.[:2])) as $want
         | ($want | length) > 0 and $got == $want or error({unlike: (($got - $want) + ($want - $got))} | tostring)' \
        "$work/layers.json"
}

torchvision_layouts() {
    "$python" - $families >"$work/torchvision.json" <<'EOF'
import json, sys
from peers import torchvision
print(json.dumps({name: [[key, list(value.shape)] for key, value in getattr(torchvision.models, name)().state_dict().items()]
                  for name in sys.argv[1:]}))
EOF
}

public_checkpoint_accuracy() {
    mkdir -p "$work/cifar" && tar -C "$work/cifar" -xf "$data/cifar10-jpg.tar" || return 1
    folder=$(find "$work/cifar" -type d -name test | head -n 1)
    "$program" eval --model cifar_resnet20 --weights "$data/weights/resnet20-12fca82f.th" --data "$folder" --json \
        >"$work/eval.json" || return 1
    jq -e '(.images == 10000) and ((.top1 - 0.8103) | fabs <= 0.001)' "$work/eval.json" || { cat "$work/eval.json"; return 1; }
}

photographs_train() {
    cat >"$work/photos.json" <<EOF
{ "model": "resnet18", "weights": null, "freeze": [], "data": {"path": "$data/hymenoptera_data"},
  "epochs": 1, "batch_size": 32, "seed": 1 }
EOF
    "$program" train "$work/photos.json" --runs "$work/runs" --json >"$work/train.jsonl" || return 1
    jq -es '(map(select(.event == "dataset"))[0] | .train == 244 and .val == 153 and .skipped == 1)
            and map(select(.event == "end"))[0].reason == "done"' "$work/train.jsonl"
}

training_lists_the_gif() {
    jq -es 'any(.[]; .event == "log" and .level == "warning" and (.text | test("skipped train/ants/imageNotFound.gif: .*GIF")))' \
        "$work/train.jsonl"
}

gif_is_listed() {
    "$program" data "$data/hymenoptera_data" --json >"$work/data.json" || return 1
    jq -e '.classes == [{name: "ants", train: 123, val: 70}, {name: "bees", train: 121, val: 83}]
           and (.skipped | map(.file)) == ["train/ants/imageNotFound.gif"] and (.skipped[0].reason | test("GIF"))' \
        "$work/data.json"
}

# The checkpoint as it lies in the run folder: safetensors is a length, a JSON header and the numbers.
torchvision_loads_best() {
    folder=$(jq -rs 'map(select(.event == "begin"))[0].folder' "$work/train.jsonl")
    "$python" - "$folder/best.safetensors" <<'EOF'
import json, struct, sys, torch
from peers import torchvision
content = open(sys.argv[1], "rb").read()
length, = struct.unpack_from("<Q", content)
header = json.loads(content[8:8 + length])
header.pop("__metadata__", None)
types = {"F32": torch.float32, "I64": torch.int64}
state = {}
for key, entry in header.items():
    begin, end = entry["data_offsets"]
    part = bytearray(content[8 + length + begin:8 + length + end])
    state[key] = torch.frombuffer(part, dtype=types[entry["dtype"]]).reshape(entry["shape"])
print(torchvision.models.resnet18(num_classes=2).load_state_dict(state, strict=True))
EOF
}

torchvision_loads_export() {
    run=$(jq -rs 'map(select(.event == "end"))[0].run' "$work/train.jsonl")
    "$program" export "$run" --runs "$work/runs" --to "$work/best.pth" || return 1
    "$python" - "$work/best.pth" <<'EOF'
import sys, torch
from peers import torchvision
model = torchvision.models.resnet18(num_classes=2)
print(model.load_state_dict(torch.load(sys.argv[1], weights_only=True), strict=True))
EOF
}

has_torchvision=
"$python" -c 'import peers' 2>/dev/null && has_torchvision=yes

if [ -f "$layouts" ]; then
    jq 'map_values(.state_dict)' "$layouts" >"$work/layouts.json"
    for model in $families; do check "$model has the reference's keys and shapes" layout_is "$work/layouts.json" $model; done
else
    skip "there is no $layouts; LAYOUTS=FILE names one"
fi
if [ -n "$has_torchvision" ]; then
    check "torchvision builds its own models" torchvision_layouts
    for model in $families; do
        check "$model has torchvision's keys and shapes" layout_is "$work/torchvision.json" $model
    done
else
    skip "comparing keys with torchvision: $python has none"
fi
if [ -f "$data/weights/resnet20-12fca82f.th" ] && [ -f "$data/cifar10-jpg.tar" ]; then
    check 'the public ResNet-20 reaches its measured accuracy' public_checkpoint_accuracy
else
    skip "the public ResNet-20: no weights/resnet20-12fca82f.th or no cifar10-jpg.tar in $data"
fi
if [ -d "$data/hymenoptera_data" ]; then
    check 'the GIF among the ants is listed as skipped' gif_is_listed
    check 'ResNet-18 trains on photographs from random weights' photographs_train
    check 'training says that it skips the GIF' training_lists_the_gif
    if [ -n "$has_torchvision" ]; then
        check 'torchvision loads the best checkpoint with strict=True' torchvision_loads_best
        check 'torchvision loads what thaw exports with strict=True' torchvision_loads_export
    else
        skip "torchvision loads the best checkpoint: $python has no torchvision"
    fi
else
    skip "photographs: no hymenoptera_data in $data"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
