#!/usr/bin/env python3
"""The workbench as its person has it over SSH: how soon it answers, and what it sends, through a pseudo terminal.

    screen.py --program THAW [--threads N] [--quick] [--write FILE]

The bundled set trains with every core meanwhile. Nothing of this needs Python's torch.
"""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import tempfile
import time

import workbench
from bench import ROOT
from report import processor, table, write

MARKS = b"QZJX"  # letters that no label of the screen has often


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spread(times):
    return f"{min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms in {len(times)}"


class Screen:
    """A workbench in a terminal of its own, read until it is closed."""
    def __init__(self, command, folder):
        self.pid, self.fd = workbench.start(command, XDG_CACHE_HOME=folder, XDG_CONFIG_HOME=folder)
        self.bytes = 0

    def read(self, seconds):
        """What comes within SECONDS, at once when something does."""
        data = workbench.output(self.fd, seconds)
        if data is None:
            raise SystemExit("the workbench ended while it was measured")
        self.bytes += len(data)
        return data

    def drain(self, seconds):
        """Read for SECONDS; how many bytes came."""
        before, end = self.bytes, time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)
        return self.bytes - before

    def press(self, keys):
        os.write(self.fd, keys)

    def wait_for(self, text, seconds=60):
        """Seconds until TEXT is in what comes."""
        began, seen = time.perf_counter(), b""
        while text not in seen:
            if time.perf_counter() - began > seconds:
                raise SystemExit(f"the workbench never showed {text!r}")
            seen = seen[-4096:] + self.read(0.5)
        return time.perf_counter() - began

    def settle(self, quiet):
        """Read until nothing came for QUIET seconds; when the last came, by the clock."""
        last = time.perf_counter()
        while self.read(quiet):
            last = time.perf_counter()
        return last

    def computed(self):
        """Processor seconds of the thread that draws."""
        return workbench.computed(workbench.worker(self.pid))

    def close(self):
        workbench.end(self.pid, self.fd)


def answer_times(screen, count):
    """Seconds from a key to its letter on the screen, COUNT times: letters typed into the ':' prompt, and taken back."""
    screen.press(b":")
    screen.drain(0.5)
    seen = []
    for i in range(count):
        letter = MARKS[i % len(MARKS):i % len(MARKS) + 1]
        screen.press(letter)
        seen.append(screen.wait_for(letter))
        screen.press(b"\x7f")
        screen.drain(0.02 + 0.013 * (i % 7))  # at no fixed place between two frames
    screen.press(b"\x1b")
    screen.drain(0.5)
    return seen


def training(args, folder):
    recipe, runs = workbench.demo_recipe(folder, epochs=100000), os.path.join(folder, "runs")
    screen = Screen([args.program, "open", recipe, "--start", "--threads", str(args.threads), "--runs", runs], folder)
    while not any(e["event"] == "epoch" for e in workbench.run_log(runs)):
        screen.drain(0.2)
    screen.drain(2)
    seconds = 3 if args.quick else 30
    computed, began = screen.computed(), time.perf_counter()
    sent = screen.drain(seconds) / seconds
    busy = (screen.computed() - computed) / (time.perf_counter() - began)
    answers = answer_times(screen, 40 if args.quick else 500)
    screen.close()
    return [
        ("sent while training, the Train tab at 120x36", f"{sent / 1000:.2f} KB/s", "1 KB/s", f"{seconds} s"),
        ("processor of the thread that draws, while training", f"{busy * 100:.1f} % of a core", "3 %", f"{seconds} s"),
        ("from a key to the screen while training with every core", f"99 % within {quantile(answers, 0.99) * 1000:.1f} ms",
         "30 ms", f"{len(answers)} keys; median {statistics.median(answers) * 1000:.1f} ms, longest "
         f"{max(answers) * 1000:.1f} ms")]


def idle(args, folder):
    screen = Screen([args.program, "--runs", os.path.join(folder, "none")], folder)
    screen.drain(3)
    seconds = 2 if args.quick else 10
    sent = screen.drain(seconds)
    screen.close()
    return [("sent while nothing happens", f"{sent} bytes", "0", f"{seconds} s, the Models tab")]


