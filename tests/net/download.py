#!/usr/bin/env python3
"""download.py - `thaw get` against a local server that misbehaves (server.py): what must hold of each download.

Every test_* below has a HOME and a catalog of its own, whose resnet18 and alexnet are a few megabytes of noise. They run
side by side: most of them wait. PROGRAM is the thaw to test. Ends with "net: N passed, N failed, N skipped".
"""
import concurrent.futures
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from server import Server

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
THAW = os.path.abspath(os.environ.get("PROGRAM", "thaw"))
SIZE = 3_000_000
PATIENCE = 120


class Skip(Exception):
    pass


class World:
    """A HOME, a catalog, a server, and thaw in them."""

    def __init__(self, folder):
        self.folder = folder
        self.home = os.path.join(folder, "home")
        self.files = os.path.join(folder, "files")
        for name in (self.home, self.files, os.path.join(folder, "zoo")):
            os.mkdir(name)
        with open(os.path.join(ROOT, "engine/zoo/catalog.json"), encoding="utf-8") as f:
            rows = json.load(f)
        self.name, self.data = {}, {}
        for model in ("resnet18", "alexnet"):
            self.data[model] = os.urandom(SIZE)
            digest = hashlib.sha256(self.data[model]).hexdigest()[:8]
            self.name[model] = f"{model}-{digest}.pth"
            with open(os.path.join(self.files, self.name[model]), "wb") as f:
                f.write(self.data[model])
            for row in rows:
                if row["arch"] == model:
                    url = "https://download.pytorch.org/models/" + self.name[model]
                    row.update(file=self.name[model], url=url, sha256_prefix=digest)
        with open(os.path.join(folder, "zoo/catalog.json"), "w", encoding="utf-8") as f:
            json.dump(rows, f)
        for other in ("bundled.json", "classes.json"):
            shutil.copy(os.path.join(ROOT, "engine/zoo", other), os.path.join(folder, "zoo"))
        self.server = Server(self.files)
        self.cache = os.path.join(self.home, ".cache/torch/hub/checkpoints")
        self.file = os.path.join(self.cache, self.name["resnet18"])
        self.part = self.file + ".part"

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith(("_proxy", "_offline"))}
        for name in ("XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "THAW_MIRROR", "THAW_LIBCURL",
                     "THAW_WEIGHTS"):
            env.pop(name, None)
        env.update(HOME=self.home, THAW_HOME=self.folder, THAW_FETCH_TIMEOUT="30", THAW_FETCH_WAIT="0.1",
                   THAW_FETCH_TRIES="3")
        env.update(more)
        return env

    def start(self, modes, *words, env=None, **how):
        words = list(words) or ["resnet18"]
        if modes is not None:
            words += ["--mirror", self.server.url(modes)]
        return subprocess.Popen([THAW, "get", *words], env=self.environment(**(env or {})), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder, **how)

    def end(self, process, code, *says):
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, f"exit {process.returncode}, not {code}: {out}{err}"
        for text in says:
            assert text in out + err, f"does not say {text!r}: {out}{err}"
        return out

    def get(self, code, modes, *words, says=(), env=None, **how):
        return self.end(self.start(modes, *words, env=env, **how), code, *says)

    def is_whole(self, model="resnet18", folder=None):
        path = os.path.join(folder or self.cache, self.name[model])
        with open(path, "rb") as f:
            assert f.read() == self.data[model], f"{path} is not what the server has"
        rest = os.listdir(os.path.dirname(path))
        assert not [n for n in rest if ".part" in n], f"left behind: {rest}"

    def has_nothing(self):
        rest = os.listdir(self.cache) if os.path.isdir(self.cache) else []
        assert rest == [], f"left behind: {rest}"

    def has_part(self, least=1, most=SIZE - 1):
        assert not os.path.exists(self.file), "the file has its name already"
        size = os.path.getsize(self.part)
        assert least <= size <= most, f"{size} bytes are kept"
        with open(self.part, "rb") as f:
            assert f.read() == self.data["resnet18"][:size], "what is kept is not the beginning"
        return size

    def wait_for_part(self, least):
        end = time.monotonic() + PATIENCE
        while not (os.path.exists(self.part) and os.path.getsize(self.part) >= least):
            assert time.monotonic() < end, "nothing has come"
            time.sleep(0.02)

    def ranges(self):
        return [r["range"] for r in self.server.requests]


