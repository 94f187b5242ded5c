"""The load generator as seen from Python: compiled on the spot, run against an endpoint, its answer as a value.

A run with errors is no measurement: it raises.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

from tests.servers.processes import program

SOURCES = Path(__file__).parent
PASSWORD_VARIABLE = "LOADGEN_PASSWORD"  # the variable's name, not a password


class LoadError(RuntimeError):
    """The generator could not be built, or the server did not answer as it should have."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An LDAP server, who asks it, and where the whole directory hangs. `tls`: the port speaks LDAPS."""

    port: int
    bind_dn: str
    password: str = field(repr=False)
    base: str
    host: str = "127.0.0.1"
    tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One run: a random number below `range` is written over %06d; with `requests` it ends after that many.

    `mode`: search, climb, bind, modify or idle; what they mean, and the rest, is the usage text in options.c.
    """

    filter_template: str = "(objectClass=*)"
    attributes: str = ""
    mode: str = "search"
    connections: int = 1
    in_flight: int = 1
    range: int = 1
    seconds: float = 3
    warmup: float = 0
    requests: int = 0
    expect_entries: int = -1
    page_size: int = 0
    person_dn: str = ""
    person_password: str = field(default="", repr=False)
    read_bytes: int = 0
    local_addresses: int = 0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The generator's counts. Latencies in microseconds; client_cpu_seconds near `seconds` would mean a busy client."""

    requests: int
    entries: int
    bytes: int
    seconds: float
    per_second: float
    entries_per_second: float
    p50_us: float
    p99_us: float
    max_us: float
    errors: int
    client_cpu_seconds: float
    first_error: str


@dataclass(slots=True)
class Running:
    """A load in the background."""

    process: subprocess.Popen[str]
    printed: str = ""

    def result(self) -> LoadResult:
        """Return its counts, once the block is left. Raises LoadError as a run does."""
        return read_result(self.printed)


class LoadGenerator:
    """The compiled program."""

    def __init__(self, directory: Path) -> None:
        self._program = directory / "loadgen"
        sources = sorted(str(path) for path in SOURCES.glob("*.c"))
        command = [program("gcc", "gcc"), "-O2", "-Wall", "-Wextra", "-o", str(self._program), *sources, "-lssl", "-lcrypto"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise LoadError(f"the load generator does not compile:\n{done.stderr}")

    def run(self, endpoint: Endpoint, load: Load) -> LoadResult:
        """Run to the end. Raises LoadError when the server closed, refused, or returned another number of entries."""
        done = subprocess.run(self._command(endpoint, load), env=environment(endpoint), capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise LoadError(done.stderr.strip())
        return read_result(done.stdout)

    @contextmanager
    def background(self, endpoint: Endpoint, load: Load) -> Iterator[Running]:
        """Keep the load up while the block runs, which begins when all connections are open; LoadError when it broke off."""
        process = subprocess.Popen(
            self._command(endpoint, load),
            env=environment(endpoint),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running = Running(process)
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise LoadError(f"the load in the background did not begin: {process.communicate()[1].strip()}")
            yield running
            if process.poll() is not None:
                raise LoadError(f"the load in the background ended early: {process.communicate()[0].strip()}")
            process.terminate()
            running.printed = process.communicate()[0]
        finally:
            process.kill()
            process.wait()

    def _command(self, endpoint: Endpoint, load: Load) -> list[str]:
        command = [str(self._program), "--host", endpoint.host, "--port", str(endpoint.port), "--tls", str(int(endpoint.tls))]
        command += ["--base", endpoint.base]
        command += ["--bind-dn", endpoint.bind_dn, "--password-env", PASSWORD_VARIABLE]
        for option in fields(load):
            command += [f"--{option.name.replace('_', '-')}", str(getattr(load, option.name))]
        return command


def environment(endpoint: Endpoint) -> dict[str, str]:
    return {**os.environ, PASSWORD_VARIABLE: endpoint.password}


def read_result(printed: str) -> LoadResult:
    """The last line that the generator printed. Raises LoadError when it reports errors."""
    result = LoadResult(**json.loads(printed.splitlines()[-1]))
    if result.errors:
        raise LoadError(f"{result.errors} errors in {result.requests} answers: {result.first_error}")
    return result
