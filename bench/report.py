"""The table: our speed, the ratios to each peer beside their targets, and the processor time of each."""

from collections.abc import Mapping, Sequence
from statistics import median

from bench.rows import Result, Row

Taken = Mapping[str, Sequence[tuple[Result, float]]]  # server -> rounds of (result, processor seconds)


def rate(rounds: Sequence[tuple[Result, float]]) -> float:
    """The median of what was done a second."""
    return median(result.done / result.seconds for result, _ in rounds)


def cost(rounds: Sequence[tuple[Result, float]]) -> float:
    """The median of processor seconds for one request or GiB."""
    return median(cpu / result.done for result, cpu in rounds)


def table(rows: Mapping[Row, Taken], ours: Sequence[str], peers: Sequence[str]) -> str:
    """Markdown, one line a row and one of our servers."""
    head = [
        "operation",
        "harborweb on",
        "speed",
        *(f"x {peer}" for peer in peers),
        "target",
        "CPU",
        "CPU of peers",
    ]
    lines = [_line(head), _line(["---"] * len(head))]
    for row, taken in rows.items():
        for name in ours:
            lines.append(_line(_cells(row, taken, name, peers)))
    return "\n".join(lines)


def _cells(row: Row, taken: Taken, name: str, peers: Sequence[str]) -> list[str]:
    speed = rate(taken[name])
    ratios = [speed / rate(taken[peer]) for peer in peers]
    targets = row.targets[: len(peers)]
    shown = [
        f"{ratio:.2f}" + ("" if ratio >= target else " (short)")
        for ratio, target in zip(ratios, (*targets, *[0.0] * len(peers)), strict=False)
    ]
    unit = "/s" if row.unit == "requests" else " GiB/s"
    goal = ", ".join(f"{target:g}" for target in targets)
    costs = [_cost(row, cost(taken[each])) for each in (name, *peers)]
    backend = name.rpartition(" ")[2]
    return [
        row.name,
        backend,
        f"{speed:,.{0 if unit == '/s' else 2}f}{unit}",
        *shown,
        goal,
        costs[0],
        ", ".join(costs[1:]),
    ]


def _cost(row: Row, seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us" if row.unit == "requests" else f"{seconds:.2f} s/GiB"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
