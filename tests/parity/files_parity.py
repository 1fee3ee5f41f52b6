#!/usr/bin/python3
"""Files of every family, written by Python torchvision, are loaded to the bit; and back, with strict=True.

Runs alone: tests/parity/files_parity.py (BUILD=build, PROGRAM=thaw). One small member of each family, in each form that
such files have: torch.save's zip, its old format, safetensors. And the files that are unlike their models: old names of
keys, half precision, files that were renamed, auxiliary classifiers that are there or not.
"""
import gc
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    import torch
    from peers import build as build_peer, settle, torchvision, undrawn
    from probe import Probe, root
except ImportError as missing:
    print(f"files_parity: SKIPPED ({missing}; install python3-torch and python3-torchvision)")
    sys.exit(0)

program = os.path.join(root, os.environ.get("PROGRAM", "thaw"))
SMALL = ("alexnet", "vgg11", "resnet18", "squeezenet1_1", "densenet121", "googlenet", "inception_v3", "mobilenet_v2",
         "mobilenet_v3_small", "mnasnet0_5", "shufflenet_v2_x0_5", "efficientnet_b0", "efficientnet_v2_s",
         "regnet_y_400mf", "regnet_x_400mf", "resnext50_32x4d", "convnext_tiny", "vit_b_32", "swin_t", "swin_v2_t",
         "maxvit_t")
SAFETENSORS_TYPES = {torch.float32: "F32", torch.float16: "F16", torch.int64: "I64"}
counts = {"passed": 0, "failed": 0}


def check(name, good, detail=""):
    counts["passed" if good else "failed"] += 1
    if not good:
        print(f"files_parity: {name}: FAILED {detail}")


def raw(tensor):
    return tensor.detach().contiguous().numpy()


def write_safetensors(state, path):
    """The format in full: eight bytes of length, a JSON header, the elements."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for key, tensor in state.items():
        size = tensor.numel() * tensor.element_size()
        header[key] = {"dtype": SAFETENSORS_TYPES[tensor.dtype], "shape": list(tensor.shape),
                       "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in state.values():
            file.write(raw(tensor).tobytes())


FORMS = {
    "zip": torch.save,
    "old": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    "safetensors": write_safetensors,
}


def described(state):
    """As nn_probe load describes a model: a line a tensor."""
    return [" ".join([key, str(tensor.dtype).split(".")[1], f"{zlib.crc32(raw(tensor)):08x}",
                      *map(str, tensor.shape)]) for key, tensor in state.items()]


def check_loaded(probe, name, arch, saved, expected, form="zip", out=()):
    """SAVED as a file gives a model of what EXPECTED describes."""
    path = os.path.join(probe.folder, "saved")
    FORMS[form](saved, path)
    try:
        got = probe.ask("load", arch, path, "0", *out).splitlines()
        wrong = [pair for pair in zip(got, expected) if pair[0] != pair[1]]
        check(name, got == expected, f"{len(got)} tensors, {len(expected)} expected; first difference: {wrong[:1]}")
    except RuntimeError as refused:
        check(name, False, str(refused))
    os.remove(path)


def check_strict(name, peer, path):
    try:
        peer.load_state_dict(torch.load(path), strict=True)
    except (RuntimeError, ValueError) as refused:
        check(name, False, str(refused)[:300])
        return
    check(name, True)


def check_family(probe, arch):
    peer = settle(build_peer(arch))
    state = peer.state_dict()
    expected, out = described(state), os.path.join(probe.folder, "out.pth")
    for form in FORMS:
        check_loaded(probe, f"{arch}, {form}", arch, state, expected, form, [out] if form == "zip" else [])
    if os.path.exists(out):
        check_strict(f"{arch}, written by thaw", peer, out)
        check(f"{arch}, written by thaw and read by Python", described(peer.state_dict()) == expected)
        os.remove(out)


# ---- files that are unlike their models ----


def renamed(state, *pairs):
    """With key parts as they were once called."""
    old = {}
    for key, tensor in state.items():
        for present, past in pairs:
            key = key.replace(present, past)
        old[key] = tensor
    return old


def check_old_names(probe):
    state = settle(build_peer("densenet121")).state_dict()
    old = renamed(state, *[(f".{kind}.", f".{kind[:-1]}.{kind[-1]}.") for kind in ("norm1", "norm2", "conv1", "conv2")])
    check("densenet121's old names are others", len(set(old) - set(state)) == 58 * 12, len(set(old) - set(state)))
    check_loaded(probe, "densenet121 with its old names", "densenet121", old, described(state), "old")
    state = settle(build_peer("vit_b_32")).state_dict()
    old = renamed(state, (".mlp.0.", ".mlp.linear_1."), (".mlp.3.", ".mlp.linear_2."))
    check_loaded(probe, "vit_b_32 with its old names", "vit_b_32", old, described(state))
    state = settle(build_peer("resnet18")).state_dict()
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    check_loaded(probe, "resnet18 without counters", "resnet18", old, described(state), "old")


def check_half(probe):
    """wide_resnet50_2's file of 2019 is in half precision."""
    state = settle(build_peer("wide_resnet50_2")).state_dict()
    half = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    whole = {key: value.float() if value.is_floating_point() else value for key, value in half.items()}
    for form in FORMS:
        check_loaded(probe, f"half precision, {form}", "wide_resnet50_2", half, described(whole), form)


