"""Measures thaw beside Python PyTorch and prints one Markdown table; --write FILE puts it into FILE, in place of what was
measured with the same libtorch before, else at the end.

    bench.py --program THAW --python PYTHON [--rounds N] [--quick] [--rows TEXT] [--data DIR] [--write FILE]

Ratios of medians over interleaved runs on one machine: absolute figures move with the machine, ratios much less. The
images are photographs' size, drawn by thaw itself, so that anyone can repeat it; --data DIR takes a real folder. --quick
tries everything once on few images, to see that it runs; its figures mean nothing.
"""
import argparse
import datetime
import fcntl
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace

import memory
import workbench
from loops import HERE, Loop, Work, epoch_speeds, nothing_kept, peer_command, run_python, run_thaw, write_recipe
from report import processor, spread, table, times, write

ROOT = os.path.dirname(os.path.dirname(HERE))
RUN_EPOCHS = 25  # the recipe's own number


# ---- figures of a run: images a second out of its epochs' speeds

def first_epoch(speeds):
    return speeds[0]


def second_epoch(speeds):
    return speeds[1]


def last_epoch(speeds):
    return speeds[-1]


def whole_run(speeds):
    return statistics.harmonic_mean(speeds)  # the epochs have the same images


def later_epochs(speeds):
    return statistics.median(speeds[1:])


# ---- what is compared

@dataclass(frozen=True)
class Row:
    title: str
    thaw: Work
    figure: object  # of thaw's epochs; of Python's it is the second, for they are alike
    loop: Loop
    wanted: str = ""
    where: str = ""  # "amx": the wish is for a processor with AMX, "none": for one without; "": for any


FULL, HEAD, HEAD_FIXED = Work("full", "random"), Work("head", "random"), Work("head", "fixed")
LAYER3 = Work("layer3", "fixed")
MANY = {"data": "many"}
HEAD_RUN, HEAD_FIXED_RUN = replace(HEAD, epochs=RUN_EPOCHS, **MANY), replace(HEAD_FIXED, epochs=6, **MANY)
LAYER3_RUN = replace(LAYER3, epochs=4, **MANY)


def loop(kind, work, precision="fp32"):
    return Loop(kind, replace(work, precision=precision))


def auto(work, epochs=2):
    return replace(work, precision="auto", epochs=epochs)


HEAD_MANY, HEAD_FIXED_MANY, LAYER3_MANY = (replace(work, **MANY) for work in (HEAD, HEAD_FIXED, LAYER3))
FP32 = [
    Row("everything trained", FULL, second_epoch, loop("plain", FULL), "1x"),
    Row("everything trained", FULL, second_epoch, loop("tuned", FULL), "1.1x"),
    Row("head only, first epoch", HEAD_RUN, first_epoch, loop("plain", HEAD_MANY), "6x", "none"),
    Row("head only, first epoch", HEAD_RUN, first_epoch, loop("tuned", HEAD_MANY), "1.8x", "none"),
    Row(f"head only, {RUN_EPOCHS} epochs", HEAD_RUN, whole_run, loop("plain", HEAD_MANY), "1.5x"),
    Row("head only, last epoch (kept crops)", HEAD_RUN, last_epoch, loop("plain", HEAD_MANY), "1000x", "none"),
    Row("head only, fixed crop, from the second epoch", HEAD_FIXED_RUN, later_epochs, loop("plain", HEAD_FIXED_MANY),
        "1000x", "none"),
    Row("frozen through layer3, fixed crop, from the second epoch", LAYER3_RUN, later_epochs,
        loop("tuned", LAYER3_MANY), "3x", "none"),
]
BF16 = [
    Row("everything trained", auto(FULL), second_epoch, loop("tuned", FULL, "bf16"), "1.2x", "amx"),
    Row("everything trained", auto(FULL), second_epoch, loop("plain", FULL), "3.4x", "amx"),
    Row("head only, first epoch", auto(HEAD_MANY), first_epoch, loop("tuned", HEAD_MANY, "bf16"), "1.8x", "amx"),
    Row("head only, first epoch", auto(HEAD_MANY), first_epoch, loop("plain", HEAD_MANY), "6x", "amx"),
    Row("frozen through layer3, fixed crop, from the second epoch", auto(LAYER3_MANY, 4), later_epochs,
        loop("tuned", LAYER3_MANY, "bf16"), "3x", "amx"),
]


# ---- parts of their own

