"""The rows with other clients at the same time: people who bind, idle connections, slow readers, workers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from scripts.benchmark.load_generator.load import Endpoint, Load, LoadError, LoadResult
from scripts.benchmark.measure import Measured, Row, resident_mebibytes
from scripts.benchmark.rows.lifecycle import restart_seconds
from scripts.benchmark.rows.searches import EQUALITY, per_second
from scripts.benchmark.servers import sample
from scripts.benchmark.servers.contenders import BenchError, Contender
from scripts.benchmark.servers.gateway_side import PEOPLE, PLAIN, Setup
from scripts.benchmark.stage import Stage

LOCAL_ADDRESSES = 16  # a server may bound the connections of one address
WITHOUT_UPSTREAM_PASSWORDS = Setup(variables={"GATEWAY_SOURCE__PROVIDER__AUTHENTICATION": "false"})
WORKERS = 2
WITH_WORKERS = Setup(variables={"GATEWAY_LDAP__WORKERS": str(WORKERS)})
BINDING_CONNECTIONS = 4
SEARCHES_P99_MILLISECONDS = 20.0  # while others bind
SLOW_BYTES = 64 * 1024  # a second: a client behind a thin line
SLOW_READER_MEBIBYTES = 1.25  # four slices and one chunk of output, 256 KiB each: gateway/frontends/ldap/core/limits.py
SETTLE_SECONDS = 2.0


def application_binds(stage: Stage) -> Iterator[Measured]:
    """Searches while applications bind with their secret, over and over."""
    slapd, gateway = stage.slapd, stage.gateway()
    yield from beside_binds(stage, "applications bind", (slapd, slapd.endpoint), (gateway, gateway.endpoint))


def local_password_binds(stage: Stage) -> Iterator[Measured]:
    """Searches while people bind with a password that is an argon2id hash, here as in slapd (module argon2)."""
    gateway, password = stage.gateway(WITHOUT_UPSTREAM_PASSWORDS), "a local password"
    login = "user000001"
    try:
        stage.installation.command(WITHOUT_UPSTREAM_PASSWORDS, "user", "set-password", login, typed=f"{password}\n")
    except subprocess.CalledProcessError as error:
        raise BenchError(f"gateway user set-password: {error.stderr.strip()}") from None
    person = replace(gateway.endpoint, bind_dn=(PEOPLE[PLAIN.view] % 1), password=password)
    hashed = replace(stage.slapd.endpoint, bind_dn=sample.HASHED_DN, password=sample.HASHED_PASSWORD)
    yield from beside_binds(stage, "people bind (argon2id)", (stage.slapd, hashed), (gateway, person))


def beside_binds(
    stage: Stage, what: str, slapd: tuple[Contender, Endpoint], gateway: tuple[Contender, Endpoint]
) -> Iterator[Measured]:
    """p50 and p99 of point searches on 8 connections, and how many binds there were meanwhile."""
    results = [_beside_binds(stage, *side) for side in (slapd, gateway)]

    (slapd_searches, slapd_binds), (searches, binds) = results
    rows = (
        (Row(f"point searches while {what}, p50", "ms"), "p50_us"),
        (Row(f"point searches while {what}, p99", "ms", at_most=SEARCHES_P99_MILLISECONDS), "p99_us"),
    )
    for row, value in rows:
        yield Measured(row, _milliseconds(slapd_searches, value), _milliseconds(searches, value))
    yield Measured(Row("those binds", "per s"), slapd_binds.per_second, binds.per_second)


def _milliseconds(results: list[LoadResult], value: str) -> float:
    """The median of a number of microseconds."""
    return float(median(getattr(one, value) for one in results)) / 1000


def _beside_binds(stage: Stage, contender: Contender, who: Endpoint) -> tuple[list[LoadResult], LoadResult]:
    binds = Load(mode="bind", connections=BINDING_CONNECTIONS, seconds=3600)
    search = stage.timed(EQUALITY, expect_entries=1)
    with stage.generator.background(who, binds) as running:
        results = [stage.generator.run(contender.endpoint, replace(search, seed=n)) for n in range(stage.effort.repeats)]
    return results, running.result()


def pass_through(stage: Stage) -> Iterator[Measured]:
    """Binds as random people: the gateway and back-ldap ask the same slapd."""
    gateway = stage.gateway()

    def load(person: str) -> Load:
        return stage.timed("", mode="bind", person_dn=person, person_password=sample.PERSON_PASSWORD)

    sides = (stage.proxy, load(sample.PERSON_DN)), (gateway.endpoint, load(gateway.person))
    row = Row("pass-through bind, 8 connections", "per s", at_least_ratio=1.0, against="slapd back-ldap")
    yield stage.compare(row, sides, per_second)


def idle(stage: Stage) -> Iterator[Measured]:
    """Bound connections that say nothing, to programs that were started for it and have seen some work."""
    count = stage.effort.idle_connections
    row = Row(f"{count:,} idle connections, each", "KiB", at_most=20)
    slapd, gateway = (_idle_kibibytes(stage, contender, count) for contender in (stage.slapd, stage.gateway()))
    yield Measured(row, slapd, gateway)


def _idle_kibibytes(stage: Stage, contender: Contender, count: int) -> float:
    restart_seconds(contender, stage)
    stage.generator.run(contender.endpoint, stage.timed(EQUALITY, 64))
    before = resident_mebibytes(contender.pid())
    load = Load(mode="idle", connections=count, local_addresses=LOCAL_ADDRESSES, seconds=3600)
    with stage.generator.background(contender.endpoint, load):
        time.sleep(min(SETTLE_SECONDS, stage.effort.seconds))
        return (resident_mebibytes(contender.pid()) - before) * 1024 / count


def slow_readers(stage: Stage) -> Iterator[Measured]:
    """Point searches while others take a whole subtree a little at a time."""
    count = stage.effort.slow_readers
    beside = f"beside {count} slow readers of the whole subtree"
    gateway = _beside_slow_readers(stage, stage.gateway(), count)
    try:
        slapd: tuple[float | None, ...] = _beside_slow_readers(stage, stage.slapd, count)
    except LoadError as error:
        stage.say(f"slapd {beside}: {error}")
        slapd = (None, None, None)
    rows = (
        Row(f"point searches {beside}, p50", "ms"),
        Row(f"point searches {beside}, p99", "ms", at_most=50),
        Row(f"memory taken {beside}", "MiB", at_most=count * SLOW_READER_MEBIBYTES),
    )
    yield from map(Measured, rows, slapd, gateway)


def _beside_slow_readers(stage: Stage, contender: Contender, count: int) -> tuple[float, float, float]:
    """p50 and p99 in milliseconds, and by how many MiB the process grew at most."""
    restart_seconds(contender, stage)
    search = stage.timed(EQUALITY, expect_entries=1)
    stage.generator.run(contender.endpoint, search)
    before = resident_mebibytes(contender.pid())
    slow = Load(connections=count, local_addresses=LOCAL_ADDRESSES, read_bytes=SLOW_BYTES, seconds=3600)
    with stage.generator.background(contender.endpoint, slow):
        time.sleep(min(SETTLE_SECONDS, stage.effort.seconds))
        results, sizes = [], []
        for turn in range(stage.effort.repeats):
            results.append(stage.generator.run(contender.endpoint, replace(search, seed=turn + 1)))
            sizes.append(resident_mebibytes(contender.pid()))
    return _milliseconds(results, "p50_us"), _milliseconds(results, "p99_us"), max(sizes) - before


def workers(stage: Stage) -> Iterator[Measured]:
    """The same gateway with worker processes beside one without, the load generator on the same cores."""
    loads = {
        "8 connections": stage.timed(EQUALITY, 8, expect_entries=1),
        "64 connections": stage.timed(EQUALITY, 64, expect_entries=1),
        "8 connections, 16 in flight each": stage.timed(EQUALITY, 8, 16, expect_entries=1),
    }

    def rates(setup: Setup) -> list[list[float]]:
        endpoint = stage.gateway(setup).endpoint
        turns = range(stage.effort.repeats)
        return [[stage.generator.run(endpoint, replace(load, seed=n + 1)).per_second for n in turns] for load in loads.values()]

    for name, one, several in zip(loads, rates(PLAIN), rates(WITH_WORKERS), strict=True):
        row = Row(
            f"{WORKERS} workers, equality search, {name}", "per s", at_least_ratio=1.0, against="the gateway, one process"
        )
        yield Measured(row, median(one), median(several), ((min(one), max(one)), (min(several), max(several))))
