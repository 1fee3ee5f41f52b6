"""One run each of what is compared: thaw, headless, and the Python loop of python_peer.py."""
import json
import os
import subprocess
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
FREEZE = {"full": [], "head": ["all"], "layer3": ["conv1", "bn1", "layer1", "layer2", "layer3"]}
AUGMENT = {"random": "basic", "fixed": "none"}


@dataclass(frozen=True)
class Work:
    """What is trained on what. EPOCHS are thaw's; Python's are all alike, so it runs two and the second one counts."""
    mask: str
    transform: str
    precision: str = "fp32"
    epochs: int = 2
    model: str = "resnet18"
    device: str = "cpu"
    data: str = "few"  # which of the folders


@dataclass(frozen=True)
class Loop:
    """A Python loop over the same work."""
    kind: str
    work: Work
    synthetic: bool = False


def nothing_kept(folder):
    """The environment of a run that finds no outputs of frozen layers that an earlier one has left; its own go to FOLDER."""
    return {**os.environ, "XDG_CACHE_HOME": folder}


def write_recipe(work, data, batch, threads, path):
    recipe = {"model": work.model, "weights": None, "freeze": FREEZE[work.mask], "device": work.device,
              "data": {"path": data, "resize": 256, "crop": 224, "augment": AUGMENT[work.transform]},
              "epochs": work.epochs, "batch_size": batch, "precision": work.precision, "threads": threads}
    with open(path, "w") as f:
        json.dump(recipe, f)
    return path


def run_thaw(program, work, data, batch, threads, runs, *more):
    """The events of a run."""
    recipe = write_recipe(work, data, batch, threads, os.path.join(runs, "recipe.json"))
    command = [program, "train", recipe, "--json", "--runs", runs, *more]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=nothing_kept(runs))
    events = [json.loads(line) for line in out.stdout.splitlines()]
    if out.returncode or sum(e["event"] == "epoch" for e in events) != work.epochs:
        raise SystemExit(f"{' '.join(command)} failed")
    return events


def peer_command(python, loop, data, batch, threads, epochs=2):
    work = loop.work
    return [python, os.path.join(HERE, "python_peer.py"), data, "--mask", work.mask, "--loop", loop.kind, "--precision",
            work.precision, "--transform", work.transform, "--model", work.model, "--device", work.device, "--threads",
            str(threads), "--batch", str(batch), "--epochs", str(epochs)] + ["--synthetic"] * loop.synthetic


def run_python(python, loop, data, batch, threads):
    """What python_peer.py says."""
    out = subprocess.run(peer_command(python, loop, data, batch, threads), stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(out.stdout)


def epoch_speeds(events):
    return [e["images_per_second"] for e in events if e["event"] == "epoch"]
