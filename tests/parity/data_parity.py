#!/usr/bin/python3
"""Decoding and resizing equal Pillow's, byte for byte; evaluation equals torchvision's.

Runs alone: tests/parity/data_parity.py (BUILD=build). The pictures are made here, from a fixed seed.
"""
import io
import os
import random
import struct
import subprocess
import sys
import tempfile

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.path.join(root, os.environ.get("BUILD", "build"))
try:
    import numpy as np
    from PIL import Image, ImageOps
except ImportError as missing:
    print(f"data_parity: SKIPPED ({missing}; install python3-pil and python3-numpy)")
    sys.exit(0)

HOW = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


class Probe:
    """The C side: one request, one answer."""

    def __init__(self, folder):
        program = os.path.join(folder, "data_probe")
        libraries = subprocess.run(["pkg-config", "--libs", "libjpeg", "libpng", "libwebp", "libxxhash", "zlib", "libcjson"],
                                   capture_output=True, text=True, check=True).stdout.split()
        subprocess.run(["cc", "-std=c11", "-O2", "-D_GNU_SOURCE", "-I" + root, "-I" + os.path.join(root, "include"),
                        os.path.join(root, "tests/parity/data_probe.c"), os.path.join(build, "libengine.a"), "-o",
                        program, *libraries, "-lm", "-ldl", "-pthread"], check=True)
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, request, kind=np.uint8):
        self.process.stdin.write(request.encode() + b"\n")
        self.process.stdin.flush()
        head = self.process.stdout.readline().decode()
        if not head or head.startswith("error"):
            return head.strip() or "error: the probe died"
        width, height = map(int, head.split())
        size = width * height * 3 * np.dtype(kind).itemsize
        return np.frombuffer(self.process.stdout.read(size), kind).reshape(height, width, 3)


failures = 0
compared = 0


def same(name, got, want):
    global failures, compared
    compared += 1
    want = np.asarray(want)
    if isinstance(got, str) or got.shape != want.shape or not np.array_equal(got, want):
        failures += 1
        detail = got if isinstance(got, str) else f"shapes {got.shape} {want.shape}"
        if not isinstance(got, str) and got.shape == want.shape:
            difference = np.abs(got.astype(np.float64) - want.astype(np.float64))
            detail = f"largest difference {difference.max()}, in {np.count_nonzero(difference)} values"
        print(f"data_parity: {name}: {detail}")


