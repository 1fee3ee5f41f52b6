#!/usr/bin/python3
"""Files that Python's torch.save writes list with the same keys, shapes and values here; and what thaw writes,
torch.load(weights_only=True) reads.

Runs alone: tests/parity/weights_parity.py (BUILD=build). The files are made here, by the Python that runs this.
"""
import argparse
import collections
import os
import subprocess
import sys
import tempfile

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.path.join(root, os.environ.get("BUILD", "build"))
try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as missing:
    print(f"weights_parity: SKIPPED ({missing}; install python3-torch and python3-numpy)")
    sys.exit(0)
try:
    import safetensors.torch
except ImportError:
    safetensors = None

failures = []
compared = 0


def make_probe(folder):
    program = os.path.join(folder, "weights_probe")
    libraries = subprocess.run(["pkg-config", "--libs", "libcjson", "libxxhash", "zlib"], capture_output=True, text=True,
                               check=True).stdout.split()
    subprocess.run(["cc", "-std=c11", "-O2", "-D_GNU_SOURCE", "-I" + root, "-I" + os.path.join(root, "include"),
                    os.path.join(root, "tests/parity/weights_probe.c"), os.path.join(build, "libengine.a"), "-o",
                    program, *libraries, "-lm", "-ldl", "-pthread"], check=True)
    return program


def probe(*arguments):
    return subprocess.run([program, *arguments], stdout=subprocess.PIPE, check=True).stdout


def parse(output):
    """{key: tensor} of what the probe printed; its error as text."""
    if output.startswith(b"error: "):
        return output.decode().strip()
    found, at = collections.OrderedDict(), 0
    while at < len(output):
        end = output.index(b"\n", at)
        key, kind, *extents = output[at:end].decode().split(" ")
        shape, kind = [int(extent) for extent in extents], getattr(torch, kind)
        count = int(np.prod(shape, dtype=np.int64)) if shape else 1
        size = count * torch.empty(0, dtype=kind).element_size()
        raw = torch.from_numpy(np.frombuffer(output[end + 1:end + 1 + size], np.uint8).copy())
        found[key] = (raw.view(kind) if size else torch.empty(0, dtype=kind)).reshape(shape)
        at = end + 1 + size
    return found


def bits(tensor):
    return (tuple(tensor.shape), tensor.dtype, tensor.detach().contiguous().flatten().view(torch.uint8).tolist()
            if tensor.numel() and tensor.dim() else tensor.detach().reshape(-1).tolist())


def check(name, right, why=""):
    global compared
    compared += 1
    if not right:
        failures.append(name)
        print(f"weights_parity: {name} differs {why}")


def check_same(name, found, expected):
    if isinstance(found, str):
        check(name, False, found)
        return
    check(name + " keys", list(found) == list(expected), f"{list(found)} / {list(expected)}")
    for key, tensor in expected.items():
        check(f"{name} {key}", key in found and bits(found[key]) == bits(tensor))


def widen(tensor):
    return tensor.detach().float() if tensor.is_floating_point() else tensor.long()


