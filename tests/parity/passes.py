"""One pass through a model, here and by thaw: evaluation, then training's logits, gradients and statistics."""
import torch
from torch import nn

from peers import DEVICE, build as build_peer, settle, torchvision

NO_GRADIENT = 1e-6  # of the largest
# Images for which no activation comes within rounding of zero, where ReLU's gradient jumps: PyTorch's own two memory
# layouts differ by up to 1e-2 for others (seeds 2, 3 and 5).
SEED = 4


def distance(got, want):
    """The largest difference, relative to the largest value."""
    got, want = got.double(), want.double()
    if got.shape != want.shape:
        return float("inf")
    return ((got - want).abs().max() / want.abs().max().clamp_min(1e-12)).item()


def freeze(model, frozen):
    """What thaw means by frozen: no gradient, and evaluation mode."""
    for name, module in model.named_modules():
        if any(name == top or name.startswith(top + ".") for top in frozen):
            module.eval()
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)


def images(seed, count, side, classes):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(count, 3, side, side, generator=generator),
            torch.randint(0, classes, (count,), generator=generator))


def dropouts(model):
    """Their numbers differ between programs, so they are frozen, which turns them off: plain ones, and those that drop
    whole branches by thaw's names and by torchvision's."""
    plain = [name for name, module in model.named_modules() if isinstance(module, nn.Dropout)]
    # Where torchvision draws twice by one module, thaw has a second layer of nearly that name; and none where a block
    # has no shortcut.
    deep = [name for name, module in model.named_modules() if isinstance(module, torchvision.ops.StochasticDepth)]
    return tuple(plain), tuple({f"*.{name.split('.')[-1]}*" for name in deep}), tuple(deep)


def classify(model, x):
    """The logits alone, where training gives those of auxiliary classifiers as well."""
    given = model(x)
    return given if torch.is_tensor(given) else given.logits


def python_pass(model, x, y, frozen):
    """The results under the names that nn_probe pass gives its own."""
    model, x, y = model.to(DEVICE), x.to(DEVICE), y.to(DEVICE)
    model.eval()
    with torch.no_grad():
        out = {"eval": model(x)}
    model.train()
    freeze(model, frozen)
    logits = classify(model, x)
    loss = nn.functional.cross_entropy(logits, y)
    loss.backward()
    out.update(logits=logits.detach(), loss=loss.detach())
    out.update(("grad." + key, value.grad) for key, value in model.named_parameters() if value.grad is not None)
    out.update(("after." + key, value) for key, value in model.named_buffers())
    return {key: value.cpu() for key, value in out.items()}


def take_statistics(model, x):
    """Give every norm the statistics of X, as training would: drawn ones make the activations of a network of a hundred
    norms grow out of all proportion."""
    plain, _, deep = dropouts(model)
    norms = {norm: norm.momentum for norm in model.modules() if isinstance(norm, nn.BatchNorm2d)}
    model.train()
    freeze(model, plain + deep)
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model(x)
    for norm, momentum in norms.items():
        norm.momentum = momentum
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def our_pass(probe, arch, count, side, layout):
    """thaw's results."""
    model = settle(build_peer(arch, side))
    plain, ours, _ = dropouts(model)
    return probe.compute("pass", arch, model.state_dict(), [images(SEED, count, side, 10)], layout, plain + ours)


def both_passes(probe, arch, count, side, layout, frozen=(), seed=SEED, statistics=False):
    """thaw's results, and Python's. STATISTICS: with those of the images in the norms."""
    model = settle(build_peer(arch, side))
    plain, ours, theirs = dropouts(model)
    batch = images(seed, count, side, 10)
    if statistics:
        take_statistics(model, batch[0])
    got = probe.compute("pass", arch, model.state_dict(), [batch], layout, frozen + plain + ours)
    return got, python_pass(model, *batch, frozen + plain + theirs)


def exact_pass(arch, count, side, frozen=(), seed=SEED):
    """Python's results in float64."""
    model = settle(build_peer(arch, side)).double()
    plain, _, theirs = dropouts(model)
    x, y = images(seed, count, side, 10)
    return python_pass(model, x.double(), y, frozen + plain + theirs)


def distances(got, want):
    """How far apart two results are, by name. A bias before a norm has a gradient of zero, of which both sides give
    rounding errors only: 0 then. Infinite where only one side has a value."""
    gradients = [value.abs().max().item() for key, value in want.items() if key.startswith("grad.")]
    nothing = NO_GRADIENT * max(gradients)
    found = {}
    for key in want.keys() | got.keys():
        if key not in want or key not in got:
            found[key] = float("inf")
        elif key.startswith("grad.") and want[key].abs().max() < nothing:
            found[key] = 0.0 if got[key].abs().max() < nothing else float("inf")
        else:
            found[key] = distance(got[key], want[key])
    return found
