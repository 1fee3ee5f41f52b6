"""What the measurements have in common when they say what they found: figures as text, tables, and their place in a document."""
import platform
import re
import statistics


def processor():
    with open("/proc/cpuinfo") as f:
        match = re.search(r"model name\s*: (.*)", f.read())
    return match.group(1) if match else platform.processor()


def spread(values, unit=""):
    return f"{statistics.median(values):.3g}{unit} ({min(values):.3g}-{max(values):.3g})"


def times(ratio):
    return f"{ratio:.3g}x" if ratio >= 10 else f"{ratio:.2f}x"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    """A Markdown table; every cell is text."""
    return "\n".join(map(row, [head, ["---"] * len(head), *rows]))


def write(path, name, text):
    """Put TEXT into the file, in place of what was there under this name before."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    with open(path) as f:
        document = f.read()
    head, found, rest = document.partition(begin)
    tail = rest.partition(end)[2] if found else "\n"
    if not found:
        head = document.rstrip("\n") + "\n\n"
    with open(path, "w") as f:
        f.write(f"{head}{begin}\n{text}\n{end}{tail}")
