"""Every architecture beside torchvision's, at several sizes, and the report of it: docs/parity.md.

The smallest member of each family is compared at all of the family's sizes, each other one at one of them in turn.
"""
import datetime
import gc
import os
import platform
import re
import time

import torch

from passes import SEED, both_passes, distances, exact_pass, our_pass
from peers import torchvision
from probe import build, root

TOLERANCE = 1e-4  # relative
GRADIENT_TOLERANCE = 1e-3
AS_ONE_TOLERANCE = 0.1
DOCUMENT = os.path.join(root, "docs/parity.md")
# Families by how the names begin, the first that fits: the sides of their images, and how many images.
FAMILIES = (
    ("alexnet", (63, 97, 131), 4),
    ("vgg", (33, 49, 75), 4),
    ("wide_resnet", (65, 81, 97), 4),
    ("resnext", (65, 81, 97), 4),
    ("resnet", (65, 81, 97), 4),
    ("squeezenet", (61, 75, 97), 4),
    ("densenet", (65, 81, 97), 4),
    ("googlenet", (65, 81, 97), 4),
    ("inception", (107, 123, 139), 4),
    ("mobilenet_v2", (65, 81, 97), 4),
    ("mobilenet_v3", (65, 81, 97), 4),
    ("mnasnet", (65, 81, 97), 4),
    ("shufflenet", (65, 81, 97), 4),
    ("efficientnet_b", (65, 81, 97), 4),
    ("efficientnet_v2", (65, 81, 97), 4),
    ("regnet_x", (65, 81, 97), 4),
    ("regnet_y", (65, 81, 97), 4),
    ("convnext", (49, 75, 97), 2),
    ("vit_h", (56, 84, 112), 2),
    ("vit", (64, 96, 128), 2),
    ("swin_v2", (49, 75, 97), 2),
    ("swin", (49, 75, 97), 2),
    ("maxvit", (224,), 2),
)
NOTES = """\
Sides are odd where the architecture takes any. A ViT takes multiples of its patch, and is built for the size on both
sides. MaxViT takes multiples of 224 only: its windows must divide the maps of all four stages. Inception v3 takes 75
pixels and more; its sizes are such that the last maps keep more than one place, without which batch norm has next to
nothing to normalise by. Every other family takes what its smallest size here is, or less.
"""
BEYOND = """\
Beyond the tolerances. In float32 an activation within rounding of zero falls on one side of ReLU here and on the other
there, and a norm over few values magnifies rounding. So both sides are held against torchvision in float64: thaw has
failed where it is farther from that than the tolerance, and more than twice as far as torchvision's own float32. Random
statistics make the activations of a very deep network grow until float32 has no digits left in evaluation mode, here and
there alike, which such a comparison says nothing about: so that is repeated with the statistics of the images, as training
leaves them, and has to be within the tolerance.
"""
INTRODUCTION = """\
# Parity with torchvision

Written by `PARITY=all make parity` (tests/parity/zoo_report.py); not edited by hand. Each architecture gets the same
random weights and images as Python torchvision's. Compared are: keys, shapes, types and order of the state dict; the
output in evaluation mode; then one training pass with dropout and stochastic depth off: the logits, the loss, the
gradient of every parameter, and the statistics of every norm afterwards. An error is the largest difference of a tensor
relative to its largest value; of the gradients the worst tensor counts. Wanted are 1e-4, and 1e-3 for gradients.

All of that is in NCHW, where both sides ask libtorch for the same operations. In channels_last thaw computes a norm of the
trained part together with what follows it, and in float32 most 3x3 convolutions by Winograd's filtering, with loops of its own,
and rounds otherwise: there, at the first side, the same holds for everything but gradients. Among millions of activations some are
within rounding of zero, where ReLU's gradient jumps; one of those, in a map of 2x2 pixels, can move a gradient by a tenth of its
largest value. So gradients are compared there as one vector of all parameters, by the length of the difference, of which a tenth
is allowed: what forgets a ReLU or a sum is farther off. (The operations themselves, gradients included, are held to 2e-5 in
tests/unit/test_norm.c and to 5e-6, of float64, in tests/unit/test_winograd.c.)

That what is frozen stays to the bit is shown for the same architectures by `make freeze-all`: everything but the head
frozen, three steps with momentum and weight decay, each frozen tensor and buffer compared.

"""


