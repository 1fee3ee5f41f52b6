#!/bin/sh
# json.sh - the JSON that others script against: each key that is promised is there, with the type and the range it is
# promised in. More keys may come; none of these may go. PROGRAM is the thaw to test.
. "$(dirname "$0")/prelude.sh"

# form ARGUMENTS... - run thaw; out is its documents in one array.
form() {
    if ! "$program" "$@" >lines 2>err </dev/null || ! jq -s . lines >out 2>>err; then
        echo '[]' >out
        sed 's/^/      /' err
    fi
}
# holds NAME FILTER - about the documents in out; these words are there:
words='def text: type == "string" and . != ""; def share: type == "number" and . >= 0 and . <= 1;
       def whole: type == "number" and . >= 0 and . == floor; def amount: type == "number" and . >= 0;
       def sizes: type == "array" and all(.[]; whole); def flag: type == "boolean";
       def skips: type == "array" and all(.[]; (.file | text) and (.reason | text));'
holds() {
    if jq -e "$words $2" out >/dev/null 2>err; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL  $1: $2"
        cat err
        head -c 400 out
    fi
}

form layers resnet18 --json
holds layers '.[0] | .model == "resnet18" and .input == [3, 224, 224] and (.parameters | whole) and (.macs | whole)
    and (.cuts | length > 0 and all(.[]; text)) and (.state | length == 122 and all(.[]; sizes))'
holds layers '.[0].layers | length > 0 and all(.[]; (.name | text) and (.kind | text) and (.output | sizes) and (.parameters | whole)
    and (.macs | whole) and (.frozen | flag))'
form models --json
holds models '.[0] | length == 115 and all(.[]; (.arch | text) and (.weights | text) and (.file | text) and (.num_params | whole)
    and (.default | flag) and (.core | flag) and (.cached | flag))'
holds 'what torchvision says of its weights' '["arch", "weights", "weights_enum", "weights_name", "default", "url", "file",
    "sha256_prefix", "num_params", "gflops", "file_size_mb", "acc1", "acc5", "resize", "crop", "interpolation", "antialias",
    "mean", "std", "min_size", "category", "license", "recipe", "source", "core", "older_file", "bytes_per_param"] as $names
    | all(.[0][]; ($names - keys) == [])'
form data shapes --json
holds data '.[0] | (.classes | length == 8 and all(.[]; (.name | text) and .train == 20 and .val == 50)) and (.skipped == []) and .duplicates == []'
shapes=$(jq -r '.[0].root' out)
for side in train val; do
    for class in circle star; do
        mkdir -p "set/$side/$class"
        cp "$shapes/$side/$class/0000.jpg" "$shapes/$side/$class/0001.jpg" "set/$side/$class"
    done
done
echo text >set/val/star/note.jpg
form data set --json
holds 'what data skips' '.[0].skipped | length == 1 and skips and .[0].file == "val/star/note.jpg"'
cp set/train/star/0000.jpg set/val/circle/again.jpg
form data set --json
holds 'duplicates' '.[0].duplicates | length == 1 and (.[0] | .across_splits == true and .across_classes == true and .pixels == false
    and (.files | length == 2 and all(.[]; (.file | text) and (.class | text)) and (map(.split) == ["train", "val"])))'
rm set/val/circle/again.jpg

if ! "$program" doctor >out 2>err && grep -q '^WRONG *libtorch' out; then
    echo "SKIP  the forms of what computes: no libtorch (thaw doctor says why)"
    summary json
    exit
fi

cat >r.json <<'EOF'
{"model": "cifar_resnet20", "weights": null, "data": {"path": "set"}, "freeze": [], "epochs": 2, "batch_size": 4}
EOF
form train r.json --json --runs runs --threads 1 --device cpu --precision fp32
holds train 'length > 2 and all(.[]; .event | text)'
holds 'an epoch' 'map(select(.event == "epoch")) | length == 2 and all(.[]; (.epoch | whole) and (.train_loss | amount) and
    (.val_loss | amount) and (.val_top1 | share) and (.images_per_second | amount) and (.seconds | amount))'
holds 'the end' '.[-1] | .event == "end" and (.run | text) and .reason == "done" and (.best_epoch | whole)
    and (.best_val_top1 | share)'
run=$(jq -r '.[-1].run' out)
form eval "$run" --json --runs runs --threads 1 --device cpu --precision fp32
holds eval '.[0] | .images == 4 and (.top1 | share) and (.top5 | share) and (.loss | amount) and (.skipped | length == 1 and skips)
    and (.worst | type == "array" and all(.[]; (.file | text) and (.label | text) and (.predicted | text) and .label != .predicted
        and (.probability | share) and (.label_probability | share) and (.loss | amount)))
    and (.classes | map(.name) == ["circle", "star"] and all(.[]; .images == 2 and (.top1 | share)))'
predicted='length == 2 and all(.[]; (.file | text) and (.top | length > 0 and all(.[]; (.class | text) and (.probability | share))))'
form predict "$run" set/val/star/0000.jpg set/val/star/0001.jpg --logits --json --runs runs --threads 1
holds 'predict with a run' ".[0] | $predicted and all(.[]; .logits | length == 2 and all(.[]; type == \"number\"))"
form predict --model cifar_resnet20 --weights "$root/engine/zoo/cifar_resnet20.safetensors" set/val/star/0000.jpg \
    set/val/star/0001.jpg --logits --json --threads 1 --device cpu --precision fp32
holds 'predict with weights' ".[0] | $predicted and all(.[]; .logits | length == 10)"
form predict "$run" set/val/star/0000.jpg set/val/star/0001.jpg --json --runs runs --threads 1
holds 'predict without logits' ".[0] | $predicted"

summary json
