"""The models that thaw's are compared with: torchvision's, and the CIFAR ResNets written here from the paper."""
import contextlib
import os

import torch
import torch.nn.functional as F
from torch import nn

try:
    import torchvision
except RuntimeError:  # a CPU torch beside a CUDA build of torchvision: declare the two operators it wants on import
    declared = torch.library.Library("torchvision", "DEF")
    declared.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    declared.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision


DEVICE = os.environ.get("THAW_TEST_DEVICE", "cpu")  # of both sides: where thaw computes, Python does too
UNDRAWN = ("kaiming_normal_", "kaiming_uniform_", "trunc_normal_", "normal_", "uniform_", "xavier_uniform_")


@contextlib.contextmanager
def undrawn():
    """Models without first weights, which keys do not need and settle() replaces: those of 80 models take minutes and
    all memory."""
    places = [(place, name, function) for place in (nn.init, nn.modules.activation)
              for name, function in vars(place).items() if name in UNDRAWN]
    for place, name, _ in places:
        setattr(place, name, lambda tensor, *_, **__: tensor)
    try:
        yield
    finally:
        for place, name, function in places:
            setattr(place, name, function)


class CifarBlock(nn.Module):
    """He et al. 2015, section 4.2, with the shortcut of option A."""

    def __init__(self, channels_in, channels):
        super().__init__()
        stride = 1 if channels_in == channels else 2
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.missing = channels - channels_in

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.missing:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.missing // 2, self.missing // 2))
        return F.relu(y + x)


class CifarResNet(nn.Module):
    def __init__(self, blocks, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        width = 16
        for group in range(3):
            layers = []
            for _ in range(blocks):
                layers.append(CifarBlock(width, 16 << group))
                width = 16 << group
            setattr(self, f"layer{group + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def build(arch, side=None, auxiliary=False):
    """The peer of one of thaw's architectures, or None when this torchvision does not have it. SIDE: the image's, for
    those that are built for one size; the usual one without. AUXILIARY: with the auxiliary classifiers at work."""
    if arch.startswith("cifar_resnet"):
        return CifarResNet((int(arch[len("cifar_resnet"):]) - 2) // 6)
    maker = getattr(torchvision.models, arch, None)
    if maker is None:
        return None
    wants = {"googlenet": {"aux_logits": True, "init_weights": False}, "inception_v3": {"init_weights": False}}
    if side and arch.startswith("vit"):
        wants[arch] = {"image_size": side}
    model = maker(weights=None, **wants.get(arch, {}))
    if arch == "maxvit_t":  # releases before 0.15 had 1 - 0.01 here
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.01
    if arch in ("googlenet", "inception_v3"):  # as with the pretrained weights
        model.transform_input = True
        for name in ("aux1", "aux2", "AuxLogits"):  # which thaw keeps out of every pass unless asked for
            if hasattr(model, name) and not auxiliary:
                getattr(model, name).forward = lambda x: None
    return model


def settle(model):
    """Random numbers such as a trained network could have, so that no activation dies or explodes."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if not value.is_floating_point():  # counters and indices
                continue
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5, generator=generator)
            elif name.endswith("running_mean") or name.endswith("bias"):
                value.uniform_(-0.2, 0.2, generator=generator)
            elif value.dim() == 1 and name.endswith("weight"):
                value.uniform_(0.5, 1.0, generator=generator)
            elif value.dim() > 1:
                fan_in = value[0].numel()
                value.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
    return model
