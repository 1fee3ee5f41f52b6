"""Measures thaw beside Python PyTorch and prints a Markdown table; --write FILE puts it into FILE, in place of what was
measured with the same libtorch before, else at the end.

Ratios of medians over interleaved runs on one machine: absolute figures move with the machine, ratios much less. The
images are photographs' size, drawn by thaw itself, so that anyone can repeat it; --data DIR takes a real folder.
"""
import argparse
import datetime
import fcntl
import json
import os
import platform
import pty
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def first_frame(program):
    """Seconds from exec to the first screenful on a 120x36 terminal: by the clock, and what of it the UI computed."""
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LINES="36", COLUMNS="120")
        os.execv(program, [program])
    seen, drawn, computed = b"", None, None
    while time.perf_counter() - began < 10:
        if not select.select([fd], [], [], 0.5)[0]:
            if drawn:
                break
            continue
        try:
            seen += os.read(fd, 65536)
        except OSError:
            break
        if drawn is None and b"Models" in seen and b"Runs" in seen:
            drawn = time.perf_counter() - began
            with open(f"/proc/{pid}/task/{pid}/schedstat") as f:
                computed = int(f.read().split()[0]) / 1e9
            break
    try:
        os.write(fd, b"q")
        os.write(fd, b"y")
        time.sleep(0.2)
    except OSError:
        pass
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(fd)
    return drawn, computed


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


def thaw_epochs(program, data, mode, threads, batch, epochs, runs, extra=()):
    recipe = {"model": "resnet18", "weights": None, "freeze": ["all"] if mode == "frozen" else [],
              "data": {"path": data, "resize": 256, "crop": 224, "augment": "basic"},
              "epochs": epochs, "batch_size": batch, "precision": "fp32", "threads": threads}
    path = os.path.join(runs, f"{mode}.json")
    with open(path, "w") as f:
        json.dump(recipe, f)
    command = [program, "train", path, "--json", "--runs", runs, *extra]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    lines = [json.loads(line) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    speeds = [e["images_per_second"] for e in lines if e["event"] == "epoch"]
    if status or len(speeds) != epochs:
        raise SystemExit(f"{' '.join(command)} failed")
    return speeds, usage.ru_maxrss / 1024


def python_epochs(python, data, mode, threads, batch, epochs, tuned=False):
    command = [python, os.path.join(HERE, "python_peer.py"), data, "--mode", mode, "--threads", str(threads),
               "--batch", str(batch), "--epochs", str(epochs)] + (["--tuned"] if tuned else [])
    out = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)
    return out["images_per_second"], out["peak_rss_mb"], out["torch"]


def processor():
    with open("/proc/cpuinfo") as f:
        match = re.search(r"model name\s*: (.*)", f.read())
    return match.group(1) if match else platform.processor()


def spread(values, unit=""):
    return f"{statistics.median(values):.3g}{unit} ({min(values):.3g}-{max(values):.3g})"


def second_epoch(speeds):
    return speeds[1]


def last_epoch(speeds):
    return speeds[-1]


def whole_run(speeds):
    return statistics.harmonic_mean(speeds)  # the epochs have the same images


# Figures of one mode: name, images/s out of our epochs' speeds, what is wanted of it.
RUN_EPOCHS = 25  # the recipe's own number
FULL = [("second epoch", second_epoch, "1")]
FROZEN = [("second epoch, of new crops", second_epoch, ""), (f"{RUN_EPOCHS} epochs", whole_run, "1.5"),
          ("last epoch, of crops kept", last_epoch, "")]


def compare(name, loop, seen, speed, wanted):
    """A row of the table. Python's epochs are alike, so its second one stands for all of them."""
    ours = [speed(speeds) for speeds in seen["thaw"][0]]
    theirs = [second_epoch(speeds) for speeds in seen[loop][0]]
    ratio = statistics.median(ours) / statistics.median(theirs)
    return (f"{name}: thaw / {loop} Python loop", f"{ratio:.3g}x" if ratio >= 10 else f"{ratio:.2f}x", wanted,
            f"{spread(ours)} against {spread(theirs)} images/s; peak {max(seen['thaw'][1]):.0f} against "
            f"{max(seen[loop][1]):.0f} MB")