def dictionaries():
    """name: (what is saved, the tensors that must be found)"""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 5))
    state = net.state_dict()
    wrapped = collections.OrderedDict(("module." + key, value) for key, value in state.items())
    base = torch.randn(4, 5, 6)
    views = collections.OrderedDict(
        transposed=base.transpose(0, 2), slice=base[1:3, ::2, 4:], row=base[2, 3], scalar=base[1, 1, 1],
        expanded=base[0, 0, :1].expand(3, 4), diagonal=base[0].diagonal(), whole=base,
        channels=torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last))
    kinds = collections.OrderedDict((str(kind)[6:], (torch.randn(3, 7) * 50).to(kind)) for kind in (
        torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
        torch.uint8, torch.bool))
    edges = collections.OrderedDict(empty=torch.empty(0), flat=torch.empty(3, 0, 2), one=torch.tensor(2.5),
                                    count=torch.tensor(-7), nan=torch.tensor([float("nan"), float("inf"), -0.0]),
                                    last=torch.ones(1, 1, 1, 1, 1))
    parameters = collections.OrderedDict(weight=nn.Parameter(torch.randn(2, 2)),
                                         frozen=nn.Parameter(torch.randn(3), requires_grad=False))
    marked = nn.Parameter(torch.randn(2))
    marked.note = "an attribute of its own"
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net[0](torch.randn(1, 3, 4, 4)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    checkpoint = {"epoch": 7, "best": np.float64(0.5), "model": state, "optimizer": optimizer.state_dict(),
                  "lr_scheduler": schedule.state_dict(), "args": argparse.Namespace(lr=0.1, layers=[1, 2], name=None),
                  "seen": {1, 2}, "raw": b"bytes", "where": (torch.Size([1, 2]), torch.device("cpu")),
                  "huge": 1 << 80, "negative": -(1 << 40), "history": [0.5, {"a": (1, 2, 3, 4)}]}
    return {
        "a state dict": (state, state),
        "views of shared storages": (views, views),
        "every type": (kinds, kinds),
        "edge cases": (edges, edges),
        "parameters": (parameters, parameters),
        "a parameter with attributes": ({"weight": marked}, {"weight": marked}),
        "a wrapped model": (wrapped, state),
        "a checkpoint": (checkpoint, state),
        "a nested checkpoint": ({"state_dict": wrapped, "epoch": 1}, state),
        "model_state_dict": ({"model_state_dict": dict(state)}, state),
        "many tensors": ({f"layer{i}.weight": torch.randn(3) for i in range(700)},) * 2,
    }


# The formats this torch writes, as options of torch.save.
FORMS = {
    "zip": {},
    "old format": {"_use_new_zipfile_serialization": False},
    "zip, protocol 4": {"pickle_protocol": 4},
    "old format, protocol 4": {"pickle_protocol": 4, "_use_new_zipfile_serialization": False},
}


def compare_reading(folder):
    for name, (saved, expected) in dictionaries().items():
        for form, options in FORMS.items():
            path = os.path.join(folder, "file.pth")
            torch.save(saved, path, **options)
            check_same(f"{name}, {form}", parse(probe("list", path)), expected)
            wide = {key: widen(value) for key, value in expected.items()}
            check_same(f"{name}, {form}, widened", parse(probe("widen", path)), wide)


def load(path):
    return torch.load(path, weights_only=True)


def compare_writing(folder):
    source, out = os.path.join(folder, "source.pth"), os.path.join(folder, "out.pth")
    for name, (saved, expected) in dictionaries().items():
        torch.save(saved, source)
        check(f"writing {name}", probe("copy", source, out) == b"")
        loaded = load(out)
        check(f"{name} is an OrderedDict", type(loaded) is collections.OrderedDict)
        check_same(f"{name}, written by thaw", loaded, expected)
        if name == "a state dict":
            net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 5))
            net.load_state_dict(loaded, strict=True)


def compare_safetensors(folder):
    if safetensors is None:
        return " (without the safetensors package: that format was not compared)"
    source, out = os.path.join(folder, "source.safetensors"), os.path.join(folder, "out.safetensors")
    for name, (_, expected) in dictionaries().items():
        plain = {key: value.detach().clone().contiguous() for key, value in expected.items()}
        safetensors.torch.save_file(plain, source, metadata={"format": "pt"})
        found = parse(probe("list", source))
        check_same(f"{name}, safetensors", {key: found.get(key, torch.empty(0)) for key in plain}, plain)
        check(f"writing {name} as safetensors", probe("copy", source, out) == b"")
        loaded = safetensors.torch.load_file(out)
        check_same(f"{name}, safetensors written by thaw", {key: loaded[key] for key in plain}, plain)
    return ""


class Hostile:
    def __reduce__(self):
        return os.system, ("touch executed",)


def compare_refusals(folder):
    path = os.path.join(folder, "file.pth")
    for form, options in FORMS.items():
        torch.save({"state_dict": {"w": torch.ones(1)}, "x": Hostile()}, path, **options)
        check(f"os.system is refused, {form}", "os.system" in str(parse(probe("list", path))))
        torch.save(nn.Sequential(nn.Linear(2, 2)), path, **options)
        check(f"a whole model is refused, {form}", "state_dict()" in str(parse(probe("list", path))))
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    check("TorchScript is refused", "TorchScript" in str(parse(probe("list", path))))
    torch.save(torch.ones(3), path)
    check("one tensor is refused", "one tensor" in str(parse(probe("list", path))))
    torch.save({"w": torch.ones(3).to_sparse()}, path)
    check("a sparse tensor is refused", "error" in str(parse(probe("list", path))))
    check("nothing was executed", not os.path.exists("executed"))


with tempfile.TemporaryDirectory() as temporary:
    os.chdir(temporary)
    program = make_probe(temporary)
    compare_reading(temporary)
    compare_writing(temporary)
    note = compare_safetensors(temporary)
    compare_refusals(temporary)
print(f"weights_parity: torch {torch.__version__}: {compared} compared, {len(failures)} differ{note}")
sys.exit(bool(failures))
