"""The bench from beginning to end; see `scripts/bench --help`."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from scripts.benchmark.contenders import ORGANIZATIONS, Contender, Size, as_contender, start_replica, start_slapd
from scripts.benchmark.gateway_side import start_gateway
from scripts.benchmark.load import LoadGenerator
from scripts.benchmark.measure import (
    Measured,
    Row,
    compare,
    percentile,
    propagation_ms,
    resident_mebibytes,
    restart_seconds,
    search_rows,
)
from scripts.benchmark.table import markdown, number
from tests.servers import pki
from tests.servers.processes import program
from tests.servers.slapd import Slapd

COLD_START = Row("cold start, empty store, until all are searchable", "s", at_most_ratio=0.5)
COLD_START_UNSYNCED = Row("the same, slapd told not to sync to disk", "s")
CHANGE_MEDIAN = Row("change in slapd readable, median, under load", "ms", at_most=100)
CHANGE_P99 = Row("change in slapd readable, p99, under load", "ms", at_most=500)
MEMORY = Row("resident memory after that load", "MiB", at_most=200)
RESTART = Row("restart until the first search is answered", "s", at_most=2)


@click.command()
@click.option("--people", default=100_000, show_default=True)
@click.option("--groups", default=1_000, show_default=True)
@click.option("--members", default=100, show_default=True, help="Members of each group.")
@click.option("--seconds", default=3.0, show_default=True, help="How long each search measurement runs.")
@click.option("--repeats", default=3, show_default=True, help="How often each search is measured; the median counts.")
@click.option("--changes", default=200, show_default=True, help="Changes made for the propagation times.")
@click.option("--slapd-only", is_flag=True, help="Measure a slapd replica in the gateway's place: a test of the bench.")
def main(people: int, groups: int, members: int, seconds: float, repeats: int, changes: int, slapd_only: bool) -> None:
    """Measure slapd and the gateway on one generated directory and print a table with ratios.

    Ends with status 1 when a target was missed."""
    size = Size(people, groups, members)
    with ExitStack() as end, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        directory = Path(folder)
        generator = LoadGenerator(directory)
        for name in ("pki", "gateway"):
            (directory / name).mkdir()
        authority = pki.create(directory / "pki")
        say(machine())
        say(f"loading {size.people:,} people and {size.groups:,} groups of {size.members} into slapd")
        provider = start_slapd(directory / "provider", authority, size)
        end.callback(provider.end)
        replica, unsynced_seconds = start_replica(directory / "replica", authority, provider)
        end.callback(replica.end)
        say(f"a slapd replica that does not sync to disk took {number(unsynced_seconds)} s")
        rows = []
        if slapd_only:
            second = as_contender(replica, "replica", unsynced_seconds)
        else:
            replica.end()
            durable, durable_seconds = start_replica(directory / "durable", authority, provider, durable=True)
            durable.end()
            say(f"one as it is by default took {number(durable_seconds)} s; starting the gateway with an empty store")
            second = start_gateway(directory / "gateway", provider, size, generator)
            end.callback(second.stop)
            rows.append(Measured(COLD_START, durable_seconds, second.start_seconds))
        rows.append(Measured(COLD_START_UNSYNCED, unsynced_seconds, second.start_seconds))
        pair = (as_contender(provider), second)
        for one in measurements(provider, pair, generator, size, seconds, repeats, changes):
            rows.append(one)
            say(progress(one))
    click.echo(markdown(rows, (pair[0].name, pair[1].name)))
    sys.exit(any(one.reached is False for one in rows))


def measurements(
    provider: Slapd,
    pair: tuple[Contender, Contender],
    generator: LoadGenerator,
    size: Size,
    seconds: float,
    repeats: int,
    changes: int,
) -> Iterator[Measured]:
    """Everything after the cold start, one row after the other."""
    for row in search_rows(size, seconds):
        yield compare(row, pair, generator, size, repeats)
    times = propagation_ms(provider, pair[1].endpoint, generator, size, changes, ORGANIZATIONS)
    yield Measured(CHANGE_MEDIAN, None, percentile(times, 0.5))
    yield Measured(CHANGE_P99, None, percentile(times, 0.99))
    yield Measured(MEMORY, resident_mebibytes(pair[0].pid()), resident_mebibytes(pair[1].pid()))
    yield Measured(RESTART, restart_seconds(pair[0], size), restart_seconds(pair[1], size))


def progress(one: Measured) -> str:
    """One measurement while the others are still running, with the spread that its medians come from."""
    spread = "".join(f"; {number(low)} to {number(high)}" for low, high in one.spread or ())
    return f"{one.row.name}: {number(one.yardstick)} and {number(one.gateway)} {one.row.unit}{spread}"


def machine() -> str:
    """What it ran on: two runs can only be compared when this is the same."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    printed = subprocess.run([program("slapd", "slapd"), "-VV"], capture_output=True, text=True).stderr
    slapd = re.search(r"slapd \S+", printed)
    names = [found.group(group) if found else "unknown" for found, group in ((cpu, 1), (slapd, 0))]
    return f"{os.cpu_count()} × {names[0]}; Python {platform.python_version()}; {names[1]}"


def say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
