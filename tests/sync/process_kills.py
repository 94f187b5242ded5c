"""Law 2, the hard way: a process that applies batches is killed (SIGKILL) at a random moment, again and again. After each death
the store must hold exactly the batches up to its watermark, and its log must tell how it came to that."""

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gateway.model.deltas import Delta
from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from tests.sync.synced_store import UNGUARDED, Directory, Store
from tests.sync.upstream import Upstream

BATCHES = 40
STEPS_IN_A_BATCH = 60
MOST_BATCHES_OF_A_LIFE = 10
LEAST_SHARE = 0.5
"""The share of rounds that must have been killed between two commits for the run to have shown anything."""


@dataclass
class Tally:
    """Counts: `deaths` of processes, how many of them came `between` two commits (something was committed before, and something
    was left to do), how many histories were `finished`."""

    deaths: int = 0
    between: int = 0
    finished: int = 0

    def complaint(self) -> str:
        """Return why the run has shown nothing, "" when it has."""
        if self.between >= LEAST_SHARE * self.deaths and self.deaths:
            return ""
        return f"only {self.between} of {self.deaths} kills fell between two commits: nothing is shown by that; run it again"


def history(seed: int) -> list[list[Delta]]:
    """Batches that a directory server might report, the same for the same seed."""
    upstream = Upstream(random.Random(seed))
    return [[delta for _ in range(STEPS_IN_A_BATCH) for delta in upstream.step()] for _ in range(BATCHES)]


def apply_from_watermark(url: str, batches: list[list[Delta]], committed: Callable[[], object]) -> None:
    """Apply the batches from the store's watermark on; the process that is killed does this."""
    store = Store(Database(url), settings=UNGUARDED)
    for number in range(_reached(store), len(batches)):
        store.apply(*batches[number], watermark=str(number + 1).encode())
        committed()


def kill_rounds(url: Callable[[], str], rounds: int, seed: int) -> Tally:
    """Kill `rounds` processes; `url()` gives an empty store whenever one was filled. An AssertionError tells a broken law."""
    choose = random.Random(seed)
    batches = history(seed)
    expected = _expected(batches)
    tally = Tally()
    store_url = _empty(url())
    reached = 0
    for _ in range(rounds):
        was_killed = _live_and_die(store_url, batches, choose.randint(0, MOST_BATCHES_OF_A_LIFE), choose.random())
        tally.deaths += was_killed
        before, reached = reached, _verify(store_url, expected)
        assert reached >= before, "a committed batch was lost"
        tally.between += was_killed and before < reached < len(batches)
        if reached == len(batches):
            tally.finished += 1
            store_url, reached = _empty(url()), 0
    return tally


def _live_and_die(url: str, batches: list[list[Delta]], commits: int, share: float) -> bool:
    """Kill a process that applies batches after so many `commits`, and a `share` of the time that the last of them took; return
    whether it was still at work. However busy the machine is, the process comes to its work before it dies.

    No database is open in this process while it forks: SQLite's locks would not survive that."""
    progress, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(progress)
            os.write(told, b"x")
            apply_from_watermark(url, batches, lambda: os.write(told, b"x"))
        finally:
            os._exit(0)
    os.close(told)
    took = 0.0
    for _ in range(1 + commits):
        began = time.monotonic()
        os.read(progress, 1)  # nothing any more, once the process has ended
        took = time.monotonic() - began
    time.sleep(share * took)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(progress)
    return os.WIFSIGNALED(status)


def _verify(url: str, expected: list[str]) -> int:
    database = Database(url)
    store = Store(database)
    try:
        reached = _reached(store)
        assert [change.number for change in store.log(0)] == list(range(1, store.last() + 1)), "the log has a gap"
        found = store.directory()
        assert _fingerprint(found) == expected[reached], f"the store is not what {reached} batches make"
        assert store.replayed() == found, "the log does not tell the present state"
        return reached
    finally:
        database.close()


def _reached(store: Store) -> int:
    watermark = store.database.read_blocking(Store(store.database, settings=UNGUARDED).door().watermark)
    return int(watermark or b"0")


def _expected(batches: list[list[Delta]]) -> list[str]:
    """The fingerprint of the directory after each number of batches."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Database(_empty(f"sqlite:///{Path(folder)}/expected.db")), settings=UNGUARDED)
        fingerprints = [_fingerprint(store.directory())]
        for batch in batches:
            store.apply(*batch)
            fingerprints.append(_fingerprint(store.directory()))
        store.database.close()
    return fingerprints


def _empty(url: str) -> str:
    database = Database(url)
    migrate(database)
    database.close()
    return url


def _fingerprint(found: Directory) -> str:
    members = {name: sorted(held) for name, held in found.members.items()}
    attributes = {name: sorted(held.items()) for name, held in found.attributes.items()}
    shown = [sorted(found.users.items()), sorted(found.organizations), sorted(members.items()), sorted(attributes.items())]
    return sha256(repr(shown).encode()).hexdigest()
