"""The measurements: what is asked of both, in turns (A, B, A, B …), and the median of what came out."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

from ldap3.core.exceptions import LDAPException

from scripts.benchmark.contenders import BenchError, Contender, Size, ask, connect, wait_until
from scripts.benchmark.load import Endpoint, Load, LoadGenerator, LoadResult
from tests.servers.people import person_dn
from tests.servers.slapd import Slapd

EQUALITY = "(uid=user%06d)"
TWO_ATTRIBUTES = "cn,mail"
WARMUP_SECONDS = 0.5
WALKS = 5  # walks over the whole tree in one run


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: its name, its unit, what it wants of the ratio gateway : slapd, or of the gateway's own value."""

    name: str
    unit: str
    at_least_ratio: float | None = None
    at_most_ratio: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A row with the medians of both; None where there is nothing to measure. `spread`: lowest and highest of each."""

    row: Row
    yardstick: float | None
    gateway: float | None
    spread: tuple[tuple[float, float], tuple[float, float]] | None = None

    @property
    def ratio(self) -> float | None:
        return self.gateway / self.yardstick if self.gateway is not None and self.yardstick else None

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None when the row has none."""
        if self.row.at_most is not None:
            return self.gateway is not None and self.gateway <= self.row.at_most
        if self.ratio is None or (self.row.at_least_ratio is None and self.row.at_most_ratio is None):
            return None
        return self.ratio >= (self.row.at_least_ratio or 0) and self.ratio <= (self.row.at_most_ratio or float("inf"))


CLASS_AND_UID = "(&(objectClass=inetOrgPerson)(uid=user%06d))"

SearchRow = tuple[Row, Load, Callable[[LoadResult], float]]


def search_rows(size: Size, seconds: float) -> list[SearchRow]:
    """The searches of the table."""

    def equality(connections: int, in_flight: int = 1, filter_template: str = EQUALITY) -> Load:
        return Load(
            filter_template=filter_template,
            range=size.people,
            expect_entries=1,
            connections=connections,
            in_flight=in_flight,
            seconds=seconds,
            warmup=min(WARMUP_SECONDS, seconds),
        )

    walk, two = Load(requests=WALKS), Load(requests=WALKS, attributes=TWO_ATTRIBUTES)
    per_second, entries = attrgetter("per_second"), attrgetter("entries_per_second")
    whole = "equality search by uid, whole entry"
    return [
        (Row(f"{whole}, 1 connection", "per s"), equality(1), per_second),
        (Row(f"{whole}, 8 connections", "per s", at_least_ratio=1.0), equality(8), per_second),
        (Row(f"{whole}, 64 connections", "per s"), equality(64), per_second),
        (Row(f"{whole}, 8 connections, 16 in flight each", "per s", at_least_ratio=2.0), equality(8, 16), per_second),
        (Row("search for class and uid, 8 connections", "per s"), equality(8, filter_template=CLASS_AND_UID), per_second),
        (Row("whole subtree, all attributes", "entries/s", at_least_ratio=2.0), walk, entries),
        (Row("whole subtree, two named attributes", "entries/s", at_least_ratio=1.0), two, entries),
    ]


def compare(row: SearchRow, pair: tuple[Contender, Contender], generator: LoadGenerator, size: Size, repeats: int) -> Measured:
    """Measure both in turns, so that what the machine does meanwhile meets both."""
    what, load, value_of = row
    values: tuple[list[float], list[float]] = ([], [])
    for number in range(repeats):
        for contender, column in zip(pair, values, strict=True):
            result = generator.run(contender.endpoint, replace(load, seed=number + 1))
            if load.expect_entries < 0 and result.entries < size.entries * result.requests:
                raise BenchError(f"{contender.name}: {result.entries} entries in {result.requests} walks are too few")
            column.append(value_of(result))
    medians = [statistics.median(column) for column in values]
    spread = ((min(values[0]), max(values[0])), (min(values[1]), max(values[1])))
    return Measured(what, medians[0], medians[1], spread)


def propagation_ms(
    provider: Slapd, target: Endpoint, generator: LoadGenerator, size: Size, changes: int, organizations: int
) -> Sequence[float]:
    """Milliseconds from sending a change to the provider until the target shows it, under a search load; sorted.

    The load keeps 8 connections busy without a pause. Each change waits for the one before.
    """
    load = Load(filter_template=EQUALITY, range=size.people, connections=8, seconds=3600)
    chosen = random.Random(1)
    writer, reader = provider.connect(), connect(target)
    times: list[float] = []
    with generator.background(target, load):
        for number in range(changes):
            person, title = chosen.randrange(size.people), f"Title {number}"
            began = time.monotonic()
            writer.modify(person_dn(person, organizations), {"title": [("MODIFY_REPLACE", [title])]})
            visible = partial(shows_title, reader, target.base, person, title)
            wait_until(visible, f"change {number} is visible", poll_seconds=0.001)
            times.append((time.monotonic() - began) * 1000)
    reader.unbind()
    return sorted(times)


def shows_title(connection: Any, base: str, person: int, title: str) -> bool:
    return ask(connection, base, f"(uid=user{person:06d})", "SUBTREE", "title") == [[title.encode()]]


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed."""
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered)) - 1))]


def restart_seconds(contender: Contender, size: Size) -> float:
    """From starting the program again to the answer of a first search, over a connection made for it."""
    contender.stop()
    began = time.monotonic()
    contender.start()

    def answers() -> bool:
        try:
            connection = connect(contender.endpoint)
        except LDAPException:
            return False
        try:
            return bool(ask(connection, contender.endpoint.base, f"(uid=user{size.people // 2:06d})", "SUBTREE", "uid"))
        except LDAPException:  # it listens, but is not ready
            return False
        finally:
            connection.unbind()

    wait_until(answers, f"{contender.name} answers after a restart", poll_seconds=0.01)
    return time.monotonic() - began


def resident_mebibytes(pid: int) -> float:
    """The resident memory of a process and of all below it. What they share counts for each: never too little."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kibibytes / 1024 + sum(resident_mebibytes(int(child)) for child in children)
