"""What holds a process's memory: /proc/PID/smaps at its peak, by kind; and what a process has with all its children."""
import collections
import os
import re
import subprocess
import time

MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)")
ARENA, LARGE = 64 << 20, 16 << 20


def kind_of(size, name):
    if name.startswith("/"):
        return "files mapped (libraries)" if "/lib" in name else "files mapped (others)"
    if name == "[heap]" or size <= ARENA and size > LARGE * 3.9:
        return "malloc's heap and arenas"
    if name.startswith("["):
        return "stacks and the like"
    return "blocks of 16 MB and more" if size >= LARGE else "blocks below 16 MB"


def by_kind(pid):
    """Resident megabytes of PID by kind of mapping."""
    kinds, kind = collections.Counter(), ""
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            found = MAPPING.match(line)
            if found:
                kind = kind_of(int(found[2], 16) - int(found[1], 16), found[4])
            elif line.startswith("Rss:"):
                kinds[kind] += int(line.split()[1]) / 1024
    return kinds


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        for child in map(int, f.read().split()):
            yield child
            yield from children(child)


def shared_out(pid):
    """Megabytes of PID and its children; what several share counts once."""
    total = 0
    for one in [pid, *children(pid)]:
        with open(f"/proc/{one}/smaps_rollup") as f:
            total += int(re.search(r"Pss:\s+(\d+)", f.read()).group(1))
    return total / 1024


def watch(command, whole_family=False, env=None):
    """Run COMMAND to its end: the most it had resident in MB (with its children, if WHOLE_FAMILY), and that by kind."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env)
    most, kinds = 0, {}
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/statm") as f:
                now = int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
            if whole_family:
                most = max(most, shared_out(process.pid))
            elif now > most * 1.01:
                kinds = by_kind(process.pid)
                most = max(now, sum(kinds.values()))
        except (OSError, AttributeError):
            pass  # it is ending, or one of its children is
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return most, kinds