# ---- what is fetched

def test_fresh(w):
    w.get(0, "good", says=[w.file, "its hash is the one in its name"])
    w.is_whole()
    assert w.ranges() == [None]


def test_present_is_not_fetched_again(w):
    w.get(0, "good")
    w.get(0, "fail=99:500", says=[w.file, "was here already"])
    w.get(0, "fail=99:500", "resnet18", "--check", says=["its hash is the one in its name"])
    with open(w.file, "r+b") as f:
        f.write(b"spoiled")
    w.get(0, "fail=99:500")
    w.get(1, "fail=99:500", "resnet18", "--check", says=["is damaged", w.name["resnet18"].split("-")[1][:8]])
    assert os.path.exists(w.file), "a person's file was removed"
    assert len(w.server.requests) == 1


def test_two_models_into_a_folder(w):
    place = os.path.join(w.folder, "some where", "else")
    w.get(0, "good", "resnet18:IMAGENET1K_V1", "alexnet", "--to", place, says=["have it found by name: export THAW_WEIGHTS="])
    out = w.get(0, "good", "alexnet", "--to", place, env={"THAW_WEIGHTS": place})
    assert "THAW_WEIGHTS" not in out, out
    w.is_whole("resnet18", place)
    w.is_whole("alexnet", place)
    w.has_nothing()


def test_mirror_and_torch_home_from_the_environment(w):
    home = os.path.join(w.folder, "torch home")
    w.get(0, None, env={"THAW_MIRROR": w.server.url("good/"), "TORCH_HOME": home})
    w.is_whole(folder=os.path.join(home, "hub/checkpoints"))


def test_no_length(w):
    w.get(0, "nolength", says=["its hash is the one in its name"])
    w.is_whole()


def test_redirect(w):
    w.get(1, "to=ftp", says=["ftp"])
    w.get(1, "to=file", says=["file"])
    w.has_nothing()


# ---- going on

def test_dropped_is_resumed_at_once(w):
    w.get(0, "cutonce=1000000", says=["remaining"])
    w.is_whole()
    assert w.ranges() == [None, "bytes=1000000-"]
    assert w.server.requests[1]["if_range"] == '"first"'


def test_killed_is_resumed_later(w):
    thaw = w.start("slow=800000")
    w.wait_for_part(300000)
    thaw.kill()
    thaw.communicate()
    size = w.has_part(300000)
    events = [json.loads(x) for x in w.get(0, "good", "resnet18", "--json").splitlines()]
    assert events[-1]["resumed"] == size and events[-1]["bytes"] == SIZE, events[-1]
    assert w.ranges() == [None, f"bytes={size}-"]
    w.is_whole()


