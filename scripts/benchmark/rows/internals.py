"""The rows of gateway.twisted_internals: what each part buys, beside the same gateway without it.

Measured is the processor time that the gateway takes for a request, which other programs on the machine alter little. A part
that saves less than a twentieth in its first row is not worth a private part of Twisted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import median

from scripts.benchmark.load_generator.load import Load
from scripts.benchmark.measure import Measured, Row
from scripts.benchmark.rows.searches import EQUALITY
from scripts.benchmark.servers.contenders import Contender
from scripts.benchmark.servers.gateway_side import PLAIN, Setup, cpu_seconds
from scripts.benchmark.stage import Stage

WORTH = 0.95
"""Processor time with the part : without it, at most."""

SEARCHES = ("equality search, 8 connections", "equality search, 64 connections", "equality search, 8 × 16 in flight")
OVER_TLS = "equality search over LDAPS, 8 connections"
ROWS: Mapping[str, tuple[str, ...]] = {
    "turn-reactor": SEARCHES,
    "end-of-turn": SEARCHES,
    "bare-events": SEARCHES,
    "direct-writes": SEARCHES,
    "direct-tls-writes": (OVER_TLS,),
}
"""Part (see without.py) → the loads on which it works."""


def internals(stage: Stage) -> Iterator[Measured]:
    """Each part's rows, the gateway without it and as it is in turns."""
    for part, names in ROWS.items():
        values: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
        for turn in range(stage.effort.repeats):
            for column, setup in enumerate((Setup(without=part), PLAIN)):
                contender = stage.gateway(setup)
                for name in names:
                    values[name][column].append(microseconds(stage, contender, name, turn))
        for name, (without, with_it) in values.items():
            row = Row(f"{part}: {name}", "µs CPU", at_most_ratio=WORTH if name == names[0] else None, against=f"without {part}")
            spread = ((min(without), max(without)), (min(with_it), max(with_it)))
            yield Measured(row, median(without), median(with_it), spread)


def microseconds(stage: Stage, contender: Contender, name: str, turn: int) -> float:
    """Return the processor time that the gateway takes for one request of that load."""
    load = replace(loads(stage)[name], seed=turn + 1, warmup=0)
    endpoint = contender.encrypted if name == OVER_TLS else contender.endpoint
    before = cpu_seconds(contender.pid())
    result = stage.generator.run(endpoint, load)
    return (cpu_seconds(contender.pid()) - before) / result.requests * 1e6


def loads(stage: Stage) -> dict[str, Load]:
    """Return the loads by their names."""
    eight, many, piped = SEARCHES
    return {
        eight: stage.timed(EQUALITY, 8, expect_entries=1),
        many: stage.timed(EQUALITY, 64, expect_entries=1),
        piped: stage.timed(EQUALITY, 8, 16, expect_entries=1),
        OVER_TLS: stage.timed(EQUALITY, 8, expect_entries=1),
    }
