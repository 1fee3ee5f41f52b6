"""The C side of the comparisons, nn_probe or another: compiled into a folder, asked, and answered by it."""
import os
import subprocess

import torch

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.path.join(root, os.environ.get("BUILD", "build"))


class Probe:
    def __init__(self, folder, source="tests/parity/nn_probe.c", passive=True):
        self.folder = folder
        self.passive = passive  # threads that wait leave the cores to others; False: they wait as thaw's do
        self.program = os.path.join(folder, os.path.basename(source)[:-2])
        libraries = subprocess.run(["pkg-config", "--libs", "libjpeg", "libpng", "libwebp", "libxxhash", "zlib", "libcjson"],
                                   capture_output=True, text=True, check=True).stdout.split()
        subprocess.run(["cc", "-std=c11", "-O1", "-D_GNU_SOURCE", "-I" + root, "-I" + os.path.join(root, "include"),
                        *os.environ.get("SANITIZE", "").split(), os.path.join(root, source),
                        os.path.join(build, "libengine.a"), "-o", self.program, "-rdynamic", *libraries, "-lm", "-ldl",
                        "-pthread"], check=True)

    def environment(self):
        variables = dict(os.environ)
        variables.setdefault("THAW_TORCH_PLUGIN", os.path.join(build, "libthaw_torch.so"))
        if self.passive:
            variables.setdefault("OMP_WAIT_POLICY", "passive")
        return variables

    def start(self, *arguments):
        return subprocess.Popen([self.program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                env=self.environment())

    def ask(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, env=self.environment())
        if done.returncode:
            raise RuntimeError(f"{os.path.basename(self.program)} {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def compute(self, what, arch, state, batches, layout, frozen=()):
        weights, images, out = (os.path.join(self.folder, name) for name in ("weights.pth", "batch.pth", "out.pth"))
        torch.save(state, weights)
        saved = {}
        for i, (x, y) in enumerate(batches):
            saved[f"x.{i}"] = x.permute(0, 2, 3, 1).contiguous()
            saved[f"y.{i}"] = y
        torch.save(saved, images)
        self.ask(what, arch, weights, images, out, layout, *frozen)
        return torch.load(out)