def picture(width, height, rng, mode="RGB"):
    """Gradients with noise on them: smooth parts and hard edges."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([(x * (3 + c) + y * (2 + c)) % 256 for c in range(channels)], -1)
    noisy = np.where(rng.random((height, width, 1)) < 0.2, rng.integers(0, 256, (height, width, channels)), base)
    array = noisy.astype(np.uint8)
    return Image.fromarray(array[..., 0] if channels == 1 else array, mode)


def check_formats(probe, folder, rng):
    def decode(name, image, **options):
        path = os.path.join(folder, name)
        image.save(path, **options)
        with Image.open(path) as opened:
            want = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        same(f"decode {name}", probe.ask("decode " + path), want)

    for width, height in ((64, 48), (37, 53), (1, 1), (500, 1), (16, 9)):
        size = f"{width}x{height}"
        rgb = picture(width, height, rng)
        for quality, subsampling in ((90, 0), (75, 1), (50, 2), (100, 2)):
            decode(f"{size}-{quality}-{subsampling}.jpg", rgb, quality=quality, subsampling=subsampling)
        decode(f"{size}-progressive.jpg", rgb, progressive=True)
        decode(f"{size}-grey.jpg", picture(width, height, rng, "L"))
        decode(f"{size}-cmyk.jpg", picture(width, height, rng, "CMYK"), quality=95)
        decode(f"{size}.png", rgb)
        for mode in ("L", "LA", "RGBA"):
            decode(f"{size}-{mode}.png", picture(width, height, rng, mode))
        decode(f"{size}-palette.png", rgb.quantize(200))
        decode(f"{size}-16.png", rgb.quantize(13))
        decode(f"{size}-see-through.png", rgb.quantize(64), transparency=b"\x00\x80\xff")
        decode(f"{size}-1.png", picture(width, height, rng, "L").convert("1"))
        decode(f"{size}-lossless.webp", rgb, lossless=True)
        decode(f"{size}-lossy.webp", rgb, quality=60)
        decode(f"{size}-alpha.webp", picture(width, height, rng, "RGBA"), lossless=True, exact=True)
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            decode(f"{size}-turned{orientation}.jpg", rgb, exif=exif, quality=90, subsampling=0)
        exif = Image.Exif()
        exif[0x0112] = 6
        decode(f"{size}-turned.png", rgb, exif=exif)
        decode(f"{size}-turned.webp", rgb, exif=exif.tobytes(), lossless=True)


def across_first(image, target, how, box):
    """Rows first and then columns, as thaw does and Pillow up to 12 did: Pillow 13 goes the other way where the height
    shrinks much more than the width, and rounds between the two elsewhere."""
    left, top, right, bottom = box
    rows = image.resize((target[0], image.height), how, box=(left, 0, right, image.height))
    return np.asarray(rows.resize(target, how, box=(0, top, target[0], bottom)))


def check_resizing(probe, folder, rng):
    dice = random.Random(1)
    sizes = [(64, 48), (37, 53), (1, 1), (1, 7), (3, 2), (500, 375), (20000, 1), (1, 3000), (225, 224)]
    for width, height in sizes:
        image = picture(width, height, rng)
        path = os.path.join(folder, "resize.png")
        image.save(path)
        probe.ask("decode " + path)
        targets = [(224, 224), (1, 1), (width, height), (width, 9), (9, height), (7, 300), (width + 1, height + 1)]
        for target in targets:
            boxes = [(0, 0, width, height)]
            for _ in range(3):
                left, right = sorted(dice.uniform(0, width) for _ in range(2))
                top, bottom = sorted(dice.uniform(0, height) for _ in range(2))
                boxes.append((left, top, right, bottom))
            boxes.append((width // 4, height // 4, max(width // 2, width // 4 + 1), max(height // 2, height // 4 + 1)))
            for box in boxes:
                for how, constant in HOW.items():
                    text = " ".join(repr(float(edge)) for edge in box)
                    got = probe.ask(f"resize {target[0]} {target[1]} {text} {how}")
                    want = np.asarray(image.resize(target, constant, box=box))
                    if not isinstance(got, str) and not np.array_equal(got, want):
                        want = across_first(image, target, constant, box)
                    same(f"resize {width}x{height} {box} to {target} {how}", got, want)


def check_evaluation(probe, folder, rng):
    try:
        import peers  # noqa: F401 (makes torchvision importable)
        from torchvision import transforms
        from torchvision.transforms import InterpolationMode
    except ImportError as missing:
        print(f"data_parity: evaluation SKIPPED ({missing}; install python3-torchvision)")
        return
    mode = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    cases = [(500, 375, 256, 224), (375, 500, 232, 224), (333, 251, 256, 224), (50, 40, 32, 32), (32, 32, 32, 32),
             (1, 1, 256, 224), (300, 200, 64, 100), (31, 47, 33, 29), (700, 3, 16, 9), (2000, 1, 40, 224)]
    for width, height, resize, crop in cases:
        image = picture(width, height, rng)
        path = os.path.join(folder, "evaluate.png")
        image.save(path)
        probe.ask("decode " + path)
        for how, constant in mode.items():
            square = transforms.Compose([transforms.Resize(resize, constant), transforms.CenterCrop(crop)])
            name = f"eval {width}x{height} resize {resize} crop {crop} {how}"
            same(name, probe.ask(f"eval {resize} {crop} {how}"), np.asarray(square(image)))
            tensor = normalise(transforms.ToTensor()(square(image))).permute(1, 2, 0).numpy()
            same(name + " normalised", probe.ask(f"pixels {resize} {crop} {how}", np.float32), tensor)
        cropped = transforms.CenterCrop(crop)(image)
        same(f"crop {width}x{height} to {crop}", probe.ask(f"eval 0 {crop} bilinear"), np.asarray(cropped))


def main():
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        probe = Probe(folder)
        check_formats(probe, folder, rng)
        check_resizing(probe, folder, rng)
        check_evaluation(probe, folder, rng)
        probe.process.stdin.close()
        probe.process.wait()
    print(f"data_parity: {compared - failures} of {compared} comparisons equal, byte for byte")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