def family_of(arch):
    return next(i for i, (start, _, _) in enumerate(FAMILIES) if arch.startswith(start))


def torchvisions(known):
    """Of the architectures that thaw knows: torchvision's, the smallest first."""
    with open(os.path.join(root, "tests/unit/layouts.txt")) as file:
        parameters = {line.split()[0]: int(line.split()[2]) for line in file}
    return sorted((arch for arch in known if arch in parameters), key=parameters.get)


def allowed(key):
    return GRADIENT_TOLERANCE if key.startswith("grad.") else TOLERANCE


def gradients_as_one(got, want):
    """How far apart the gradients are as one vector, relative to its length."""
    apart = length = 0.0
    for key in want.keys() | got.keys():
        if key.startswith("grad."):
            if key not in got or key not in want:
                return float("inf")
            apart += (got[key].double() - want[key].double()).square().sum().item()
            length += want[key].double().square().sum().item()
    return (apart / length) ** 0.5


class Row:
    """What was found about one architecture: the largest error of each kind, over its sizes."""

    def __init__(self, arch):
        self.arch = arch
        self.sides, self.largest, self.beyond, self.seconds = [], {"eval": 0.0, "train": 0.0, "gradient": 0.0}, [], 0.0
        self.as_one = float("inf")

    def add(self, found):
        for key, far in found.items():
            kind = "eval" if key == "eval" else "gradient" if key.startswith("grad.") else "train"
            self.largest[kind] = max(self.largest[kind], far)

    def good(self):
        return self.as_one <= AS_ONE_TOLERANCE and not any(beyond["failed"] for beyond in self.beyond)

    def text(self):
        errors = " | ".join(f"{self.largest[kind]:.1e}" for kind in ("eval", "train", "gradient"))
        return f"| {self.arch} | {', '.join(map(str, self.sides))} | {errors} | {self.as_one:.1e} | {self.seconds:.0f} s |"


def judge_by_double(arch, count, side, got, want, far):
    """Beyond the tolerance: which side is how far from the same pass in float64? thaw has failed where it is farther from
    it than the tolerance and than twice what torchvision is."""
    exact = exact_pass(arch, count, side)
    ours, theirs = distances(got, exact), distances(want, exact)
    keys = [key for key in far if not far[key] <= allowed(key)]
    failed = [key for key in keys if not ours.get(key, float("inf")) <= max(allowed(key), 2 * theirs.get(key, 0))]
    worst = max(failed or keys, key=lambda key: far[key])
    return {"side": side, "tensors": len(keys), "of": len(far), "worst": worst, "apart": far[worst],
            "ours": ours.get(worst, float("inf")), "theirs": theirs.get(worst, float("inf")), "failed": len(failed)}


def compare_results(probe, row, count, side, layout, got, want):
    far = distances(got, want)
    if layout == "nhwc":
        row.as_one = gradients_as_one(got, want)
        far = {key: value for key, value in far.items() if not key.startswith("grad.")}
    row.add(far)
    if not all(value <= allowed(key) for key, value in far.items()):
        row.beyond.append(judge_by_double(row.arch, count, side, got, want, far) | {"layout": layout})
    if not far["eval"] <= TOLERANCE:
        again = distances(*both_passes(probe, row.arch, count, side, layout, statistics=True))["eval"]
        row.beyond[-1].update(again=again, failed=row.beyond[-1]["failed"] + (not again <= TOLERANCE))


def compare_one(probe, arch, sides, count):
    row, began = Row(arch), time.perf_counter()
    for side in sides:
        got, want = both_passes(probe, arch, count, side, "nchw")
        compare_results(probe, row, count, side, "nchw", got, want)
        if side == sides[0]:
            del got
            compare_results(probe, row, count, side, "nhwc", our_pass(probe, arch, count, side, "nhwc"), want)
        row.sides.append(side)
        got = want = None
        gc.collect()
    row.seconds = time.perf_counter() - began
    return row


