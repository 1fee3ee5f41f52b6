#!/usr/bin/python3
"""Writes tests/unit/layouts.txt: what torchvision's state dicts look like, an architecture a line.

    name  tensors  parameters  hash

The hash is FNV-1a (64 bit) over one line for each tensor in order: "key type extents...\n", a buffer's with "buffer"
before the extents. Needs a torchvision that has every architecture; nothing is allocated but shapes.
"""
import os
import sys

import torch

compiled = torch.library.Library("torchvision", "FRAGMENT")  # a wheel without its compiled part lacks these two
for schema in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
               "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"):
    try:
        compiled.define(schema)
    except RuntimeError:
        pass
import torchvision  # noqa: E402

WANTS = {"googlenet": {"aux_logits": True, "init_weights": False}, "inception_v3": {"init_weights": False}}


def fnv1a(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % (1 << 64)
    return value


def layout(model):
    parameters = dict(model.named_parameters())
    for key, tensor in model.state_dict().items():
        buffer = [] if key in parameters else ["buffer"]
        yield " ".join([key, str(tensor.dtype).split(".")[1], *buffer, *map(str, tensor.shape)]) + "\n"


def calculating(make):
    """RegNet's widths come out of calculations with tensors, which need real ones."""
    def with_numbers(cls, *arguments, **names):
        with torch.device("cpu"):
            return make(*arguments, **names)
    return classmethod(with_numbers)


def main():
    regnet = torchvision.models.regnet.BlockParams
    regnet.from_init_params = calculating(regnet.from_init_params)
    lines = []
    for name in torchvision.models.list_models(module=torchvision.models):
        with torch.device("meta"):
            model = torchvision.models.get_model(name, weights=None, **WANTS.get(name, {}))
        text = "".join(layout(model))
        count = sum(parameter.numel() for parameter in model.parameters())
        lines.append(f"{name} {len(model.state_dict())} {count} {fnv1a(text.encode()):016x}\n")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, "tests/unit/layouts.txt"), "w") as file:
        file.writelines(lines)
    print(f"{len(lines)} architectures of torchvision {torchvision.__version__}")


if __name__ == "__main__":
    sys.exit(main())