def test_interrupted_keeps_the_part(w):
    thaw = w.start("slow=800000", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    w.wait_for_part(300000)
    began = time.monotonic()
    thaw.send_signal(signal.SIGINT)
    w.end(thaw, 130, "stopped", "are kept in", w.part, "goes on from there")
    assert time.monotonic() - began < 5
    size = w.has_part(300000)
    w.get(0, "good")
    assert w.ranges()[1] == f"bytes={size}-"
    w.is_whole()


def test_interrupted_between_tries(w):
    thaw = w.start("fail=99:503", env={"THAW_FETCH_WAIT": "60"},
                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    end = time.monotonic() + PATIENCE
    while not w.server.requests and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.2)
    thaw.send_signal(signal.SIGINT)
    w.end(thaw, 130, "stopped")
    w.has_nothing()


def test_server_without_ranges_starts_anew(w):
    w.get(1, "cut=1000000+noranges", says=["3 tries", "are kept in"])
    w.has_part(1000000, 1000000)
    w.get(0, "noranges")
    w.is_whole()
    assert w.ranges()[-1] == "bytes=1000000-"


def test_file_that_changed_starts_anew(w):
    with open(os.path.join(w.files, w.name["resnet18"]), "wb") as f:
        f.write(os.urandom(SIZE))
    w.get(1, "cut=1000000")
    with open(os.path.join(w.files, w.name["resnet18"]), "wb") as f:
        f.write(w.data["resnet18"])
    with open(w.part + ".from", encoding="utf-8") as f:
        origin = f.read()
    with open(w.part + ".from", "w", encoding="utf-8") as f: # the same address, now with another tag
        f.write(origin.replace("cut=1000000", "other+good"))
    w.get(0, "other+good")
    w.is_whole()
    assert w.server.requests[-1]["if_range"] == '"first"' and w.ranges()[-1] == "bytes=1000000-"


def test_part_that_is_wrong_is_fetched_again(w):
    os.makedirs(w.cache)
    with open(w.part, "wb") as f:
        f.write(os.urandom(1000))
    w.get(0, "good")
    w.is_whole()
    assert w.ranges() == ["bytes=1000-", None]


def test_part_that_is_whole_needs_nothing(w):
    os.makedirs(w.cache)
    with open(w.part, "wb") as f:
        f.write(w.data["resnet18"])
    w.get(0, "good")
    w.is_whole()
    assert w.ranges() == [f"bytes={SIZE}-"]


def test_part_that_is_too_long(w):
    os.makedirs(w.cache)
    with open(w.part, "wb") as f:
        f.write(w.data["resnet18"] + b"more")
    w.get(0, "good")
    w.is_whole()


def test_another_range_than_asked(w):
    os.makedirs(w.cache)
    with open(w.part, "wb") as f:
        f.write(w.data["resnet18"][:1000])
    w.get(0, "offset", says=["another part"])
    w.is_whole()


# ---- what goes wrong

def test_wrong_hash(w):
    found = hashlib.sha256(bytes(b ^ 0x55 for b in w.data["resnet18"])).hexdigest()
    w.get(1, "wrong", says=[w.name["resnet18"].split("-")[1][:8], found, "removed", "--mirror"])
    w.has_nothing()


def test_truncated(w):
    w.get(1, "cut=1000000", says=["3 tries", "977 KB of 2.9 MB are kept in", w.part])
    w.has_part(1000000, 1000000)


def test_not_there(w):
    os.remove(os.path.join(w.files, w.name["resnet18"]))
    w.get(1, "good", says=["404", "mirror", w.server.url("good")])
    w.has_nothing()
    assert len(w.server.requests) == 1


def test_overloaded_for_a_while(w):
    began = time.monotonic()
    w.get(0, "fail=2:503", says=["503", "next try in"])
    w.is_whole()
    assert len(w.server.requests) == 3
    assert time.monotonic() - began >= 2, "Retry-After: 1 was not heeded"


def test_overloaded_for_good(w):
    w.get(1, "fail=99:500", says=["500", "3 tries"])
    assert len(w.server.requests) == 3
    w.has_nothing()


def test_asked_to_come_back_tomorrow(w):
    w.get(1, "busy=86400", says=["429", "24:00:00"])
    assert len(w.server.requests) == 1


def test_stalled(w):
    w.get(0, "stallonce", env={"THAW_FETCH_TIMEOUT": "2"}, says=["too slow"])
    w.is_whole()
    assert f"bytes={SIZE // 2}-" in w.ranges()


def test_stalled_for_good(w):
    w.get(1, "stall=500000", env={"THAW_FETCH_TRIES": "2", "THAW_FETCH_TIMEOUT": "2"}, says=["2 tries", "are kept in"])
    w.has_part(500000, 500000)


def test_nobody_answers(w):
    w.get(1, None, "resnet18", "--mirror", "http://127.0.0.1:1/", says=["http://127.0.0.1:1/", "https_proxy"])
    w.get(1, None, "resnet18", "--mirror", "http://me:secret@127.0.0.1:1/", says=["me:***@"])
    w.get(1, None, "resnet18", "--mirror", "http://no-such-host.invalid/", says=["no-such-host.invalid"])
    w.has_nothing()


def test_wrong_words(w):
    w.get(2, None, "resnet18", "--mirror", "ftp://x/", says=["https://"])
    w.get(1, "good", "alexnet", "resnet19", says=["did you mean 'resnet18'"])
    w.get(1, "good", "resnet18:IMAGENET", says=["IMAGENET1K_V1"])
    assert w.server.requests == []


def test_without_libcurl(w):
    w.get(1, "good", env={"THAW_LIBCURL": "/nonexistent"}, says=["apt-get install libcurl4"])


def test_one_of_two_fails(w):
    os.remove(os.path.join(w.files, w.name["alexnet"]))
    w.get(1, "good", "alexnet", "resnet18", says=["404"])
    w.is_whole()


# ---- offline and proxies

def test_offline(w):
    for env, words in (({}, ["--offline"]), ({"THAW_OFFLINE": "1"}, []), ({"HF_HUB_OFFLINE": "1"}, [])):
        w.get(1, "good", "resnet18", *words, env=env, says=["offline", w.file])
    assert w.server.requests == []
    w.get(0, "good", env={"THAW_OFFLINE": "0"})
    w.get(0, "good", "resnet18", "--offline", says=["was here already"])


def test_proxy(w):
    proxy = f"http://127.0.0.1:{w.server.server_port}"
    w.get(0, None, "resnet18", "--mirror", "http://models.invalid/x", env={"http_proxy": proxy})
    w.is_whole()
    assert w.server.requests[0]["path"] == "http://models.invalid/x/" + w.name["resnet18"]
    w.get(1, None, "alexnet", "--mirror", "http://models.invalid/x", env={"http_proxy": proxy, "no_proxy": ".invalid"})
    assert len(w.server.requests) == 1


# ---- disks

def test_disk_is_too_small(w):
    for script in (f"mount -t tmpfs -o size=2m none '{w.home}'",):
        if subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True).returncode:
            raise Skip("a file system of two megabytes may not be mounted here")
    command = [THAW, "get", "resnet18", "--mirror", w.server.url("good")]
    inside = f"mount -t tmpfs -o size=2m none '{w.home}' && \"$@\"; code=$?; ls '{w.cache}'; exit $code"
    p = subprocess.run(["unshare", "-m", "sh", "-c", inside, "sh", *command], env=w.environment(), text=True,
                       capture_output=True)
    assert p.returncode == 1 and "2.9 MB are still to come" in p.stderr and "2.0 MB are free" in p.stderr, p
    assert p.stdout.splitlines()[1:] == [], p.stdout


