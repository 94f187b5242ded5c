"""The bench from beginning to end; see `scripts/bench --help`."""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from scripts.benchmark.load_generator.load import LoadError
from scripts.benchmark.measure import Measured
from scripts.benchmark.rows import crowds, domain, internals, lifecycle, searches, writes
from scripts.benchmark.servers.contenders import BenchError
from scripts.benchmark.servers.prepared import Prepared
from scripts.benchmark.servers.sample import Size
from scripts.benchmark.stage import Effort, Stage
from scripts.benchmark.table import as_json, markdown, number
from tests.servers.processes import ServerFailedError, program

MEASUREMENTS: Mapping[str, Callable[[Stage], Iterator[Measured]]] = {
    "cold-start": lifecycle.cold_start,
    "equality": searches.equality,
    "filters": searches.filters,
    "groups": searches.groups,
    "in-chain": searches.in_chain,
    "in-chain-samba": searches.in_chain_samba,
    "substring": searches.substring,
    "substring-unindexed": searches.substring_unindexed,
    "subtree": searches.subtree,
    "paged": searches.paged,
    "tls": searches.tls,
    "application-binds": crowds.application_binds,
    "pass-through": crowds.pass_through,
    "change": lifecycle.change,
    "modify": writes.modifies,
    "domain": domain.domain,
    "memory": lifecycle.memory,
    "restart": lifecycle.restart,
    # From here on the gateway is restarted for the row, some with another configuration
    "idle": crowds.idle,
    "slow-readers": crowds.slow_readers,
    "local-password-binds": crowds.local_password_binds,
    "ad": searches.ad_filter,
    "workers": crowds.workers,
    "internals": internals.internals,
}
"""The measurements by name, in the order in which they are made."""

LARGE = 200_000
ONLY_WHEN_NAMED = frozenset({"internals"})
"""Not about slapd: asked for when gateway.twisted_internals or Twisted has changed."""
NOT_WHEN_LARGE = frozenset({"cold-start"})  # two slapd replicas of so many take the better part of an hour


@click.command()
@click.option("--people", default=100_000, show_default=True)
@click.option("--groups", type=int, help="Groups of people; above them stand groups of groups.  [default: one for 100 people]")
@click.option("--members", default=100, show_default=True, help="Members of each group.")
@click.option("--seconds", default=3.0, show_default=True, help="How long each search measurement runs.")
@click.option("--repeats", default=3, show_default=True, help="How often each search is measured; the median counts.")
@click.option("--changes", default=200, show_default=True, help="Changes made for the propagation times.")
@click.option("--idle-connections", default=10_000, show_default=True)
@click.option("--slow-readers", default=200, show_default=True)
@click.option("--samba-people", default=2_000, show_default=True, help="A Samba AD takes minutes for more.")
@click.option("--only", help=f"Measure these, separated by commas: {', '.join(MEASUREMENTS)}.")
@click.option("--skip", default="", help="Measure all but these.")
@click.option("--cache", type=click.Path(path_type=Path), help="Keep loaded data in this folder, and use what is there.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the results to this file, too.")
def main(
    people: int,
    groups: int | None,
    members: int,
    seconds: float,
    repeats: int,
    changes: int,
    idle_connections: int,
    slow_readers: int,
    samba_people: int,
    only: str | None,
    skip: str,
    cache: Path | None,
    json_file: Path | None,
) -> None:
    """Measure slapd and the gateway on one generated directory and print a table with ratios.

    Ends with status 1 when a target was missed, or a measurement could not be made."""
    names = chosen(only, skip, people)
    allow_open_files(idle_connections)
    size = Size(people, max(1, people // 100) if groups is None else groups, members)
    samba = Size(samba_people, max(1, samba_people // 10), 10)
    effort = Effort(seconds, repeats, changes, idle_connections, slow_readers, samba)
    say(machine())
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as end:
        stage = Stage(Path(folder), size, effort, Prepared(cache), end, say)
        rows, failures = measure(stage, names)
    click.echo(markdown(rows))
    for failure in failures:
        say(failure)
    if json_file:
        circumstances = {"machine": machine(), "people": people, "groups": size.groups, "failures": failures}
        json_file.write_text(as_json(rows, circumstances) + "\n")
    sys.exit(bool(failures) or any(one.reached is False for one in rows))


def chosen(only: str | None, skip: str, people: int) -> list[str]:
    """The measurements that are wanted, in our order. Raises BadParameter for a name that is none."""
    wanted, unwanted = (set(filter(None, (text or "").split(","))) for text in (only, skip))
    for name in wanted | unwanted:
        if name not in MEASUREMENTS:
            raise click.BadParameter(f"{name} is none of: {', '.join(MEASUREMENTS)}")
    if not wanted:
        wanted = set(MEASUREMENTS) - ONLY_WHEN_NAMED - (NOT_WHEN_LARGE if people > LARGE else frozenset())
    return [name for name in MEASUREMENTS if name in wanted - unwanted]


def measure(stage: Stage, names: list[str]) -> tuple[list[Measured], list[str]]:
    """The rows, and a sentence for each measurement that could not be made: the others are made nevertheless."""
    rows: list[Measured] = []
    failures: list[str] = []
    for name in names:
        try:
            for one in MEASUREMENTS[name](stage):
                rows.append(one)
                say(progress(one))
        except (BenchError, LoadError, ServerFailedError, subprocess.CalledProcessError) as error:
            failures.append(f"{name} could not be measured: {error}")
            say(failures[-1])
    return rows, failures


def progress(one: Measured) -> str:
    """One measurement while the others are still running, with the spread that its medians come from."""
    spread = "".join(f"; {number(low)} to {number(high)}" for low, high in one.spread or ())
    return f"{one.row.name}: {number(one.yardstick)} and {number(one.gateway)} {one.row.unit}{spread}"


def allow_open_files(connections: int) -> None:
    """Raise the limit that our children inherit as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < connections + 500:
        say(f"only {hard} files may be open at a time: {connections} idle connections will not fit (ulimit -Hn)")


def machine() -> str:
    """Return the machine and the versions: two runs can only be compared when this is the same."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    printed = subprocess.run([program("slapd", "slapd"), "-VV"], capture_output=True, text=True).stderr
    slapd = re.search(r"slapd \S+", printed)
    names = [found.group(group) if found else "unknown" for found, group in ((cpu, 1), (slapd, 0))]
    return f"{os.cpu_count()} × {names[0]}; Python {platform.python_version()}; {names[1]}"


def say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
