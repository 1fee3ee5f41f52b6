"""The workbench as a person has it, through a pseudo terminal: its first frame, and its frames while it trains."""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import termios
import time
from pathlib import Path

ROWS, COLUMNS = 36, 120
FRAME_GAP = 0.02  # seconds without output that end a frame; frames are at least a tenth apart


def start(command, **more):
    """(pid, fd) of COMMAND in a terminal of its own, with MORE in its environment."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(more, TERM="xterm-256color", LINES=str(ROWS), COLUMNS=str(COLUMNS))
        os.execv(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    return pid, fd


def output(fd, seconds):
    """What comes within SECONDS; b'' when nothing did, None when the program is gone."""
    if not select.select([fd], [], [], max(seconds, 0))[0]:
        return b""
    try:
        return os.read(fd, 65536) or None
    except OSError:
        return None


def worker(pid):
    """The process that works behind the one that was started (tui/front.h)."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def end(pid, fd):
    os.kill(worker(pid), signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(fd)


def computed(pid):
    """Seconds the first thread of PID had a processor."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def first_frame(program):
    """Seconds from exec to the first screenful: by the clock, and what of it the UI computed."""
    began = time.perf_counter()
    pid, fd = start([program])
    seen, drawn = b"", (None, None)
    while time.perf_counter() - began < 10:
        data = output(fd, 0.5)
        if data is None:
            break
        seen += data
        if b"Models" in seen and b"Runs" in seen:
            wall = time.perf_counter() - began
            drawn = wall, sum(computed(each) for each in (pid, worker(pid)))
            break
    end(pid, fd)
    return drawn


def first_frames(program, count):
    """Seconds to COUNT first frames: by the clock, and what of each the UI computed."""
    frames = [first_frame(program) for _ in range(count)]
    if (None, None) in frames:
        raise SystemExit("the workbench drew no first frame")
    walls, own = zip(*frames)
    return walls, own


def run_log(runs):
    """The events of the only run in the folder RUNS, as the log has them by now."""
    logs = list(Path(runs).glob("*/events.jsonl"))
    if not logs:
        return []
    return [json.loads(line) for line in logs[0].read_text().splitlines(keepends=True) if line.endswith("\n")]


def demo_recipe(folder, **changes):
    """The path of the demo's recipe, frozen through layer1, with CHANGES of its plain keys, written into FOLDER."""
    with open(Path(__file__).parents[2] / "engine/zoo/demo.recipe.json") as f:
        recipe = dict(json.load(f), freeze=["conv1", "bn1", "layer1"], **changes)
    path = Path(folder, "demo.json")
    path.write_text(json.dumps(recipe))
    return str(path)


def frames_while_training(program, recipe, runs, threads, seconds):
    """Train RECIPE in the workbench: when frames began in SECONDS of training, and the events of the run's log."""
    pid, fd = start([program, "open", recipe, "--start", "--threads", str(threads), "--runs", runs],
                    XDG_CACHE_HOME=runs)
    limit = time.perf_counter() + 60
    while not any(e["event"] == "step" for e in run_log(runs)):
        if output(fd, 0.1) is None or time.perf_counter() > limit:
            raise SystemExit("the workbench did not begin to train")
    began, last, frames = time.perf_counter(), 0.0, []
    while time.perf_counter() - began < seconds:
        data = output(fd, 0.05)
        now = time.perf_counter()
        if data is None:
            raise SystemExit("the workbench ended while it was watched")
        if data and now - last > FRAME_GAP:
            frames.append(now)
        last = now if data else last
    os.write(fd, b"s")  # stop and save
    while not any(e["event"] == "end" for e in run_log(runs)):
        if output(fd, 0.1) is None or time.perf_counter() > limit + seconds:
            raise SystemExit("the run did not stop")
    end(pid, fd)
    return frames, run_log(runs)


def steps_lost(events):
    """Steps without an event: each has one, numbered from 1, and the end knows how many there were."""
    steps = [e["step"] for e in events if e["event"] == "step"]
    done = next(e["step"] for e in events if e["event"] == "end")
    return len(set(range(1, done + 1)) - set(steps)) + len(steps) - len(set(steps)), done