def test_disk_fills_up(w):
    # Without a Content-Length nobody can say so beforehand.
    command = [THAW, "get", "resnet18", "--mirror", w.server.url("nolength")]
    inside = f"mount -t tmpfs -o size=2m none '{w.home}' && \"$@\"; code=$?; stat -c %s '{w.part}'; exit $code"
    p = subprocess.run(["unshare", "-m", "sh", "-c", inside, "sh", *command], env=w.environment(), text=True,
                       capture_output=True)
    if "unshare" in p.stderr or "mount" in p.stderr:
        raise Skip("a file system of two megabytes may not be mounted here")
    assert p.returncode == 1 and "No space left on device" in p.stderr and "are kept in" in p.stderr, p
    assert int(p.stdout.split()[-1]) > 1_000_000, p.stdout


def test_files_may_not_be_that_large(w):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    w.get(1, "good", preexec_fn=limit, says=["File too large", "are kept in"])
    w.has_part(900_000, 1_000_000)
    w.get(0, "good")
    w.is_whole()


def test_folder_that_cannot_be_written(w):
    how = {}
    locked = os.path.join(w.folder, "locked")
    os.mkdir(locked, 0o555)
    if os.geteuid() == 0:
        how = {"user": 65534, "group": 65534, "extra_groups": []}
        os.chmod(w.folder, 0o755)
        if subprocess.run([THAW, "--version"], capture_output=True, cwd="/", **how).returncode:
            raise Skip("root writes anywhere, and no other user reaches the program")
    for place in (locked, os.path.join(locked, "deeper")):
        w.get(1, "good", "resnet18", "--to", place, says=["Permission denied", locked, "--to DIR"], **how)
    assert w.server.requests == []


def test_in_the_way(w):
    os.makedirs(w.part)
    w.get(1, "good", says=[w.part])
    os.rmdir(w.part)
    os.symlink("/etc/passwd", w.part)
    w.get(1, "good", says=[w.part])
    assert os.path.islink(w.part) and w.server.requests == []


