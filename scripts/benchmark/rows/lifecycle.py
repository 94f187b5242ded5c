"""The rows about the programs themselves: their start, the delay of a change, their memory."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from scripts.benchmark.load_generator.load import Endpoint, Load
from scripts.benchmark.measure import Measured, Row, percentile, resident_mebibytes
from scripts.benchmark.rows.searches import EQUALITY
from scripts.benchmark.servers.contenders import Contender, ask, connect, finds, start_replica, wait_until
from scripts.benchmark.servers.gateway_side import PLAIN, Gateway
from scripts.benchmark.servers.sample import ORGANIZATIONS
from scripts.benchmark.stage import Stage
from tests.servers.people import person_dn

COLD_START = Row("cold start, empty store, until all are searchable", "s", at_most_ratio=0.5, against="slapd replica")
COLD_START_UNSYNCED = Row("the same, slapd told not to sync to disk", "s", against="slapd replica")
CHANGE_MEDIAN = Row("change in slapd readable, median, under load", "ms", at_most=100)
CHANGE_P99 = Row("change in slapd readable, p99, under load", "ms", at_most=500)
RESTART = Row("restart until the first search is answered", "s", at_most=2)
MEMORY = "resident memory"
MEMORY_MEBIBYTES, MEMORY_OF_A_MILLION_MEBIBYTES = 200, 400


def cold_start(stage: Stage) -> Iterator[Measured]:
    """Against a slapd that replicates the same provider from nothing."""
    seconds = {}
    for durable in (False, True):
        replica, took = start_replica(stage.directory / f"replica-{durable}", stage.pki, stage.provider, durable=durable)
        replica.end()
        seconds[durable] = took
    gateway = stage.load_seconds
    if gateway is None:  # prepared by another run: then load it once more, to throw it away
        folder = stage.directory / "cold"
        folder.mkdir()
        loaded = Gateway(folder, stage.provider, stage.pki)
        gateway = loaded.load(stage.size, stage.generator)
        loaded.stop()
    yield Measured(COLD_START, seconds[True], gateway)
    yield Measured(COLD_START_UNSYNCED, seconds[False], gateway)


def change(stage: Stage) -> Iterator[Measured]:
    times = propagation_ms(stage, stage.gateway().endpoint)
    yield Measured(CHANGE_MEDIAN, None, percentile(times, 0.5))
    yield Measured(CHANGE_P99, None, percentile(times, 0.99))


def propagation_ms(stage: Stage, target: Endpoint) -> Sequence[float]:
    """Milliseconds from sending a change to the provider until the target shows it, under a search load; sorted.

    The load keeps 8 connections busy without a pause. Each change waits for the one before.
    """
    load = Load(filter_template=EQUALITY, range=stage.size.people, connections=8, seconds=3600)
    chosen = random.Random(1)
    writer, reader = stage.provider.connect(), connect(target)
    times: list[float] = []
    with stage.generator.background(target, load):
        for number in range(stage.effort.changes):
            person, title = chosen.randrange(stage.size.people), f"Title {time.time_ns()}"
            began = time.monotonic()
            writer.modify(person_dn(person, ORGANIZATIONS), {"title": [("MODIFY_REPLACE", [title])]})
            visible = partial(shows_title, reader, target.base, person, title)
            wait_until(visible, f"change {number} is visible", poll_seconds=0.001)
            times.append((time.monotonic() - began) * 1000)
    reader.unbind()
    return sorted(times)


def shows_title(connection: Any, base: str, person: int, title: str) -> bool:
    return ask(connection, base, f"(uid=user{person:06d})", "SUBTREE", "title") == [[title.encode()]]


def memory(stage: Stage) -> Iterator[Measured]:
    """After what has been measured before, and at least after a walk and some point searches."""
    pair = stage.slapd, stage.gateway()
    for contender in pair:
        stage.generator.run(contender.endpoint, Load(requests=1))
        stage.generator.run(contender.endpoint, stage.timed(EQUALITY, 64))
    most = MEMORY_MEBIBYTES if stage.size.people <= 100_000 else MEMORY_OF_A_MILLION_MEBIBYTES
    row = Row(f"{MEMORY} after that load", "MiB", at_most=most)
    yield Measured(row, resident_mebibytes(pair[0].pid()), resident_mebibytes(pair[1].pid()))


def restart(stage: Stage) -> Iterator[Measured]:
    yield Measured(RESTART, restart_seconds(stage.slapd, stage), restart_seconds(stage.gateway(PLAIN), stage))


def restart_seconds(contender: Contender, stage: Stage) -> float:
    """From starting the program again to the answer of a first search, over a connection made for it."""
    contender.stop()
    began = time.monotonic()
    contender.start()
    filter_text = f"(uid=user{stage.size.people // 2:06d})"
    wait_until(lambda: finds(contender.endpoint, filter_text), f"{contender.name} answers after a restart", poll_seconds=0.01)
    return time.monotonic() - began