def timed_listing(program, path):
    """Seconds of listing a weights file, and peak resident megabytes of doing it again."""
    began = time.perf_counter()
    subprocess.run([program, "weights", path], stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - began
    # ru_maxrss would count this Python, which the child was before exec. So the child is looked at where it waits, all
    # but done: for a pipe that is full already.
    reader, writer = os.pipe()
    os.write(writer, bytes(fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)))
    process = subprocess.Popen([program, "weights", path], stdout=writer)
    os.close(writer)
    time.sleep(0.1)
    with open(f"/proc/{process.pid}/status") as f:
        peak = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) / 1024
    with os.fdopen(reader) as f:
        f.read()
    if process.wait():
        raise SystemExit(f"{program} weights {path} failed")
    return seconds, peak


def has_amx():
    with open("/proc/cpuinfo") as f:
        return "amx_bf16" in f.read()


class Bench:
    """The options, the folders, and what was measured: rows of (what, reached, wanted, how)."""
    def __init__(self, args, work):
        self.args, self.work, self.began = args, work, time.monotonic()
        self.program = os.path.abspath(args.program)
        self.rows, self.notes, self.version = [], [], ""
        self.photos = {"few": (64, 2), "many": (128, 2)}  # images, batches of them at --quick
        self.seen = {}

    def data(self, name):
        """The folder of images called NAME, drawn when first asked for."""
        if self.args.data:
            return self.args.data
        folder, classes = os.path.join(self.work, name), 8
        images, quick = self.photos[name]
        if not os.path.exists(folder):
            subprocess.run([self.program, "shapes", folder, "--side", "400", "--train",
                            str(quick if self.args.quick else images // classes), "--val", "1"], check=True,
                           stdout=subprocess.DEVNULL)
        return folder

    def runs(self):
        return tempfile.mkdtemp(dir=self.work)

    def say(self, text):
        print(f"{time.monotonic() - self.began:5.0f} s  {text}", file=sys.stderr, flush=True)

    def add(self, what, reached, wanted="", how=""):
        if self.args.rows and self.args.rows not in what:
            return
        self.rows.append((what, reached, wanted, how))
        self.say(" | ".join(self.rows[-1]))

    # ---- loops

    def measure(self, key):
        """One run of a Work or a Loop more."""
        batch, threads = self.args.batch, self.args.threads
        if isinstance(key, Work):
            events = run_thaw(self.program, key, self.data(key.data), batch, threads, self.runs())
            self.seen.setdefault(key, []).append(epoch_speeds(events))
        else:
            out = run_python(self.args.python, key, self.data(key.work.data), batch, threads)
            self.version = out["torch"]
            self.seen.setdefault(key, []).append(out["images_per_second"])
        self.say(f"  {key}: {[float(f'{speed:.4g}') for speed in self.seen[key][-1][:3]]} images/s")

    def compare(self, group, rows):
        rows = [row for row in rows if not self.args.rows or self.args.rows in f"{group}: {row.title}"]
        keys = list(dict.fromkeys(key for row in rows for key in (row.thaw, row.loop)))
        fresh = [key for key in keys if key not in self.seen]  # two groups may share the plain loop
        for _ in range(self.args.rounds):
            for key in fresh:
                self.measure(key)
        for row in rows:
            ours = [row.figure(speeds) for speeds in self.seen[row.thaw]]
            theirs = [second_epoch(speeds) for speeds in self.seen[row.loop]]
            kind = f"{row.loop.kind} loop" + (f" in {row.loop.work.precision}" if group != row.loop.work.precision else "")
            counts = not row.where or (row.where == "amx") == has_amx()
            self.add(f"{group}: {row.title}, against the {kind}", times(statistics.median(ours) / statistics.median(theirs)),
                     row.wanted if counts else f"({row.wanted})", f"{spread(ours)} against {spread(theirs)} images/s")

    # ---- the rest

    def small_parts(self):
        walls, own = workbench.first_frames(self.program, 11)
        self.add("first frame of the workbench", spread([wall * 1000 for wall in walls], " ms"), "50 ms",
                 f"of which its thread computed {spread([each * 1000 for each in own], ' ms')}")
        pth = os.path.join(self.work, "resnet18.pth")
        subprocess.run([self.args.python, "-c", "import sys; sys.path.insert(0, sys.argv[1]); from python_peer import *; "
                        "torch.save(torchvision.models.resnet18().state_dict(), sys.argv[2])", HERE, pth], check=True)
        listings = [timed_listing(self.program, pth) for _ in range(11)]
        self.add(f"list a {os.path.getsize(pth) / 1e6:.0f} MB .pth", spread([t * 1000 for t, _ in listings], " ms"), "20 ms",
                 f"peak {max(m for _, m in listings):.1f} MB resident (under 10 wanted)")

    def bundled(self):
        """The demo's set and model, frozen through layer1: headless, and in the workbench. True: bf16 is fast here."""
        recipe = workbench.demo_recipe(self.work)
        seconds, epochs = (3, 8) if self.args.quick else (12, 60)
        runs = self.runs()
        subprocess.run([self.program, "train", recipe, "--set", f"epochs={epochs}", "--threads", str(self.args.threads),
                        "--runs", runs], check=True, stdout=subprocess.DEVNULL, env=nothing_kept(runs))
        events = workbench.run_log(runs)
        ends = [e["time"] for e in events if e["event"] == "epoch"]
        each = [b - a for a, b in zip(ends, ends[1:])]
        images = next(e for e in events if e["event"] == "dataset")
        lost, done = workbench.steps_lost(events)
        title = f"the bundled set ({images['train']} images, {images['val']} to validate), ResNet-20 frozen through layer1"
        self.add(title, f"{1 / statistics.median(each):.3g} epochs/s", "", f"{epochs} epochs, validation and checkpoint "
                 f"included; {lost} of {done} steps have no event in the log (0 wanted)")
        frames, watched = workbench.frames_while_training(self.program, recipe, self.runs(), self.args.threads, seconds)
        gaps = [b - a for a, b in zip(frames, frames[1:])]
        lost, done = workbench.steps_lost(watched)
        self.add("the same in the workbench: frames a second", f"{len(frames) / seconds:.1f}", "10 at most are drawn",
                 f"longest time without one {max(gaps) * 1000:.0f} ms in {seconds} s; {lost} of {done} steps have no event")
        return next(e for e in events if e["event"] == "begin")["precision"] == "bf16"

    def resident(self):
        """Head-only training: the most that is resident, once more and apart, because looking takes time."""
        work, threads, batch = replace(HEAD_MANY, epochs=3), self.args.threads, self.args.batch
        data = self.data("many")
        recipe = write_recipe(work, data, batch, threads, os.path.join(self.work, "resident.json"))
        runs = self.runs()
        ours, kinds = memory.watch([self.program, "train", recipe, "--runs", runs], env=nothing_kept(runs))
        command = peer_command(self.args.python, loop("plain", HEAD_MANY), data, batch, threads)
        theirs, _ = memory.watch(command)
        family, _ = memory.watch(command, whole_family=True)
        self.add("fp32: head only, peak resident memory, against the plain loop", f"{ours / theirs:.2f}x", "0.5x",
                 f"{ours:.0f} MB against {theirs:.0f} MB, or {family:.0f} MB with its {threads} loading processes "
                 f"({ours / family:.2f}x)")
        parts = ", ".join(f"{kind} {size:.0f}" for kind, size in sorted(kinds.items(), key=lambda item: -item[1]))
        self.notes.append(f"thaw's memory at that peak, MB: {parts}.")

    def measure_all(self):
        if not self.args.rows:
            self.small_parts()
        fast_bf16 = self.bundled()
        self.compare("fp32", FP32)
        if not self.args.rows or "resident" in self.args.rows:
            self.resident()
        if fast_bf16:
            self.compare("bf16", BF16)
        else:
            self.notes.append("bf16 is not fast on this processor, thaw does not choose it, and its rows are left out.")

    def text(self):
        args = self.args
        images = f"images of {os.path.basename(args.data.rstrip('/'))}" if args.data else (
            f"drawn 400 px images ({self.photos['few'][0]} where everything is trained, else {self.photos['many'][0]})")
        amx = "AMX" if has_amx() else "no AMX, so that wishes in parentheses are not for it"
        return "\n".join([
            f"Measured {datetime.date.today()} on {processor()} ({amx}), {args.threads} threads, libtorch {self.version}, "
            f"ResNet-18 at 224 px, batch {args.batch}, {images}: medians (and range) of {args.rounds} interleaved rounds, "
            "loading included; of Python each second epoch, for its epochs are alike. *plain*: the tutorial's loop. "
            "*tuned*: channels_last, batch norm of what is frozen in eval mode, persistent workers, in the bf16 rows autocast. thaw "
            "keeps the outputs of frozen layers, or where there are none decoded images, which is its default; its own "
            "validation and checkpoints are not counted.", "",
            table(("what", "reached", "wanted", "thaw against Python"), self.rows), "",
            *self.notes])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--data", help="folder with train/CLASS and val/CLASS; default: drawn")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", metavar="TEXT", help="those whose names have this in them")
    parser.add_argument("--write", metavar="FILE")
    args, _ = parser.parse_known_args()
    if args.quick:
        args.rounds, args.batch = 1, 8
    if args.write and (args.quick or args.rows):
        raise SystemExit("--quick and --rows try things out: there is nothing to --write")
    with tempfile.TemporaryDirectory() as work:
        os.environ["HOME"] = work
        bench = Bench(args, work)
        bench.measure_all()
        text = bench.text()
    print(text)
    if args.write:
        write(args.write, "libtorch " + ".".join(bench.version.split(".")[:2]), text)


if __name__ == "__main__":
    main()
