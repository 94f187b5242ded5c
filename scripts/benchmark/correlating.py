"""Records of a second source against the users of a first one, through the door alone: how long it takes, what it holds in
memory, whether it grows in proportion. `python -m scripts.benchmark.correlating 25000 50000 100000`; each size in a process."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.model.deltas import Batch, Delta, DeltaType
from gateway.model.objects import Kind
from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from gateway.store.objects import users
from gateway.sync.backfill import correlation_keys
from gateway.sync.inbound import Inbound, InboundSettings
from gateway.sync.rules import correlation_syntax
from gateway.sync.rules.correlation import KindRules

AT_ONCE: Final = 1_000  # deltas of a batch, as the connectors make them
AT_MOST_SECONDS: Final = 60.0
AT_MOST_MEBIBYTES: Final = 300.0
RULES: Final = ("employee_number = employee_number", "email = lower(email)", "username = lower(split(email, '@', 1))")
"""Two in three records find their user by the first, the others by the second or the third."""


def main(arguments: list[str]) -> int:
    """Measure each size; 1 when one of them takes too much."""
    if arguments[:1] == ["--one"]:
        measure(int(arguments[1]))
        return 0
    print(f"{'records':>9} {'seconds':>8} {'µs/record':>10} {'MiB':>6}   (first source: seconds)")
    worst = 0
    for size in arguments or ["25000", "50000", "100000"]:
        command = [sys.executable, "-m", "scripts.benchmark.correlating", "--one", size]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        loading, seconds, mebibytes = map(float, done.stdout.split())
        print(f"{size:>9} {seconds:8.1f} {seconds / int(size) * 1e6:10.0f} {mebibytes:6.0f}   ({loading:.1f})", flush=True)
        worst |= int(int(size) == 100_000 and (seconds > AT_MOST_SECONDS or mebibytes > AT_MOST_MEBIBYTES))
    return worst


def measure(size: int) -> None:
    """Print the seconds of the first source, those of the second, and the highest resident memory."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder)}/store.sqlite")
        migrate(database)
        correlation = {Kind.USER: KindRules(tuple(correlation_syntax.parse(text) for text in RULES))}
        correlation_keys.fill(database.write_blocking, correlation_syntax.names([correlation]))
        first = Inbound("corp", "ldap")
        second = Inbound("hr", "ldap", InboundSettings(correlation=correlation))
        loading = _apply(database, first, (_of_corp(number) for number in range(size)))
        seconds = _apply(database, second, (_of_hr(number) for number in range(size)))
        found = database.read_blocking(users.count)
        database.close()
    if found != size:
        raise SystemExit(f"{found} users of {size} people: not every record was linked")
    print(loading, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _apply(database: Database, door: Inbound, deltas: Iterator[Delta]) -> float:
    began = time.monotonic()
    batch: list[Delta] = []
    for delta in deltas:
        batch.append(delta)
        if len(batch) == AT_ONCE:
            _write(database, door, Batch(tuple(batch)))
            batch = []
    _write(database, door, Batch(tuple(batch), caught_up=True))
    return time.monotonic() - began


def _write(database: Database, door: Inbound, batch: Batch) -> None:
    database.write_blocking(lambda connection: door.apply(connection, batch))


def _of_corp(number: int) -> Delta:
    name = f"user{number:06}"
    attributes = {
        "username": (name,),
        "common_name": (f"Person {number}",),
        "family_name": (f"Family {number % 5_000}",),
        "given_name": (f"Given {number % 2_000}",),
        "title": ("Engineer",),
        **({"employee_number": (f"E{number}",)} if number % 3 else {}),
        **({"email": (f"{name}@example.com",)} if number % 2 else {}),
    }
    return Delta(DeltaType.UPSERT, Kind.USER, f"c{number}", f"uid={name},ou=people,dc=example,dc=com", attributes)


def _of_hr(number: int) -> Delta:
    attributes = {
        "employee_number": (f" e{number} ",),
        "email": (f"USER{number:06}@EXAMPLE.COM",),
        "department": (f"Department {number % 300}",),
        "mobile_number": (f"+49 30 {number}",),
    }
    return Delta(DeltaType.UPSERT, Kind.USER, f"h{number}", "", attributes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
