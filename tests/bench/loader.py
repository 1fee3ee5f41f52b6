#!/usr/bin/env python3
"""One thread of thaw's loader beside torchvision on Pillow: images per second of processor time, each read, decoded,
RandomResizedCrop to 224, flipped and normalised. Nothing is kept between epochs. Rounds take turns.

The images are drawn by thaw, 400 px a side; --data DIR adds a folder with train/CLASS/*.jpg of real ones.
"""
import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time

import torch
from PIL import Image, features

from loops import HERE
from python_peer import datasets, transforms
from report import processor, spread, table, write

ROOT = os.path.dirname(os.path.dirname(HERE))
LIBRARIES = ["libjpeg", "libpng", "libwebp", "libxxhash", "zlib", "libcjson"]


def build_probe(build, folder):
    program = os.path.join(folder, "loader_probe")
    libraries = subprocess.run(["pkg-config", "--libs", *LIBRARIES], capture_output=True, text=True, check=True).stdout
    subprocess.run(["cc", "-std=c11", "-O2", "-D_GNU_SOURCE", "-I" + ROOT, "-I" + os.path.join(ROOT, "include"),
                    os.path.join(HERE, "loader_probe.c"), os.path.join(build, "libengine.a"), "-o", program,
                    "-rdynamic", *libraries.split(), "-lm", "-ldl", "-pthread"], check=True)
    return program


def thaw_speed(probe, build, data, seconds, how):
    plugin = {"THAW_TORCH_PLUGIN": os.path.join(build, "libthaw_torch.so")}
    return float(subprocess.run([probe, data, str(seconds), how], stdout=subprocess.PIPE, check=True,
                                env={**os.environ, **plugin}).stdout)


def torchvision_speed(data, seconds):
    transform = transforms.Compose([
        transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    dataset = datasets.ImageFolder(os.path.join(data, "train"), transform)
    began, images = time.process_time(), 0
    while time.process_time() - began < seconds:
        dataset[images % len(dataset)]
        images += 1
    return images / (time.process_time() - began)


def measure(probe, build, data, rounds, seconds):
    seen = {"exact": [], "fast": [], "torchvision": []}
    for _ in range(rounds):
        for how in ("exact", "fast"):
            seen[how].append(thaw_speed(probe, build, data, seconds, how))
        seen["torchvision"].append(torchvision_speed(data, seconds))
    return seen


def row(name, seen, how):
    ratio = sorted(seen[how])[len(seen[how]) // 2] / sorted(seen["torchvision"])[len(seen["torchvision"]) // 2]
    return (f"{name}, {'exact' if how == 'exact' else 'fast_decode'}", f"{ratio:.2f}x", "2",
            f"{spread(seen[how])} against {spread(seen['torchvision'])} images/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--data", help="folder of real pictures with train/CLASS, measured as well")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="once and short, to see that it runs")
    parser.add_argument("--write", metavar="FILE")
    args, _ = parser.parse_known_args()
    if args.quick:
        args.rounds, args.seconds = 1, 0.2
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as work:
        build = os.path.join(ROOT, args.build)
        probe = build_probe(build, work)
        drawn = os.path.join(work, "shapes")
        subprocess.run([os.path.abspath(args.program), "shapes", drawn, "--side", "400", "--train", "16", "--val", "1"],
                       check=True, stdout=subprocess.DEVNULL)
        sets = [("drawn 400 px images", drawn)]
        if args.data:
            sets.append((f"images of {os.path.basename(args.data.rstrip('/'))}", args.data))
        for name, data in sets:
            seen = measure(probe, build, data, args.rounds, args.seconds)
            for how in ("exact", "fast"):
                rows.append(row(name, seen, how))
                print(rows[-1], file=sys.stderr)
    text = "\n".join([
        f"Measured {datetime.date.today()} on {processor()}, one thread, Pillow {Image.__version__} with libjpeg-turbo "
        f"{features.version_feature('libjpeg_turbo')}: medians (and range) of {args.rounds} interleaved rounds.", "",
        table(("from the file to the normalised crop: thaw / torchvision", "measured", "wanted", "images a second of a core"), rows)])
    print(text)
    if args.write:
        write(args.write, f"the loader, Pillow {Image.__version__.split('.')[0]}", text)


if __name__ == "__main__":
    main()
