"""The loop a Python user writes, for comparison: a torchvision model on a folder of images.

    python_peer.py DATA --mask full|head|layer3 [--loop plain|tuned] [--precision fp32|bf16] [--transform random|fixed]
                   [--model M] [--device D] [--synthetic] --threads N --batch N --epochs N

Prints one JSON line: images per second of each epoch, loading included, and the peak memory of this process.

plain   the usual tutorial's: fp32, requires_grad off for what is frozen, a new head, the model in training mode, SGD
tuned   what an expert would write: channels_last, batch norm of what is frozen in eval mode, persistent workers, and with
        --precision bf16 autocast
mask    what is trained: everything, the head, or layer4 and the head ("frozen through layer3")
fixed   resize 256 and centre crop 224 instead of a random crop and a flip
synthetic   one batch of random numbers on the device again and again, no loading
"""
import argparse
import contextlib
import json
import resource
import time

import torch

try:
    import torchvision
except Exception:  # a CPU torch beside a CUDA build of torchvision: declare the two operators it registers on import
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
from torchvision import datasets, transforms

NORMALIZE = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
TRANSFORMS = {
    "random": [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()],
    "fixed": [transforms.Resize(256), transforms.CenterCrop(224)],
}
TRAINED = {"full": None, "head": ("fc",), "layer3": ("layer4", "fc")}  # None: everything


def build(args, classes):
    """The model, and its frozen modules."""
    model = getattr(torchvision.models, args.model)()
    model.fc = torch.nn.Linear(model.fc.in_features, classes)
    trained = TRAINED[args.mask]
    frozen = [module for name, module in model.named_children() if trained is not None and name not in trained]
    for module in frozen:
        for parameter in module.parameters():
            parameter.requires_grad = False
    model = model.to(args.device)
    return model.to(memory_format=torch.channels_last) if args.loop == "tuned" else model, frozen


def batches(args, loader):
    """Images and labels where the model is, as the loop in question brings them there."""
    if args.synthetic:
        images = torch.randn(args.batch, 3, 224, 224, device=args.device).contiguous(memory_format=torch.channels_last)
        labels = torch.zeros(args.batch, dtype=torch.long, device=args.device)
        for _ in range(len(loader)):
            yield images, labels
        return
    for images, labels in loader:
        if args.loop == "tuned":
            images = images.contiguous(memory_format=torch.channels_last)
        yield images.to(args.device, non_blocking=True), labels.to(args.device, non_blocking=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--mask", choices=sorted(TRAINED), required=True)
    parser.add_argument("--loop", choices=["plain", "tuned"], default="plain")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--transform", choices=sorted(TRANSFORMS), default="random")
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--synthetic", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    tuned = args.loop == "tuned"
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    transform = transforms.Compose([*TRANSFORMS[args.transform], transforms.ToTensor(), NORMALIZE])
    dataset = datasets.ImageFolder(args.data + "/train", transform)
    loader = torch.utils.data.DataLoader(dataset, batch_size=args.batch, shuffle=True, num_workers=args.threads,
                                         persistent_workers=tuned, pin_memory=args.device != "cpu")
    model, frozen = build(args, len(dataset.classes))
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.001, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()
    bf16 = args.precision == "bf16"
    kind = args.device.split(":")[0]

    speeds = []
    for _ in range(args.epochs):
        model.train()
        for module in frozen if tuned else []:
            module.eval()
        began = time.perf_counter()
        running, seen = 0.0, 0
        for images, labels in batches(args, loader):
            optimizer.zero_grad()
            with torch.autocast(kind, dtype=torch.bfloat16) if bf16 else contextlib.nullcontext():
                loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running += loss.item()
            seen += len(labels)
        speeds.append(seen / (time.perf_counter() - began))
    print(json.dumps({"torch": torch.__version__, "images_per_second": speeds,
                      "device_mb": torch.cuda.max_memory_reserved() / 2**20 if kind == "cuda" else None,
                      "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