# ---- several at once

def test_two_at_once(w):
    first = w.start("slow=1500000")
    w.wait_for_part(100000)
    second = w.start("good")
    w.end(first, 0)
    w.end(second, 0, "another thaw is fetching it", "was here already")
    w.is_whole()
    assert len(w.server.requests) == 1


def test_the_second_takes_over(w):
    first = w.start("slow=1000000")
    w.wait_for_part(300000)
    second = w.start("good")
    end = time.monotonic() + PATIENCE
    while b"another thaw" not in os.read(second.stdout.fileno(), 4096) and time.monotonic() < end:
        pass
    first.kill()
    first.communicate()
    w.end(second, 0)
    w.is_whole()
    assert re.fullmatch(r"bytes=\d+-", w.ranges()[1]), w.ranges()


def test_many_at_once(w):
    many = [w.start("good") for _ in range(6)]
    for thaw in many:
        w.end(thaw, 0)
    w.is_whole()
    assert len(w.server.requests) == 1


# ---- what scripts read

def test_events(w):
    out = w.get(0, "cutonce=1000000", "resnet18", "cifar_resnet20", "--json")
    events = [json.loads(x) for x in out.splitlines()]
    assert all(e["v"] == 1 and e["time"] >= 0 and e["model"] and e["weights"] for e in events)
    mine = [e for e in events if e["model"] == "resnet18"]
    assert mine[0]["event"] == "get" and mine[0]["path"] == w.file and w.name["resnet18"] in mine[0]["url"]
    middle = mine[1:-1]
    assert {e["event"] for e in middle} == {"progress"}
    assert all(0 <= e["bytes"] <= SIZE and e["total"] in (None, SIZE) for e in middle)
    retry = [e for e in middle if e["stage"] == "retrying"]
    assert retry and retry[0]["failures"] == 1 and retry[0]["why"] and retry[0]["left"] >= 0
    assert [e["stage"] for e in middle if e["stage"] != "retrying"][-1] == "checking"
    end = mine[-1]
    assert end["event"] == "got" and end["path"] == w.file and end["bytes"] == SIZE
    assert end["fetched"] is True and end["checked"] is True and end["resumed"] == 0
    assert events[-1]["model"] == "cifar_resnet20" and events[-1]["fetched"] is False
    out = w.get(1, "fail=99:404", "alexnet", "--json", says=["thaw: "])
    last = json.loads(out.splitlines()[-1])
    assert last["event"] == "failed" and "404" in last["message"]


def test_train_says_how_to_get_it(w):
    recipe = os.path.join(w.folder, "r.json")
    with open(recipe, "w", encoding="utf-8") as f:
        json.dump({"model": "resnet18", "weights": "DEFAULT", "data": {"path": "shapes"}}, f)
    p = subprocess.run([THAW, "train", recipe], env=w.environment(), capture_output=True, text=True, cwd=w.folder)
    assert p.returncode == 1, p
    if "libtorch" in p.stderr and "thaw get" not in p.stderr:
        raise Skip("no libtorch, so training does not come that far")
    assert "thaw get resnet18:IMAGENET1K_V1" in p.stderr, p.stderr


def run(test):
    folder = tempfile.mkdtemp(prefix="thaw-net-")
    world = None
    began = time.monotonic()
    try:
        world = World(folder)
        test(world)
        return "ok", f"{time.monotonic() - began:.1f} s"
    except Skip as e:
        return "SKIP", str(e)
    except Exception: # whatever it is, it is this test's failure
        return "FAIL", traceback.format_exc()
    finally:
        if world:
            world.server.shutdown()
            world.server.server_close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    tests = [(n[5:], t) for n, t in globals().items() if n.startswith("test_") and wanted in n]
    count = {"ok": 0, "FAIL": 0, "SKIP": 0}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for (name, _), (word, text) in zip(tests, pool.map(lambda t: run(t[1]), tests)):
            count[word] += 1
            print(f"{word:5} {name} ({text})" if word != "FAIL" else f"FAIL  {name}\n{text}", flush=True)
    print(f"net: {count['ok']} passed, {count['FAIL']} failed, {count['SKIP']} skipped")
    return 1 if count["FAIL"] or not count["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
