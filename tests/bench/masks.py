#!/usr/bin/env python3
"""What freezing does to the demo: masks.py [--seeds N] [--epochs N] [--weights FILE] [--set KEY=VALUE]...

Trains demo.recipe.json with each freeze mask and each seed, and prints a row a mask: the mean and the range of the
validation accuracy after the last epoch, and the processor time of a run. The table in docs/decisions.md is made with
it; make it again when the drawing, the recipe or the bundled backbone changes. Minutes on a quiet machine.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MASKS = [("head only", ["all"], None), ("layer3+", ["conv1", "bn1", "layer1", "layer2"], None),
         ("layer2+", ["conv1", "bn1", "layer1"], None), ("everything", [], None),
         ("everything, from random weights", [], "null")]


def train(program, runs, settings):
    """The validation accuracy after the last epoch, and the run's processor seconds."""
    command = [program, "train", os.path.join(ROOT, "engine/zoo/demo.recipe.json"), "--json", "--threads", "1",
               "--runs", runs]
    for setting in settings:
        command += ["--set", setting]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    epochs = [e for e in map(json.loads, output.splitlines()) if e["event"] == "epoch"]
    return epochs[-1]["val_top1"], seconds


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--epochs", type=int, default=12)  # as many as the demo trains without a terminal
    options.add_argument("--weights", help="a file instead of the bundled backbone")
    options.add_argument("--set", action="append", default=[])
    options.add_argument("--program", default=os.environ.get("PROGRAM", os.path.join(ROOT, "thaw")))
    wish = options.parse_args()
    print("| trained | top-1 | of %d seeds | processor time a run |\n| --- | --- | --- | --- |" % wish.seeds)
    with tempfile.TemporaryDirectory() as runs:
        for name, freeze, weights in MASKS:
            weights = weights or wish.weights
            settings = ["freeze=" + json.dumps(freeze), "epochs=%d" % wish.epochs] + wish.set
            settings += ["weights=" + weights] if weights else []
            results = [train(wish.program, runs, settings + ["seed=%d" % seed]) for seed in range(wish.seeds)]
            top1 = [accuracy for accuracy, _ in results]
            print("| %s | %.3f | %.3f to %.3f | %.0f s |" % (name, sum(top1) / len(top1), min(top1), max(top1),
                                                         sum(s for _, s in results) / len(results)))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