def write(path, name, text):
    """Put TEXT into the file, in place of what was there under this name before."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    with open(path) as f:
        document = f.read()
    head, found, rest = document.partition(begin)
    tail = rest.partition(end)[2] if found else "\n"
    if not found:
        head = document.rstrip("\n") + "\n\n"
    with open(path, "w") as f:
        f.write(f"{head}{begin}\n{text}\n{end}{tail}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--data", help="folder with train/CLASS and val/CLASS; default: drawn")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", metavar="FILE")
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    rows = []
    with tempfile.TemporaryDirectory() as work:
        os.environ["HOME"] = work
        data = args.data
        if not data:
            data = os.path.join(work, "shapes")
            subprocess.run([program, "shapes", data, "--side", "400", "--train", "16", "--val", "1"], check=True,
                           stdout=subprocess.DEVNULL)
        frames = [first_frame(program) for _ in range(11)]
        if (None, None) in frames:
            raise SystemExit("the workbench drew no first frame")
        rows.append(("first frame of the workbench", spread([wall * 1000 for wall, _ in frames], " ms"), "50 ms",
                     f"of which its thread computed {spread([own * 1000 for _, own in frames], ' ms')}"))

        pth = os.path.join(work, "resnet18.pth")
        subprocess.run([args.python, "-c", "import sys; sys.path.insert(0, sys.argv[1]); from python_peer import *; "
                        "torch.save(torchvision.models.resnet18().state_dict(), sys.argv[2])", HERE, pth], check=True)
        listings = [timed_listing(program, pth) for _ in range(11)]
        rows.append((f"list a {os.path.getsize(pth) / 1e6:.0f} MB .pth", spread([t * 1000 for t, _ in listings], " ms"),
                     "20 ms", f"peak {max(m for _, m in listings):.1f} MB resident (under 10 wanted)"))

        version = ""
        for mode, epochs, figures in (("full", 2, FULL), ("frozen", RUN_EPOCHS, FROZEN)):
            seen = {loop: ([], []) for loop in ("thaw", "plain", "tuned")}  # the epochs' speeds, peaks
            for _ in range(args.rounds):
                for loop, (speeds, peaks) in seen.items():
                    if loop == "thaw":
                        one, peak = thaw_epochs(program, data, mode, args.threads, args.batch, epochs, work)
                    else:
                        one, peak, version = python_epochs(args.python, data, mode, args.threads, args.batch, 2,
                                                           loop == "tuned")
                    speeds.append(one)
                    peaks.append(peak)
            for name, speed, wanted in figures:
                for loop in ("plain", "tuned"):
                    rows.append(compare(f"ResNet-18, 224 px, fp32, {mode}, {name}", loop, seen, speed,
                                        wanted if loop == "plain" else ""))
                    print(rows[-1], file=sys.stderr)

    images = f"images of {os.path.basename(args.data.rstrip('/'))}" if args.data else "drawn 400 px images"
    text = "\n".join([
        f"Measured {datetime.date.today()} on {processor()}, {args.threads} threads, libtorch {version}, batch "
        f"{args.batch}, {images}: medians (and range) of {args.rounds} interleaved rounds, loading included. thaw "
        "keeps decoded images and the outputs of frozen layers in memory, which is its default: of "
        f"{RUN_EPOCHS} epochs the first 7 draw new crops and the others show those again. Python decodes and computes "
        "everything in each epoch.", "",
        "| what | measured | wanted | |", "| --- | --- | --- | --- |",
        *["| " + " | ".join(row) + " |" for row in rows]])
    print(text)
    if args.write:
        write(args.write, "libtorch " + ".".join(version.split(".")[:2]), text)


if __name__ == "__main__":
    main()
