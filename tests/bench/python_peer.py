"""The loop a Python user writes, for comparison: torchvision's ResNet-18 on a folder of images.

    python_peer.py DATA --mode full|frozen [--tuned] --threads N --batch N --epochs N

Prints one JSON line: images per second of each epoch, loading included, and the peak memory. `frozen` is the tutorial's
feature extractor: requires_grad off, a new head, the model in training mode. --tuned is what an expert would add in
fp32: channels_last, batch norm in eval mode, persistent workers.
"""
import argparse
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--mode", choices=["full", "frozen"], required=True)
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    transform = transforms.Compose([
        transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    dataset = datasets.ImageFolder(args.data + "/train", transform)
    loader = torch.utils.data.DataLoader(dataset, batch_size=args.batch, shuffle=True, num_workers=args.threads,
                                         persistent_workers=args.tuned)
    model = torchvision.models.resnet18()
    if args.mode == "frozen":
        for parameter in model.parameters():
            parameter.requires_grad = False
    model.fc = torch.nn.Linear(512, len(dataset.classes))
    if args.tuned:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.001, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()

    speeds = []
    for _ in range(args.epochs):
        model.train()
        if args.tuned and args.mode == "frozen":
            model.eval()
        began = time.perf_counter()
        running = 0.0
        for images, labels in loader:
            if args.tuned:
                images = images.contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running += loss.item()
        speeds.append(len(dataset) / (time.perf_counter() - began))
    print(json.dumps({"torch": torch.__version__, "images_per_second": speeds,
                      "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