def check_auxiliary(probe, arch):
    """With the auxiliary classifiers (torchvision's files have them) and as a model built without them saves itself."""
    peer = settle(build_peer(arch))
    state = peer.state_dict()
    bare = {key: value for key, value in state.items() if not key.lower().startswith("aux")}
    path, out = os.path.join(probe.folder, "bare.pth"), os.path.join(probe.folder, "out.pth")
    torch.save(bare, path)
    got = probe.ask("load", arch, path, "0", out).splitlines()
    mine = [line for line in got if not line.lower().startswith("aux")]
    check(f"{arch} without auxiliary classifiers", mine == described(bare))
    check_strict(f"{arch} without auxiliary classifiers, written by thaw", peer, out)
    exported = os.path.join(probe.folder, "exported.pth")
    for name, saved, logits in (("with", state, True), ("without", bare, False)):
        torch.save(saved, path)
        subprocess.run([program, "export", "--model", arch, "--weights", path, "--to", exported], check=True,
                       stdout=subprocess.DEVNULL)
        model = getattr(torchvision.models, arch)(weights=None, aux_logits=logits, init_weights=False)
        check_strict(f"{arch} {name} auxiliary classifiers, exported by thaw", model, exported)
    for file in (path, out, exported):
        os.remove(file)


def check_renamed_files(probe):
    """A file that has the name it was once published under is found by the name of its weights."""
    rows = json.loads(subprocess.run([program, "models", "--json"], check=True, capture_output=True).stdout)
    older = [row for row in rows if row["older_file"]]
    check("some files were renamed", len(older) > 0)
    home = os.path.join(probe.folder, "home")
    folder = os.path.join(home, "hub", "checkpoints")
    os.makedirs(folder)
    for row in older[:1]:
        path, out = os.path.join(folder, row["older_file"]), os.path.join(probe.folder, "exported.pth")
        peer = settle(build_peer(row["arch"]))
        torch.save(peer.state_dict(), path)
        command = [program, "export", "--model", row["arch"], "--weights", row["weights_name"], "--to", out]
        done = subprocess.run(command, env=dict(os.environ, TORCH_HOME=home), capture_output=True, text=True)
        check(f"{row['older_file']} is found", done.returncode == 0, done.stderr)
        if done.returncode == 0:
            check_strict(f"{row['older_file']}, exported by thaw", peer, out)


# ---- a ViT for images of another size ----


def check_positions(probe, arch="vit_b_32", patch=32, side=160):
    """Its position embeddings are interpolated as torchvision's own function does, and a person is told."""
    told = "position embeddings interpolated from 7x7 to 5x5"
    state = settle(build_peer(arch)).state_dict()
    want = torchvision.models.vision_transformer.interpolate_embeddings(side, patch, dict(state))
    path, out = os.path.join(probe.folder, "vit.pth"), os.path.join(probe.folder, "out.pth")
    torch.save(state, path)
    lines = probe.ask("load", arch, path, str(side), out).splitlines()
    check("interpolation is noted", lines[-1] == "note " + told, lines[-1])
    got = torch.load(out)
    key = "encoder.pos_embedding"
    far = (got[key] - want[key]).abs().max().item()
    check("interpolated position embeddings", got[key].shape == want[key].shape and far < 1e-6, far)
    check("all but the positions is as it was", all(torch.equal(got[k], state[k]) for k in state if k != key))
    check_told(probe.folder, arch, path, side, told)
    for file in (path, out):
        os.remove(file)


