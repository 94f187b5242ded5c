"""The writer of a process: writes that wait at the same time are committed together, through the door for what is
written here."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from twisted.internet.defer import Deferred

from gateway.store.engine.database import Database
from gateway.store.engine.group_commit import GroupCommit
from gateway.sync.local import write_group
from gateway.sync.local.source import LocalDoor, LocalWrite, Written


class Writer:
    """The writes of all connections of a process. `now` gives aware UTC times."""

    def __init__(self, database: Database, door: LocalDoor, now: Callable[[], datetime]) -> None:
        self.door = door
        self.now = now
        self._commits: GroupCommit[LocalWrite, Written] = GroupCommit(database, partial(write_group.carry_out, door))

    def write(self, work: LocalWrite) -> "Deferred[Written]":
        """Carry out a write, together with those that wait at the same time. Fires after the commit, or fails as it does."""
        return self._commits.write(work)
