"""thaw beside Python PyTorch on a CUDA device: ResNet-50 in bf16, everything trained, from JPEG files and without them.

    cuda.py --program THAW --python PYTHON [--rounds N] [--quick] [--data DIR] [--write FILE]

The Python loop is the tuned one of python_peer.py: autocast, channels_last, a DataLoader with as many workers as there are
cores. *Without loading*: thaw's time but for what it waited for images, against the loop over one batch that lies on the
device. Both with thaw's CUDA graphs and without (THAW_CUDA_GRAPHS=0). Without a device it says so and ends.
"""
import argparse
import datetime
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace

from loops import Loop, Work, epoch_speeds, run_python, run_thaw
from report import spread, table, times, write

FULL = Work("full", "random", "bf16", 3, "resnet50", "cuda")
HEAD = Work("head", "fixed", "bf16", 6, "resnet18", "cuda")
BATCHES = (32, 128)
COPIES = 4  # of each drawn image: more steps an epoch


def device(python):
    """Its name and the libtorch, or None."""
    code = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '', torch.__version__, sep='|')"
    name, version = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout.strip().split("|")
    return (name, version) if name else None


def photos(args, work):
    """A folder of drawn images, each COPIES times."""
    folder = os.path.join(work, "photos")
    if args.data:
        subprocess.run(["cp", "-r", args.data, folder], check=True)
    else:
        subprocess.run([args.program, "shapes", folder, "--side", "400", "--train", "8" if args.quick else "64", "--val", "1"],
                       check=True, stdout=subprocess.DEVNULL)
    for path, _, names in list(os.walk(os.path.join(folder, "train"))):
        for name in names:
            for copy in range(1, COPIES):
                os.link(os.path.join(path, name), os.path.join(path, f"{copy}-{name}"))
    return folder


def waited(events, epoch):
    """The share of an epoch's training that went by in waiting for images."""
    phases = [e["phases"] for e in events if e["event"] == "profile" and e["epoch"] == epoch]
    step = sum(sum(p[name] for name in p if name not in ("evaluation", "checkpoint", "prepare")) for p in phases)
    return sum(p["wait"] for p in phases) / step


class Compared:
    """One kind of work: what each run gave, by name."""
    def __init__(self, args, data, work, batch):
        self.args, self.data, self.work, self.batch, self.seen = args, data, work, batch, {}

    def note(self, name, value):
        self.seen.setdefault(name, []).append(value)
        print(f"  {self.work.model} {self.work.mask} batch {self.batch} {name}: {value:.4g}", file=sys.stderr, flush=True)

    def thaw(self, graphs):
        name = "graphs" if graphs else "no graphs"
        os.environ["THAW_CUDA_GRAPHS"] = str(int(graphs))
        events = run_thaw(self.args.program, self.work, self.data, self.batch, self.args.threads,
                          tempfile.mkdtemp(dir=self.args.work))
        speed, waiting = epoch_speeds(events)[-1], waited(events, self.work.epochs - 1)
        self.note(name, speed)
        self.note(name + ", waiting", waiting)
        self.note(name + ", without loading", speed / (1 - waiting))

    def python(self, name, loop):
        out = run_python(self.args.python, loop, self.data, self.batch, self.args.threads)
        self.note(name, out["images_per_second"][-1])

    def row(self, title, ours, theirs, wanted=""):
        a, b = self.seen[ours], self.seen[theirs]
        return (title, times(statistics.median(a) / statistics.median(b)), wanted, f"{spread(a)} against {spread(b)} images/s")


def full_rows(args, data, batch):
    c = Compared(args, data, FULL, batch)
    loop = Loop("tuned", replace(FULL, epochs=2))
    for _ in range(args.rounds):
        c.thaw(True)
        c.python("loop", loop)
        c.thaw(False)
        c.python("synthetic", replace(loop, synthetic=True))
    what = f"ResNet-50, everything trained, batch {batch}"
    share = statistics.median(c.seen["graphs, waiting"])
    return [c.row(f"{what}, JPEG files", "graphs", "loop", "1.2x"),
            c.row(f"{what}, without loading", "graphs, without loading", "synthetic", "1.2x"),
            c.row(f"{what}, without loading and without CUDA graphs", "no graphs, without loading", "synthetic"),
            (f"{what}, JPEG files: the device has work", f"{100 * (1 - share):.0f} %", "90 %", "the rest is waiting for images")]


def head_rows(args, data):
    c = Compared(args, data, HEAD, 32)
    for _ in range(args.rounds):
        c.thaw(True)
        c.thaw(False)
        c.python("plain", Loop("plain", replace(HEAD, precision="fp32", epochs=2)))
    return [c.row("ResNet-18, head only, kept activations, against the plain loop", "graphs", "plain"),
            c.row("the same without CUDA graphs", "no graphs", "plain")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--data", help="folder with train/CLASS and val/CLASS; default: drawn")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", metavar="FILE")
    args, _ = parser.parse_known_args()  # bench.py has more
    args.program = os.path.abspath(args.program)
    found = device(args.python)
    if not found:
        print("cuda.py: no CUDA device, nothing measured", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as args.work:
        data = photos(args, args.work)
        rows = [row for batch in BATCHES for row in full_rows(args, data, batch)] + head_rows(args, data)
    name, version = found
    text = "\n".join([
        f"Measured {datetime.date.today()} on one {name}, {args.threads} cores, libtorch {version}, 224 px, JPEG files of 400 px: "
        f"medians (and range) of {args.rounds} interleaved rounds, the last epoch of each run.", "",
        table(("what", "reached", "wanted", "thaw against Python"), rows)])
    print(text)
    if args.write:
        write(args.write, "CUDA", text)


if __name__ == "__main__":
    main()