def check_told(folder, arch, path, side, told):
    data, recipe = os.path.join(folder, "shapes"), os.path.join(folder, "recipe.json")
    subprocess.run([program, "shapes", data, "--side", "64", "--train", "1", "--val", "1"], check=True,
                   stdout=subprocess.DEVNULL)
    with open(recipe, "w") as file:
        json.dump({"model": arch, "weights": path, "data": {"path": data, "crop": side}, "epochs": 1}, file)
    done = subprocess.run([program, "train", recipe, "--runs", os.path.join(folder, "runs")], capture_output=True,
                          text=True)
    check("a run that interpolates says so", done.returncode == 0 and told in done.stderr, done.stderr)
    log = next(os.path.join(top, "events.jsonl") for top, _, files in os.walk(folder) if "events.jsonl" in files)
    with open(log) as file:
        texts = [event.get("text") for event in map(json.loads, file) if event["event"] == "log"]
    check("and its log has it", told in texts, texts)
    weights = os.path.join(folder, "small.pth")
    torch.save(torchvision.models.vision_transformer.interpolate_embeddings(side, 32, torch.load(path)), weights)
    image = next(os.path.join(top, files[0]) for top, _, files in os.walk(data) if files)
    done = subprocess.run([program, "predict", "--model", arch, "--weights", weights, image], capture_output=True,
                          text=True)
    back = "position embeddings interpolated from 5x5 to 7x7"
    check("a prediction that interpolates says so", done.returncode == 0 and back in done.stderr, done.stderr)
    os.remove(weights)


# ---- models that were part of others, and timm's names ----


def prefixed(state, prefix):
    return {prefix + key: tensor for key, tensor in state.items()}


def check_prefixes(probe, arch="resnet18"):
    """What DataParallel, Lightning and a user's own module make of a state dict, in the wrappers that scripts save."""
    peer = settle(build_peer(arch))
    state = peer.state_dict()
    told = 'note keys are read without the "backbone." in front'
    head = {key: tensor for key, tensor in state.items() if key.startswith("fc.")}
    bare = {key: tensor for key, tensor in state.items() if key not in head}
    cases = {
        "DataParallel's": ({"epoch": 3, "model": torch.nn.DataParallel(peer).state_dict()}, []),
        "an average's": ({"epoch": 3, "state_dict_ema": prefixed(state, "module.")}, []),
        "a part's": ({"model_state": prefixed(state, "backbone.")}, [told]),
        "Lightning's": ({"state_dict": {**prefixed(bare, "backbone."), **head, "loss.weight": torch.ones(7)}},
                        [told + ", and 1 other is left out"]),
    }
    for name, (saved, note) in cases.items():
        check_loaded(probe, f"{arch}, {name} keys", arch, saved, described(state) + note)
    check_loaded(probe, f"{arch}, a part's keys in safetensors", arch, prefixed(state, "backbone."),
                 described(state) + [told], "safetensors")


def check_timm(probe, arch="vit_b_32"):
    """timm's names: they are written here as its documentation and files have them, since timm itself is not needed."""
    state = settle(build_peer(arch)).state_dict()
    theirs = renamed(state, ("class_token", "cls_token"), ("encoder.pos_embedding", "pos_embed"),
                     ("conv_proj", "patch_embed.proj"), ("encoder.layers.encoder_layer_", "blocks."),
                     ("ln_1", "norm1"), ("ln_2", "norm2"), ("self_attention.in_proj_", "attn.qkv."),
                     ("self_attention.out_proj", "attn.proj"), ("mlp.0", "mlp.fc1"), ("mlp.3", "mlp.fc2"),
                     ("encoder.ln", "norm"), ("heads.head", "head"))
    check("timm's names are others", not set(theirs) & set(state))
    note = ("note timm's names of a ViT's layers are read as torchvision's; images are normalised as for torchvision's "
            "(some of timm's were trained with mean and deviation 0.5)")
    check_loaded(probe, f"{arch} with timm's names", arch, theirs, described(state) + [note], "safetensors")


def check_oddities(probe):
    check_old_names(probe)
    check_prefixes(probe)
    check_timm(probe)
    check_half(probe)
    for arch in ("googlenet", "inception_v3"):
        check_auxiliary(probe, arch)
    check_renamed_files(probe)
    check_positions(probe)


def main():
    named = os.environ.get("PARITY", "all")  # PARITY=NAME,NAME...: these only
    with tempfile.TemporaryDirectory() as folder, undrawn():
        probe = Probe(folder)
        for arch in SMALL if named in ("all", "families") else named.split(","):
            check_family(probe, arch)
            gc.collect()
        if named in ("all", "families"):
            check_oddities(probe)
    print(f"files_parity: torchvision {torchvision.__version__}: {counts['passed']} passed, {counts['failed']} failed")
    return counts["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
