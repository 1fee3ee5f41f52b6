#!/bin/sh
# run.sh DATA - checks on real images and weights, outside `make test`. DATA holds (what is missing is skipped loudly):
#   weights/resnet20-12fca82f.th    the public CIFAR ResNet-20, old torch.save format
#   cifar10-jpg.tar                 CIFAR-10 as JPEG files, train/CLASS and test/CLASS
#   hymenoptera_data/               ants and bees
# A Python with torchvision (PYTHON, default /usr/bin/python3) is asked to load what thaw saved.
set -u
data=$1
program=${PROGRAM:-thaw}
python=${PYTHON:-/usr/bin/python3}
case $program in /*) ;; *) program=$(pwd)/$program ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

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
    jq -es 'map(select(.event == "end"))[0].reason == "done"' "$work/train.jsonl"
}

gif_is_listed() {
    "$program" data "$data/hymenoptera_data" --json | jq -e '[.skipped[].file] | any(endswith("imageNotFound.gif"))'
}

torchvision_loads_best() {
    run=$(jq -rs 'map(select(.event == "end"))[0].run' "$work/train.jsonl")
    "$program" export "$run" --runs "$work/runs" --to "$work/best.pth" || return 1
    "$python" - "$work/best.pth" <<'EOF'
import sys, torch, torchvision
model = torchvision.models.resnet18(num_classes=2)
print(model.load_state_dict(torch.load(sys.argv[1]), strict=True))
EOF
}

if [ -f "$data/weights/resnet20-12fca82f.th" ] && [ -f "$data/cifar10-jpg.tar" ]; then
    check 'the public ResNet-20 reaches its measured accuracy' public_checkpoint_accuracy
else
    echo "SKIP  no weights/resnet20-12fca82f.th or cifar10-jpg.tar in $data"
fi
if [ -d "$data/hymenoptera_data" ]; then
    check 'the GIF among the ants is listed as skipped' gif_is_listed
    check 'ResNet-18 trains on photographs from random weights' photographs_train
    if "$python" -c 'import torchvision' 2>/dev/null; then
        check "torchvision loads the best checkpoint with strict=True" torchvision_loads_best
    else
        echo "SKIP  $python has no torchvision"
    fi
else
    echo "SKIP  no hymenoptera_data in $data"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
