#!/usr/bin/python3
"""Models equal torchvision's: keys, shapes and order; outputs, gradients and statistics; whole trajectories.

Runs alone: tests/parity/nn_parity.py (BUILD=build). Both sides get the same random weights and images.
"""
import os
import sys
import tempfile

try:
    import torch
    from torch import nn
    import zoo_report
    from passes import both_passes, distance, distances, freeze, images
    from peers import DEVICE, build as build_peer, settle, undrawn
    from probe import Probe
    from zoo_report import GRADIENT_TOLERANCE, TOLERANCE
except ImportError as missing:
    print(f"nn_parity: SKIPPED ({missing}; install python3-torch and python3-torchvision)")
    sys.exit(0)

TRAJECTORY_STEPS = 20
# One small member of each family: architecture, images, side, what is frozen. Those in OFTEN together have all that the
# families are made of, in a time that every test run can afford.
SMALL = (
    ("alexnet", 2, 70, ("classifier.1",)),
    ("vgg11_bn", 2, 40, ("classifier.0",)),
    ("squeezenet1_0", 2, 61, ()),
    ("mobilenet_v2", 4, 64, ()),
    ("mnasnet0_5", 4, 64, ()),
    ("shufflenet_v2_x0_5", 4, 64, ()),
    ("densenet121", 4, 64, ()),
    ("googlenet", 4, 64, ()),
    ("inception_v3", 2, 107, ()),
    ("mobilenet_v3_small", 4, 64, ()),
    ("efficientnet_b0", 4, 64, ()),
    ("efficientnet_v2_s", 4, 64, ()),
    ("regnet_y_400mf", 4, 64, ()),
    ("convnext_tiny", 2, 64, ()),
    ("vit_b_32", 2, 64, ()),
    ("swin_t", 2, 75, ()),
    ("swin_v2_t", 2, 75, ()),
    ("maxvit_t", 1, 224, ()),
)
OFTEN = ("squeezenet1_0", "mobilenet_v2", "shufflenet_v2_x0_5", "densenet121", "inception_v3", "mobilenet_v3_small",
         "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "vit_b_32", "swin_v2_t", "maxvit_t")
counts = {"passed": 0, "failed": 0}


def check(name, good, detail=""):
    counts["passed" if good else "failed"] += 1
    if not good:
        print(f"nn_parity: {name}: FAILED {detail}")


def close(name, got, want, tolerance=TOLERANCE):
    far = distance(got, want)
    check(name, far <= tolerance, f"differs by {far:.2g} of the largest value, {tolerance:g} is allowed")
    return far


def check_keys(probe):
    listed = {}
    for line in probe.ask("keys").splitlines():
        word, *rest = line.split()
        if word == "arch":
            keys = listed[rest[0]] = []
        else:
            kind, buffer, *size = rest
            keys.append((word, kind, buffer == "0", tuple(map(int, size))))
    for arch, keys in listed.items():
        peer = build_peer(arch)
        if peer is None:
            print(f"nn_parity: {arch}: SKIPPED, this torchvision does not have it")
            continue
        parameters = dict(peer.named_parameters())
        want = [(key, str(value.dtype).split(".")[1], key in parameters, tuple(value.shape))
                for key, value in peer.state_dict().items()]
        first = next((pair for pair in zip(keys, want) if pair[0] != pair[1]), (len(keys), len(want)))
        check(f"{arch} keys", keys == want, f"first difference: {first}")


def check_pass(probe, arch, count, side, layout, frozen=()):
    name = f"{arch} {layout} {side}" + (f" without {'+'.join(frozen)}" if frozen else "")
    for key, far in distances(*both_passes(probe, arch, count, side, layout, frozen)).items():
        allowed = GRADIENT_TOLERANCE if key.startswith("grad.") else TOLERANCE
        check(f"{name} {key}", far <= allowed, f"differs by {far:.2g} of the largest value, {allowed:g} is allowed")


def check_zoo(probe):
    """PARITY=families: one of each family. PARITY=all, or NAME,NAME...: every architecture, or these, at the sizes of
    zoo_report.py; all of them make docs/parity.md."""
    wanted = os.environ.get("PARITY", "")
    if wanted in ("", "families"):
        for arch, count, side, frozen in SMALL:
            if wanted or arch in OFTEN:
                check_pass(probe, arch, count, side, "nchw", frozen)
        return
    known = [line.split()[1] for line in probe.ask("keys").splitlines() if line.startswith("arch ")]
    for arch, good in zoo_report.compare(probe, known if wanted == "all" else wanted.split(","), wanted == "all"):
        check(arch, good, "see above")


def mask_trajectory(model, optimizer, frozen):
    """Freeze these and thaw all others, as thaw does between two steps: what is frozen loses its momentum."""
    model.train()
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    freeze(model, frozen)
    for parameter in model.parameters():
        if not parameter.requires_grad:
            parameter.grad = None
            optimizer.state.pop(parameter, None)


# What the loss of an auxiliary classifier counts: the papers' figures, and PyTorch's in its documentation and tutorial.
AUXILIARY_WEIGHT = {"googlenet": 0.3, "inception_v3": 0.4}


def losses(arch, model, x, y):
    """The loss of the head alone, and what is minimised."""
    given = model(x)
    if torch.is_tensor(given):
        given = (given,)
    each = [nn.functional.cross_entropy(logits, y) for logits in given if logits is not None]
    beside = sum(each[1:], start=torch.tensor(0.0, device=each[0].device))
    return each[0], beside * AUXILIARY_WEIGHT.get(arch, 0) + each[0]


def check_trajectory(probe, arch, count, side, *masks, steps=TRAJECTORY_STEPS, auxiliary=False):
    """SGD with momentum and weight decay, step by step. A frozen tensor stays as it was to the bit. Each further mask,
    (step, frozen), is what holds from that step on."""
    masks = {0: masks[0], **dict(masks[1:])}
    name = f"{arch} trajectory" + "".join(f" from {step} without {'+'.join(frozen)}" for step, frozen in masks.items())
    model = settle(build_peer(arch, auxiliary=auxiliary))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    batches = [images(10 + i, count, side, 10) for i in range(steps)]
    said = [word for step, frozen in masks.items() for word in ([f"@{step}"] if step else []) + list(frozen)]
    got = probe.compute("train", arch, before, batches, "nchw" + "+auxiliary" * auxiliary, said)
    model.to(DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    for step, (x, y) in enumerate(batches):
        if step in masks:
            frozen = masks[step]
            mask_trajectory(model, optimizer, frozen)
        optimizer.zero_grad(set_to_none=True)
        loss, total = losses(arch, model, x.to(DEVICE), y.to(DEVICE))
        total.backward()
        optimizer.step()
        close(f"{name} loss of step {step}", got[f"loss.{step}"], loss.detach().cpu())
        for key, value in model.state_dict().items():
            given, value = got[f"step.{step}.{key}"], value.cpu()
            if any(key.startswith(top + ".") for top in frozen):
                check(f"{name} {key} after step {step}", torch.equal(given, before[key]), "moved although frozen")
            else:
                close(f"{name} {key} after step {step}", given, value)
            before[key] = given


def check_initialisation(probe):
    """First weights have torchvision's distributions: each tensor's mean, deviation and extremes."""
    out = os.path.join(probe.folder, "random.pth")
    for arch in ("resnet18", "cifar_resnet20"):
        probe.ask("random", arch, "7", out)
        got = torch.load(out)
        torch.manual_seed(0)
        peer = build_peer(arch)
        for key, want in peer.state_dict().items():
            mine = got["first." + key].double()
            if arch == "resnet18" and want.numel() >= 10000:
                deviation = want.double().std().item()
                noise = 6 * deviation / want.numel() ** 0.5
                check(f"{arch} first {key} deviation", abs(mine.std().item() - deviation) < noise, f"{mine.std()}")
                check(f"{arch} first {key} mean", abs(mine.mean().item()) < noise, f"{mine.mean()}")
                check(f"{arch} first {key} extremes", abs(mine.abs().max() / want.double().abs().max() - 1) < 0.4)
            elif "bn" in key or "downsample.1" in key:
                close(f"{arch} first {key}", mine, want, 0)


def check_the_rest(probe):
    check_initialisation(probe)
    for layout in ("nchw", "nhwc"):
        check_pass(probe, "resnet18", 4, 64, layout)
        check_pass(probe, "cifar_resnet20", 8, 32, layout)
    check_pass(probe, "resnet18", 4, 64, "nchw", ("conv1", "bn1", "layer1", "layer2"))
    check_pass(probe, "resnet18", 4, 64, "nchw", ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"))
    check_pass(probe, "resnet18", 4, 64, "nchw", ("layer2", "layer4.0"))  # frozen in the middle
    check_pass(probe, "resnet50", 4, 64, "nchw")
    check_pass(probe, "resnext50_32x4d", 4, 64, "nchw")
    for frozen in ((), ("layer1", "layer2"), ("conv1", "bn1", "layer1", "layer2", "layer3")):
        check_trajectory(probe, "cifar_resnet20", 16, 32, frozen)
    trunk = ("conv1", "bn1", "layer1", "layer2")
    check_trajectory(probe, "cifar_resnet20", 16, 32, trunk, (7, trunk[:3]), (14, trunk + ("layer3",)))
    # Nothing frozen: folding a frozen prefix rounds otherwise, and four images of 64 px, whose last maps are of 2x2
    # pixels, make 1e-4 and more of that within 6 to 8 steps (seen with two of two seeds).
    check_trajectory(probe, "resnet18", 4, 64, ())
    with undrawn():
        still = ("dropout", "aux1.dropout", "aux2.dropout")  # one step beside what is frozen, as above
        check_trajectory(probe, "googlenet", 4, 64, still, steps=2, auxiliary=True)
        check_trajectory(probe, "googlenet", 4, 64, still + ("aux1",), steps=1, auxiliary=True)
        check_trajectory(probe, "inception_v3", 2, 299, ("dropout",), steps=2, auxiliary=True)


def main():
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        probe = Probe(folder)
        with undrawn():
            check_keys(probe)
            check_zoo(probe)
        if os.environ.get("PARITY", "families") == "families":
            check_the_rest(probe)
    print(f"nn_parity: {counts['passed']} passed, {counts['failed']} failed")
    return counts["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
