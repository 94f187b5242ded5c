"""Measurements: a row of the table with its target, and the medians of both sides."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

Spread = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: its name, its unit, what it wants of the ratio gateway : other, or of the gateway's own value.

    `against`: the other side where it is not slapd itself.
    """

    name: str
    unit: str
    at_least_ratio: float | None = None
    at_most_ratio: float | None = None
    at_most: float | None = None
    against: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A row with the medians of both; None where there is nothing to measure. `spread`: lowest and highest of each."""

    row: Row
    yardstick: float | None
    gateway: float | None
    spread: Spread | None = None

    @property
    def ratio(self) -> float | None:
        return self.gateway / self.yardstick if self.gateway is not None and self.yardstick else None

    @property
    def reached(self) -> bool | None:
        """True when the target was reached, False when not; None when the row has none."""
        if self.row.at_most is not None:
            return self.gateway is not None and self.gateway <= self.row.at_most
        if self.ratio is None or (self.row.at_least_ratio is None and self.row.at_most_ratio is None):
            return None
        return self.ratio >= (self.row.at_least_ratio or 0) and self.ratio <= (self.row.at_most_ratio or float("inf"))

    def facts(self) -> Mapping[str, object]:
        """Everything about it as JSON has it."""
        return {
            **asdict(self.row),
            "yardstick": self.yardstick,
            "gateway": self.gateway,
            "ratio": self.ratio,
            "reached": self.reached,
            "spread": self.spread,
        }


def in_turns(row: Row, sides: tuple[Callable[[int], float], Callable[[int], float]], repeats: int) -> Measured:
    """Measure both in turns (A, B, A, B …), so that what the machine does meanwhile meets both. Each is given the turn."""
    values: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats):
        for side, column in zip(sides, values, strict=True):
            column.append(side(turn))
    spread = ((min(values[0]), max(values[0])), (min(values[1]), max(values[1])))
    return Measured(row, statistics.median(values[0]), statistics.median(values[1]), spread)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed."""
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered)) - 1))]


def resident_mebibytes(pid: int) -> float:
    """The resident memory of a process and of all below it. What they share counts for each: never too little."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kibibytes / 1024 + sum(resident_mebibytes(int(child)) for child in children)
