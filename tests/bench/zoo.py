#!/usr/bin/env python3
"""The zoo beside torchvision: classifying by each family, and the time and memory that loading takes.

    zoo.py --program THAW [--threads N] [--rounds N] [--only NAME,NAME...] [--quick] [--write FILE]

Run by the Python whose torch is the libtorch thaw was built with. What is compared takes turns, round by round; the
figures are medians. Weights are random, files written by torch.save, and read before they are timed.
"""
import argparse
import datetime
import os
import statistics
import sys
import tempfile
import time

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "parity")]
from bench import timed_listing  # noqa: E402
from peers import build as build_peer, settle, torchvision, undrawn  # noqa: E402
from probe import Probe  # noqa: E402
from report import processor, row, table, write  # noqa: E402

# One member of each family: (architecture, side of its images).
FAMILIES = (
    ("alexnet", 224), ("vgg11", 224), ("resnet18", 224), ("resnext50_32x4d", 224), ("wide_resnet50_2", 224),
    ("squeezenet1_0", 224), ("densenet121", 224), ("googlenet", 224), ("inception_v3", 299), ("mobilenet_v2", 224),
    ("mobilenet_v3_small", 224), ("mnasnet1_0", 224), ("shufflenet_v2_x1_0", 224), ("efficientnet_b0", 224),
    ("efficientnet_v2_s", 384), ("regnet_x_400mf", 224), ("regnet_y_400mf", 224), ("convnext_tiny", 224),
    ("vit_b_32", 224), ("swin_t", 224), ("swin_v2_t", 256), ("maxvit_t", 224))
LOADED = ("vgg16", *(arch for arch, _ in FAMILIES))  # vgg16 from a file in the old form
IMAGES = 4


class Classifier:
    """thaw with one model, which classifies when told to."""
    def __init__(self, probe, arch, path, side, threads):
        self.process = probe.start("forward", arch, path, str(IMAGES), str(side), str(threads))

    def seconds(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare_forward(probe, arch, side, threads, rounds, path):
    model = settle(build_peer(arch, side)).eval()
    torch.save(model.state_dict(), path)
    ours, images = Classifier(probe, arch, path, side, threads), torch.randn(IMAGES, 3, side, side)
    seen = ([], [])
    for turn in range(rounds + 2):  # the first two warm up
        mine = ours.seconds()
        began = time.perf_counter()
        with torch.no_grad():
            model(images)
        if turn >= 2:
            seen[0].append(mine)
            seen[1].append(time.perf_counter() - began)
    ours.close()
    mine, theirs = map(statistics.median, seen)
    return arch, str(side), f"{mine * 1000:.1f} ms", f"{theirs * 1000:.1f} ms", f"{mine / theirs:.2f}"


def compare_load(probe, arch, rounds, path, form):
    torch.save(settle(build_peer(arch)).state_dict(), path, _use_new_zipfile_serialization=form == "zip")
    seen = ([], [])
    for turn in range(rounds + 1):  # the first brings the file into memory
        read = float(probe.ask("read", path))
        load, before, peak, left = map(float, probe.ask("load", arch, path).split())
        if turn:
            seen[0].append(load)
            seen[1].append(read)
    load, read = map(statistics.median, seen)
    size = os.path.getsize(path) / 1e6
    return (f"{arch}, {form}, {size:.0f} MB", f"{load * 1000:.0f} ms", f"{read * 1000:.0f} ms", f"{load / read:.2f}",
            f"{peak - before:.0f} MB at most, {left:.0f} MB in the end")


def listing_row(program, path):
    seen = [timed_listing(program, path) for _ in range(11)]
    return (f"Listing VGG-16's {os.path.getsize(path) / 1e6:.0f} MB file in the old format: "
            f"{statistics.median(seconds for seconds, _ in seen) * 1000:.1f} ms (20 wanted), "
            f"{max(peak for _, peak in seen):.1f} MB resident (under 10 wanted).")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="these architectures")
    parser.add_argument("--quick", action="store_true", help="one architecture once, to see that it runs")
    parser.add_argument("--write", metavar="FILE")
    args, _ = parser.parse_known_args()
    if args.quick:
        args.rounds, args.only = 1, "resnet18"
    only = args.only.split(",") if args.only else None
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder, undrawn():
        probe, path = Probe(folder, "tests/bench/zoo_probe.c", passive=False), os.path.join(folder, "weights.pth")
        loads, listing = [], ""
        for arch in (arch for arch in LOADED if not only or arch in only):
            loads.append(compare_load(probe, arch, args.rounds, path, "old" if arch == "vgg16" else "zip"))
            print(row(loads[-1]), file=sys.stderr, flush=True)
            if arch == "vgg16":
                listing = listing_row(os.path.abspath(args.program), path)
        rows = []
        for arch, side in FAMILIES:
            if only and arch not in only:
                continue
            rows.append(compare_forward(probe, arch, side, args.threads, args.rounds, path))
            print(row(rows[-1]), file=sys.stderr, flush=True)
    version = torch.__version__.split("+")[0]
    text = "\n".join([
        f"Measured {datetime.date.today()} on {processor()}, {args.threads} threads, libtorch {version}, torchvision "
        f"{torchvision.__version__.split('+')[0]}: medians of {args.rounds} interleaved rounds.", "",
        f"Classifying {IMAGES} images, from pixels to logits; at most 1.05 of torchvision's time is wanted.", "",
        table(("architecture", "side", "thaw", "torchvision", "ratio"), rows), "",
        "Building and loading beside reading the file once; at most 1.2 is wanted.", "",
        table(("file", "build and load", "read", "ratio", "resident beyond libtorch"), loads), "", listing])
    print(text)
    if args.write:
        write(args.write, "the zoo, libtorch " + ".".join(version.split(".")[:2]), text)


if __name__ == "__main__":
    main()
