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
    """An LDAP server on loopback, who asks it, and where the whole directory hangs."""

    port: int
    bind_dn: str
    password: str = field(repr=False)
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One run. `number` random requests below it are written over %06d; with `requests` the run ends after that many."""

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
    seed: int = 1


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What the generator counted. Latencies in microseconds; client_cpu_seconds near `seconds` would mean a busy client."""

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


class LoadGenerator:
    """The compiled program."""

    def __init__(self, directory: Path) -> None:
        self._program = directory / "loadgen"
        sources = sorted(str(path) for path in SOURCES.glob("*.c"))
        command = [program("gcc", "gcc"), "-O2", "-Wall", "-Wextra", "-o", str(self._program), *sources]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise LoadError(f"the load generator does not compile:\n{done.stderr}")

    def run(self, endpoint: Endpoint, load: Load) -> LoadResult:
        """Run to the end. Raises LoadError when the server closed, refused, or returned another number of entries."""
        done = subprocess.run(self._command(endpoint, load), env=environment(endpoint), capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise LoadError(done.stderr.strip())
        result = LoadResult(**json.loads(done.stdout))
        if result.errors:
            raise LoadError(f"{result.errors} errors in {result.requests} answers from {endpoint}: {result.first_error}")
        return result

    @contextmanager
    def background(self, endpoint: Endpoint, load: Load) -> Iterator[subprocess.Popen[bytes]]:
        """Keep the load up while the block runs; LoadError when it broke off before."""
        running = subprocess.Popen(
            self._command(endpoint, load), env=environment(endpoint), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            yield running
            if running.poll() is not None:
                raise LoadError("the load in the background ended early")
        finally:
            running.kill()
            running.communicate()

    def _command(self, endpoint: Endpoint, load: Load) -> list[str]:
        command = [str(self._program), "--port", str(endpoint.port), "--base", endpoint.base]
        command += ["--bind-dn", endpoint.bind_dn, "--password-env", PASSWORD_VARIABLE]
        for option in fields(load):
            command += [f"--{option.name.replace('_', '-')}", str(getattr(load, option.name))]
        return command


def environment(endpoint: Endpoint) -> dict[str, str]:
    return {**os.environ, PASSWORD_VARIABLE: endpoint.password}