def compare(probe, known, whole):
    """Yields (architecture, is it good); WHOLE: KNOWN is all that thaw knows, and the report is written."""
    began, rows, seen = time.time(), [], []
    archs = torchvisions(known)
    for arch in archs:
        at = family_of(arch)
        _, sides, count = FAMILIES[at]
        members = seen.count(at)
        if whole and members:
            sides = (sides[members % len(sides)],)
        seen.append(at)
        rows.append(compare_one(probe, arch, sides, count))
        print(f"nn_parity: {rows[-1].text()} {rows[-1].beyond or ''}", flush=True)
        yield arch, rows[-1].good()
        if whole:
            by_family = sorted(rows, key=lambda row: family_of(row.arch))
            write(report(by_family, len(archs), time.time() - began))


# ---- the report ----


def processor():
    with open("/proc/cpuinfo") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found.group(1) if found else platform.processor()


def thaws_libtorch():
    with open(os.path.join(build, "libtorch.mk")) as file:
        return re.search(r"TORCH_VERSION := (\S+)", file.read()).group(1)


def beyond_text(row, found):
    verdict = f"{found['failed']} FAILED" if found["failed"] else "rounding"
    if "again" in found:
        verdict += f"; {found['again']:.1e} apart in evaluation with the images' own statistics"
    return (f"| {row.arch} | {found['side']}, {found['layout']} | {found['tensors']} of {found['of']} | {found['worst']} | "
            f"{found['apart']:.1e} | {found['ours']:.1e} | {found['theirs']:.1e} | {verdict} |")


def report(rows, wanted, seconds):
    within = sum(not row.beyond for row in rows)
    worst = {kind: max(rows, key=lambda row: row.largest[kind]) for kind in ("eval", "train", "gradient")}
    lines = [
        f"## libtorch {torch.__version__.split('+')[0]}, torchvision {torchvision.__version__.split('+')[0]}", "",
        f"{datetime.date.today()}, thaw with libtorch {thaws_libtorch()}, {processor()}, {torch.get_num_threads()} "
        f"threads, float32, images of seed {SEED}; {seconds / 60:.0f} minutes.", "",
        f"**{len(rows)} of {wanted} architectures compared: {within} within the tolerances, "
        f"{sum(bool(row.beyond) and row.good() for row in rows)} beyond them by rounding alone (see below), "
        f"{sum(not row.good() for row in rows)} failed.** The largest errors: "
        + ", ".join(f"{kind} {row.largest[kind]:.1e} ({row.arch})" for kind, row in worst.items()) + ".", "",
        "| architecture | sides | evaluation | training | gradients | gradients in channels_last | time |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *[row.text() for row in rows]]
    beyond = [beyond_text(row, found) for row in rows for found in row.beyond]
    if beyond:
        lines += ["", BEYOND, "| architecture | side, layout | tensors beyond | the worst | apart | thaw from float64 | "
                  "torchvision from float64 | |", "| --- | --- | --- | --- | --- | --- | --- | --- |", *beyond]
    return "\n".join(lines)


def write(text):
    """Put TEXT into the document, in place of what was found with this libtorch before."""
    name = ".".join(torch.__version__.split(".")[:2])
    begin, end = f"<!-- libtorch {name}: begin -->", f"<!-- libtorch {name}: end -->"
    document = INTRODUCTION + NOTES
    if os.path.exists(DOCUMENT):
        with open(DOCUMENT) as file:
            document = INTRODUCTION + NOTES + "".join(re.findall(r"\n<!-- libtorch .*?: end -->\n", file.read(), re.S))
    head, found, rest = document.partition(begin)
    tail = rest.partition(end)[2] if found else "\n"
    with open(DOCUMENT, "w") as file:
        file.write(f"{head if found else head + chr(10)}{begin}\n{text}\n{end}{tail}")
