"""Who runs: a process and all that it started, as /proc tells."""

from pathlib import Path

_GONE = (FileNotFoundError, ProcessLookupError)


def processes(root: int) -> list[int]:
    """`root` and all of its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except _GONE:
                continue
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def memory(root: int) -> int:
    """Bytes of memory that are theirs alone, so that shared pages do not count as often as there are processes."""
    total = 0
    for pid in processes(root):
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except _GONE:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))
    return total