def long_run(args, folder, steps):
    """A run of STEPS steps, from a short one's own lines."""
    runs = os.path.join(folder, "long")
    source = os.path.join(folder, "short")
    subprocess.run([args.program, "train", os.path.join(ROOT, "engine/zoo/demo.recipe.json"), "--set", "epochs=2",
                    "--threads", str(args.threads), "--runs", source], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, XDG_CACHE_HOME=folder))
    name = os.listdir(source)[0]
    os.makedirs(runs)
    os.rename(os.path.join(source, name), os.path.join(runs, name))
    log = os.path.join(runs, name, "events.jsonl")
    with open(log) as f:
        events = [json.loads(line) for line in f]
    one = {e["event"]: e for e in events}
    begin, step, epoch, end = (one[kind] for kind in ("begin", "step", "epoch", "end"))
    begin.update(epochs=steps // 1000, steps_per_epoch=1000)
    with open(log, "w") as f:
        def put(event, **more):
            f.write(json.dumps(dict(event, **more), separators=(",", ":")) + "\n")
        put(begin)
        put(one["dataset"])
        put(one["mask"])
        for i in range(1, steps + 1):
            noise = i * 2654435761 % 1000003 / 1000003
            put(step, time=2 + i * 0.0104, step=i, epoch=(i - 1) // 1000, loss=2 / (1 + i / 5e4) + noise / 2)
            if i % 1000 == 0:
                put(epoch, time=2 + i * 0.0104, step=i, epoch=i // 1000 - 1)
        put(end, time=3 + steps * 0.0104, step=steps, best_epoch=0)  # all epochs are alike
    return runs, os.path.getsize(log) / 1e6


def opening(args, folder):
    steps = 100000 if args.quick else 1000000
    runs, size = long_run(args, folder, steps)
    sketched, whole, pans, computed = [], [], [], []
    for _ in range(3 if args.quick else 7):
        screen = Screen([args.program, "open", "--runs", runs], folder)
        screen.drain(1)
        began = time.perf_counter()
        screen.press(b"6")
        sketched.append(screen.wait_for("━".encode()))
        whole.append(screen.settle(1.5) - began)
        screen.press(b" ")
        screen.drain(2)
        screen.press(b"5")
        screen.drain(1)
        screen.press(b"+++")
        screen.drain(1)
        screen.press(b"\x1b[H")
        screen.drain(0.5)
        for _ in range(12):
            before = screen.computed()
            screen.press(b"\x1b[C")
            began = time.perf_counter()
            if screen.read(2):
                pans.append(time.perf_counter() - began)
            screen.drain(0.15)
            computed.append(screen.computed() - before)
        screen.close()
    return [
        (f"open a run of {steps} steps, {size:.0f} MB of events: a sketch", f"{statistics.median(sketched) * 1000:.0f} ms",
         "200 ms", f"from the key to the legend of its curves; {spread(sketched)}"),
        ("and all of its curves", f"{statistics.median(whole) * 1000:.0f} ms", "200 ms",
         f"from the key to the last byte; {spread(whole)}"),
        ("pan its curves, zoomed in", f"{statistics.median(pans) * 1000:.1f} ms", "16 ms",
         f"from the key to the first byte; the frame takes {statistics.median(computed) * 1000:.1f} ms of computing")]


def first_frames(args):
    walls, own = workbench.first_frames(args.program, 5 if args.quick else 21)
    return [("first frame after exec", f"{statistics.median(walls) * 1000:.1f} ms", "30 ms",
             f"{min(walls) * 1000:.1f} to {max(walls) * 1000:.1f} ms in {len(walls)}; of which its thread computed "
             f"{statistics.median(own) * 1000:.1f} ms")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true", help="few of everything, to see that it runs")
    parser.add_argument("--write", metavar="FILE")
    args, _ = parser.parse_known_args()
    args.program = os.path.abspath(args.program)
    with tempfile.TemporaryDirectory() as folder:
        rows = first_frames(args) + idle(args, folder) + training(args, folder) + opening(args, folder)
    text = "\n".join([
        f"Measured {datetime.date.today()} on {processor()}, {args.threads} threads, in a pseudo terminal of "
        f"{workbench.COLUMNS}x{workbench.ROWS}, while the bundled set trains (ResNet-20 frozen through layer1).", "",
        table(("what", "reached", "at most", "how"), rows)])
    print(text)
    if args.write:
        write(args.write, "the screen", text)


if __name__ == "__main__":
    main()
